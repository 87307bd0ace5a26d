"""Whoever types what the README and the tutorial say, from top to bottom, gets what they tell."""

import asyncio
import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2

from local_stack.engine import free_port

ROOT = Path(__file__).parents[2]
#: The imports of five processes on a machine that runs other tests as well.
UP_S = 60.0
OWN_KEYS = "\n## With your own SSI keys\n"
RECORD = "\n## 6. Record, and play it again"
SIMULATE = "python3 run.py simulate --port 8765"
#: The programs in the README and in the tutorial, saved.
PRICES = ".venv/bin/python prices.py"
WATCH = "PYTHONPATH=clients/python .venv/bin/python watch.py"

#: What goes on until it is ended, and what it says once it is up.
UNTIL: Final = {
    "python3 run.py demo": r"Ctrl-C stops it",
    "python3 run.py top": r"VN-INDEX",
    PRICES: r"(?m)^[A-Z0-9]{3} \d+$",
    WATCH: r"live \d+ \d+ rows of 30",
    'websocat "ws://localhost:8000/ws/market?keys=SSI,@VN30&interval=1000&mode=fields"': r'"type":"update"',
    SIMULATE: r"http://127.0.0.1:\d+/",
    '$(find .venv/ -name valkey-server) --bind 127.0.0.1 --save ""': r"Ready to accept connections",
    "python3 run.py ingest": r"exchange link is up",
    "python3 run.py replay var/recordings --speed 2x --stay": r"the recording has ended",
    "python3 run.py publish --port 8000": r"publisher listens",
}
#: What no test types, and why.
NOT_RUN: Final = {
    'git clone "$BANGGIA" banggia': "the tests have a copy of this checkout, changes that are not committed too",
    "cd banggia": "they are in it",
    "python3 run.py chaos": "takes three minutes; tests of local_stack run it for seconds",
    "python3 run.py test": "this is it",
    "python3 run.py check": "a stage of its own before each landing",
    "docker compose up --build": "needs Docker: the compose tests run it",
    "export SSI_CONSUMER_ID=… SSI_CONSUMER_SECRET=…": "a key of one's own; the next ones are run with the simulator's",
}
#: What a test has no time to wait for.
SHORTER: Final = {"--probe 60": "--probe 3", "--seconds 20": "--seconds 4"}
IN_A_TERMINAL: Final = """import pty, sys; pty.spawn(["bash", "-c", "stty rows 40 cols 120; exec " + sys.argv[1]])"""
#: A program that may not be on the machine: what it does here is what it does.
WEBSOCAT: Final = """#!/usr/bin/env python3
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as socket:
        async for text in socket:
            print(text, flush=True)
asyncio.run(main())
"""


class Block(NamedTuple):
    """What stands between two fences."""

    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """The lines of a shell's block, without comments."""
        lines = (re.sub(r"\s+# .*", "", line).strip() for line in self.text.splitlines())
        return [line for line in lines if line]


def blocks(document: str) -> list[Block]:
    """Those of a part of a document."""
    return [Block(*found) for found in re.findall(r"^```(\w*)\n(.*?)^```", document, re.DOTALL | re.MULTILINE)]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


class _Running:
    """A command, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.said = bytearray()
        self._process = process
        self._reading = asyncio.create_task(self._read(), name="what a command says")

    async def says(self, pattern: str) -> None:
        """Wait for it."""
        while not re.search(pattern, self.said.decode(errors="replace")):
            assert not self._reading.done(), f"it ended without {pattern}\n{self.said.decode()}"
            await asyncio.sleep(0.02)

    async def ends(self) -> int:
        """Wait for it; the exit code."""
        await self._reading
        return await self._process.wait()

    async def interrupt(self) -> None:
        """Ctrl-C."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            async with asyncio.timeout(15):
                await self._process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while data := await self._process.stdout.read(65_536):
            self.said += data


class Reader:
    """Somebody with a copy of the checkout and as many terminals as it takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, simulator_port, self._redis_port = (free_port() for _ in range(3))
        self._ports = {"8000": str(self.port), "8765": str(simulator_port)}
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("REDIS_", "SSI_", "BANGGIA_"))
        } | {"PYTHONUNBUFFERED": "1", "TERM": "xterm-256color", "PATH": f"{folder}/bin:{os.environ['PATH']}"}
        self._running: dict[str, _Running] = {}

    def save(self, name: str, text: str) -> None:
        """Keep a file, as a page asks."""
        (self.folder / name).write_text(self._here(text), encoding="utf-8")

    def take_broker(self) -> None:
        """Where the broker is that the next ones begin with: its usual port may be another's."""
        self._environment["REDIS_URL"] = f"redis://127.0.0.1:{self._redis_port}/0"

    async def type_all(self, block: Block) -> None:
        """Each command of a block, but for those that no test types."""
        for command in block.commands if block.language == "sh" else ():
            if command not in NOT_RUN:
                await self.type(command)

    async def type(self, command: str) -> None:
        """Run it, to its end or until it is up."""
        if command.startswith("export "):
            pairs = (pair.partition("=") for pair in shlex.split(self._here(command))[1:])
            self._environment |= {name: value for name, _, value in pairs}
            return
        text = self._here(command)
        if command == "python3 run.py demo":
            text += f" --port {self.port}"
        elif "valkey-server" in command:
            text += f" --port {self._redis_port}"
        elif command == "python3 run.py top":
            text = f"{sys.executable} -c '{IN_A_TERMINAL}' '{text}'"
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", text, cwd=self.folder, env=self._environment, start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        running = self._running[command] = _Running(process)
        async with asyncio.timeout(UP_S):
            if command in UNTIL:
                await running.says(UNTIL[command])
                if command == "python3 run.py demo":
                    await self._look()
            else:
                assert await running.ends() == 0, f"{command}\n{running.said.decode()}"

    def said(self, command: str) -> bytearray:
        """What a command has said so far; it grows."""
        return self._running[command].said

    async def _look(self) -> None:
        """At the board, until prices are there: nobody types as fast as this."""
        while len((await self.board("channels/market?keys=@VN30"))["data"]) < 30:  # noqa: ASYNC110 (it is another process)
            await asyncio.sleep(0.05)

    async def board(self, path: str) -> Any:
        """What the board answers, once it does."""
        async with asyncio.timeout(UP_S), httpx2.AsyncClient(trust_env=False) as http:
            address = f"http://127.0.0.1:{self.port}/api/{path}"
            while (answer := await http.get(address)).status_code != 200:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.05)
        return answer.json()

    async def leave(self) -> None:
        """Ctrl-C in all terminals, the last one first."""
        for running in reversed(self._running.values()):
            await running.interrupt()
        self._running.clear()

    def _here(self, text: str) -> str:
        for said, here in {**SHORTER, **self._ports}.items():
            text = text.replace(said, here)
        return text


@asynccontextmanager
async def a_reader(folder: Path) -> AsyncIterator[Reader]:
    """With a checkout in which the environment was made before."""
    checkout = folder / "banggia"
    left_out = shutil.ignore_patterns(".venv*", ".git", "var", "node_modules", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, checkout, ignore=left_out, symlinks=True)
    (checkout / ".venv").symlink_to(sys.prefix)
    (checkout / "bin").mkdir()
    (checkout / "bin" / "websocat").write_text(WEBSOCAT.replace("/usr/bin/env python3", sys.executable))
    (checkout / "bin" / "websocat").chmod(0o755)
    reader = Reader(checkout)
    try:
        yield reader
    finally:
        await reader.leave()


def test_each_command_is_run_or_it_is_said_why_not() -> None:
    texts = [read(name) for name in ("README.md", "docs/tutorial.md")]
    commands = {command for text in texts for block in blocks(text) for command in block.commands}

    assert {block.language for text in texts for block in blocks(text)} == {"sh", "python", "text", "json"}
    assert [command for command in NOT_RUN if command not in commands] == [], "they stand in no document any more"
    assert [command for command in UNTIL if command not in "\n".join([*texts, PRICES])] == [], "as above"


async def test_a_reader_of_the_readme_sees_the_demo_from_outside(tmp_path: Path) -> None:
    before, heading, after = read("README.md").partition(OWN_KEYS)
    _, next_heading, after = after.partition("\n## ")
    assert heading
    assert next_heading

    async with a_reader(tmp_path) as reader:
        for block in blocks(before + after):
            if block.language == "python":
                reader.save("prices.py", block.text)
                await reader.type(PRICES)
            elif block.language == "sh":
                await reader.type_all(block)


async def test_a_reader_of_the_readme_goes_from_the_exchange_to_the_board_with_a_key(tmp_path: Path) -> None:
    section = read("README.md").partition(OWN_KEYS)[2].partition("\n## ")[0]
    *services, simulators_key = blocks(section)
    assert SIMULATE in section

    async with a_reader(tmp_path) as reader:
        reader.take_broker()
        await reader.type(SIMULATE)
        for block in (simulators_key, *services):
            await reader.type_all(block)
        rows = await reader.board("channels")

    assert rows["channels"]["market"]["rows"] > 1000


async def test_a_reader_of_the_tutorial_watches_prices_while_a_publisher_is_killed(tmp_path: Path) -> None:
    before, heading, _ = read("docs/tutorial.md").partition(RECORD)
    assert heading

    async with a_reader(tmp_path) as reader:
        for block in blocks(before):
            if block.language == "python":
                reader.save("watch.py", block.text)
            elif block.language == "sh":
                await reader.type_all(block)
        watched = reader.said(WATCH)
        seen = len(watched)
        async with asyncio.timeout(20):
            while watched.count(b"live", seen) < 2:  # noqa: ASYNC110 (it is another process)
                await asyncio.sleep(0.05)
        csv = (reader.folder / "prices.csv").read_text(encoding="utf-8").splitlines()

    assert len(csv) == 31


async def test_a_reader_of_the_tutorial_plays_a_recording_again(tmp_path: Path) -> None:
    section = read("docs/tutorial.md").partition(RECORD)[2]

    async with a_reader(tmp_path) as reader:
        reader.take_broker()
        for block in blocks(section):
            await reader.type_all(block)
        status = await reader.board("channels/status/feed")

    assert status["reason"] == "the recording has ended"
    assert status["replay_time"] is not None
