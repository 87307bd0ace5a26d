"""Snapshots over HTTP, health, metrics and the board."""

import asyncio
import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from publisher_service.core.csv_table import csv_table
from publisher_service.core.grant import Grant
from publisher_service.core.kept_frames import KeptFrames
from publisher_service.core.replica import Replica
from publisher_service.core.requests import (
    AddressQuery,
    Intervals,
    check_parameters,
    forbidden,
)
from publisher_service.core.views import View
from publisher_service.day_series import BARS, BASIS, Day, DaySeries, Series, SeriesNotRead
from publisher_service.faults import CannotAnswer, Fault
from publisher_service.readiness import Readiness
from publisher_service.web_files import CONTENT_POLICY, WebFile, WebFiles
from shared.channels import Channel

_GZIP: Final = re.compile(r"\bgzip\b", re.IGNORECASE)
_NO_GZIP: Final = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)
WEB = Path(__file__).parent / "web"
#: Of a document: what is handed to the connection at once.
PIECE_BYTES = 65_536
#: Of what may be there in a moment.
AGAIN: Final = {"Retry-After": "1"}
#: The two ways to say a token over HTTP, as OpenAPI describes them.
TOKEN_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "query": {
        "type": "apiKey",
        "in": "query",
        "name": "token",
        "description": "for clients that can set no header: addresses end up in histories and logs",
    },
}


def _refuse_others(request: Request) -> None:
    """A parameter that is passed over would be an answer to another question. Raises InvalidRequest."""
    route: APIRoute = request.scope["route"]
    known = [field.alias for field in route.dependant.query_params]
    check_parameters(request.query_params, (*known, "token"))


#: What is no data.
router = APIRouter()
tables = APIRouter(
    prefix="/api",
    dependencies=[Depends(_refuse_others)],
    responses={"4XX": {"model": Fault, "description": "what was asked for cannot be meant, or is not there"}},
)


class Document(Response):
    """A large answer, on its way until the client has read almost all of it."""

    media_type = "application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (as ASGI has it)
        """Send piece by piece; each waits for the one before it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for at in range(0, len(self.body), PIECE_BYTES):
            await send({"type": "http.response.body", "body": self.body[at : at + PIECE_BYTES], "more_body": True})
        await send({"type": "http.response.body"})


@tables.head("/channels", include_in_schema=False)
@tables.get("/channels")
async def channels(request: Request) -> dict[str, object]:
    """The channels, and where the history stands."""
    replica = _loaded(request)
    return {
        "epoch": replica.epoch,
        "rev": replica.rev,
        "time": replica.time_ms,
        "channels": {
            channel.value: {"rows": replica.tables[channel].live_rows}
            for channel in Channel
            if request.state.grant.covers(channel)
        },
    }


@tables.head("/channels/{channel}", include_in_schema=False)
@tables.get("/channels/{channel}")
async def snapshot(
    request: Request,
    channel: str,
    keys: str | None = None,
    format: Literal["json", "csv"] = "json",  # noqa: A002 (the name in the address)
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """A channel's rows, as in a websocket snapshot; `keys` as there. The ETag changes with the channel."""
    view = _view(request, channel, keys)
    headers = _tagged(view.version if format == "json" else f"{view.version}-csv")
    if _is_held(headers, if_none_match):
        return Response(status_code=304, headers=headers)
    if format == "csv":
        return Document(csv_table(view.changes(0)), headers=headers, media_type="text/csv")
    return Document(view.document(), headers=headers)


@tables.head("/channels/{channel}/{key}", include_in_schema=False)
@tables.get("/channels/{channel}/{key}")
async def row(request: Request, channel: str, key: str) -> Response:
    """One row."""
    view = _view(request, channel, key)
    table = request.app.state.replica.tables[view.key.channel]
    entry = table.get(key)
    if entry is None or entry.removed:
        meant = f"; did you mean {key.upper()}?" if table.get(key.upper()) is not None else ""
        raise CannotAnswer(404, "unknown_key", f"channel {channel} has no row {key}{meant}")
    return Response(entry.json, media_type="application/json", headers={"Cache-Control": "no-cache"})


@tables.head("/bars/{symbol}", include_in_schema=False)
@tables.get("/bars/{symbol}")
async def bars(request: Request, symbol: str) -> dict[str, object]:
    """The one-minute bars of the day of a symbol or an index, oldest first; the last one may still change."""
    day = await _day(request, BARS, symbol)
    return {"symbol": symbol, "epoch": day.epoch, "bars": day.minutes}


@tables.head("/basis/{symbol}", include_in_schema=False)
@tables.get("/basis/{symbol}")
async def basis(request: Request, symbol: str) -> dict[str, object]:
    """The basis of a futures contract minute by minute, oldest first; the last one may still change."""
    day = await _day(request, BASIS, symbol)
    return {"symbol": symbol, "epoch": day.epoch, "points": day.minutes}


async def _day(request: Request, series: Series, symbol: str) -> Day:
    """The day of a symbol. Raises InvalidRequest or CannotAnswer."""
    _view(request, series.live, symbol)
    day_series: DaySeries = request.app.state.day_series
    try:
        return await day_series.of(symbol, series)
    except SeriesNotRead as fault:
        raise CannotAnswer(503, "broker", f"Redis could not be asked ({fault})", AGAIN) from fault


@tables.head("/schema", include_in_schema=False)
@tables.get("/schema")
async def schema(request: Request, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """What the channels, rows and fields are, as JSON Schema, with their units. The ETag changes with it."""
    replica: Replica = request.app.state.replica
    if replica.schema is None:
        raise CannotAnswer(503, "not_loaded", "the ingest has not described its rows; try again in a moment", AGAIN)
    headers = _tagged(replica.schema.identity)
    if _is_held(headers, if_none_match):
        return Response(status_code=304, headers=headers)
    return Document(replica.schema.document, headers=headers, media_type="application/schema+json")


@router.head("/ws", include_in_schema=False)
@router.get("/ws", include_in_schema=False)
@router.head("/ws/{channel}", include_in_schema=False)
@router.get("/ws/{channel}", include_in_schema=False)
async def not_upgraded(channel: str | None = None) -> Response:
    """Somebody has opened the address of a websocket as a page."""
    table = "tables are at /api/channels" if channel is None else f"this table is at /api/channels/{quote(channel)}"
    raise CannotAnswer(
        426,
        "upgrade_required",
        "this is the address of a websocket, which a program opens (a page shows it at /playground): the board is at "
        f"/, {table}, and as a stream of events at /sse/{quote(channel or 'market')}",
        {"Upgrade": "websocket", "Connection": "Upgrade"},
    )


@router.head("/livez", include_in_schema=False)
@router.get("/livez", include_in_schema=False)
async def livez() -> dict[str, object]:
    """The process runs, and so do its tasks: one that dies ends the process."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", include_in_schema=False)
async def readyz(request: Request, response: Response) -> dict[str, object]:
    """Clients may be sent here. Not while a shared outage lasts: then every replica is as good as this one."""
    readiness: Readiness = request.app.state.readiness
    readiness.asked(asyncio.get_running_loop().time())
    if (fault := readiness.fault()) is None:
        return {"status": "ok"}
    response.status_code = 503
    return {"status": "unready", "reason": fault}


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """All series, for Prometheus."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.head("/", include_in_schema=False)
@router.get("/", include_in_schema=False)
async def board(request: Request) -> Response:
    """The price board."""
    files: WebFiles = request.app.state.web_files
    headers = {"Content-Security-Policy": CONTENT_POLICY, "Referrer-Policy": "no-referrer"}
    return file_response(request, files.page("index.html"), headers, is_for_ever=False)


@router.head("/web/{path:path}", include_in_schema=False)
@router.get("/web/{path:path}", include_in_schema=False)
async def web_file(request: Request, path: str) -> Response:
    """What the board is made of."""
    files: WebFiles = request.app.state.web_files
    found = files.get(path)
    if found is None:
        raise CannotAnswer(404, "unknown_address", "there is no such file")
    file, is_for_ever = found
    # Pages of other sites may be made with our client: what is here is no secret.
    headers = {"Access-Control-Allow-Origin": "*"}
    return file_response(request, file, headers, is_for_ever=is_for_ever)


def file_response(request: Request, file: WebFile, headers: dict[str, str], *, is_for_ever: bool) -> Response:
    """As the browser wants it: whole, compressed, or not at all if it has it."""
    headers |= _tagged(file.identity) | {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    if is_for_ever:
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if _is_held(headers, request.headers.get("if-none-match")):
        return Response(status_code=304, headers=headers)
    body = file.body
    if file.compressed is not None and takes_gzip(request.headers.get("accept-encoding", "")):
        headers["Content-Encoding"] = "gzip"
        body = file.compressed
    return Response(body, headers=headers, media_type=file.content_type)


def takes_gzip(accepted: str) -> bool:
    """Whether this `Accept-Encoding` names it, and does not forbid it by a weight of nothing."""
    return bool(_GZIP.search(accepted)) and not _NO_GZIP.search(accepted)


def _tagged(version: str) -> dict[str, str]:
    """Headers that let a client keep an answer, and ask whether it is still the newest."""
    return {"ETag": f'"{version}"', "Cache-Control": "no-cache"}


def _is_held(headers: dict[str, str], if_none_match: str | None) -> bool:
    return if_none_match is not None and headers["ETag"] in if_none_match


def _view(request: Request, channel: str, keys: str | None) -> View:
    """Raises InvalidRequest or CannotAnswer."""
    replica = _loaded(request)
    intervals: Intervals = request.app.state.intervals
    grant: Grant = request.state.grant
    wanted = intervals.view_key(AddressQuery(channel, keys).subscription)
    if not grant.permits(wanted.channel, wanted.selection, replica.tables[Channel.GROUPS]):
        raise forbidden(None)
    return View(wanted, replica, KeptFrames())


def _loaded(request: Request) -> Replica:
    replica: Replica = request.app.state.replica
    if not replica.settled:
        raise CannotAnswer(503, "not_loaded", "no table was loaded yet; try again in a moment", AGAIN)
    return replica
