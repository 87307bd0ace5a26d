"""`top` in a terminal of 120 x 40."""

import re
import signal

from shared.channels import Channel
from shared.table import Row
from tests.fakes.pseudo_terminal import in_terminal
from tests.fakes.services import RunningPublisher
from tests.fakes.writer import Writer
from tests.integration.terminal.conftest import a_row


async def test_the_board_moves_and_q_gives_the_terminal_back(publisher: RunningPublisher, writer: Writer) -> None:
    async with in_terminal(120, 40, "terminal.top", "--url", publisher.url) as top:
        text = await top.until(lambda text: "SSI" in text and "31.50" in text)
        assert re.search(r"^● live", text, re.MULTILINE)
        assert "HOSE continuous" in text
        assert re.search(r"VN-INDEX ▲ 1,802\.44 \+0\.14%", text)
        assert re.search(r"^SSI .* 31\.50  ▲ .* \+0\.30 .* \+1\.00", text, re.MULTILINE)

        await writer.commit({Channel.MARKET: {"SSI": a_row(33_350, 6.89, 300_000)}})
        await top.until(lambda text: re.search(r"^SSI .* 33\.35 CE ", text, re.MULTILINE) is not None)
        await top.until(lambda _: "\x1b[38;5;201m" in top.terminal.raw)  # the ceiling is purple
        await top.until(lambda _: "\x1b[7;38;5;201m" in top.terminal.raw)  # what has just traded is lit
        await top.until(lambda _: "\x1b[38;5;201m   33.35\x1b[0m\x1b[38;5;201m CE" in top.terminal.raw)  # not for long
        assert top.terminal.modes == {"1049": True, "25": False, "7": False}

        top.terminal.press("q")

        assert await top.ended() == 0
        await top.until(lambda _: top.terminal.is_as_before)


async def test_a_group_that_an_ingest_learns_just_now_is_waited_for(
    publisher: RunningPublisher, writer: Writer
) -> None:
    async with in_terminal(120, 40, "terminal.top", "--url", publisher.url, "--keys", "@HNX30") as top:
        await publisher.has_clients(2)  # the board's, and that of the question which groups there are
        await writer.commit({Channel.GROUPS: {"HNX30": {"keys": ["S01"]}}})

        await top.until(lambda text: "1-1 / 1" in text and "S01" in text)


async def test_a_line_that_fills_the_terminal_is_shown_to_its_last_column(
    publisher: RunningPublisher, writer: Writer
) -> None:
    simulated: Row = {"state": "live", "reason": None, "simulated": True}
    await writer.commit({Channel.STATUS: {"feed": simulated}})

    async with in_terminal(120, 40, "terminal.top", "--url", publisher.url) as top:
        await top.until(lambda text: text.splitlines()[0].endswith("simulated prices"))

    assert len(top.terminal.lines[0]) == 120


async def test_a_broken_road_is_said_in_words_with_its_time_and_the_board_is_dimmed(
    publisher: RunningPublisher, writer: Writer
) -> None:
    async with in_terminal(120, 40, "terminal.top", "--url", publisher.url) as top:
        await top.until(lambda text: "● live" in text)

        await writer.commit({Channel.STATUS: {"feed": {"state": "down", "reason": "the exchange hung up"}}})
        await top.until(
            lambda text: (
                re.search(r"OLD DATA since \d\d:\d\d:\d\d: no link to the exchange \(the exchange hung up\)", text)
                is not None
            )
        )
        await top.until(lambda _: "\x1b[2;38;5;40m" in top.terminal.raw)  # a rising price, dimmed

        await writer.commit({Channel.STATUS: {"feed": {"state": "quiet", "reason": None}}})
        await top.until(lambda text: "● quiet: no data is due now" in text and "OLD" not in text)

        publisher.kill()
        await top.until(lambda text: re.search(r"OLD DATA since .*: no link to the board", text) is not None)
        assert "SSI" in top.terminal.text


async def test_it_fits_the_terminal_scrolls_and_sorts(publisher: RunningPublisher) -> None:
    keys = ",".join(["SSI", "FPT", *(f"S{number:02}" for number in range(60))])
    async with in_terminal(120, 40, "terminal.top", "--url", publisher.url, "--keys", keys) as top:
        await top.until(lambda text: "1-34 / 62" in text)
        assert len(top.terminal.lines) == 40

        top.terminal.press("\x1b[6~")
        await top.until(lambda text: "29-62 / 62" in text)
        top.terminal.press("ss")
        text = await top.until(lambda text: "by Total vol" in text)
        assert text.index("FPT") < text.index("SSI") < text.index("S59")

        top.terminal.resize(60, 12)
        top.process.send_signal(signal.SIGWINCH)
        text = await top.until(lambda text: "FPT" in text and "S59" in text and "S01" not in text)
        assert max(map(len, text.splitlines())) <= 60


async def test_a_signal_gives_the_terminal_back_as_well(publisher: RunningPublisher) -> None:
    async with in_terminal(80, 24, "terminal.top", "--url", publisher.url, NO_COLOR="1") as top:
        await top.until(lambda text: "SSI" in text)
        assert "38;5" not in top.terminal.raw

        top.process.terminate()

        assert await top.ended() == 0
        await top.until(lambda _: top.terminal.is_as_before)
