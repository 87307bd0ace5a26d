"""The whole ingest, as `app.serve` wires it, with a source that has nothing of SSI FastConnect v2 but the meaning."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from pydantic import SecretStr

from ingest_service.app import serve
from ingest_service.core.sessions import midnight_ms
from ingest_service.settings import IngestSettings
from shared.channels import Channel
from shared.tasks import running
from tests.eventually import eventually
from tests.fakes.other_exchange import OtherSource
from tests.fakes.replays import Tables, stored_tables

DAY = date(2026, 11, 23)
TEN_MS = midnight_ms(DAY) + 10 * 3_600_000
SSI = {"s": "SSI", "x": "HOSE", "state": "LO"}
FUTURE = {"s": "41I1GC000", "x": "DERIVATIVES", "state": "LO"}
BAND = {"ref": 31_000, "ceil": 33_150, "floor": 28_850}


@asynccontextmanager
async def serving(
    redis_url: str, redis_prefix: str, cache_dir: Path
) -> AsyncIterator[tuple[OtherSource, Callable[[], Tables]]]:
    settings = IngestSettings(
        redis_url=redis_url,
        redis_prefix=redis_prefix,
        ssi_consumer_id="nobody",
        ssi_consumer_secret=SecretStr("nothing"),
        cache_dir=cache_dir,
        simulated=True,
    )
    source = OtherSource()
    async with running(serve(settings, lambda *_: source), name="ingest"):
        yield source, lambda: stored_tables(redis_url, redis_prefix)


async def test_a_source_of_another_protocol_fills_the_same_tables(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    async with serving(redis_url, redis_prefix, tmp_path) as (source, tables):
        say = source.told.say
        say("trade.index", s="VN30", x="HOSE", state="LO", t=TEN_MS, p=1890.44, ref=1885.1)
        say("quote", **SSI, t=TEN_MS, bids=[[31_450, 300]], asks=[[31_500, 200]])
        say("trade", **SSI, **BAND, t=TEN_MS, p=31_400, q=100, v=1_000, val=31_400_000, side="b")
        say("trade", **SSI, **BAND, t=TEN_MS + 1_000, p=31_500, q=200, v=1_200, val=37_700_000, side="b")
        say("trade", **SSI, **BAND, t=TEN_MS + 2_000, p=31_450, q=300, v=1_500, val=47_135_000, side=None)
        say("room", **SSI, t=TEN_MS, room=5_000, bv=700, sv=200)
        say("news", text="of no use here")
        say("trade", **FUTURE, t=TEN_MS, ref=1890.5, ceil=2022.8, floor=1758.2, p=1894.2, q=1, v=7, val=1, side="s")

        await eventually(lambda: bool(tables()[Channel.DERIVATIVES]))
        held = tables()

        row = held[Channel.MARKET]["SSI"]
        assert (row["last"], row["total_volume"], row["bids"]) == (31_450, 1_500, [[31_450, 300]])
        assert (row["unseen_volume"], row["active_buy_volume"], row["active_sell_volume"]) == (1_000, 200, 300)
        assert [held[Channel.TRADES][key]["price"] for key in sorted(held[Channel.TRADES])] == [31_500, 31_450]
        assert held[Channel.FOREIGN]["SSI"]["net_volume"] == 500
        assert held[Channel.DERIVATIVES]["41I1GC000"]["basis"] == 3.76
        assert held[Channel.STATUS]["feed"]["state"] == "live"
        assert held[Channel.STATUS]["feed"]["day"] == DAY.isoformat()
        await eventually(lambda: tables()[Channel.GROUPS].get("VN30") == {"keys": ["FPT", "SSI", "VNM"]})


async def test_the_loss_of_such_a_link_is_told_and_what_is_traded_meanwhile_is_unseen(
    redis_url: str, redis_prefix: str, tmp_path: Path
) -> None:
    async with serving(redis_url, redis_prefix, tmp_path) as (source, tables):
        source.told.say("trade", **SSI, **BAND, t=TEN_MS, p=31_400, q=100, v=1_000, val=31_400_000, side="b")
        await eventually(lambda: "SSI" in tables()[Channel.MARKET])

        source.told.lose("the other exchange went home")
        await eventually(lambda: tables()[Channel.STATUS]["feed"]["reason"] == "the other exchange went home")
        source.told.say("trade", **SSI, **BAND, t=TEN_MS + 9_000, p=31_400, q=50, v=1_900, val=59_660_000, side="s")

        await eventually(lambda: tables()[Channel.MARKET]["SSI"]["total_volume"] == 1_900)
        assert tables()[Channel.MARKET]["SSI"]["unseen_volume"] == 1_900
