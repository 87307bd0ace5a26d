"""The stack of docker-compose.yml as users start it, in a project of its own, and ways to look into it."""

import asyncio
import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx2

from local_stack.engine import free_port

ROOT = Path(__file__).parents[2]
#: The image that the tests build from this checkout.
IMAGE = "banggia-test"
UP_S = 120.0
#: What a call of docker needs of the caller's environment. Settings of services must come from the project alone.
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_BUILDKIT")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Container:
    """A container as it was when it was looked at."""

    id: str
    name: str  # PROJECT-SERVICE-NUMBER
    facts: dict[str, Any]  # all that `docker inspect` tells

    @property
    def state(self) -> str:
        """`running`, `exited`, …"""
        return str(self.facts["State"]["Status"])

    @property
    def health(self) -> str:
        """`starting`, `healthy`, `unhealthy`; empty if it has no health check."""
        return str(self.facts["State"].get("Health", {}).get("Status", ""))

    @property
    def addresses(self) -> dict[str, str]:
        """Its address in each of its networks, by the network's full name."""
        return {name: one["IPAddress"] for name, one in self.facts["NetworkSettings"]["Networks"].items()}


async def run(*command: str, timeout_s: float = 60.0, cwd: Path = ROOT) -> Said:
    """A command to its end, without settings of the caller. Raises TimeoutError; the command is ended then."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout_s)
    except BaseException:
        process.kill()
        await process.communicate()
        raise
    return Said(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))


def clean_environment() -> dict[str, str]:
    """What calls of docker get to see."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


class ComposeProject:
    """
    One project; leaving its block removes all that it made.

    Its variables stand in an env file of its own, in place of `.env`. Calls that fail raise AssertionError with what
    was said.
    """

    #: Those whose block is open, so that the logs can be shown when a test fails.
    alive: ClassVar[list["ComposeProject"]] = []

    def __init__(self, *files: str, **variables: str) -> None:
        """`files` are further compose files, from the top of the checkout. `variables` are what users put into .env."""
        self.name = f"banggia-test-{secrets.token_hex(4)}"
        self.port = free_port()  # a balancer that is started again must keep it, so Docker cannot choose one
        self.variables = {"BANGGIA_IMAGE": IMAGE, "BOARD_PORT": f"127.0.0.1:{self.port}"} | variables
        self._files = ("docker-compose.yml", *files)
        self._folder = Path()
        self._extra: list[str] = []  # containers beside the project's own

    async def __aenter__(self) -> Self:
        """Nothing is started yet."""
        self._folder = Path(mkdtemp(prefix="banggia-compose-"))
        self._write_variables()
        self.alive.append(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._extra:
                await run("docker", "rm", "--force", "--volumes", *self._extra)
            await self.compose("down", "--volumes", "--remove-orphans", "--timeout", "2", timeout_s=120)
        finally:
            self.alive.remove(self)
            shutil.rmtree(self._folder)

    # ── the project

    @property
    def options(self) -> list[str]:
        """What makes a call of `docker compose` one of this project, wherever it is made."""
        files = [word for file in self._files for word in ("--file", str(ROOT / file))]
        return ["--project-name", self.name, "--env-file", str(self._folder / "env"), *files]

    async def compose(self, *arguments: str, timeout_s: float = 60.0) -> str:
        """`docker compose …`: its standard output."""
        said = await run("docker", "compose", "--ansi", "never", *self.options, *arguments, timeout_s=timeout_s)
        assert said.code == 0, f"docker compose {' '.join(arguments)} ended with {said.code}:\n{said.out}{said.err}"
        return said.out

    async def up(self, *arguments: str, timeout_s: float = UP_S) -> None:
        """Start what is not running, with the options and services named; return when all of it is healthy."""
        await self.compose("up", "--detach", "--no-build", "--wait", *arguments, timeout_s=timeout_s)

    async def started(self, *arguments: str) -> None:
        """As `up`, all services; return when the board is served by the balancer."""
        await self.up(*arguments)
        await self.until(self.serves)

    async def scale(self, service: str, number: int) -> None:
        """So many containers of a service, those that are there untouched; return when all are healthy."""
        await self.up("--no-deps", "--no-recreate", "--scale", f"{service}={number}", service)

    def use(self, *files: str) -> None:
        """Other further compose files than before. They count from the next call of `compose` on."""
        self._files = ("docker-compose.yml", *files)

    def set(self, **variables: str) -> None:
        """Change variables. They count from the next call of `compose` on."""
        self.variables |= variables
        self._write_variables()

    def _write_variables(self) -> None:
        lines = (f"{name}='{value}'\n" for name, value in self.variables.items())
        (self._folder / "env").write_text("".join(lines), "utf-8")

    # ── its containers

    async def containers(self, service: str) -> list[Container]:
        """All of a service, stopped ones too, in the order of their numbers."""
        labels = (f"label=com.docker.compose.project={self.name}", f"label=com.docker.compose.service={service}")
        filters = [word for label in labels for word in ("--filter", label)]
        ids = (await self.docker("ps", "--all", "--quiet", "--no-trunc", *filters)).split()
        found = [await self.inspect(id_) for id_ in ids]
        return sorted(found, key=lambda one: int(one.facts["Config"]["Labels"]["com.docker.compose.container-number"]))

    async def container(self, service: str) -> Container:
        """The only one of a service."""
        (only,) = await self.containers(service)
        return only

    async def inspect(self, container: Container | str) -> Container:
        """It as it is now."""
        facts = json.loads(await self.docker("inspect", "--type", "container", _id(container)))[0]
        return Container(facts["Id"], facts["Name"].removeprefix("/"), facts)

    async def exec(self, container: Container | str, *command: str, timeout_s: float = 30.0) -> Said:
        """Run a command in it, to its end, whatever the exit code."""
        return await run("docker", "exec", _id(container), *command, timeout_s=timeout_s)

    async def logs(self, *services: str) -> str:
        """What services have said, all of them if none is named."""
        return _plain(await self.compose("logs", "--no-color", *services))

    async def docker(self, *arguments: str, timeout_s: float = 60.0) -> str:
        """`docker …`, such as `pause` or `kill` with a container's id: its standard output."""
        said = await run("docker", *arguments, timeout_s=timeout_s)
        assert said.code == 0, f"docker {' '.join(arguments)} ended with {said.code}:\n{said.out}{said.err}"
        return said.out

    # ── containers beside it

    async def start(self, *arguments: str, network: str, alias: str, **variables: str) -> Container:
        """
        One more container in a network of the project (`front`, `back`, `feed`), found there by its alias.

        The arguments are options of `docker run`, an image, and a command, as there.
        """
        settings = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        place = ["--network", f"{self.name}_{network}", "--network-alias", alias]
        id_ = (await self.docker("run", "--detach", "--init", *place, *settings, *arguments)).strip()
        self._extra.append(id_)
        return await self.inspect(id_)

    async def remove(self, container: Container) -> None:
        """One that `start` made, at once."""
        await self.docker("rm", "--force", container.id)
        self._extra.remove(container.id)

    async def python_as_seen_by(self, container: Container, code: str) -> Said:
        """Run Python with the network of a container: its names, its addresses, its routes, its own localhost."""
        place = ["--network", f"container:{container.id}", "--entrypoint", "python"]
        return await run("docker", "run", "--rm", *place, IMAGE, "-c", code)

    # ── the board, as clients see it

    @property
    def url(self) -> str:
        """The balancer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        """Where websockets begin."""
        return f"ws://127.0.0.1:{self.port}"

    async def get(self, path: str, headers: dict[str, str] | None = None) -> httpx2.Response:
        """An HTTP answer of the balancer. Raises httpx2.HTTPError if there is none."""
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            return await http.get(self.url + path, headers=headers)

    async def ask(self, target: str, *header_lines: str) -> tuple[int, str]:
        """Status and answer for a request whose target is sent letter by letter as it is given. Raises OSError."""
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                lines = (f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *header_lines)
                writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
                answer = (await reader.read()).decode(errors="replace")
            finally:
                writer.close()
                await writer.wait_closed()
        return int(answer.split(" ", 2)[1]), answer

    async def serves(self) -> bool:
        """Whether a publisher answers through the balancer."""
        try:
            return (await self.get("/readyz")).status_code == 200
        except httpx2.HTTPError:
            return False

    async def metric(self, container: Container | str, series: str, port: int = 8000) -> float:
        """
        The value of a series in a container's own /metrics, labels included; 0 if it is not there.

        The port is a publisher's; an ingest has 9100.
        """
        code = f"from urllib.request import *; print(urlopen('http://127.0.0.1:{port}/metrics').read().decode())"
        said = await self.exec(container, "python", "-c", code)
        assert said.code == 0, said.err
        for line in said.out.splitlines():
            if line.startswith(series + " "):
                return float(line.rpartition(" ")[2])
        return 0.0

    async def until(self, holds: Callable[[], Awaitable[bool]], *, within_s: float = 30.0) -> None:
        """Return when the condition holds. Raises TimeoutError if that takes longer than `within_s`."""
        async with asyncio.timeout(within_s):
            while not await holds():  # noqa: ASYNC110 (what is waited for is in other processes)
                await asyncio.sleep(0.1)

    # ── when a test fails

    def last_words(self, lines: int = 40) -> str:
        """The end of each container's log and all states, for a person; never raises."""
        parts: Sequence[Sequence[str]] = (("ps", "--all"), ("logs", "--no-color", "--timestamps", "--tail", str(lines)))
        texts = []
        for part in parts:
            try:
                shown = subprocess.run(
                    ["docker", "compose", "--ansi", "never", *self.options, *part],
                    cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", timeout=30, check=False,
                )  # fmt: skip
                texts.append(_plain(shown.stdout))
            except (OSError, subprocess.SubprocessError) as error:
                texts.append(f"{' '.join(part)}: {error}\n")
        return "\n".join(texts)


def _plain(text: str) -> str:
    """Without the terminal's erase command, which compose puts in front of lines of logs whatever it is told."""
    return text.replace("\x1b[2K", "")


def _id(container: Container | str) -> str:
    return container.id if isinstance(container, Container) else container
