"""A folder of runs on another machine, by this one's ssh; the files by rsync, or by tar where a side has none."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from runner.pull.places import PlacedFile, Tell, is_here, keep, not_taken
from tracer.errors import NotInstalledError, ProcessError, RunError

NO_FOLDER = 91
"""What our own command there ends with where there is no such folder; ssh and the shell have other codes."""

_LIST = (
    "if command -v rsync >/dev/null 2>&1; then printf 'rsync\\0'; else printf 'tar\\0'; fi; "
    "find . -mindepth 2 -type f ! -path '*/.*' -printf '%s %T@ %P\\0' && printf 'end\\0'"
)
_TAR = "tar -cf - --no-recursion --hard-dereference --null -T -"
_DIGESTS = "xargs -0 -r sha256sum -z --"


class SshPlace:
    """``folder`` of ``host``: relative to the home folder there, unless it begins with a slash."""

    def __init__(self, host: str, folder: str) -> None:
        if shutil.which("ssh") is None:
            raise NotInstalledError("ssh is not installed; install openssh-client, or copy the runs here another way")
        self._host, self._folder, self.name = host, folder, f"{host}:{folder}"
        self._rsync = False

    def files(self) -> list[PlacedFile]:
        """As ``Place``."""
        with self._command(_LIST) as process:
            listed = process.stdout.read().split(b"\0")
        if process.returncode == NO_FOLDER:
            raise RunError(self.name, "no such folder is there", "look at it with ssh")
        if process.returncode or listed[-2:] != [b"end", b""]:
            raise ProcessError(self._host, f"its runs cannot be listed ({self._said})", "try ssh to it by hand")
        # What a login prints stands before the first of our own words.
        self._rsync = listed[0].endswith(b"rsync") and shutil.which("rsync") is not None
        return [_placed(os.fsdecode(line)) for line in listed[1:-2]]

    def fetch(self, files: Sequence[PlacedFile], into: Path, tell: Tell) -> str | None:
        """As ``Place``."""
        lacking = [file for file in files if not is_here(file, into)]
        tell(sum(file.size for file in files) - sum(file.size for file in lacking))
        if not lacking:
            return None
        code = self._by_rsync(lacking, into, tell) if self._rsync else self._by_tar(lacking, into, tell)
        return f"{self._host}: {self._said}" if code else None

    def digests(self, files: Sequence[PlacedFile]) -> dict[str, str]:
        """As ``Place``."""
        with self._command(_DIGESTS, files) as process:
            lines = os.fsdecode(process.stdout.read()).split("\0")
        if process.returncode == 255:
            raise ProcessError(self._host, f"the connection ended ({self._said})", "give the same command again")
        # 64 digits, two characters, and the name with ./ before it.
        return {line[68:]: line[:64] for line in lines if len(line) > 68}

    def _by_rsync(self, files: Sequence[PlacedFile], into: Path, tell: Tell) -> int:
        host = f"[{self._host}]" if ":" in self._host else self._host
        words = ["rsync", "-rt", "-s", "--inplace", "--from0", "--files-from=-", "--out-format=%l %n", "-e", "ssh"]
        # Our lock is inherited: a second pull waits for an rsync that outlives this one.
        with self._process([*words, f"{host}:{self._folder}/", f"{into}/"], files, close_fds=False) as process:
            for line in process.stdout:  # type: ignore[union-attr]  # it is a pipe
                size, _, path = line.rstrip(b"\n").partition(b" ")
                tell(int(size) if size.isdigit() and not path.endswith(b"/") else 0)
        if "No space left" in self._said or "(28)" in self._said:
            raise not_taken(into, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        return int(process.returncode)

    def _by_tar(self, files: Sequence[PlacedFile], into: Path, tell: Tell) -> int:
        wanted = {file.path: file for file in files}
        broken = 0
        with self._command(_TAR, files) as process:
            try:
                with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                    for member in archive:
                        file = wanted.get(member.name.removeprefix("./"))
                        content = archive.extractfile(member) if file and member.isreg() else None
                        if file and content:
                            keep(file, content, into, tell)
            except (tarfile.TarError, EOFError):
                broken = 1
        return int(process.returncode) or broken

    def _command(self, script: str, files: Sequence[PlacedFile] = ()) -> Any:
        within = f"cd -- {shlex.quote(self._folder)} || exit {NO_FOLDER}; {script}"
        return self._process(["ssh", "--", self._host, f"sh -c {shlex.quote(within)}"], files)

    @contextmanager
    def _process(
        self, words: list[str], files: Sequence[PlacedFile], **how: Any
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A program that is given names, and ends with the block; what it complained about is in ``_said``."""
        with _names(files) as names, tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(words, stdin=names, stdout=subprocess.PIPE, stderr=complaints, **how)
            try:
                yield process
                process.stdout.close()  # type: ignore[union-attr]  # it is a pipe
                process.wait()
            finally:
                process.kill()
                process.wait()
            complaints.seek(0)
            text = complaints.read().decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        # rsync ends with a line of its own code, which says less than the one before.
        told = [line for line in lines if not line.startswith("rsync error:")] or lines
        self._said = told[-1] if told else f"{words[0]} ended with {process.returncode}"


def _placed(line: str) -> PlacedFile:
    size, mtime, path = line.split(" ", 2)
    seconds, _, fraction = mtime.partition(".")
    return PlacedFile(path, int(size), int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0")))


@contextmanager
def _names(files: Sequence[PlacedFile]) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as names:
        # With ./ before them, none is an option.
        names.write(b"".join(os.fsencode(f"./{file.path}\0") for file in files))
        names.seek(0)
        yield names
