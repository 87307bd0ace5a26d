"""The system's browser, for the tests that need one."""

import os
import shutil
from pathlib import Path

NO_CHROMIUM = (
    "there is no Chromium on this machine. Debian: apt-get install chromium; Fedora: dnf install chromium; elsewhere "
    "set CHROMIUM to the path of Chromium or Chrome."
)


def find_chromium() -> Path | None:
    """CHROMIUM if it is set, else the first one in PATH; None if there is none."""
    told = os.environ.get("CHROMIUM")
    if told:
        return Path(told) if shutil.which(told) else None
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((Path(path) for path in map(shutil.which, names) if path), None)
