"""Answers of the exchange over HTTP, read up to a size."""

from typing import NamedTuple

import httpx2

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
