"""Answers of the exchange over HTTP, read up to a size; and what to say if there is none."""

from typing import NamedTuple

import httpx2

from shared.cause import cause_of

#: A page of a thousand rows has about one megabyte.
MAX_BYTES = 16_000_000


class AnswerTooLarge(httpx2.HTTPError):
    """More than any answer that makes sense."""


class Answer(NamedTuple):
    """An answer that is there."""

    status: int
    body: bytes


async def answer_to(http: httpx2.AsyncClient, request: httpx2.Request) -> Answer:
    """The whole answer, decompressed. Raises HTTPError, AnswerTooLarge among them; the caller gives the deadline."""
    response = await http.send(request, stream=True)
    try:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MAX_BYTES:
                raise AnswerTooLarge(f"more than {MAX_BYTES} bytes")
    finally:
        await response.aclose()
    return Answer(response.status_code, bytes(body))


def no_answer(error: httpx2.HTTPError, request: httpx2.Request) -> str:
    """Who did not answer, and why, without path, query and proxy: fit for a log line and for the board's status."""
    host = request.url.netloc.decode("ascii", "replace").rpartition("@")[2]
    match error:
        case httpx2.ProxyError():
            return f"the proxy does not let us through to {host}"
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return f"{host} cannot be reached: {cause_of(error)}"
        case AnswerTooLarge():
            return f"{error} from {host}"
        case _:
            return f"no answer from {host}: {cause_of(error)}"
