"""The image: what is in it, what is not, and as whom it runs."""

import json

import pytest

from tests.fakes.compose import ROOT, Said, run

BASE = "python:3.13-slim"
#: What the packages of requirements.lock, the code and their bytecode may take.
MAX_ADDED_BYTES = 90_000_000
#: As in docker-compose.yml, and no network.
HARDENED = (
    "--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
    "--security-opt", "no-new-privileges:true",
)  # fmt: skip

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def started(image: str, *arguments: str) -> Said:
    """A container of the image to its end."""
    return await run("docker", "run", "--rm", "--init", *HARDENED, image, *arguments)


async def python(image: str, code: str) -> object:
    """What Python code prints in the image, as JSON."""
    command = ("docker", "run", "--rm", *HARDENED, "--entrypoint", "python", image, "-c", code)
    said = await run(*command)
    assert said.code == 0, said.err
    return json.loads(said.out)


async def facts(image: str) -> dict[str, object]:
    """What `docker image inspect` tells."""
    said = await run("docker", "image", "inspect", image)
    assert said.code == 0, said.err
    found: dict[str, object] = json.loads(said.out)[0]
    return found


@pytest.mark.parametrize(("command", "setting"), [("simulate", "--rate"), ("ingest", "--probe"), ("publish", "--port")])
async def test_each_command_starts_with_its_options_on_a_read_only_root(image: str, command: str, setting: str) -> None:
    said = await started(image, command, "--help")

    assert said.code == 0, said.err
    assert setting in said.out


async def test_a_wrong_setting_ends_a_command_with_its_own_exit_code(image: str) -> None:
    said = await started(image, "ingest")

    assert said.code == 2
    assert "SSI_CONSUMER_ID" in said.err


@pytest.mark.parametrize("arguments", [(), ("sh",), ("python", "-c", "pass")])
async def test_anything_but_a_command_is_refused_in_one_line(image: str, arguments: tuple[str, ...]) -> None:
    said = await started(image, *arguments)

    assert said.code == 2
    commands = "simulate, ingest, publish, record, replay"
    assert said.err == f"The commands of this image are {commands}; --help after one tells its options.\n"


async def test_it_runs_as_a_user_that_owns_nothing_and_may_change_nothing(image: str) -> None:
    code = """
import json, os
paths = [os.path.join(folder, name) for top in ("/app", "/venv") for folder, _, names in os.walk(top) for name in names]
print(json.dumps({
    "user": [os.getuid(), os.getgid(), os.getgroups()],
    "files": len(paths),
    "changeable": [path for path in paths if os.access(path, os.W_OK) and not os.path.islink(path)],
    "unreadable": [path for path in paths if not os.access(path, os.R_OK)],
    "owned": [path for path in paths if os.lstat(path).st_uid != 0],
}))
"""

    found = await python(image, code)

    assert isinstance(found, dict)
    assert found.pop("files") > 1000
    assert found == {"user": [10001, 10001, [10001]], "changeable": [], "unreadable": [], "owned": []}


async def test_it_holds_the_services_and_nothing_else_of_the_checkout(image: str) -> None:
    code = """
import json, os
print(json.dumps([sorted(os.listdir("/app")), sorted(name for name in os.listdir("/app/publisher_service/web"))]))
"""

    found = await python(image, code)

    files = {"LICENSE", "command.py", "health.py", "__pycache__"}
    packages = {"shared", "ssi_simulator", "ingest_service", "publisher_service"}
    web = sorted(path.name for path in (ROOT / "publisher_service" / "web").iterdir())
    assert found == [sorted(files | packages), web]


async def test_it_holds_no_compiler_no_package_tool_and_no_test_tool(image: str) -> None:
    code = """
import importlib.util, json, os, shutil
tools = ("gcc", "g++", "cc", "clang", "make", "cargo", "rustc")
modules = ("pip", "setuptools", "wheel", "pytest", "hypothesis", "mypy", "ruff", "testcontainers")
print(json.dumps({
    "tools": [name for name in tools if shutil.which(name)],
    "modules": [name for name in modules if importlib.util.find_spec(name)],
    "programs": [name for name in os.listdir("/venv/bin") if name.startswith(("pip", "pytest", "ruff", "mypy"))],
    "control": [bool(shutil.which("python")), bool(importlib.util.find_spec("uvicorn"))],
}))
"""

    found = await python(image, code)

    assert found == {"tools": [], "modules": [], "programs": [], "control": [True, True]}


async def test_every_module_has_its_bytecode(image: str) -> None:
    code = """
import importlib.util, json, os
sources = [os.path.join(folder, name) for top in ("/app", "/venv/lib") for folder, _, names in os.walk(top)
           for name in names if name.endswith(".py")]
print(json.dumps([len(sources), [s for s in sources if not os.path.exists(importlib.util.cache_from_source(s))]]))
"""

    found = await python(image, code)

    assert isinstance(found, list)
    assert found[0] > 500
    assert found[1] == []


async def test_it_tells_what_it_is(image: str) -> None:
    config = (await facts(image))["Config"]

    assert isinstance(config, dict)
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "banggia"
    assert labels["description"]
    assert labels["licenses"] == "Apache-2.0"
    assert labels["version"]
    assert labels["revision"]
    assert config["User"] == "10001:10001"
    assert list(config["ExposedPorts"]) == ["8000/tcp"]


async def test_it_adds_little_to_its_base(image: str) -> None:
    whole, base = await facts(image), await facts(BASE)

    assert isinstance(whole["Size"], int)
    assert isinstance(base["Size"], int)
    assert 10_000_000 < whole["Size"] - base["Size"] < MAX_ADDED_BYTES
