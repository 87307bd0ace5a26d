"""The Redis that tests run against: a real server, always, and each test with keys of its own."""

import gc
import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from redis import Redis

from local_stack.engine import EngineError, find_engine, running_engine
from tests.chromium import NO_CHROMIUM, find_chromium
from tests.clients import node

# Machines are shared and noisy: how long an example takes says nothing about the code.
settings.register_profile("noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("noisy")


#: Marks of tests that run only if they are asked for by an option of the same name.
_NEEDS = ("compose", "clients", "browser")


class RedisServer:
    """The server of this test run, started when first needed."""

    def __init__(self, way: str) -> None:
        self._way = way
        self._closing = ExitStack()
        self.url = ""  # until started
        self.used = ""  # for people: which server it is
        # All keys of this run begin with it, so that it can remove them from a server that lives on.
        self.key_prefix = f"test-{secrets.token_hex(4)}"

    def start(self) -> None:
        """Raises pytest.UsageError if there is no such server. May be called again."""
        if self.url:
            return
        if "://" in self._way:
            self.url, self.used = self._way, "the one at the address given"
        elif self._way == "url":
            self.url, self.used = os.environ.get("REDIS_URL", ""), "the one of REDIS_URL"
            if not self.url:
                raise pytest.UsageError("--redis=url needs the address of a running Redis in REDIS_URL")
        elif self._way == "container":
            if problem := self._start_container():
                raise pytest.UsageError(f"--redis=container, but no container can be started: {problem}")
        elif self._way == "embedded":
            self._start_embedded()
        elif self._way == "auto":
            if self._start_container():
                self._start_embedded("; no container can be started")
        else:
            raise pytest.UsageError(f"--redis={self._way} is none of url, container, embedded, auto, nor an address")

    def _start_container(self) -> str:
        """What went wrong; empty if it runs."""
        with warnings.catch_warnings():
            # The container client leaves its socket behind when there is nothing to talk to.
            warnings.simplefilter("ignore", ResourceWarning)
            problem = self._try_container()
            gc.collect()
        return problem

    def _try_container(self) -> str:
        try:
            # Takes a second to import, and only who needs it should wait.
            from testcontainers.community.redis import RedisContainer  # noqa: PLC0415

            container = self._closing.enter_context(RedisContainer("redis:8"))
        except Exception as error:  # noqa: BLE001 (no engine, no image, no network: each has exceptions of its own)
            return str(error)
        self.url = f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        self.used = "a container of redis:8"
        return ""

    def _start_embedded(self, reason: str = "") -> None:
        folder = Path(self._closing.enter_context(TemporaryDirectory(prefix="banggia-test-")))
        try:
            engine = find_engine()
            self.url = self._closing.enter_context(running_engine(folder, engine)).url
        except EngineError as error:
            raise pytest.UsageError(str(error)) from error
        self.used = f"embedded, from {engine.origin}{reason}"

    def close(self) -> None:
        """Remove the keys of this run; stop what was started."""
        if self.url and self._way not in ("embedded", "auto", "container"):
            with Redis.from_url(self.url) as redis:
                for key in redis.scan_iter(f"{{{self.key_prefix}*", count=1000):
                    redis.delete(key)
        self._closing.close()


_SERVER = pytest.StashKey[RedisServer]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--redis`."""
    parser.addoption(
        "--redis",
        default="auto",
        metavar="WAY",
        help="Redis for the tests: an address, `url` (that of REDIS_URL), `container` (redis:8), `embedded` (a server "
        "of the test environment), or `auto`: a container if one can be started, else embedded. The default is auto",
    )
    parser.addoption(
        "--compose",
        action="store_true",
        help="run the tests that need Docker with compose, and only these: the image, docker-compose.yml, balancers, "
        "faults and restarts in real containers",
    )
    parser.addoption(
        "--clients",
        action="store_true",
        help="run the tests of the clients in other languages, and only these: they need Node 20 or newer, and npm",
    )
    parser.addoption(
        "--browser",
        action="store_true",
        help="run the tests of the board in a browser, and only these; they need Chromium",
    )
    parser.addoption(
        "--pictures",
        default="",
        metavar="FOLDER",
        help="where the tests of --browser leave pictures of each page (default: var/pictures)",
    )


@pytest.hookimpl(tryfirst=True)  # before the plugin that starts workers
def pytest_cmdline_main(config: pytest.Config) -> None:
    """One stack at a time: all tests of `--compose` share it, and a browser takes all of a small machine."""
    if config.getoption("--browser") and find_chromium() is None:
        raise pytest.UsageError(NO_CHROMIUM)
    if config.getoption("--compose") or config.getoption("--browser"):
        config.option.numprocesses = 0
    if config.getoption("--clients"):
        node.require()


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is started yet."""
    config.addinivalue_line("markers", "compose: needs Docker with compose; run by --compose only")
    config.addinivalue_line("markers", "clients: needs Node with npm; run by --clients only")
    config.addinivalue_line("markers", "browser: needs a browser; run by --browser only")
    config.addinivalue_line("markers", "embedded: tests the embedded broker itself; left out by --redis=container")
    config.stash[_SERVER] = RedisServer(config.getoption("--redis"))


def _has(item: pytest.Item, mark: str) -> bool:
    """Its keywords would not tell: the names of its folders are among them, and one of those is `clients`."""
    return item.get_closest_marker(mark) is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the tests that need compose, Node or a browser, and all others: the ones that are asked for."""
    containers_only = config.getoption("--redis") == "container"
    deselected = [
        item
        for item in items
        if any(_has(item, need) is not bool(config.getoption(f"--{need}")) for need in _NEEDS)
        or (containers_only and "embedded" in item.keywords)
    ]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


def pytest_report_collectionfinish(config: pytest.Config, items: list[pytest.Item]) -> str | None:
    """Say in the report's head which Redis is used, so that nobody takes one for another."""
    if config.option.collectonly or not any("redis_url" in getattr(item, "fixturenames", ()) for item in items):
        return None
    config.stash[_SERVER].start()
    return f"redis: {config.stash[_SERVER].used}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Whatever happened in between."""
    config.stash[_SERVER].close()


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """The address of a real server, the same for all tests."""
    server = pytestconfig.stash[_SERVER]
    server.start()
    return server.url


@pytest.fixture(scope="session")
def _prefixes(pytestconfig: pytest.Config) -> Iterator[str]:
    server = pytestconfig.stash[_SERVER]
    return (f"{server.key_prefix}-{number}" for number in count(1))


@pytest.fixture
def redis_prefix(_prefixes: Iterator[str]) -> str:
    """What this test's keys begin with (REDIS_PREFIX); no other test has the same."""
    return next(_prefixes)


_MEASURED = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes a sentence with a figure, for the end of the report: what is worth knowing and no reason to fail."""
    sentences = request.config.stash.setdefault(_MEASURED, [])
    return lambda sentence: sentences.append(f"{request.node.name}: {sentence}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the figures."""
    for sentence in config.stash.get(_MEASURED, []):
        terminalreporter.write_line(f"measured: {sentence}")
