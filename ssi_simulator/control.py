"""The control endpoint below `/control`: what a test or a curious person may ask and order. No part of the feed."""

import ipaddress
from datetime import date
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ssi_simulator.answers import JsonAnswer
from ssi_simulator.faults import FAULTS, FaultError, Faults, Order
from ssi_simulator.hub import Hub
from ssi_simulator.ledger import Ledger
from ssi_simulator.market_clock import OPEN_S, ClockMode, clock_seconds
from ssi_simulator.ticker import Ticker

MAX_RATE = 50_000.0


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Rate(_Order):
    rate: float = Field(ge=0, le=MAX_RATE)


class _Clock(_Order):
    time: str | None = None  # HH:MM[:SS], later than now
    speed: float | None = Field(default=None, gt=0, le=3600)
    mode: ClockMode | None = None


class _Day(_Order):
    day: date | None = None  # the next trading day if it is left out
    time: str | None = None


class _Fault(_Order):
    name: str
    value: float | None = None
    count: int | None = None
    seconds: float | None = None


OrderT = TypeVar("OrderT", bound=_Order)


class Control:
    """The control endpoints. They answer to this machine only, unless `to_any`."""

    def __init__(self, ticker: Ticker, hub: Hub, faults: Faults, ledger: Ledger, *, to_any: bool = False) -> None:
        self._ticker = ticker
        self._hub = hub
        self._faults = faults
        self._ledger = ledger
        self._to_any = to_any

    def routes(self) -> list[BaseRoute]:
        """One route; the word after `/control/` and the method decide."""
        return [
            Route("/control", self.answer, methods=["GET"]),
            Route("/control/{word:path}", self.answer, methods=["GET", "POST", "DELETE"]),
        ]

    async def answer(self, request: Request) -> Response:
        """Any call: 200 with JSON, or 400, 403, 404 with `error`."""
        if not (self._to_any or _is_local(request)):
            return JsonAnswer({"error": "the control endpoint answers to this machine only; see --control-any"}, 403)
        word = request.path_params.get("word", "").strip("/")
        try:
            if request.method == "GET":
                return self._look(word)
            return self._do(request.method, word, await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "body"
            return JsonAnswer({"error": f"{where}: {first['msg']}"}, 400)
        except ValueError as error:  # FaultError, and what clocks and dates refuse
            return JsonAnswer({"error": str(error)}, 400)

    def _look(self, word: str) -> Response:
        match word:
            case "":
                return JsonAnswer(self._state())
            case "ledger":
                return JsonAnswer(
                    {
                        **self._ledger.document(),
                        **self._ticker.exchange.ledger(),
                        "market": self._ticker.document(),
                        "connections": self._hub.documents(),
                    }
                )
            case "faults":
                return JsonAnswer(self._fault_list())
            case _:
                return _unknown(word)

    def _do(self, method: str, word: str, body: bytes) -> Response:
        ticker = self._ticker
        match method, word.split("/"):
            case "POST", ["pause"]:
                ticker.paused = True
            case "POST", ["resume"]:
                ticker.paused = False
            case "POST", ["rate"]:
                ticker.rate = _read(_Rate, body).rate
            case "POST", ["clock"]:
                order = _read(_Clock, body)
                if order.time is not None:
                    ticker.set_clock(ticker.clock.day, clock_seconds(order.time))
                ticker.clock.speed = order.speed or ticker.clock.speed
                ticker.clock.mode = order.mode or ticker.clock.mode
            case "POST", ["day"]:
                self._new_day(_read(_Day, body))
            case "POST", ["faults"]:
                hit = self._hub.order(Order(**_read(_Fault, body).model_dump()))
                return JsonAnswer({**self._fault_list(), "hit": hit})
            case "DELETE", ["faults"]:
                self._hub.clear()
                return JsonAnswer(self._fault_list())
            case "DELETE", ["faults", name]:
                if name not in FAULTS:
                    raise FaultError(f"there is no fault {name!r}; there are: {', '.join(FAULTS)}")
                self._hub.clear(name)
                return JsonAnswer(self._fault_list())
            case _:
                return _unknown(word)
        return JsonAnswer(self._state())

    def _new_day(self, order: _Day) -> None:
        ticker = self._ticker
        now_s = OPEN_S if order.time is None else clock_seconds(order.time)
        if order.day is not None:
            ticker.set_clock(order.day, now_s)
        else:
            ticker.clock.next_day(now_s)
            if not ticker.paused:
                ticker.turn(0.0)

    def _state(self) -> dict[str, object]:
        return {"market": self._ticker.document(), "connections": self._hub.documents(), **self._fault_list()}

    def _fault_list(self) -> dict[str, object]:
        return {
            "active": [
                {"name": fault.name, "value": fault.value, "count": fault.count, "seconds": self._faults.left_s(fault)}
                for fault in self._faults.active()
            ],
            "happened": dict(self._faults.happened),
            "known": {
                name: {"counts": kind.target.value, "value": kind.value, "summary": kind.summary}
                for name, kind in FAULTS.items()
            },
        }


def _read(order: type[OrderT], body: bytes) -> OrderT:
    """The order in a request's body; an empty one is an order without arguments. Raises ValidationError."""
    return order.model_validate_json(body or b"{}")


def _unknown(word: str) -> Response:
    words = "GET ledger, faults; POST pause, resume, rate, clock, day, faults; DELETE faults[/name]"
    return JsonAnswer({"error": f"nothing is known under {word!r} for this method; there are: {words}"}, 404)


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
