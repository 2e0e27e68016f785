"""Run programs of an arm64 tree: qemu, made known to the kernel for as long as needed, and a root of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

BINFMT = Path("/proc/sys/fs/binfmt_misc")
AARCH64 = (
    rb":%s:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    rb":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:%s:F"
)
"""Name, magic of the ELF files and interpreter; F opens the interpreter now, so that it works in any root."""

IN_TREE = """\
set -e
tree=$1; shift
for place in proc sys dev; do mkdir -p "$tree/$place"; mount --rbind "/$place" "$tree/$place"; done
while [ "$1" != -- ]; do mkdir -p "$tree$2"; mount --bind "$1" "$tree$2"; shift 2; done; shift
exec "$@"
"""


def missing() -> list[str]:
    """What this machine lacks, each with its remedy."""
    found = []
    if os.geteuid() != 0:
        found.append("root, for a root folder of its own and the kernel's table of interpreters: run it as root")
    found += [
        f"{program} (Debian: apt-get install {package})"
        for program, package in {
            "apt-get": "apt",
            "dpkg-deb": "dpkg",
            "unshare": "util-linux",
            "chroot": "coreutils",
        }.items()
        if shutil.which(program) is None
    ]
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").is_file():
        found.append("Debian's keys (apt-get install debian-archive-keyring)")
    if not BINFMT.is_dir():
        found.append(f"binfmt_misc, by which the kernel starts qemu: {BINFMT} is not there (modprobe binfmt_misc)")
    return found


@contextmanager
def interpreter(qemu: Path) -> Iterator[None]:
    """
    While it is entered the kernel starts arm64 programs by ``qemu``.

    Raises:
        SystemExit: when the kernel refuses, with what to do.
    """
    name = f"kws-trace-{os.getpid()}"
    try:
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], check=True)
        (BINFMT / "register").write_bytes(AARCH64 % (name.encode(), bytes(qemu.resolve())))
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"check-aarch64: the kernel does not take an interpreter for arm64 ({error}); "
            "in a container it must be privileged (docker run --privileged)"
        ) from error
    try:
        yield
    finally:
        (BINFMT / name).write_text("-1")


def in_tree(tree: Path, bound: Mapping[Path, str], environment: Mapping[str, str], command: list[str]) -> list[str]:
    """The line that runs ``command`` with ``tree`` as its root; folders of here are ``bound`` to places in it."""
    places = [word for source, place in bound.items() for word in (str(source), place)]
    settings = [f"{name}={value}" for name, value in environment.items()]
    inside = ["env", "-i", *settings, shutil.which("chroot") or "/usr/sbin/chroot", str(tree), *command]
    return [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        IN_TREE,
        "sh",
        str(tree),
        *places,
        "--",
        *inside,
    ]
