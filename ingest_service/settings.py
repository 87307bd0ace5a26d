"""What can be set, by environment variables of the fields' names. The defaults are the documentation."""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ingest_service.core.alerts import Thresholds
from shared.redis_client import check_redis_url, check_url
from shared.settings_error import settings_error_line

# The data types that the board is made of can be subscribed; the selector is ALL or symbols joined by dashes.
CHANNELS = frozenset({"F", "X", "X-QUOTE", "X-TRADE", "B", "R", "MI", "OL", "ALL"})


def _check_http_url(url: str) -> str:
    return check_url(url, ("http", "https"))


HttpUrl = Annotated[str, AfterValidator(_check_http_url)]


class AlertSettings(BaseSettings):
    """Where alerts begin, live and from a recording."""

    alert_volume_times: float = Field(
        3.0,
        gt=1,
        le=1000,
        description=(
            "a `volume_spike`: a minute has more than so many times the mean volume of the last 20 minutes with trades"
        ),
    )
    alert_foreign_pct: float = Field(
        30.0,
        gt=0,
        le=1000,
        description=(
            "a `foreign_acceleration`: foreigners' balance of the day, in VND, moves within five minutes by more "
            "than so many per cent of what it was …"
        ),
    )
    alert_foreign_value_vnd: int = Field(
        1_000_000_000,
        ge=0,
        lt=2**53,
        description="a `foreign_acceleration`: … and by this value at least, in VND",
    )
    alert_imbalance_times: float = Field(
        3.0,
        gt=1,
        le=1000,
        description=(
            "an `imbalance`: within five minutes one side trades more than so many times the value of the other …"
        ),
    )
    alert_imbalance_value_vnd: int = Field(
        5_000_000_000,
        ge=0,
        lt=2**53,
        description="an `imbalance`: … and both together this value at least, in VND",
    )

    @property
    def alert_thresholds(self) -> Thresholds:
        """Where alerts begin."""
        return Thresholds(
            volume_times=self.alert_volume_times,
            foreign_pct=self.alert_foreign_pct,
            foreign_value_vnd=self.alert_foreign_value_vnd,
            imbalance_times=self.alert_imbalance_times,
            imbalance_value_vnd=self.alert_imbalance_value_vnd,
        )


class IngestSettings(AlertSettings):
    """All settings of the ingest. An empty variable counts as not set."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, hide_input_in_errors=True)

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
    ssi_consumer_id: str = Field(
        description="the consumer id of your SSI FastConnect Data key; `demo` for the simulator"
    )
    ssi_consumer_secret: SecretStr = Field(
        min_length=1, description="the consumer secret of that key; `demo` for the simulator"
    )
    ssi_url: HttpUrl | None = Field(
        None,
        description=(
            "sets `SSI_API_URL` and `SSI_STREAM_URL` at once, such as `http://127.0.0.1:8765` for the "
            "simulator;\n"
            "one that is set there wins"
        ),
    )
    ssi_api_url: HttpUrl = Field("https://fc-data.ssi.com.vn", description="SSI's REST interface")
    ssi_stream_url: HttpUrl = Field("https://fc-datahub.ssi.com.vn", description="SSI's stream")
    ssi_channels: Annotated[tuple[str, ...], NoDecode] = Field(
        ("X:ALL", "R:ALL", "MI:ALL", "F:ALL", "OL:ALL"),
        min_length=1,
        description=(
            "what to subscribe, each channel once:\n"
            "`X` securities, `R` foreign trading, `MI` indices, `F` trading status, `OL` odd lots (the "
            "channel `oddlot` is empty without); symbols are joined by dashes (`X:SSI-VNM`). "
            "`X-QUOTE:ALL,X-TRADE:ALL` in the place of `X:ALL` brings books and trades apart: [which of the "
            "two](#books-and-trades-together-or-apart)"
        ),
    )
    standby: Literal["warm", "cold"] = Field(
        "warm",
        description=(
            "whether a standby is connected to the exchange (`warm`), so that it misses nothing when it takes "
            "over; `cold` if the key permits one connection only.\n"
            "An exchange that refuses the connection makes it cold by itself"
        ),
    )
    simulated: bool = Field(
        default=False,
        description="whether the exchange is a simulator: then clients are told that the prices are invented",
    )
    record_dir: Path | None = Field(
        None,
        description=(
            "a folder in which the leader records what it reads, such as `var/recordings`; not set: nothing "
            "is recorded.\n"
            "[recordings.md](recordings.md) tells the rest"
        ),
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="how much is logged:\n`DEBUG`, `INFO`, `WARNING` or `ERROR`"
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description=(
            "where to serve `/metrics`, `/livez`, `/readyz` and `/quarantine`; 0 takes any free port; not set: nowhere"
        ),
    )
    metrics_host: str = Field("127.0.0.1", description="the address for `/metrics` and the others; `0.0.0.0` for all")
    cache_dir: Path = Field(Path("var/cache"), description="a folder for the symbol lists of the last start")
    calendar_file: Path | None = Field(
        None,
        description=(
            "holidays and trading hours that differ from those shipped, such as `/etc/banggia/calendar.toml`:\n"
            "[below](#the-calendar)"
        ),
    )

    @model_validator(mode="before")
    @classmethod
    def _one_address_for_both(cls, values: dict[str, object]) -> dict[str, object]:
        address = values.get("ssi_url")
        try:
            _check_http_url(str(address))
        except ValueError:
            return values  # not set, or wrong: told of once
        return {"ssi_api_url": address, "ssi_stream_url": address} | values

    @property
    def api_variable(self) -> str:
        """What sets the address of the REST interface here."""
        return "SSI_URL" if self.ssi_url == self.ssi_api_url else "SSI_API_URL"

    @property
    def stream_variable(self) -> str:
        """What sets the address of the stream here."""
        return "SSI_URL" if self.ssi_url == self.ssi_stream_url else "SSI_STREAM_URL"

    @property
    def source(self) -> str:
        """Tells one exchange from another: rows of one must never go on as rows of the other."""
        told = f"{self.ssi_api_url} {self.ssi_stream_url} {self.simulated}"
        return sha256(told.encode()).hexdigest()[:16]

    @field_validator("ssi_channels", mode="before")
    @classmethod
    def _channels_of_text(cls, value: object) -> object:
        return tuple(part.replace(" ", "") for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("ssi_channels")
    @classmethod
    def _known_channels(cls, expressions: tuple[str, ...]) -> tuple[str, ...]:
        names = [expression.partition(":")[0].upper() for expression in expressions]
        for name, expression in zip(names, expressions, strict=True):
            if name not in CHANNELS or not expression.partition(":")[2]:
                raise ValueError("is no list of CHANNEL:SYMBOL or CHANNEL:ALL, joined by commas")
        if len(set(names)) < len(names):
            # Two entries of one channel could replace each other on the server.
            raise ValueError("names a channel twice; join its symbols with dashes, such as X:SSI-VNM")
        if len({"X-QUOTE", "X-TRADE"}.intersection(names)) == 1:
            # Books without trades, or trades without the books that tell whose they were.
            raise ValueError("has one of X-QUOTE and X-TRADE; name both, or X alone, which is the two in one")
        if "X" in names and "X-QUOTE" in names:
            raise ValueError("has X beside X-QUOTE and X-TRADE, which tell the same once more; name X or the two")
        return expressions


def load_settings() -> IngestSettings:
    """The settings of the environment. A wrong one ends the program: one line on stderr, exit code 2."""
    try:
        return IngestSettings()
    except ValidationError as error:
        sys.stderr.write(settings_error_line(error, IngestSettings) + "\n")
        raise SystemExit(2) from None
