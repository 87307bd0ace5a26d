"""What is overheard on a connection to Redis."""

from local_stack.chaos.redis_talk import RedisTalk, is_commit, script_call
from shared.channels import Channel
from shared.wire import Commit, Heartbeat, encode_envelope

COMMIT = encode_envelope(Commit("20261123-abcdef", 1, 2, 0, {Channel.MARKET: {"SSI": b"null"}}))
HEARTBEAT = encode_envelope(Heartbeat("20261123-abcdef", 2, 0))


def test_requests_and_answers_are_paired_however_the_bytes_are_cut() -> None:
    talk = RedisTalk()
    requests, answers = [], []

    for byte in b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n":
        requests += talk.sent(bytes([byte]))
    for byte in b"$5\r\n\x00\xff\r\nx\r\n+PONG\r\n":
        answers += talk.answered(bytes([byte]))

    assert requests == [[b"GET", b"a"], [b"PING"]]
    assert answers == [([b"GET", b"a"], b"\x00\xff\r\nx"), ([b"PING"], b"PONG")]


def test_an_error_and_nothing_are_answers_too() -> None:
    talk = RedisTalk()
    talk.sent(b"*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n")

    (_, error), (_, nothing) = talk.answered(b"-NOSCRIPT none\r\n$-1\r\n")

    assert "NOSCRIPT" in str(error)
    assert nothing is None


def test_a_message_of_a_subscription_answers_nothing() -> None:
    talk = RedisTalk()
    talk.sent(b"*1\r\n$4\r\nPING\r\n")

    answers = talk.answered(b"*3\r\n$7\r\nmessage\r\n$1\r\nu\r\n$1\r\nx\r\n+PONG\r\n")

    assert answers == [([b"PING"], b"PONG")]


def test_a_script_that_publishes_a_commit_is_one() -> None:
    assert is_commit([b"EVALSHA", b"5ha", b"1", b"lease", b"token", COMMIT, b"2", b"key", b"row"])


def test_a_heartbeat_and_what_is_no_script_are_no_commits() -> None:
    assert not is_commit([b"EVALSHA", b"5ha", b"1", b"lease", b"token", HEARTBEAT])
    assert not is_commit([b"PUBLISH", b"updates", COMMIT])


def test_a_script_has_keys_and_arguments() -> None:
    assert script_call([b"EVAL", b"return 1", b"2", b"a", b"b", b"c"]) == ([b"a", b"b"], [b"c"])
