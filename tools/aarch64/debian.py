"""
Files of Debian packages of another processor, unpacked: apt resolves and verifies, nothing is installed here.

apt keeps its lists, packages and status in a folder of ours, so that the machine's own are untouched.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def packages(suite: str, architecture: str, names: list[str], folder: Path, *, closure: bool) -> list[Path]:
    """
    Download packages of a suite into ``folder``; with ``closure`` also what they need.

    Raises:
        subprocess.CalledProcessError: when apt fails; it has said why.
    """
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb [arch={architecture} signed-by={KEYS}] {MIRROR} {suite} main\n")
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    apt = ["apt-get", "-qq"] + [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    archives = folder / "cache/archives"
    subprocess.run([*apt, "update"], check=True, stdout=subprocess.DEVNULL)
    wanted = ["install", "--download-only", "--yes"] if closure else ["download"]
    subprocess.run([*apt, *wanted, *names], check=True, stdout=subprocess.DEVNULL, cwd=archives)
    return sorted(archives.glob("*.deb"))


def unpack(files: list[Path], tree: Path) -> None:
    """Put the packages' files under ``tree``, whose ``/lib`` is ``/usr/lib`` as in today's Debian."""
    for name in ("bin", "lib", "sbin"):
        (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(f"usr/{name}")
    for file in files:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as opened:
            subprocess.run(
                ["tar", "-x", "--keep-directory-symlink", "-C", tree, "-f", "-"], stdin=opened.stdout, check=True
            )
        if opened.returncode:
            raise SystemExit(f"{file}: dpkg-deb could not unpack it")
