"""What `run.py config show` tells."""

import json

import pytest

from publisher_service.settings import PublisherSettings
from upkeep.config import main, settings_of


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://me:hunter2@redis.example:6380/1", "redis://***@redis.example:6380/1"),
        ("rediss://redis/0?db=1&password=hunter2", "rediss://redis/0?db=***&password=***"),
        ("unix:///run/redis.sock?password=hunter2", "unix:///run/redis.sock?password=***"),
    ],
)
def test_no_password_in_an_address_is_told(url: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)

    values = {each.name: each.value for each in settings_of(PublisherSettings, {"REDIS_URL": url})}

    assert values["REDIS_URL"] == told


@pytest.mark.parametrize(
    ("name", "service"), [("ingest", "ingest"), ("publisher", "publisher"), ("publish", "publisher")]
)
def test_a_service_is_known_by_its_name_and_by_that_of_its_command(
    name: str, service: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSI_CONSUMER_ID", "me")
    monkeypatch.setenv("SSI_CONSUMER_SECRET", "hunter2")

    code = main(["show", name])

    said = capsys.readouterr().out
    assert (code, said.splitlines()[0]) == (0, service)
    assert "hunter2" not in said


def test_a_service_that_is_none_gets_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["show", "publihser"])

    assert ended.value.code == 2
    assert "there is no service publihser. Did you mean publisher?" in capsys.readouterr().err


def test_a_wrong_setting_ends_with_2_and_the_other_service_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSI_CONSUMER_ID", "me")
    monkeypatch.setenv("SSI_CONSUMER_SECRET", "hunter2")
    monkeypatch.setenv("PORT", "hunter3")

    code = main(["show", "--json"])

    said = capsys.readouterr()
    assert (code, list(json.loads(said.out))) == (2, ["ingest"])
    assert said.err.startswith("publisher: Wrong setting: PORT: must be a whole number")
    assert "hunter" not in said.out + said.err
