"""What `run.py token` makes, and whom it lets in."""

import json

import jwt
import pytest

from publisher_service.settings import PublisherSettings
from publisher_service.tokens import tokens_of
from upkeep.token import main

SECRET = "a secret of at least thirty-two characters"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A secret, and no other setting."""
    for name in PublisherSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("JWT_SECRET", SECRET)
    return monkeypatch


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The token that it prints."""
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize("claims", [{}, {"JWT_ISSUER": "https://login.example", "JWT_AUDIENCE": "banggia"}])
def test_a_token_is_taken_by_publishers_with_the_same_settings(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], claims: dict[str, str]
) -> None:
    for name, value in claims.items():
        environment.setenv(name, value)

    token = made(capsys, "--scope", "index market:@VN30", "--lasts", "1d")

    tokens = tokens_of(PublisherSettings())
    assert tokens is not None
    scope = tokens.read(token).scope
    assert scope is not None
    assert {channel.value: sorted(selection.names or ()) for channel, selection in scope.items()} == {
        "index": [],
        "market": ["@VN30"],
    }
    body = jwt.decode(token, SECRET, ["HS256"], options={"verify_aud": False})
    assert body["exp"] - body["iat"] == 86_400


def test_without_a_scope_it_permits_everything_and_reading_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    token = json.loads(made(capsys, "--json"))["token"]

    assert main(["--read", token]) == 0
    assert "everything" in capsys.readouterr().out
    assert main(["--read", token, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["permits"] == {"everything": "all keys"}


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("markte:@VN30", "there is no channel markte. Did you mean market?"),
        ("nonsense", "there is no channel nonsense."),
        ("market:", "no valid keys for market"),
    ],
)
def test_a_scope_that_no_publisher_could_read_makes_no_token(
    scope: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--scope", scope])

    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert told in said.err


@pytest.mark.parametrize("lasts", ["0s", "8", "1.5h", "8 hours", "-1h"])
def test_a_duration_that_is_none_is_refused_with_how_to_write_one(
    lasts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"--lasts={lasts}"])

    assert ended.value.code == 2
    assert "write 90s, 15m, 8h or 30d" in capsys.readouterr().err


def test_without_a_secret_no_token_can_be_made_and_the_next_step_is_told(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("JWT_SECRET")

    code = main([])

    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert "export JWT_SECRET=" in said.err


@pytest.mark.parametrize(
    "token", ["nonsense", jwt.encode({"exp": 1}, SECRET), jwt.encode({"exp": 2**33}, SECRET + "!")]
)
def test_a_token_that_lets_nobody_in_is_told_with_the_reason_and_neither_it_nor_the_secret_is_shown(
    token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    people, programs = main(["--read", token]), main(["--read", token, "--json"])

    said = capsys.readouterr()
    assert (people, programs) == (1, 1)
    assert json.loads(said.out)["valid"] is False
    assert said.err.startswith("Not valid: ")
    assert token not in said.out + said.err
    assert SECRET not in said.out + said.err


def test_a_secret_that_is_too_short_is_not_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("JWT_SECRET", "hunter2")

    with pytest.raises(SystemExit) as ended:
        main([])

    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.err.startswith("Wrong setting: JWT_SECRET: has fewer than 32 characters")
    assert "hunter2" not in said.err
