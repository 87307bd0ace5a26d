"""run.py makes its environment once, alone, and then is out of the way."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest

import run
from shared.version import VERSION

ROOT = Path(run.__file__).parent

#: Says who it is and how it was called, waits for the end of its input if told to, ends as told.
_FAKE_DEMO = """
import os, sys
print(os.getpid(), *sys.argv[1:], flush=True)
if "wait" in sys.argv:
    sys.stdin.read()
sys.exit(int(os.environ.get("FAKE_EXIT_CODE", "0")))
"""


def a_checkout(folder: Path) -> Path:
    """A checkout with a demo that tells how it was called. Its packages are none, so nothing is fetched."""
    (folder / "run.py").write_bytes((ROOT / "run.py").read_bytes())
    for layer in (run.SERVICES, run.DEVELOPMENT, run.BROKER, run.BROWSER):
        for name in layer:
            (folder / name).write_text("# nothing\n")
    (folder / "local_stack").mkdir()
    (folder / "local_stack" / "__main__.py").write_text(_FAKE_DEMO)
    return folder


def start(checkout: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    variables = {name: value for name, value in os.environ.items() if name != "BANGGIA_VENV"}
    return subprocess.Popen(
        [sys.executable, str(checkout / "run.py"), *arguments],
        cwd=checkout.parent,  # run.py finds its own folder
        env={**variables, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_py(checkout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    with start(checkout, *arguments, **environment) as process:
        said, complained = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, said, complained)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Without an environment yet."""
    return a_checkout(tmp_path)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an environment, for tests that leave it as it is."""
    checkout = a_checkout(tmp_path_factory.mktemp("checkout"))
    assert run_py(checkout, "demo").returncode == 0
    return checkout


def test_an_interpreter_of_version_3_8_can_read_it() -> None:
    ast.parse((ROOT / "run.py").read_text("utf-8"), feature_version=(3, 8))


def test_an_old_interpreter_is_told_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 8, 10))

    code = run.main(["demo"])

    assert code == 2
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = run.main(list(arguments))

    usage = capsys.readouterr().out
    assert code == 0
    assert [command for command in run.COMMANDS if f"\n  {command} " not in usage] == []


def test_a_mistyped_command_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    code = run.main(["dmeo"])

    assert code == 2
    assert "Did you mean demo?" in capsys.readouterr().err


def test_no_command_is_an_error_that_shows_how(capsys: pytest.CaptureFixture[str]) -> None:
    code = run.main([])

    assert code == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_check_refuses_options_that_it_would_ignore(capsys: pytest.CaptureFixture[str]) -> None:
    code = run.main(["check", "--fast"])

    assert code == 2
    assert "takes no options" in capsys.readouterr().err


@pytest.mark.parametrize("command", run.HELP)
def test_help_of_what_has_no_command_line_of_its_own_needs_no_environment(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run.main([command, "--help"])

    assert code == 0
    assert f"usage: python3 run.py {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", run.COMMANDS)
def test_the_help_of_each_command_has_an_example(command: str) -> None:
    module = run.COMMANDS[command][0]
    said = (
        run.HELP.get(command)
        or subprocess.run(
            [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    )

    assert f"usage: run.py {command}" in said.replace("python3 ", "")
    assert f" run.py {command} " in said.partition("\nFor example, ")[2]


@pytest.mark.parametrize("module", ["ingest_service", "publisher_service"])
def test_there_is_one_version(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = subprocess.check_output([sys.executable, "-m", module, "--version"], cwd=ROOT, text=True)
    registry = import_module(f"{module}.metrics").Metrics().registry
    series = f"{module.removesuffix('_service')}_build_info"

    code = run.main(["--version"])

    assert (code, told) == (0, f"banggia {VERSION}\n")
    assert capsys.readouterr().out == told
    assert registry.get_sample_value(series, {"version": VERSION}) == 1


def test_arguments_and_exit_code_pass_through(prepared: Path) -> None:
    ended = run_py(prepared, "demo", "--port", "8123", "--no-browser", FAKE_EXIT_CODE="7")

    assert ended.returncode == 7
    assert ended.stdout.split()[1:] == ["--port", "8123", "--no-browser"]


def test_the_command_takes_the_place_of_run_py_so_signals_reach_it(prepared: Path) -> None:
    with start(prepared, "demo", "wait") as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline().split()[0])
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=10)

    assert pid == process.pid
    assert code == -signal.SIGTERM


def test_a_prepared_environment_is_used_without_a_word(prepared: Path) -> None:
    ended = run_py(prepared, "demo")

    assert ended.stderr == ""


def test_each_change_of_a_lock_file_is_installed_even_back(checkout: Path) -> None:
    lock = checkout / "requirements.lock"
    words = []
    for content in ("# one\n", "# two\n", "# one\n"):
        lock.write_text(content)
        words.append(run_py(checkout, "demo").stderr)

    assert ["Preparing" in word for word in words] == [True, True, True]


def test_an_environment_without_its_interpreter_is_made_anew(checkout: Path) -> None:
    run_py(checkout, "demo")
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")

    ended = run_py(checkout, "demo", "again")

    assert (ended.returncode, ended.stdout.split()[1:]) == (0, ["again"])


def test_an_interrupted_installation_is_started_anew(checkout: Path) -> None:
    run_py(checkout, "demo")
    environment = checkout / ".venv"
    (environment / "banggia-stamp").write_text(run.Environment.CHANGING)
    leftover = environment / "half-installed"
    leftover.write_text("")

    ended = run_py(checkout, "demo")

    assert ended.returncode == 0
    assert not leftover.exists()


def test_packages_that_cannot_be_installed_are_told_and_nothing_runs(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text("./there-is-no-such-folder\n")

    ended = run_py(checkout, "demo")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "requirements.lock cannot be installed" in ended.stderr


def test_without_an_embedded_broker_the_rest_still_runs(checkout: Path) -> None:
    for name in run.BROKER:
        (checkout / name).write_text("./there-is-no-such-folder\n")

    ended = run_py(checkout, "demo", "anyway")

    assert (ended.returncode, ended.stdout.split()[1:]) == (0, ["anyway"])
    assert "set REDIS_URL" in ended.stderr


def test_the_second_file_of_a_layer_stands_in_for_the_first(checkout: Path) -> None:
    (checkout / run.BROKER[0]).write_text("./there-is-no-such-folder\n")

    first, second = run_py(checkout, "demo"), run_py(checkout, "demo")

    assert "REDIS_URL" not in first.stderr
    assert second.stderr == ""


def test_two_starts_at_once_make_one_environment(checkout: Path) -> None:
    with start(checkout, "demo") as one, start(checkout, "demo") as other:
        words = [process.communicate(timeout=60)[1] for process in (one, other)]

    assert [one.returncode, other.returncode] == [0, 0]
    assert sum("Preparing" in word for word in words) == 1


def test_a_folder_that_is_no_environment_is_left_alone(checkout: Path) -> None:
    folder = checkout / "documents"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear all")

    ended = run_py(checkout, "demo", BANGGIA_VENV=str(folder))

    assert ended.returncode == 1
    assert "is no virtual environment" in ended.stderr
    assert [entry.name for entry in folder.iterdir()] == ["letter.txt"]


def test_an_environment_made_by_hand_is_taken_over(checkout: Path) -> None:
    made = checkout / "by-hand"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True)
    (made / "own-file").write_text("")

    ended = run_py(checkout, "demo", BANGGIA_VENV=str(made))

    assert ended.returncode == 0
    assert (made / "own-file").exists()


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_CERT", "PIP_FIND_LINKS"])
def test_pip_is_preferred_where_it_was_told_about_an_index(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "set")

    assert run.pip_is_configured()


def test_a_pip_conf_counts_as_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text("[global]\n")

    assert run.pip_is_configured()


def test_all_checks_run_though_the_first_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    checks = (("bad", ("-c", "raise SystemExit(3)")), ("good", ("-c", "print('good ran')")))
    monkeypatch.setattr(run, "CHECKS", checks)
    monkeypatch.setattr(run, "ROOT", tmp_path)

    code = run.check(Path(sys.executable))

    said = capfd.readouterr().out
    assert code == 1
    assert "good ran" in said
    assert said.endswith("check: failed: bad\n")
