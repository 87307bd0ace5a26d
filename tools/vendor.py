"""
Files of others that stand in this tree: python3 tools/vendor.py [--check]

Each folder that holds some has a vendor.json: which npm package and version, what npm says of the whole package
(`integrity`), and for each file its path in the package and its SHA-256. The package is fetched anew with `npm pack`,
must have that integrity, and the files must be byte for byte those of the tree. Without --check the folder is put
right; with it, differences are only told. The exit code is 1 if there were any, 2 if a package cannot be had.

A new version: move the folder, write the new version and integrity (`npm view PACKAGE@VERSION dist.integrity`) into
its vendor.json, and run this without --check.
"""

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
#: Where such folders are.
HOLDERS = (ROOT / "publisher_service" / "web" / "vendor", ROOT / "tests" / "browser" / "vendor")
NPM_DEADLINE_S = 120.0


class CannotFetch(Exception):  # noqa: N818 (the name says what it is)
    """The package cannot be had, or is not the one that was named."""


class File(NamedTuple):
    """One file of a package."""

    name: str  # here
    path: str  # in the package
    sha256: str


class Vendored(NamedTuple):
    """One folder."""

    folder: Path
    package: str
    version: str
    integrity: str
    files: tuple[File, ...]

    @property
    def strangers(self) -> list[str]:
        """What stands in the folder and is not named."""
        named = {"vendor.json", *(file.name for file in self.files)}
        return sorted(path.name for path in self.folder.iterdir() if path.name not in named)


def vendored() -> Iterator[Vendored]:
    """All folders."""
    for path in sorted(path for holder in HOLDERS for path in holder.glob("*/vendor.json")):
        told = json.loads(path.read_text("utf-8"))
        files = tuple(File(name, file["path"], file["sha256"]) for name, file in sorted(told["files"].items()))
        yield Vendored(path.parent, told["package"], told["version"], told["integrity"], files)


def integrity(content: bytes) -> str:
    """As npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def fetched(one: Vendored) -> dict[str, bytes]:
    """The files of a folder, by name, from the package itself. Raises CannotFetch."""
    npm = shutil.which("npm")
    if npm is None:
        raise CannotFetch("there is no npm on this machine; Debian, Ubuntu: apt-get install npm")
    with tempfile.TemporaryDirectory(prefix="banggia-vendor-") as folder:
        packed = subprocess.run(  # noqa: S603 (npm, with a name and a version from our own file)
            [npm, "pack", "--silent", f"{one.package}@{one.version}"],
            cwd=folder, capture_output=True, text=True, timeout=NPM_DEADLINE_S, check=False,
        )  # fmt: skip
        archives = list(Path(folder).glob("*.tgz"))
        if packed.returncode or len(archives) != 1:
            raise CannotFetch(f"npm pack {one.package}@{one.version}: {packed.stderr.strip() or packed.stdout.strip()}")
        content = archives[0].read_bytes()
        if integrity(content) != one.integrity:
            raise CannotFetch(f"{one.package}@{one.version} is {integrity(content)}, and not {one.integrity}")
        files = {}
        with tarfile.open(archives[0]) as archive:
            for file in one.files:
                try:
                    member = archive.extractfile(f"package/{file.path}")
                except KeyError:
                    member = None
                if member is None:
                    raise CannotFetch(f"{one.package}@{one.version} has no file {file.path}")
                files[file.name] = member.read()
        return files


def differences(one: Vendored, files: dict[str, bytes]) -> list[str]:
    """How the folder is not what the package and its own vendor.json say."""
    found = [f"{name} belongs to nobody" for name in one.strangers]
    for file in one.files:
        place = one.folder / file.name
        if hashlib.sha256(files[file.name]).hexdigest() != file.sha256:
            found.append(f"the SHA-256 of {file.name} in vendor.json is another")
        if not place.exists():
            found.append(f"{file.name} is missing")
        elif place.read_bytes() != files[file.name]:
            found.append(f"{file.name} is another")
    return found


def put_right(one: Vendored, files: dict[str, bytes]) -> None:
    """Write the files, and their checksums; what belongs to nobody goes."""
    for name in one.strangers:
        (one.folder / name).unlink()
    for name, content in files.items():
        (one.folder / name).write_bytes(content)
    place = one.folder / "vendor.json"
    told = json.loads(place.read_text("utf-8"))
    for name, content in files.items():
        told["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
    place.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description="Are the vendored files those of their packages? Puts them right.")
    parser.add_argument("--check", action="store_true", help="only tell what differs")
    only_tell = parser.parse_args(arguments).check
    code = 0
    for one in vendored():
        name = f"{one.package}@{one.version}"
        try:
            files = fetched(one)
        except (CannotFetch, OSError, subprocess.TimeoutExpired) as fault:
            print(f"{name}: {fault}", file=sys.stderr)
            return 2
        found = differences(one, files)
        if found and not only_tell:
            put_right(one, files)
        print(f"{name}: " + ("; ".join(found) + ("" if only_tell else " (put right)") if found else "as it should be"))
        code = max(code, 1 if found else 0)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
