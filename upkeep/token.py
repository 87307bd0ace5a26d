"""`python3 run.py token`: make a token for clients, or read one as a publisher would."""

import argparse
import json
import re
import sys
import time

import jwt
from pydantic import SecretStr

from publisher_service.core.grant import Grant, InvalidToken, parse_scope
from publisher_service.settings import PublisherSettings, load_settings
from publisher_service.tokens import UnusableKey, tokens_of
from shared.channels import Channel
from terminal.suggestion import did_you_mean

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(\d{1,6})([smhd])", re.ASCII)

_EXAMPLE = """\
For example, a secret, which the publishers need in their environment as well, and a token for the indices and the
VN30 that lasts a day:

  export JWT_SECRET="$(openssl rand -base64 48)"
  python3 run.py token --scope 'index market:@VN30' --lasts 1d"""


def duration_s(text: str) -> int:
    """Seconds of `90s`, `15m`, `8h`, `30d`. Raises argparse.ArgumentTypeError."""
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text} is no duration; write 90s, 15m, 8h or 30d")
    return int(match[1]) * UNITS_S[match[2]]


def made(settings: PublisherSettings, secret: SecretStr, scope: str | None, lasts_s: int) -> str:
    """A token that a publisher with these settings takes. Raises InvalidToken if nobody could read its scope."""
    claims: dict[str, str | int] = {"iat": int(time.time()), "exp": int(time.time()) + lasts_s}
    if scope is not None:
        _check_scope(scope)
        claims["scope"] = scope
    if settings.jwt_issuer is not None:
        claims["iss"] = settings.jwt_issuer
    if settings.jwt_audience is not None:
        claims["aud"] = settings.jwt_audience
    return jwt.encode(claims, secret.get_secret_value(), "HS256")


def _check_scope(scope: str) -> None:
    """Raises InvalidToken. Publishers leave names alone that are no channels; here they are mistakes."""
    for item in scope.split():
        name = item.partition(":")[0]
        if name not in list(Channel):
            raise InvalidToken(f"there is no channel {name}.{did_you_mean(name, Channel)}")
    parse_scope(scope)


def permitted(grant: Grant) -> dict[str, str]:
    """What a token permits, by channel."""
    if grant.scope is None:
        return {"everything": "all keys"}
    return {
        channel: ",".join(selection.names) if selection.names else "all keys"
        for channel, selection in grant.scope.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1: a publisher would refuse the token; 2: no token can be made."""
    parser = argparse.ArgumentParser(
        prog="run.py token",
        description="Make a token for clients, signed with JWT_SECRET; or read one as a publisher would.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--scope", help="channels, some with keys, parted by spaces: 'index market:@VN30'; without it, everything"
    )
    parser.add_argument(
        "--lasts", type=duration_s, default=3600, metavar="DURATION", help="90s, 15m, 8h, 30d; 1h if not said"
    )
    parser.add_argument(
        "--read",
        metavar="TOKEN",
        help="tell what this token permits, and until when; - reads it from the standard input",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    chosen = parser.parse_args(arguments)
    settings = load_settings()
    if chosen.read is not None:
        return read(settings, sys.stdin.read().strip() if chosen.read == "-" else chosen.read, as_json=chosen.json)
    if settings.jwt_secret is None:
        sys.stderr.write(
            "Tokens of JWT_PUBLIC_KEY_FILE are made by who has the private key.\n"
            if settings.jwt_public_key_file is not None
            else "JWT_SECRET is not set, so publishers ask for no token. Set it for them and here:\n"
            'export JWT_SECRET="$(openssl rand -base64 48)"\n'
        )
        return 2
    try:
        token = made(settings, settings.jwt_secret, chosen.scope, chosen.lasts)
    except InvalidToken as error:
        sys.stderr.write(f"Wrong --scope: {error}\nWrite channels, some with keys: 'index market:@VN30'.\n")
        return 2
    print(json.dumps({"token": token, "lasts_s": chosen.lasts, "scope": chosen.scope}) if chosen.json else token)
    return 0


def read(settings: PublisherSettings, token: str, *, as_json: bool) -> int:
    """Tell what a token permits, or why nobody would be let in with it."""
    try:
        tokens = tokens_of(settings)
        grant = None if tokens is None else tokens.read(token)
    except (InvalidToken, UnusableKey) as error:
        if as_json:
            print(json.dumps({"valid": False, "reason": str(error)}))
        else:
            sys.stderr.write(f"Not valid: {str(error).removeprefix('the token is not valid: ')}.\n")
        return 1
    if grant is None:
        sys.stderr.write(
            "Neither JWT_SECRET nor JWT_PUBLIC_KEY_FILE is set: publishers ask for no token, and none can be checked.\n"
        )
        return 2
    expires_ms = grant.expires_ms or 0  # a token that was read has an end
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_ms / 1000))
    if as_json:
        print(json.dumps({"valid": True, "until_ms": expires_ms, "permits": permitted(grant)}))
    else:
        print(f"valid until {until}, ten seconds for differing clocks included; it permits")
        for channel, keys in permitted(grant).items():
            print(f"  {channel:<14} {keys}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
