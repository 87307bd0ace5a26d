"""The documents say what the code says: fields, settings, error codes, samples."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from ingest_service.core.schema import SCHEMA
from ingest_service.settings import IngestSettings
from publisher_service import hub
from publisher_service.core import requests
from publisher_service.settings import PublisherSettings
from shared.channels import Channel
from shared.wire import Commit, decode_envelope
from tests import row_types, tables_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

SETTINGS_SECTIONS: dict[str, type[BaseSettings]] = {"ingest": IngestSettings, "publisher": PublisherSettings}


def section(document: str, heading: str) -> str:
    """The text below a heading, up to the next one of its level."""
    _, found, rest = (DOCS / document).read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, f"{document} has no section {heading}"
    return rest.partition("\n## ")[0]


def table_rows(text: str) -> Iterator[tuple[str, str]]:
    """The first two cells of each table row whose first cell is a `name`."""
    for line in text.splitlines():
        if match := re.match(r"\| `(\w+)` \| (.*?) \|", line):
            yield match[1], match[2].strip("`")


def json_lines(document: str) -> list[str]:
    """Each line of the document's JSON blocks."""
    blocks = re.findall(r"```json\n(.*?)```", (DOCS / document).read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def as_variable(default: object) -> str:
    """A setting's default as one would write it into the environment."""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return f"{default:g}" if isinstance(default, float) else str(default)


def variables(settings: type[BaseSettings]) -> Iterable[tuple[str, FieldInfo]]:
    return ((name.upper(), field) for name, field in settings.model_fields.items())


def test_the_tables_page_is_the_one_that_the_schema_makes() -> None:
    page = tables_page.PAGE.read_text(encoding="utf-8")

    assert page == tables_page.tables_page(page, SCHEMA.document), "python3 run.py docs writes it anew"


def test_the_types_of_the_client_in_typescript_are_those_that_the_schema_makes() -> None:
    types = row_types.FILE.read_text(encoding="utf-8")

    assert types == row_types.row_types(SCHEMA.document), "python3 run.py docs writes them anew"


def test_publishers_serve_the_client_in_typescript_that_is_in_its_folder() -> None:
    served, compiled = (
        ROOT / path for path in ("publisher_service/web/banggia.js", "clients/typescript/lib/banggia.js")
    )

    assert served.read_bytes() == compiled.read_bytes(), "npm run build, in clients/typescript, makes both"


@pytest.mark.parametrize("heading", SETTINGS_SECTIONS)
def test_the_settings_page_lists_each_setting_with_its_default(heading: str) -> None:
    documented = dict(table_rows(section("settings.md", heading)))

    assert documented == {
        name: "required"
        if field.is_required()
        else as_variable(field.default)
        if field.default not in (None, {}, ())
        else "not set"
        for name, field in variables(SETTINGS_SECTIONS[heading])
    }


def example_environment() -> tuple[dict[str, str], dict[str, str]]:
    """The variables of .env.example: those of the services, and those of docker compose only."""
    parts = (ROOT / ".env.example").read_text(encoding="utf-8").split("\n# docker compose only.")
    services, compose = (dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", part, re.MULTILINE)) for part in parts)
    return services, compose


def test_the_example_environment_has_each_setting_with_its_default() -> None:
    example, _ = example_environment()

    assert example == {
        name: "" if field.is_required() or field.default in (None, {}, ()) else as_variable(field.default)
        for settings in SETTINGS_SECTIONS.values()
        for name, field in variables(settings)
    }


def test_the_example_environment_has_each_variable_of_docker_compose_with_its_default() -> None:
    services, compose = example_environment()
    files = [ROOT / "docker-compose.yml", *(ROOT / "deploy" / "compose").glob("*.yml")]
    used = {
        name: default
        for file in files
        for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", file.read_text(encoding="utf-8"))
        if name not in services
    }

    assert compose == used


def test_every_setting_of_a_publisher_that_compose_does_not_set_itself_can_be_set_in_its_env_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    its_own = {"REDIS_URL", "HOST", "PORT"}

    passed_on = {name for name, _ in variables(PublisherSettings) if f"${{{name}:" in text}

    assert passed_on == {name for name, _ in variables(PublisherSettings)} - its_own


def test_the_protocol_page_lists_exactly_the_error_codes_of_the_code() -> None:
    sources = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in (requests, hub))
    codes = set(re.findall(r'InvalidRequest\(\s*"(\w+)"', sources))

    documented = [name for name, _ in table_rows(section("protocol.md", "Errors"))]

    assert set(documented) == codes | {"invalid_message", "invalid_interval"}


def test_the_requests_of_the_protocol_page_are_valid() -> None:
    kinds = ["subscribe", "unsubscribe", "ping", "auth"]
    samples = [line for line in json_lines("protocol.md") if json.loads(line)["type"] in kinds]

    parsed = [requests.parse(sample) for sample in samples]

    assert [request.type for request in parsed] == kinds


def test_the_envelopes_of_the_redis_page_are_read_as_what_they_show() -> None:
    envelopes = [decode_envelope(line.encode()) for line in json_lines("redis.md")]

    assert [type(envelope).__name__ for envelope in envelopes] == ["Commit", "Heartbeat", "Replaced"]
    assert isinstance(envelopes[0], Commit)
    assert envelopes[0].rows[Channel.MARKET]["OLD"] is None


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


PROOF = re.compile(r"\]\(\.\./(tests/[\w/]+\.py)#(test_\w+)\)")


@pytest.mark.parametrize("page", ["guarantees.md", "feed.md"])
def test_each_proof_is_a_test(page: str) -> None:
    proofs = PROOF.findall((DOCS / page).read_text(encoding="utf-8"))

    missing = [
        (path, name)
        for path, name in proofs
        if not re.search(rf"^\s*(?:async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert proofs
    assert missing == []


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        *(("guarantees.md", "Order and loss"), ("guarantees.md", "Numbers"), ("guarantees.md", "Staleness")),
        *(("guarantees.md", "Days and hours"), ("guarantees.md", "Slow clients"), ("guarantees.md", "Faults")),
        *(("feed.md", "Oddities"), ("feed.md", "Mistakes")),
    ],
)
def test_each_guarantee_and_each_oddity_has_its_proof(page: str, heading: str) -> None:
    entries = re.split(r"\n(?=- |\| (?!---|what |the feed |elsewhere ))", section(page, heading))[1:]

    assert entries
    assert [entry for entry in entries if not PROOF.search(entry)] == []
