"""Who can be measured here."""

from pathlib import Path

import pytest

from bench import contestants
from bench.peers import centrifugo, node


def test_who_cannot_be_installed_is_left_out_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node, "VAR", tmp_path)
    monkeypatch.setattr(centrifugo, "VAR", tmp_path)

    there, missing = contestants.prepared(["floor", "ws", "centrifugo"], [])

    assert [each.name for each in there] == ["floor"]
    assert missing == {
        "ws": "there is no Node with npm on this machine",
        "centrifugo": "there is no Go on this machine",
    }


def test_the_publisher_of_another_checkout_is_one_more(tmp_path: Path) -> None:
    there, _ = contestants.prepared(["banggia"], [tmp_path])

    assert [each.name for each in there] == ["banggia", f"banggia@{tmp_path}"]
    assert there[1].folder == tmp_path
