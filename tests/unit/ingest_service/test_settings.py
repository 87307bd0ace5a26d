"""What the environment may say."""

import pytest
from pydantic import ValidationError

from ingest_service.core.alerts import Thresholds
from ingest_service.fast_connect_source import wanted_types
from ingest_service.settings import IngestSettings, load_settings

KEY = {"SSI_CONSUMER_ID": "demo", "SSI_CONSUMER_SECRET": "demo-secret"}


@pytest.fixture(autouse=True)
def _only_these(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in IngestSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def settings_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> IngestSettings:
    for name, value in (KEY | variables).items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_a_key_is_all_that_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch)

    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert settings.ssi_api_url != settings.ssi_stream_url
    assert settings.ssi_channels == ("X:ALL", "R:ALL", "MI:ALL", "F:ALL", "OL:ALL")
    assert settings.metrics_port is None


def test_one_address_serves_for_both_and_an_explicit_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    both = settings_of(monkeypatch, SSI_URL="http://127.0.0.1:8765")
    one = settings_of(monkeypatch, SSI_STREAM_URL="http://127.0.0.1:9999")

    assert (both.ssi_api_url, both.ssi_stream_url) == ("http://127.0.0.1:8765", "http://127.0.0.1:8765")
    assert (one.ssi_api_url, one.ssi_stream_url) == ("http://127.0.0.1:8765", "http://127.0.0.1:9999")


def test_channels_are_read_from_a_list_with_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, SSI_CHANNELS="X: SSI-VNM, mi:VN30")

    assert settings.ssi_channels == ("X:SSI-VNM", "mi:VN30")


def test_books_and_trades_may_be_asked_for_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, SSI_CHANNELS="X-QUOTE:ALL,X-TRADE:ALL,MI:ALL")

    assert settings.ssi_channels == ("X-QUOTE:ALL", "X-TRADE:ALL", "MI:ALL")
    assert wanted_types(settings.ssi_channels) == ["X-QUOTE", "X-TRADE", "MI"]


def test_the_thresholds_of_alerts_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, others = settings_of(monkeypatch), settings_of(monkeypatch, ALERT_VOLUME_TIMES="5", ALERT_FOREIGN_PCT="12.5")

    assert usual.alert_thresholds == Thresholds()
    assert others.alert_thresholds == Thresholds(volume_times=5, foreign_pct=12.5)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of(monkeypatch, LOG_LEVEL="", METRICS_PORT="").log_level == "INFO"


def test_settings_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch)

    with pytest.raises(ValidationError):
        settings.log_level = "DEBUG"  # type: ignore[misc]  # what mypy forbids as well is what is tested


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "banana"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://127.0.0.1:no-port"),
        ("REDIS_URL", "redis://[::1"),
        ("REDIS_URL", "unix://"),
        ("REDIS_PREFIX", "a{b}"),
        ("SSI_URL", "127.0.0.1:8765"),
        ("SSI_URL", "https://exchange\x7f.example/"),
        ("SSI_URL", "https://exchange..example"),
        ("SSI_STREAM_URL", "wss://hub.example"),
        ("SSI_CHANNELS", "X"),
        ("SSI_CHANNELS", "Y:ALL"),
        ("SSI_CHANNELS", "X:SSI,x:VNM"),
        ("SSI_CHANNELS", ","),
        ("SSI_CHANNELS", "X-QUOTE:ALL,R:ALL"),
        ("SSI_CHANNELS", "x-trade:ALL"),
        ("SSI_CHANNELS", "X:ALL,X-QUOTE:ALL,X-TRADE:ALL"),
        ("SSI_CONSUMER_ID", ""),
        ("SSI_CONSUMER_SECRET", ""),
        ("LOG_LEVEL", "loud"),
        ("METRICS_PORT", "70000"),
        ("METRICS_PORT", "many"),
    ],
)
def test_a_wrong_setting_ends_with_one_line_that_names_it_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        settings_of(monkeypatch, **{name: value})

    captured = capsys.readouterr()
    assert caught.value.code == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"{name}: " in captured.err
    assert "demo-secret" not in captured.err


def test_a_wrong_address_for_both_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        settings_of(monkeypatch, SSI_URL="127.0.0.1:8765")

    told = capsys.readouterr().err
    assert told.startswith("Wrong setting: SSI_URL: must begin with http:// or https:// (")
    assert "STREAM_URL: " not in told


@pytest.mark.parametrize("url", ["rediss://:hunter2@redis.example:6380/1", "unix:///run/redis.sock", "redis://redis"])
def test_the_three_kinds_of_redis_address_are_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert settings_of(monkeypatch, REDIS_URL=url).redis_url == url


def test_the_end_of_a_line_behind_an_address_is_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(monkeypatch, REDIS_URL="redis://redis\n", SSI_URL="https://exchange.example\n")

    assert (settings.redis_url, settings.ssi_api_url) == ("redis://redis", "https://exchange.example")


def test_a_password_in_a_refused_address_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        settings_of(monkeypatch, REDIS_URL="rediss://:hunter2@redis.example:99999")

    assert "hunter2" not in capsys.readouterr().err


def test_the_secret_does_not_show_in_the_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "demo-secret" not in repr(settings_of(monkeypatch))
