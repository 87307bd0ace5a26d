"""When the server looks for garbage."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest
import uvicorn
from starlette.datastructures import State

from publisher_service.__main__ import COLLECT_AFTER, Server
from publisher_service.gate import Gate


class Cycle:
    """Garbage that only a collection removes."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def no_collection_of_its_own() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("ended", [COLLECT_AFTER - 1, COLLECT_AFTER])
async def test_what_connections_leave_is_collected_when_many_have_ended(ended: int) -> None:
    gate = Gate()
    server = Server(uvicorn.Config(app=""), State({"gate": gate}))
    garbage = ref(Cycle())

    gate.entered = ended
    await server.on_tick(0)

    assert (garbage() is None) == (ended == COLLECT_AFTER)


async def test_nothing_is_collected_as_long_as_more_connections_live_than_have_ended() -> None:
    gate = Gate()
    server = Server(uvicorn.Config(app=""), State({"gate": gate}))
    server.server_state.connections = set(range(2 * COLLECT_AFTER))  # type: ignore[arg-type]  # (only counted)
    garbage = ref(Cycle())

    gate.entered = 4 * COLLECT_AFTER - 1
    await server.on_tick(0)

    assert garbage() is not None
