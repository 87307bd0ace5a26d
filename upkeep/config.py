"""`python3 run.py config show`: the settings as the services read them here, and where each comes from."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from ingest_service.settings import IngestSettings
from publisher_service.settings import PublisherSettings
from shared.setting import purpose_of
from shared.settings_error import settings_error_line
from terminal.suggestion import did_you_mean
from upkeep.address import without_secrets

SERVICES: Mapping[str, type[BaseSettings]] = {"ingest": IngestSettings, "publisher": PublisherSettings}
#: As the command that starts it is called.
BY_COMMAND = {"publish": "publisher"}

_EXAMPLE = """\
For example, what a publisher would do with a file of settings, and the same for a program:

  (set -a; . ./.env; set +a; python3 run.py config show publisher)
  python3 run.py config show --json"""


class Setting(NamedTuple):
    """One variable, as a service reads it."""

    name: str
    value: str
    given: bool  # by the environment; else it is the default
    meaning: str


def settings_of(model: type[BaseSettings], environment: Mapping[str, str]) -> Iterator[Setting]:
    """All settings of a service. Raises ValidationError if one is wrong. Secrets are not told."""
    settings = model()
    for name, field in model.model_fields.items():
        given = bool(environment.get(name.upper()) or environment.get(name))
        yield Setting(name.upper(), _told(getattr(settings, name)), given, purpose_of(field))


def _told(value: object) -> str:
    if isinstance(value, SecretStr):
        return "set, not shown"
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "not set"
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in value.items()) or "not set"
    if isinstance(value, float):
        return f"{value:g}"
    return "not set" if value is None else str(value)


def service_called(name: str) -> str:
    """The service of that name, or that such a command starts. Raises argparse.ArgumentTypeError."""
    service = BY_COMMAND.get(name, name)
    if service not in SERVICES:
        raise argparse.ArgumentTypeError(f"there is no service {name}.{did_you_mean(name, SERVICES)}")
    return service


def main(arguments: list[str] | None = None) -> int:
    """Exit code 2: a setting is wrong."""
    parser = argparse.ArgumentParser(
        prog="run.py config",
        description="The settings as the services read them in this environment, and which are not the defaults.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["show"], help="show: tell them; secrets are not told")
    parser.add_argument(
        "service", nargs="?", type=service_called, help=f"of this service only: {' or '.join(SERVICES)}"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    chosen = parser.parse_args(arguments)
    told: dict[str, list[Setting]] = {}
    wrong = 0
    for service in [chosen.service] if chosen.service else SERVICES:
        try:
            told[service] = list(settings_of(SERVICES[service], os.environ))
        except ValidationError as error:
            sys.stderr.write(f"{service}: {settings_error_line(error, SERVICES[service])}\n")
            wrong = 2
    if chosen.json:
        print(json.dumps({service: [each._asdict() for each in settings] for service, settings in told.items()}))
    else:
        for service, settings in told.items():
            print(service)
            for each in settings:
                print(f"  {'*' if each.given else ' '} {each.name:<30} {each.value}")
        print("\n* from the environment; all others are the defaults. docs/settings.md tells what they mean.")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
