"""The board's files: complete, small, and kept by browsers."""

import gzip
import json
import re
from pathlib import Path

import pytest

from publisher_service.http_routes import WEB, takes_gzip
from publisher_service.web_files import CONTENT_POLICY, WebFiles

PAGE = (WEB / "index.html").read_text("utf-8")
#: What the page loads before it shows the first price, compressed.
FIRST_BYTES = 60_000


@pytest.fixture(scope="module")
def files() -> WebFiles:
    return WebFiles(WEB)


def imports(path: Path) -> set[str]:
    """What a module needs before it runs; what it loads later is not among it."""
    found = re.findall(r'^(?:import|export) [^"();]*"(\./[^"]+)";$', path.read_text("utf-8"), re.MULTILINE)
    return {(path.parent / name).resolve().relative_to(WEB).as_posix() for name in found}


def first_modules() -> set[str]:
    """All that `main.js` needs before it runs."""
    known, open_ends = set[str](), {"main.js"}
    while open_ends:
        known |= open_ends
        open_ends = set().union(*(imports(WEB / name) for name in open_ends)) - known
    return known


def test_the_page_asks_for_all_first_modules_at_once_and_for_no_other() -> None:
    named = set(re.findall(r'rel="modulepreload" href="web/([^"]+)"', PAGE))

    assert named == first_modules()


def test_what_the_page_names_is_there_under_the_newest_version_for_ever(files: WebFiles) -> None:
    page = files.page("index.html").body.decode()
    named = re.findall(r'"web/([^"]+)"', page)

    assert len(named) > 20
    for name in named:
        assert name.startswith(f"{files.version}/")
        found = files.get(name)
        assert found is not None, name
        assert found[1]


def test_a_file_of_another_version_is_the_present_one_but_not_for_ever(files: WebFiles) -> None:
    assert files.get("0123456789ab/main.js") == files.get("main.js")
    assert files.get("main.js") is not None
    assert (files.get("main.js") or (None, True))[1] is False


def test_what_is_not_below_the_folder_is_not_there(files: WebFiles) -> None:
    assert [files.get(path) for path in ("../app.py", "/etc/passwd", "", "nothing.js", f"{files.version}/")] == [
        None
    ] * 5


def test_compressed_files_are_the_files(files: WebFiles) -> None:
    found = files.get("main.js")

    assert found is not None
    assert found[0].compressed is not None
    assert gzip.decompress(found[0].compressed) == (WEB / "main.js").read_bytes()


def test_the_first_price_needs_few_bytes(files: WebFiles) -> None:
    names = {*first_modules(), "index.html", "theme.css", "board.css", "words.vi.json"}
    found = [file[0] for name in names if (file := files.get(name)) is not None]

    assert len(found) == len(names)
    assert sum(len(file.compressed or file.body) for file in found) < FIRST_BYTES


def test_nothing_is_written_into_the_page_that_its_policy_forbids() -> None:
    assert "unsafe" not in CONTENT_POLICY
    assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son[a-z]+=", PAGE)


def test_both_languages_say_the_same_names_with_the_same_values() -> None:
    vietnamese, english = (json.loads((WEB / f"words.{language}.json").read_text("utf-8")) for language in ("vi", "en"))

    assert list(vietnamese) == list(english)
    for name, text in vietnamese.items():
        assert text.strip()
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", english[name])), name


def test_every_name_that_a_module_says_has_words() -> None:
    known = json.loads((WEB / "words.en.json").read_text("utf-8"))
    modules = [path for path in WEB.rglob("*.js") if "vendor" not in path.parts and "playground" not in path.parts]
    said = {name for path in modules for name in re.findall(r'words\("([^"]+)"', path.read_text("utf-8"))}

    assert len(said) > 60
    assert {name for name in said if name not in known} == set()


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [
        ("gzip, deflate, br", True), ("GZIP;q=0.5", True), ("br, gzip;q=1", True), ("gzip;q=0.01", True),
        ("gzip;q=0", False), ("gzip; q=0.000, br", False), ("identity", False), ("", False),
    ],
)  # fmt: skip
def test_nobody_gets_gzip_who_forbids_it(accepted: str, is_taken: bool) -> None:  # noqa: FBT001 (a parameter of the table)
    assert takes_gzip(accepted) is is_taken
