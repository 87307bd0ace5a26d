"""What is true in a running stack: the rows in Redis, once the market stands still."""

import json
from typing import Any

from shared.channels import Channel, RedisNames
from shared.wire import decode_row
from tests.fakes.compose import ComposeProject
from tests.fakes.crowd import Crowd

#: One interval, the balancer, and a machine that has other things to do.
SETTLE_S = 30.0
#: What is said to the simulator's own machine only.
_ORDER = "from urllib.request import *; urlopen(Request('http://127.0.0.1:8765/control/{word}', method='POST'))"


async def order(project: ComposeProject, word: str) -> None:
    """Tell the simulated exchange: `pause`, `resume`."""
    said = await project.exec(await project.container("simulator"), "python", "-c", _ORDER.format(word=word))
    assert said.code == 0, said.err


async def stored(project: ComposeProject, channel: Channel, group: str | None = None) -> dict[str, Any]:
    """The rows of a channel in Redis, of all keys or those of a group."""
    rows = await _hash(project, RedisNames().rows(channel))
    if group is not None:
        members = (await _hash(project, RedisNames().rows(Channel.GROUPS)))[group]["keys"]
        rows = {key: row for key, row in rows.items() if key in members}
    return rows


async def assert_converged(project: ComposeProject, crowd: Crowd, channel: Channel, group: str) -> None:
    """Every client comes to hold exactly what stands in Redis."""
    await order(project, "pause")
    try:
        differences = ["nothing was compared yet"]

        async def agree() -> bool:
            nonlocal differences
            differences = crowd.differences(await stored(project, channel, group))
            return not differences

        try:
            await project.until(agree, within_s=SETTLE_S)
        except TimeoutError:
            raise AssertionError(f"{len(differences)} differences, such as {differences[:3]}") from None
    finally:
        await order(project, "resume")


async def _hash(project: ComposeProject, key: str) -> dict[str, Any]:
    redis = await project.container("redis")
    said = await project.exec(redis, "redis-cli", "--json", "HGETALL", key)
    assert said.code == 0, said.err
    rows = {name: decode_row(value.encode())[0] for name, value in json.loads(said.out).items()}
    return {name: row for name, row in rows.items() if row is not None}
