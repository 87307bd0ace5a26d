"""What the environment may say to a publisher."""

import pytest

from publisher_service.settings import PublisherSettings, load_settings


@pytest.fixture(autouse=True)
def _only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PublisherSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def complaint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **variables: str) -> str:
    """What is said of such an environment, in one line, before the program ends with exit code 2."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as caught:
        load_settings()
    captured = capsys.readouterr()
    assert caught.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("COMPRESSION", "maybe", "must be True or False"),
        ("PORT", "http", "must be a whole number"),
        ("PORT", "70000", "must be 65535 or less"),
        ("INTERVALS_MS", "100,fast", "entry 2 must be a whole number"),
        ("INTERVALS_MS", "5,100", "entry 1 must be 10 or more"),
        ("INTERVAL_MS", "1.5", "must be a whole number"),
        ("CHANNEL_INTERVALS_MS", "shares=100", "each name must be market, foreign, index, "),
        ("CHANNEL_INTERVALS_MS", "index", "each value must be a whole number"),
        ("SLOW_CLIENT_S", "soon", "must be a number"),
        ("MESSAGES_PER_S", "inf", "must be a number"),
        ("DRAIN_S", "nan", "must be a number"),
        ("LOG_LEVEL", "loud", "must be DEBUG, INFO, WARNING or ERROR"),
        ("REDIS_PREFIX", "a b", "has a character that it must not have (what all keys begin with: letters, digits"),
        ("ALLOWED_ORIGINS", "board.example", "is neither * nor a list of origins"),
        ("JWT_SECRET", "short", "has fewer than 32 characters"),
    ],
)
def test_a_wrong_setting_is_told_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, problem: str
) -> None:
    assert f"{name}: {problem}" in complaint(monkeypatch, capsys, **{name: value})


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"INTERVALS_MS": "100,250"}, "INTERVAL_MS wants 500 ms"),
        ({"INTERVAL_MS": "6000"}, "INTERVAL_MS wants 6000 ms"),
        ({"CHANNEL_INTERVALS_MS": "index=250,foreign=7000"}, "CHANNEL_INTERVALS_MS wants 7000 ms"),
    ],
)
def test_an_interval_longer_than_all_tiers_is_refused_with_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str], told: str
) -> None:
    line = complaint(monkeypatch, capsys, **variables)

    name = told.partition(" ")[0]
    assert told in line
    assert f"to INTERVALS_MS, or set {name} to " in line


def test_an_interval_below_a_tier_is_rounded_up_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERVALS_MS", "1000,2000")

    assert load_settings().interval_ms == 500


def test_two_keys_to_check_tokens_with_are_refused_by_their_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = complaint(monkeypatch, capsys, JWT_SECRET="s" * 32, JWT_PUBLIC_KEY_FILE="key.pem")

    assert line.startswith("Wrong setting: set JWT_SECRET or JWT_PUBLIC_KEY_FILE, not both. ")
