"""Who may use the control endpoint."""

import time
from datetime import date

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ssi_simulator.control import Control
from ssi_simulator.core.exchange import Exchange
from ssi_simulator.faults import Faults
from ssi_simulator.hub import Hub
from ssi_simulator.ledger import Ledger
from ssi_simulator.market_clock import ClockMode, MarketClock
from ssi_simulator.ticker import Ticker


def a_client(host: str, *, to_any: bool) -> TestClient:
    faults, ledger, day = Faults(time.monotonic), Ledger(), date(2026, 11, 23)
    exchange = Exchange(seed=1, day=day, stocks=5)
    hub = Hub(exchange.snapshot, faults, ledger, time.monotonic)
    ticker = Ticker(exchange, MarketClock(ClockMode.ENDLESS, day), hub, faults, rate=0)
    control = Control(ticker, hub, faults, ledger, to_any=to_any)
    return TestClient(Starlette(routes=control.routes()), client=(host, 50000))


@pytest.mark.parametrize(
    ("host", "to_any", "status"),
    [
        ("127.0.0.1", False, 200),
        ("127.8.9.10", False, 200),
        ("::1", False, 200),
        ("10.0.0.7", False, 403),
        ("somewhere", False, 403),
        ("10.0.0.7", True, 200),
    ],
)
def test_only_this_machine_may_control_unless_any_may(host: str, to_any: bool, status: int) -> None:  # noqa: FBT001 (a case)
    answer = a_client(host, to_any=to_any).get("/control/ledger")

    assert answer.status_code == status
