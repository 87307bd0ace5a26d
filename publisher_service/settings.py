"""What can be set, by environment variables of the fields' names. The defaults are the documentation."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.channels import Channel
from shared.redis_client import check_redis_url
from shared.settings_error import settings_error_line


def _milliseconds(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _per_channel(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): interval.strip() for name, _, interval in pairs}


class PublisherSettings(BaseSettings):
    """All settings of a publisher. An empty variable counts as not set."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

    redis_url: Annotated[str, AfterValidator(check_redis_url)] = Field(
        "redis://127.0.0.1:6379/0", description="where the tables are kept, such as redis://127.0.0.1:6379/0"
    )
    redis_prefix: str = Field(
        "banggia", pattern=r"^[A-Za-z0-9_.:-]+$", description="what all keys begin with, such as banggia"
    )
    host: str = Field("127.0.0.1", description="the address to listen on, such as 0.0.0.0 in a container")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on; 0 takes any free one")
    intervals_ms: Annotated[
        tuple[Annotated[int, Field(ge=10, le=60_000)], ...], NoDecode, BeforeValidator(_milliseconds)
    ] = Field(
        (100, 250, 500, 1000, 2000, 5000),
        min_length=1,
        description="the tiers that an interval is rounded up to, such as 100,500,1000",
    )
    interval_ms: int = Field(500, ge=10, le=60_000, description="the interval of who names none, such as 500")
    channel_intervals_ms: Annotated[
        dict[Channel, Annotated[int, Field(ge=10, le=60_000)]], NoDecode, BeforeValidator(_per_channel)
    ] = Field({}, description="the same for single channels, such as index=250,foreign=1000")
    heartbeat_ms: int = Field(
        15_000, ge=100, le=60_000, description="how often clients hear a heartbeat, such as 15000"
    )
    slow_client_s: float = Field(
        30.0, ge=1, le=600, description="how long a client may not read before it is closed, such as 30"
    )
    ping_interval_s: float = Field(
        20.0, ge=0.1, le=300, description="how often a client is asked whether it is still there, such as 20"
    )
    ping_timeout_s: float = Field(
        20.0, ge=0.1, le=300, description="how long it may take to answer before it is closed, such as 20"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much is logged")


def load_settings(given: Mapping[str, Any] | None = None) -> PublisherSettings:
    """
    The settings given by hand, the rest from the environment.

    A wrong one ends the program: one line on stderr, exit code 2.
    """
    try:
        return PublisherSettings(**(given or {}))
    except ValidationError as error:
        sys.stderr.write(settings_error_line(error, PublisherSettings) + "\n")
        raise SystemExit(2) from None
