"""How many HTTP requests may be on their way at once."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from publisher_service import entrance
from publisher_service.core.admission import Admission, Limits
from publisher_service.core.client_address import Proxies
from publisher_service.core.origins import Origins
from publisher_service.entrance import Entrance
from publisher_service.metrics import Metrics
from publisher_service.proxies import TrustedProxies


class Requests:
    """An entrance, and behind it an application that answers when it is let."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.answering = asyncio.Event()
        self._entrance = Entrance(
            self._app,
            websockets=self._app,
            event_streams=self._app,
            admission=Admission(Limits(1, 0, 0, 0), 0.0),
            proxies=TrustedProxies(Proxies()),
            origins=Origins(),
            tokens=None,
            metrics=self.metrics,
            now_s=lambda: 0.0,
        )

    async def get(self, path: str) -> tuple[int, dict[bytes, bytes]]:
        """Status and headers of the answer."""
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        await self._entrance({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (as ASGI has it)
        await self.answering.wait()
        if scope["path"] == "/api/fails":
            raise ValueError
        await send({"type": "http.response.start", "status": 200, "headers": []})


async def test_more_requests_than_may_be_on_their_way_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "MAX_REQUESTS", 2)
    requests = Requests()
    waiting = [asyncio.create_task(requests.get(path)) for path in ("/api/channels", "/api/fails")]
    await asyncio.sleep(0)

    refused = await requests.get("/api/channels")
    requests.answering.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    later = await requests.get("/api/channels")

    assert (refused[0], refused[1][b"retry-after"]) == (503, b"1")
    assert requests.metrics.registry.get_sample_value("publisher_refused_total", {"reason": "requests"}) == 1
    assert [answers[0], type(answers[1])] == [(200, {}), ValueError]
    assert later[0] == 200


async def test_what_supervisors_ask_is_answered_however_many_requests_are_on_their_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entrance, "MAX_REQUESTS", 0)
    requests = Requests()
    requests.answering.set()

    assert [(await requests.get(path))[0] for path in ("/readyz", "/metrics", "/api/channels")] == [200, 200, 503]
