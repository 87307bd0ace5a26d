"""The documents say what the code says: fields, settings, error codes, samples."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from ingest_service.settings import IngestSettings
from publisher_service import hub
from publisher_service.core import requests
from publisher_service.settings import PublisherSettings
from shared.channels import Channel
from shared.setting import default_of
from shared.table import REMOVED
from shared.wire import Commit, decode_envelope
from tools.documents.__main__ import documents
from tools.documents.settings_page import settings_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

SETTINGS: tuple[type[BaseSettings], ...] = (IngestSettings, PublisherSettings)


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


def variables(settings: type[BaseSettings]) -> Iterable[tuple[str, FieldInfo]]:
    return ((name.upper(), field) for name, field in settings.model_fields.items())


@pytest.mark.parametrize(("path", "due"), documents().items())
def test_what_is_made_from_the_code_is_the_newest(path: str, due: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == due, "python3 run.py docs writes it anew"


def test_publishers_serve_the_client_in_typescript_that_is_in_its_folder() -> None:
    served, compiled = (
        ROOT / path for path in ("publisher_service/web/banggia.js", "clients/typescript/lib/banggia.js")
    )

    assert served.read_bytes() == compiled.read_bytes(), "npm run build, in clients/typescript, makes both"


def test_a_page_without_a_place_for_each_table_is_refused_with_what_it_must_have() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")

    with pytest.raises(ValueError, match=r"must be .*series of the ingest"):
        settings_page(page.replace("docs: series of the ingest", "docs: series"))


def test_each_series_to_watch_first_exists() -> None:
    first, _, made = section("settings.md", "What is measured").partition("### All series")
    first_ones, all_of_them = (set(re.findall(r"`((?:ingest|publisher)_\w+)`", part)) for part in (first, made))

    assert len(first_ones) > 15
    assert first_ones - all_of_them == set()


def example_environment() -> tuple[dict[str, str], dict[str, str]]:
    """The variables of .env.example: those of the services, and those of docker compose only."""
    parts = (ROOT / ".env.example").read_text(encoding="utf-8").split("\n# docker compose only.")
    services, compose = (dict(re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", part, re.MULTILINE)) for part in parts)
    return services, compose


def test_the_example_environment_has_each_setting_with_its_default() -> None:
    example, _ = example_environment()

    assert example == {name: default_of(field) for settings in SETTINGS for name, field in variables(settings)}


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
    assert envelopes[0].rows[Channel.MARKET]["OLD"] == REMOVED


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
