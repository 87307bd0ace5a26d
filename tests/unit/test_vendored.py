"""What others wrote and stands in this tree is what they published, with its licence."""

import hashlib
import re

import pytest

from tools.vendor import Vendored, vendored

FOLDERS = list(vendored())


def test_there_are_some() -> None:
    assert {one.package for one in FOLDERS} == {"uplot", "axe-core"}


@pytest.mark.parametrize("one", FOLDERS, ids=lambda one: one.package)
def test_each_file_has_the_checksum_that_its_folder_tells(one: Vendored) -> None:
    found = {file.name: hashlib.sha256((one.folder / file.name).read_bytes()).hexdigest() for file in one.files}

    assert found == {file.name: file.sha256 for file in one.files}
    assert one.strangers == []


@pytest.mark.parametrize("one", FOLDERS, ids=lambda one: one.package)
def test_each_folder_is_named_as_its_package_and_holds_the_licence(one: Vendored) -> None:
    assert one.folder.name == f"{one.package}@{one.version}"
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", one.integrity)
    assert "LICENSE" in {file.name for file in one.files}
