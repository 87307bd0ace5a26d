"""What a publisher serves to clients is let through by every balancer, and its metrics by none."""

import re
from pathlib import Path

import pytest

from publisher_service.entrance import MESSAGES_PATH, OPEN_FOLDERS, OPEN_PATHS
from publisher_service.event_route import FOLDER as EVENTS_FOLDER

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
PATHS = (OPEN_PATHS - {"/metrics"}) | {MESSAGES_PATH}
FOLDERS = {f"{MESSAGES_PATH}/", EVENTS_FOLDER, *OPEN_FOLDERS, "/api/"}


def haproxy() -> set[str]:
    text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
    named = re.findall(r"^    acl known path(?:_beg)? (.+)$", text, re.MULTILINE)
    return {path for line in named for path in line.split()}


def caddy() -> set[str]:
    return known_to_caddy(DEPLOY / "caddy" / "Caddyfile")


def caddy_of_the_page_for_systemd() -> set[str]:
    return known_to_caddy(ROOT / "docs" / "systemd.md")


def known_to_caddy(file: Path) -> set[str]:
    text = file.read_text(encoding="utf-8")
    (named,) = re.findall(r"^\t@known path (.+)$", text, re.MULTILINE)
    return {path.removesuffix("*") for path in named.split()}


def nginx() -> set[str]:
    text = (DEPLOY / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"^        location ~ (\S+) \{$", text, re.MULTILINE)
    prefixes = set(re.findall(r"^        location (/\w+/) \{$", text, re.MULTILINE))
    return {path for path in PATHS | FOLDERS | {"/metrics"} if re.fullmatch(pattern, path)} | prefixes


@pytest.mark.parametrize("balancer", [haproxy, caddy, caddy_of_the_page_for_systemd, nginx])
def test_a_balancer_lets_through_all_that_clients_may_ask_for_and_nothing_else(balancer: object) -> None:
    assert callable(balancer)
    assert balancer() == PATHS | FOLDERS
