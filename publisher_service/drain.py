"""
How a replica takes leave: balancers learn of it first, then its clients go, one after the other.

All at once would make them come back at once, to the replicas that are left.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from publisher_service.core.admission import Admission
from publisher_service.hub import Hub
from publisher_service.metrics import Metrics
from publisher_service.readiness import Readiness

log = logging.getLogger(__name__)

#: Few clients need no spreading: no fewer than this many go in a second.
MIN_PACE_PER_S = 50.0
STEP_S = 0.1


async def drain(
    readiness: Readiness,
    admission: Admission,
    hub: Hub,
    metrics: Metrics,
    *,
    notice_s: float,
    spread_s: float,
    now_s: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    Return when no client is left, or all are being closed: after `notice_s` and `spread_s` together at most.

    Until a client's turn comes it is served as ever.
    """
    readiness.drain()
    metrics.draining.set(1)
    if readiness.is_watched(now_s()):
        log.info("draining: unready, so that balancers send no more clients", extra={"wait_s": notice_s})
        await sleep(notice_s)
    admission.draining = True
    doors = hub.doors
    random.shuffle(doors)
    over_s = min(spread_s, len(doors) / MIN_PACE_PER_S)
    log.info("draining: clients are sent away", extra={"clients": len(doors), "over_s": round(over_s, 1)})
    began_s = now_s()
    sent = 0
    while sent < len(doors):
        share = 1.0 if over_s <= 0 else min(1.0, (now_s() - began_s + STEP_S) / over_s)
        due = max(sent + 1, round(share * len(doors)))
        for door in doors[sent:due]:
            hub.dismiss(door)
        sent = due
        await sleep(STEP_S if sent < len(doors) else 0)
    hub.stop()
