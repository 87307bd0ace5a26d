"""The description of the snapshot routes, and who may ask how."""

from publisher_service.app import create_app
from publisher_service.settings import PublisherSettings


def test_the_description_has_the_snapshot_routes_and_nothing_else() -> None:
    described = create_app(PublisherSettings(), 1024).openapi()["paths"]

    assert {path: list(methods) for path, methods in described.items()} == {
        "/api/channels": ["get"],
        "/api/channels/{channel}": ["get"],
        "/api/channels/{channel}/{key}": ["get"],
        "/api/bars/{symbol}": ["get"],
        "/api/schema": ["get"],
    }
