"""What `run.py config show` tells."""

import pytest

from publisher_service.settings import PublisherSettings
from upkeep.config import settings_of


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
