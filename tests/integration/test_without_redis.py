"""Where no Redis is: both services say where they looked, without its password, and go on trying."""

from pathlib import Path

from local_stack.engine import free_port
from tests.fakes.services import running_ingest, running_publisher


async def test_both_services_say_where_they_looked_and_why_there_is_no_answer_and_tell_no_password(
    tmp_path: Path,
) -> None:
    at = f"127.0.0.1:{free_port()}"
    url = f"redis://me:hunter2@{at}/0"

    async with (
        running_publisher(url, "nobody") as publisher,
        running_ingest(url, "nobody", "http://127.0.0.1:9", tmp_path) as ingest,
    ):
        await publisher.line(f"WARNING .*starts over reason=no answer from Redis .* at {at}: Connection refused$")
        await ingest.line(f"WARNING .*Redis does not answer, or refuses at={at} reason=Connection refused$")

    assert "hunter2" not in publisher.log + ingest.log
