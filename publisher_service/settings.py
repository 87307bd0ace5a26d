"""What can be set, by environment variables of the fields' names. The defaults are the documentation."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from publisher_service.core.client_address import Proxies
from publisher_service.core.origins import Origins
from shared.channels import Channel
from shared.redis_client import check_redis_url
from shared.settings_error import settings_error_line

#: A key of HS256 must be as long as its hash, or longer (RFC 7518, section 3.2).
MIN_SECRET_CHARACTERS = 32


def _milliseconds(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _list(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_proxies(value: tuple[str, ...]) -> tuple[str, ...]:
    Proxies.parse(value)
    return value


def _check_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"has fewer than {MIN_SECRET_CHARACTERS} characters")
    return value


def _check_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    Origins.parse(value)
    return value


def _per_channel(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in value.split(",") if part.strip()]
    return {name.strip(): interval.strip() for name, _, interval in pairs}


_List = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_list)]


class PublisherSettings(BaseSettings):
    """All settings of a publisher. An empty variable counts as not set."""

    model_config = SettingsConfigDict(
        frozen=True, env_ignore_empty=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    redis_url: Annotated[str, AfterValidator(check_redis_url)] = Field(
        "redis://127.0.0.1:6379/0",
        description=(
            "where the tables are kept:\n"
            "`redis://`, `rediss://` (TLS) or `unix://`; the same for all services of a board"
        ),
    )
    redis_prefix: str = Field(
        "banggia",
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description=(
            "what all keys begin with: letters, digits and any of `_.:-`.\n"
            "All services of a board have the same; two boards on one Redis need two"
        ),
    )
    host: str = Field("127.0.0.1", description="the address to listen on; `0.0.0.0` for all.\n`--host` wins")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on; 0 takes any free one.\n`--port` wins")
    intervals_ms: Annotated[
        tuple[Annotated[int, Field(ge=10, le=60_000)], ...], NoDecode, BeforeValidator(_milliseconds)
    ] = Field(
        (100, 250, 500, 1000, 2000, 5000),
        min_length=1,
        description="the tiers that an interval is rounded up to",
    )
    interval_ms: int = Field(
        500,
        ge=10,
        le=60_000,
        description="the interval of clients that name none;\n`INTERVALS_MS` must have one as long, or longer",
    )
    channel_intervals_ms: Annotated[
        dict[Channel, Annotated[int, Field(ge=10, le=60_000)]], NoDecode, BeforeValidator(_per_channel)
    ] = Field(
        {}, description="the interval in single channels, such as `index=250,foreign=1000`.\n`alerts` has no interval"
    )
    heartbeat_ms: int = Field(
        15_000, ge=100, le=60_000, description="how long a client hears nothing at most: then a heartbeat comes"
    )
    slow_client_s: float = Field(30.0, ge=1, le=600, description="how long a client may not read before it is closed")
    ping_interval_s: float = Field(
        20.0, ge=0.1, le=300, description="how often a client is asked, by a websocket ping, whether it is still there"
    )
    ping_timeout_s: float = Field(
        20.0,
        ge=0.1,
        le=300,
        description="how long a client's pong may take before it is closed",
    )
    max_connections: int | None = Field(
        None,
        ge=1,
        description=(
            "how many websockets this replica takes, such as `10000`;\n"
            "not set: as many as there are descriptors for, less 200. The log tells at the start: `capacity`"
        ),
    )
    max_connections_per_address: int = Field(100, ge=0, description="how many websockets from one address; 0: no limit")
    handshakes_per_s: float = Field(500.0, ge=0, description="how many new websockets a second; 0: no limit")
    handshakes_per_address_per_s: float = Field(
        50.0, ge=0, description="how many new websockets a second from one address; 0: no limit"
    )
    compression: bool = Field(
        default=True,
        description=(
            "whether frames may be compressed for clients that offer it:\n[protocol.md](protocol.md#compression)"
        ),
    )
    max_message_bytes: int = Field(65_536, ge=1024, le=16_777_216, description="how large a client's message may be")
    messages_per_s: float = Field(20.0, ge=0, description="how many messages a second a client may send; 0: no limit")
    max_connection_age_s: float | None = Field(
        None,
        ge=1,
        description=(
            "after about how long (a fifth more or less) a client is sent to another replica, such as `3600`, so that "
            "new ones get their share; not set: never"
        ),
    )
    trusted_proxies: Annotated[_List, AfterValidator(_check_proxies)] = Field(
        (),
        description=(
            "whose `X-Forwarded-For` is believed: addresses, networks (`10.0.0.0/8`) and host names (`lb`), "
            "joined by commas.\n"
            "Not set: nobody's, and all clients behind a balancer are one address"
        ),
    )
    allowed_origins: Annotated[_List, AfterValidator(_check_origins)] = Field(
        (),
        description=(
            "pages that may connect, by websocket or HTTP, besides our own, such as `https://board.example`, "
            "joined by commas; `*` for all"
        ),
    )
    drain_notice_s: float = Field(
        5.0,
        ge=0,
        le=300,
        description=(
            "how long a replica that is told to stop goes on serving, unready, until balancers have seen it;\n"
            "it does not wait if nobody has asked `/readyz` in 15 s"
        ),
    )
    drain_s: float = Field(
        10.0,
        ge=0,
        le=3600,
        description=(
            "over how long the clients of a replica that stops are sent away;\nfewer than 50 a second go faster"
        ),
    )
    jwt_secret: Annotated[SecretStr, AfterValidator(_check_secret)] | None = Field(
        None,
        description=(
            "clients need a token signed with this secret (HS256), of 32 characters or more.\n"
            "Neither this nor the next: nobody needs one"
        ),
    )
    jwt_public_key_file: Path | None = Field(
        None,
        description=(
            "clients need a token signed by the owner of this public key, such as `/run/key.pem`:\n"
            "PEM, RSA of 2,048 bits or more (RS256) or P-256 (ES256)"
        ),
    )
    jwt_issuer: str | None = Field(None, description="the `iss` that tokens must have, such as `https://login.example`")
    jwt_audience: str | None = Field(None, description="the `aud` that tokens must have, such as `banggia`")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="how much is logged:\n`DEBUG`, `INFO`, `WARNING` or `ERROR`"
    )

    @model_validator(mode="after")
    def _tiers_that_fit(self) -> Self:
        longest_ms = max(self.intervals_ms)
        wanted_ms = {"INTERVAL_MS": self.interval_ms}
        if self.channel_intervals_ms:
            wanted_ms["CHANNEL_INTERVALS_MS"] = max(self.channel_intervals_ms.values())
        for name, interval_ms in wanted_ms.items():
            if interval_ms > longest_ms:
                raise ValueError(
                    f"{name} wants {interval_ms} ms, and INTERVALS_MS, which intervals are rounded up to, ends at "
                    f"{longest_ms}: add {interval_ms} to INTERVALS_MS, or set {name} to {longest_ms} or less"
                )
        return self

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.jwt_secret is not None and self.jwt_public_key_file is not None:
            raise ValueError("set JWT_SECRET or JWT_PUBLIC_KEY_FILE, not both")
        if self.jwt_secret is None and self.jwt_public_key_file is None and (self.jwt_issuer or self.jwt_audience):
            raise ValueError("JWT_ISSUER and JWT_AUDIENCE need JWT_SECRET or JWT_PUBLIC_KEY_FILE to check tokens with")
        return self


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
