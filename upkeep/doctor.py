"""`python3 run.py doctor`: what is missing or wrong, from here to the board, and the next step. Changes nothing."""

import argparse
import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx2
from pydantic import ValidationError
from pydantic_settings import BaseSettings
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from ingest_service.answer import answer_to, no_answer
from ingest_service.calendar_file import load_calendar
from ingest_service.core.calendar_rules import InvalidCalendar
from ingest_service.rest import UnusableProxy, open_http
from ingest_service.settings import IngestSettings
from publisher_service.settings import PublisherSettings
from shared.cause import cause_of
from shared.channels import RedisNames
from shared.descriptors import raise_descriptor_limit
from shared.redis_client import COMMAND_DEADLINE_S, check_url, open_redis, place_of
from shared.settings_error import settings_error_line
from shared.wire import Head, InvalidEnvelope, NewerContract, decode_head
from terminal.address import running_demo
from upkeep.address import host_of, without_secrets
from upkeep.finding import Finding, note, ok, wrong

#: An ingest writes the head once a second.
SILENT_AFTER_S = 3.0
#: The oldest server whose scripts and access rules the ingest is tested with.
OLDEST_REDIS = 7
#: For a publisher, or the exchange's address.
ANSWER_S = 3.0
FEW_DESCRIPTORS = 4096
#: Of an answer of who is no publisher.
MOST_CHARACTERS = 100

_EXAMPLE = """\
For example, what stands between this machine's environment and a board, and a publisher somewhere else:

  python3 run.py doctor
  python3 run.py doctor --url http://board.example"""


SettingsT = TypeVar("SettingsT", bound=BaseSettings)


def settings_of(model: type[SettingsT]) -> SettingsT | ValidationError:
    """The settings of a service in this environment, or what is wrong with them."""
    try:
        return model()
    except ValidationError as error:
        return error


def settings_findings(
    ingest: IngestSettings | ValidationError, publisher: PublisherSettings | ValidationError
) -> Iterator[Finding]:
    """Whether both services would start here, and what they would lack."""
    if isinstance(ingest, ValidationError):
        keys_only = {str(detail["loc"][0]) for detail in ingest.errors(include_input=False) if detail["loc"]} <= {
            "ssi_consumer_id",
            "ssi_consumer_secret",
        }
        if keys_only:
            yield note(
                "ingest's settings",
                "no SSI key is set here, so no ingest can be started from this environment",
                "export SSI_CONSUMER_ID and SSI_CONSUMER_SECRET; python3 run.py demo needs no key",
            )
        else:
            yield wrong("ingest's settings", settings_error_line(ingest, IngestSettings), "see docs/settings.md")
    else:
        yield ok("ingest's settings", f"complete; the exchange is {host_of(ingest.ssi_stream_url)}")
        yield from _calendar_findings(ingest.calendar_file)
        yield from _cache_findings(ingest.cache_dir)
    if isinstance(publisher, ValidationError):
        yield wrong("publisher's settings", settings_error_line(publisher, PublisherSettings), "see docs/settings.md")
    else:
        yield ok("publisher's settings", "complete")
    limit = raise_descriptor_limit()
    if limit < FEW_DESCRIPTORS:
        yield note("open files", f"{limit} at most, and each websocket is one", "raise the limit: ulimit -n 65536")
    else:
        yield ok("open files", f"{limit} at most")


def _calendar_findings(file: Path | None) -> Iterator[Finding]:
    today = datetime.now(UTC).date()
    try:
        unlisted = load_calendar(file).unlisted_years(today)
    except InvalidCalendar as error:
        yield wrong("calendar", str(error), "mend the file, or unset CALENDAR_FILE")
        return
    if unlisted:
        years = " and ".join(map(str, unlisted))
        yield note("calendar", f"no holidays are listed for {years}", "list them in a file that CALENDAR_FILE names")
    else:
        yield ok("calendar", f"knows the holidays of {today.year}")


def _cache_findings(folder: Path) -> Iterator[Finding]:
    place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not os.access(place, os.W_OK):
        yield note(
            "cache",
            f"{folder} cannot be written to",
            "CACHE_DIR names a folder that can; lists are fetched anew without it",
        )


async def redis_findings(url: str, prefix: str, *, asked_for: bool) -> AsyncIterator[Finding]:
    """Whether Redis answers, and whether an ingest keeps tables in it. Not `asked_for`: it need not be there."""
    missing = wrong if asked_for else note
    redis = open_redis(url)
    place = place_of(redis)
    names = RedisNames(prefix)
    try:
        async with asyncio.timeout(2 * COMMAND_DEADLINE_S):
            server = await redis.info("server")
            fields = await redis.hgetall(names.head)
            lease = await redis.exists(names.lease)
    except (AuthenticationError, ResponseError) as error:
        yield wrong(
            "Redis",
            f"{place} refuses: {cause_of(error).rstrip('.')}",
            "REDIS_URL needs a name and a password that are right, and may do what docs/redis.md lists",
        )
        return
    except (RedisError, OSError, TimeoutError) as error:
        yield missing(
            "Redis",
            f"no answer from {place}: {cause_of(error)}",
            "start one, or let REDIS_URL name another; python3 run.py demo needs none",
        )
        return
    finally:
        await redis.aclose()
    version = str(server.get("valkey_version") or server.get("redis_version", "?"))
    if version.partition(".")[0].isdigit() and int(version.partition(".")[0]) < OLDEST_REDIS:
        yield note("Redis", f"{place} is of version {version}", f"use version {OLDEST_REDIS} or newer")
    else:
        yield ok("Redis", f"{place} answers, version {version}")
    try:
        yield _head_finding(decode_head(cast("Mapping[bytes, bytes]", fields)), is_led=bool(lease), prefix=prefix)
    except NewerContract as error:
        yield wrong("tables", str(error), "update the services of this checkout")
    except InvalidEnvelope:
        yield wrong("tables", f"what stands under {prefix} is not of an ingest", "choose another REDIS_PREFIX")


def _head_finding(head: Head | None, *, is_led: bool, prefix: str) -> Finding:
    if head is None:
        return wrong(
            "ingest",
            f"none has written under the prefix {prefix}",
            "start one: python3 run.py ingest, or compare REDIS_PREFIX",
        )
    age_s = max(0.0, time.time() - head.time_ms / 1000)
    stand = f"epoch {head.epoch}, revision {head.rev}"
    if age_s <= SILENT_AFTER_S and is_led:
        return ok("ingest", f"one leads; {stand}")
    return wrong(
        "ingest",
        f"nothing heard for {age_s:,.0f} s; {stand}",
        "look at its log; start it if it is gone: python3 run.py ingest",
    )


async def exchange_findings(settings: IngestSettings) -> AsyncIterator[Finding]:
    """Whether the exchange's addresses can be reached; nobody logs in."""
    variables = {settings.ssi_stream_url: settings.stream_variable, settings.ssi_api_url: settings.api_variable}
    async with open_http() as http:  # as the ingest does, through a proxy if there is one
        for url, variable in variables.items():
            request = http.build_request("HEAD", url)
            host = host_of(url)
            try:
                async with asyncio.timeout(ANSWER_S):
                    await answer_to(http, request)
            except TimeoutError:
                fault = f"no answer from {host} within {ANSWER_S:g} s"
            except httpx2.HTTPError as error:
                fault = no_answer(error, request)
            else:
                yield ok("exchange", f"{host} answers; python3 run.py ingest --probe 60 tells whether the key is good")
                continue
            yield wrong("exchange", fault, f"look at the network (firewall, HTTPS_PROXY), or at {variable}")


async def publisher_findings(url: str, *, asked_for: bool) -> AsyncIterator[Finding]:
    """What a publisher, or the balancer before some, says of itself."""
    missing = wrong if asked_for else note
    told = without_secrets(url)
    try:
        async with open_http(url, ANSWER_S) as http:
            ready = await http.get("/readyz")
            channels = await http.get("/api/channels")
    except httpx2.HTTPError as error:
        yield missing(
            "publisher",
            f"none answers at {told}: {cause_of(error)}",
            "start one: python3 run.py publish --port 8000; --url names another",
        )
        return
    head = told_in(channels)
    if ready.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
        line = told_in(ready).get("reason") or next(iter(ready.text.strip().splitlines()), "")[:MOST_CHARACTERS]
        yield wrong("publisher", f"{told} is not ready: {line}", "look at its log")
    elif channels.status_code == httpx2.codes.UNAUTHORIZED:
        yield ok("publisher", f"{told} is ready")
        yield note("tables at the publisher", "a token is needed to look at them", "python3 run.py token makes one")
    elif {"epoch", "rev", "time"} <= head.keys():
        yield ok("publisher", f"{told} is ready")
        age_s = max(0.0, time.time() - head["time"] / 1000)
        yield ok(
            "tables at the publisher",
            f"epoch {head['epoch']}, revision {head['rev']}; the newest message is {age_s:,.0f} s old",
        )
    else:
        yield missing(
            "publisher",
            f"what answers at {told} is none: HTTP {channels.status_code} for /api/channels",
            "see what listens there; --url, or HOST and PORT, name another",
        )


def told_in(answer: httpx2.Response) -> dict[str, Any]:
    """The object in it; of who is no publisher, nothing."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def by_proxy(found: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    """The same; or why nobody could be asked at all."""
    try:
        async for finding in found:
            yield finding
    except UnusableProxy as error:
        yield wrong("proxy", str(error), "set it right, or take it out of the environment")


async def findings(url: str | None) -> AsyncIterator[Finding]:
    """Everything, in the order of the road: here, exchange, Redis, publisher."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield ok("Python", f"{version}, {sys.prefix}")
    demo = running_demo() if url is None else None
    if demo is not None:
        yield note(
            "demo",
            f"one runs here at {demo.replace('ws', 'http', 1)}, with settings and a Redis of its own",
            "all that follows is about services that you start yourself",
        )
    ingest, publisher = settings_of(IngestSettings), settings_of(PublisherSettings)
    for finding in settings_findings(ingest, publisher):
        yield finding
    if not isinstance(ingest, ValidationError):
        async for finding in by_proxy(exchange_findings(ingest)):
            yield finding
    if isinstance(publisher, ValidationError):
        return
    # A demo has a Redis of its own, and a board somewhere else its own as well.
    asked_for = "redis_url" in publisher.model_fields_set or (demo is None and url is None)
    async for finding in redis_findings(publisher.redis_url, publisher.redis_prefix, asked_for=asked_for):
        yield finding
    host = "127.0.0.1" if publisher.host in ("0.0.0.0", "::") else publisher.host  # noqa: S104 (compared, not listened on)
    at_publisher = publisher_findings(url or f"http://{host}:{publisher.port}", asked_for=url is not None)
    async for finding in by_proxy(at_publisher):
        yield finding


_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


async def report(url: str | None, *, as_json: bool) -> int:
    """Tell one finding after the other; the exit code is 1 if something is wrong."""
    found: list[Finding] = []
    async for finding in findings(url):
        found.append(finding)
        if not as_json:
            print(f"{_MARKS[finding.level]} {finding.subject}: {finding.text}", flush=True)
            if finding.next_step:
                print(f"      → {finding.next_step}", flush=True)
    failed = any(finding.level == "wrong" for finding in found)
    if as_json:
        print(json.dumps({"ok": not failed, "findings": [finding._asdict() for finding in found]}))
    return int(failed)


def publisher_url(text: str) -> str:
    """An address for HTTP; that of a websocket will do. Raises argparse.ArgumentTypeError."""
    url = re.sub("^ws(s?)://", r"http\1://", text if "://" in text else f"http://{text}")
    try:
        return check_url(url, ("http", "https")).rstrip("/")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"it {error}; http://localhost:8000 is one") from None


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1: something is wrong."""
    parser = argparse.ArgumentParser(
        prog="run.py doctor",
        description="What is missing or wrong between this machine and a moving board, and the next step.\n"
        "It changes nothing and logs in nowhere.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--url",
        type=publisher_url,
        help="a publisher, or the balancer before some; the one of HOST and PORT if not said",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    chosen = parser.parse_args(arguments)
    return asyncio.run(report(chosen.url, as_json=chosen.json))


if __name__ == "__main__":
    sys.exit(main())
