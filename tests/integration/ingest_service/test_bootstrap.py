"""The lists of the exchange, fetched from the simulator."""

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pydantic import SecretStr

from ingest_service.bootstrap import Bootstrap, Lists, set_lists
from ingest_service.core.board import Board
from ingest_service.core.sectors import SECTORS
from ingest_service.fast_connect_source import FastConnectSource
from ingest_service.rest import Rest, open_http
from ingest_service.settings import IngestSettings
from shared.channels import Channel
from shared.table import Row
from tests.eventually import eventually
from tests.fakes.exchange import running_simulator

DAY = date(2026, 11, 16)


async def test_indices_and_sectors_are_groups_of_the_shares_that_the_exchange_lists(tmp_path: Path) -> None:
    board = Board()
    groups: dict[str, Row | None] = {}

    def take(lists: Lists) -> None:
        set_lists(board, lists)
        groups.update(board.take_changes().get(Channel.GROUPS, {}))

    async with running_simulator(stocks=200) as simulator, open_http() as http:
        settings = IngestSettings(
            ssi_api_url=simulator.url, ssi_consumer_id="demo", ssi_consumer_secret=SecretStr("demo")
        )
        source = FastConnectSource(settings, http)
        source.rest = Rest(
            http,
            api_url=simulator.url,
            consumer_id="demo",
            consumer_secret=SecretStr("demo"),
            call_interval_s=0.0,
        )
        bootstrap = Bootstrap(
            source,
            cache=tmp_path / "symbols.json",
            today=lambda: DAY,
            take=take,
        )
        fetching = asyncio.create_task(bootstrap.run())
        await eventually((tmp_path / "symbols.json").exists)
        fetching.cancel()
        await asyncio.wait([fetching])

    assert groups.keys() >= {"VN30", "HNX30", "HOSE", *SECTORS}
    in_sectors = [symbol for sector in SECTORS for symbol in keys_of(groups, sector)]
    assert len(in_sectors) == len(set(in_sectors))
    assert set(keys_of(groups, "VN30")) <= set(in_sectors) <= set(keys_of(groups, "HOSE"))


def keys_of(groups: Mapping[str, Row | None], name: str) -> list[str]:
    row = groups[name]
    assert row is not None
    assert isinstance(row["keys"], list)
    return [str(key) for key in row["keys"]]
