"""Brings what is compared with into `var/bench`, each by its ordinary client, when it is needed for the first time."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.contestant import Unavailable
from local_stack.terminal import say

HERE = Path(__file__).parent
DEADLINE_S = 1200


def environment_of(folder: Path, lock: Path) -> Path:
    """The interpreter of a virtual environment with what a lock file names. Raises Unavailable."""
    python = folder / "bin" / "python"

    def make() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        installer = _installer(python)
        _run([*installer, "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)])

    _once(folder, lock.read_bytes(), make)
    return python


def modules(folder: Path, package: Path) -> Path:
    """A folder with the Node modules that a package.json names. Raises Unavailable."""

    def make() -> None:
        if shutil.which("node") is None or shutil.which("npm") is None:
            raise Unavailable("there is no Node with npm on this machine")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(package, folder / "package.json")
        options = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        _run(["npm", "install", *options], folder)

    _once(folder, package.read_bytes(), make)
    return folder


def go_program(folder: Path, module: str) -> Path:
    """A Go program at `module@version`, compiled. Raises Unavailable."""
    name = next(part for part in reversed(module.partition("@")[0].split("/")) if not part.startswith("v"))

    program = folder / name
    if not program.exists():
        if shutil.which("go") is None:
            raise Unavailable("there is no Go on this machine")
        say(f"Compiling {module} into {folder}; this is done once, and takes some minutes.")
        _run(["go", "install", module], environment={"GOBIN": str(folder), "GOFLAGS": "-modcacherw"})
    return program


def unpacked(folder: Path, packages: Sequence[str]) -> Path:
    """Debian packages, unpacked and not installed. Raises Unavailable."""

    def make() -> None:
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            raise Unavailable("it is taken from Debian's packages, and this is no Debian")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _run(["apt-get", "download", *packages], folder)
        for package in sorted(folder.glob("*.deb")):
            _run(["dpkg", "-x", str(package), str(folder)])

    _once(folder, " ".join(packages).encode(), make)
    return folder


def _once(folder: Path, content: bytes, make: Callable[[], None]) -> None:
    """Make it, unless it was made from the same content before."""
    stamp, digest = folder / "made-from", hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text("ascii") == digest:
        return
    say(f"Preparing {folder}; this is done once.")
    make()
    stamp.write_text(digest, "ascii")


def _installer(python: Path) -> list[str]:
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", str(python)]
    base = sys.executable if sys.prefix == sys.base_prefix else os.path.realpath(sys.executable)
    return [base, "-m", "pip", "--python", str(python), "install", "--no-input"]


def _run(command: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
    """Raises Unavailable with the last line of what was said."""
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=DEADLINE_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from error
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()] or ["nothing was said"]
        raise Unavailable(f"{' '.join(command[:2])} failed: {lines[-1]}")
