"""How the servers that are compared with read a Redis channel."""

from bench.peers.servers.subscription import Lines

MESSAGE = b'*3\r\n$7\r\nmessage\r\n$5\r\nbench\r\n$9\r\n{"rev":1}\r\n'


def test_messages_are_whole_however_the_bytes_come() -> None:
    for size in range(1, 2 * len(MESSAGE)):
        lines, data = Lines(), MESSAGE * 3

        taken = [line for at in range(0, len(data), size) for line in lines.take(data[at : at + size])]

        assert taken == [b'{"rev":1}'] * 3
