"""nginx with its module Nchan, and Redis behind it."""

import getpass
from collections.abc import Sequence
from pathlib import Path

from bench import installs
from bench.contestant import VAR, Contestant, Feeding, Place
from shared.descriptors import raise_descriptor_limit

CONFIG = Path(__file__).parent / "nginx.conf"


def nchan() -> Contestant:
    """From Debian's packages. Raises Unavailable."""
    folder = installs.unpacked(VAR / "nginx", ("nginx", "libnginx-mod-nchan"))
    program = _without_system_folders(folder / "usr/sbin/nginx")
    module = _without_system_folders(folder / "usr/lib/nginx/modules/ngx_nchan_module.so")
    names = sorted(package.name.rpartition("_")[0].replace("_", " ") for package in folder.glob("*.deb"))

    def command(place: Place) -> Sequence[str]:
        descriptors, config = raise_descriptor_limit(), place.folder / "nginx.conf"
        filled = CONFIG.read_text("utf-8").format(
            module=module,
            user=getpass.getuser(),
            folder=place.folder,
            port=place.port,
            descriptors=descriptors,
            connections=descriptors - 100,
            redis_url=place.redis_url,
        )
        config.write_text(filled, "utf-8")
        return str(program), "-p", str(place.folder), "-c", str(config)

    return Contestant(
        name="nchan",
        version=", ".join(names).replace("%3a", ":"),
        command=command,
        feeding=Feeding.POSTS,
        path="/sub",
        post="/pub",
        post_headers={"Content-Type": "application/json"},
    )


def _without_system_folders(binary: Path) -> Path:
    """
    A copy whose temporary files are in the folder where it runs.

    The module wants its built-in folders, whatever the settings say, and only root could make these.
    """
    built_in, relative = b"/var/lib/nginx/", b"./././././././/"
    copy = binary.with_name(f"here-{binary.name}")
    copy.write_bytes(binary.read_bytes().replace(built_in, relative))
    copy.chmod(0o755)
    return copy
