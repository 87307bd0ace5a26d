"""The description of the snapshot routes, and who may ask how."""

import pytest
from pydantic import SecretStr

from publisher_service.app import create_app
from publisher_service.settings import PublisherSettings


def test_the_description_has_the_snapshot_routes_and_nothing_else() -> None:
    described = create_app(PublisherSettings(), 1024).openapi()["paths"]

    assert {path: list(methods) for path, methods in described.items()} == {
        "/api/channels": ["get"],
        "/api/channels/{channel}": ["get"],
        "/api/channels/{channel}/{key}": ["get"],
        "/api/bars/{symbol}": ["get"],
        "/api/basis/{symbol}": ["get"],
        "/api/schema": ["get"],
    }


def test_the_description_has_the_one_form_of_all_faults() -> None:
    described = create_app(PublisherSettings(), 1024).openapi()

    answers = [methods["get"]["responses"] for methods in described["paths"].values()]
    assert {tuple(each) for each in answers} == {("200", "4XX")}
    assert sorted(described["components"]["schemas"]) == ["Fault"]


@pytest.mark.parametrize("secret", [None, "s" * 32])
def test_the_description_has_both_ways_to_say_a_token_and_whether_one_is_needed(secret: str | None) -> None:
    app = create_app(PublisherSettings(jwt_secret=None if secret is None else SecretStr(secret)), 1024)

    described = app.openapi()

    schemes = described["components"]["securitySchemes"]
    assert [(scheme["type"], scheme.get("scheme"), scheme.get("name")) for scheme in schemes.values()] == [
        ("http", "bearer", None),
        ("apiKey", None, "token"),
    ]
    assert described["security"] == [{"bearer": []}, {"query": []}, *([{}] if secret is None else [])]
    assert app.openapi() == described
