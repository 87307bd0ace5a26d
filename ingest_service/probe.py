"""What a key holder's real feed looks like: a report for people, made without committing anything."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import TextIO

import httpx2

from ingest_service.core import signalr
from ingest_service.core.probe_report import (
    SNAPSHOT_S,
    Tally,
    comma_line,
    fact_line,
    message_lines,
    replacement_line,
)
from ingest_service.fast_connect_source import FastConnectSource
from ingest_service.rest import RestError, UnreachableError, open_http
from ingest_service.settings import IngestSettings
from ingest_service.signalr_socket import InvocationError, LinkError, SignalRSocket, TokenRefusedError, subscribed

# Three stretches, each several times as long as a snapshot takes.
LEAST_FOR_EXPERIMENTS_S = 10 * SNAPSHOT_S
# Parts of the whole time: everything subscribed, another channel alone, none of the lively channel.
MAIN_PART, EXPERIMENT_PART = 0.6, 0.2


async def probe(settings: IngestSettings, seconds: float, out: TextIO = sys.stdout) -> int:
    """
    Log in, subscribe, listen for about `seconds`, and write a report without any secret to `out`.

    Returns the exit code: 0 if market data came, 1 if not, with the reason and the next step in the last lines.
    """

    def tell(line: str) -> None:
        out.write(line + "\n")
        out.flush()

    async with open_http() as http:
        rest = FastConnectSource(settings, http).rest
        try:
            life_s = await rest.token_life_s()
            tell(fact_line("log-in", f"accepted; the token lives {life_s / 3600:.1f} h"))
            came = await _probe_stream(http, await rest.token(), settings, seconds, tell)
        except (RestError, LinkError) as error:
            tell(fact_line("failed", error.reason))
            tell(fact_line("next step", _advice(error, settings)))
            return 1
    if came:
        tell(fact_line("next step", "start the ingest; compare the lines above with SSI_CHANNELS"))
        return 0
    tell(fact_line("failed", "the subscription was taken, but no message came"))
    tell(fact_line("next step", "try again in trading hours (9:00 to 11:30 and 13:00 to 14:45, Vietnam time)"))
    return 1


async def _probe_stream(
    http: httpx2.AsyncClient, token: str, settings: IngestSettings, seconds: float, tell: Callable[[str], None]
) -> bool:
    """Whether any message came."""
    channels = settings.ssi_channels
    async with subscribed(http, settings.ssi_stream_url, token, ",".join(channels)) as socket:
        terms = socket.terms
        keepalive = "off" if terms.keepalive_timeout_s is None else f"{terms.keepalive_timeout_s:g} s"
        times = f"keepalive time-out {keepalive}, disconnect time-out {terms.disconnect_timeout_s:g} s"
        tell(fact_line("negotiated", f"protocol {terms.protocol}, {times}"))
        tell(fact_line("subscribed", ",".join(channels)))
        experiments = len(channels) > 1 and seconds >= LEAST_FOR_EXPERIMENTS_S
        main = await _listen(socket, seconds * MAIN_PART if experiments else seconds, tell)
        for line in (fact_line("messages", f"{main.types.total():,} in {main.length_s:.0f} s"), *message_lines(main)):
            tell(line)
        if len(channels) > 1:
            tell(comma_line([_channel_of(expression) for expression in channels], main))
        if experiments and main.types:
            try:
                await _experiment(socket, channels, seconds * EXPERIMENT_PART, main, tell)
            except LinkError as error:
                tell(fact_line("second call", f"cannot be told: {error.reason}"))
        return bool(main.types)


async def _experiment(
    socket: SignalRSocket, channels: Sequence[str], seconds: float, main: Tally, tell: Callable[[str], None]
) -> None:
    """Call for one channel, then for no symbol of another, and tell from what goes silent what a call replaces."""
    lively = main.types.most_common(1)[0][0]
    other = next(expression for expression in channels if _channel_of(expression) != lively)
    await socket.subscribe(other)
    other_alone = await _listen(socket, seconds, tell)
    await socket.subscribe(f"{lively}:NONE")
    none_of_it = await _listen(socket, seconds, tell)
    tell(replacement_line(lively, main, other_alone, none_of_it))


async def _listen(socket: SignalRSocket, seconds: float, tell: Callable[[str], None]) -> Tally:
    """Count what comes, until the time is over or the connection is; the server's own words are told as they come."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    tally = Tally()
    try:
        async with asyncio.timeout(seconds):
            while True:
                await _count_next(socket, tally, lambda: loop.time() - began_s, tell)
    except TimeoutError:
        pass
    except LinkError as lost:
        tell(fact_line("lost", lost.reason))
    tally.length_s = loop.time() - began_s
    return tally


async def _count_next(
    socket: SignalRSocket, tally: Tally, elapsed_s: Callable[[], float], tell: Callable[[str], None]
) -> None:
    try:
        events = await socket.receive()
    except signalr.FrameError:
        tally.odd["malformed frame"] += 1
        return
    for event in events:
        match event:
            case signalr.Broadcast(argument):
                tally.add(argument, elapsed_s())
            case signalr.HubError(text):
                tell(fact_line("server", text))
            case signalr.Result(error=str(text)):
                tell(fact_line("refused", text))
            case signalr.Unknown(what):
                tally.odd[f"unknown {what}"] += 1
            case _:
                pass


def _channel_of(expression: str) -> str:
    return expression.partition(":")[0].upper()


def _advice(error: RestError | LinkError, settings: IngestSettings) -> str:
    api, stream = settings.api_variable, settings.stream_variable
    way = "the way there from this machine: name service, firewall, proxy (HTTPS_PROXY)"
    match error:
        case _ if error.quota:
            advice = "wait some minutes, and see that no other program uses this key"
        case UnreachableError():
            advice = f"check {api}, and {way}"
        case RestError():
            advice = f"check SSI_CONSUMER_ID, SSI_CONSUMER_SECRET and {api}; keys can expire or be bound to addresses"
        case TokenRefusedError():
            advice = f"check that {api} and {stream} belong together" if api != stream else f"check {api}"
        case InvocationError():
            advice = "check SSI_CHANNELS; try one channel alone, such as X:ALL"
        case _:
            of_its_own = "; the stream has a host of its own" if api != stream else ""
            advice = f"check {stream}, and {way}{of_its_own}"
    return advice
