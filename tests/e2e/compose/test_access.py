"""A key is set: who gets in through the balancer, and who does not."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import jwt
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fakes.compose import ComposeProject

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "a secret of a test that is long enough for it"


def token(seconds: float = 600, **claims: object) -> str:
    return jwt.encode({"exp": int(time.time() + seconds), **claims}, SECRET, "HS256")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def project(image: str) -> AsyncIterator[ComposeProject]:
    """A stack that asks for tokens."""
    async with ComposeProject(BANGGIA_IMAGE=image, PUBLISHERS="1", JWT_SECRET=SECRET) as project:
        await project.started()
        yield project


async def refusal(project: ComposeProject, path: str) -> int:
    """The status of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(project.websocket_url + path, proxy=None)
    return refused.value.response.status_code


async def close_code(project: ComposeProject, path: str) -> int | None:
    """How a connection ends that was let in."""
    async with connect(project.websocket_url + path, proxy=None) as socket:
        try:
            async with asyncio.timeout(30):
                while True:
                    await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None


async def test_no_token_and_a_bad_token_are_refused_with_401(project: ComposeProject) -> None:
    sockets = [await refusal(project, path) for path in ("/ws/market", "/ws/market?token=nonsense")]
    http = [await project.get("/api/channels"), await project.get("/api/channels?token=nonsense")]
    board = await project.get("/")

    assert sockets == [401, 401]
    assert [answer.status_code for answer in http] == [401, 401]
    assert board.status_code == 200


async def test_a_valid_token_gets_its_table_and_a_wrong_scope_is_refused(project: ComposeProject) -> None:
    narrow = token(scope="market:@VN30")
    async with connect(f"{project.websocket_url}/ws?token={narrow}", proxy=None) as socket:
        answers: dict[int, str] = {}
        for number, keys in enumerate((["@VN30"], ["@HOSE"], None)):
            await socket.send(json.dumps({"type": "subscribe", "id": number, "channel": "market", "keys": keys}))
        async with asyncio.timeout(20):
            while len(answers) < 3:
                message = json.loads(await socket.recv())
                if "id" in message:
                    answers[message["id"]] = message.get("code", message["type"])

    assert answers == {0: "snapshot", 1: "forbidden", 2: "forbidden"}
    assert await close_code(project, f"/ws/index?token={narrow}") == 4403


async def test_a_token_that_expires_ends_the_connection_with_4401(project: ComposeProject) -> None:
    assert await close_code(project, f"/ws/market?keys=@VN30&token={token(3)}") == 4401


async def test_no_token_stands_in_any_log(project: ComposeProject) -> None:
    good = token()
    async with connect(f"{project.websocket_url}/ws/index?token={good}", proxy=None) as socket:
        await socket.recv()
    await project.get(f"/api/channels?token={good}")
    await refusal(project, "/ws/market?token=secret-nonsense")

    said = await project.logs()

    assert "/api/channels" in said
    assert good not in said
    assert "secret-nonsense" not in said
    assert SECRET not in said
