"""The files of the board, in memory: read once, compressed once, and kept by browsers as long as they are these."""

import gzip
import hashlib
import re
from pathlib import Path
from typing import Final, NamedTuple

#: What browsers are told that is not in the list of every machine.
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_OTHER_TYPE: Final = "application/octet-stream"
_VERSION: Final = re.compile(r"[0-9a-f]{12}/")
#: Scripts, styles, pictures and connections of its own, and nothing from elsewhere or written into the page.
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class WebFile(NamedTuple):
    """One file, as it is sent."""

    content_type: str
    body: bytes
    compressed: bytes | None  # gzip, where that is smaller
    identity: str


class WebFiles:
    """
    All files below a folder, by their path.

    Below `VERSION/` they are the same: the page names them so, hence all but the page need be asked for once only.
    """

    def __init__(self, folder: Path) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files = {path.relative_to(folder).as_posix(): _read(path.read_bytes(), path.suffix) for path in paths}
        names = "".join(f"{name} {file.identity}\n" for name, file in self._files.items())
        self.version = hashlib.sha256(names.encode()).hexdigest()[:12]
        self._pages = {name: self._page(file) for name, file in self._files.items() if name.endswith(".html")}

    def get(self, path: str) -> tuple[WebFile, bool] | None:
        """
        The file, and whether its address stands for this content for ever.

        One of another version is asked for while replicas change: they have what comes closest to it.
        """
        version = _VERSION.match(path)
        file = self._files.get(path[version.end() :] if version else path)
        return None if file is None else (file, path.startswith(f"{self.version}/"))

    def page(self, name: str) -> WebFile:
        """A page whose addresses are those of this version. Raises KeyError."""
        return self._pages[name]

    def _page(self, file: WebFile) -> WebFile:
        return _read(file.body.replace(b'"web/', f'"web/{self.version}/'.encode()), ".html")


def _read(body: bytes, suffix: str) -> WebFile:
    compressed = gzip.compress(body, 9, mtime=0)
    return WebFile(
        _TYPES.get(suffix, _OTHER_TYPE),
        body,
        compressed if len(compressed) < len(body) else None,
        hashlib.sha256(body).hexdigest()[:24],
    )
