"""
The families of the errors that a user may see.

Each is one message of a thing, a problem and a remedy, with an exit code. A family stands for what is wrong, so that
a caller can tell a run from a profile from a port; the case is in the message.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager


class KwsTraceError(Exception):
    """
    An error that is told in one message, without a stack trace.

    The command line alone prints it and exits with ``exit_code``: 2 for wrong use or bad input, 1 where the
    job itself failed.

    ``thing`` is what it is about, and the whole message where no problem with it is given; ``remedy`` is what the
    user can do, ``exit_code`` is given where it is not that of the family.
    """

    exit_code: int = 2

    def __init__(self, thing: object, problem: str = "", remedy: str = "", *, exit_code: int | None = None) -> None:
        said = f"{thing}: {problem}" if problem else str(thing)
        super().__init__(f"{said}; {remedy}" if remedy else said)
        self.thing, self.problem, self.remedy = thing, problem, remedy
        if exit_code is not None:
            self.exit_code = exit_code


@contextmanager
def told_unreadable(family: type[KwsTraceError], path: object, remedy: str) -> Iterator[None]:
    """What the system says of a file that the block reads, as an error of ``family``."""
    try:
        yield
    except OSError as error:
        raise family(path, error.strerror or "unreadable", remedy) from None


def first_line(error: BaseException) -> str:
    """What an error of a library says, without its later lines; its type's name where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def last_line(said: str, nothing: str = "nothing") -> str:
    """The last line with something in it of what a program said, which is where it says why it ended."""
    return next((line.strip() for line in reversed(said.splitlines()) if line.strip()), nothing)


class MalformedTraceError(KwsTraceError):
    """A trace breaks a rule of its own format."""


class UsageError(KwsTraceError):
    """Options that do not go together, or that leave nothing to do."""


class NotInstalledError(KwsTraceError):
    """A program or package that is needed is not installed, or is too old."""


def not_installed(runtime: str, extra: str) -> NotInstalledError:
    """A Python package is missing, which ``extra`` brings."""
    return NotInstalledError(f"{runtime} is not installed; install it with: pip install '{extra}'")


_WRONG_NAMES = (errno.EISDIR, errno.ENOTDIR, errno.ENOENT, errno.EEXIST, errno.ENAMETOOLONG)


class WriteError(KwsTraceError):
    """The disk did not take what was to be written."""

    exit_code = 1

    def __init__(self, thing: object, problem: str, error: OSError, remedy: str) -> None:
        # Where the name is wrong nothing failed that could be tried again.
        code = UsageError.exit_code if error.errno in _WRONG_NAMES else None
        super().__init__(thing, f"{problem} ({error.strerror or error})", remedy, exit_code=code)


class RunError(KwsTraceError):
    """A run that is not there, cannot be read, or cannot be made, renamed or rewritten."""


class CaptureError(KwsTraceError):
    """A capture that is damaged, or that cannot be one of the run's."""


class ProfileError(KwsTraceError):
    """A profile cannot be used: the file, what is wrong, the remedy."""


class SessionError(KwsTraceError):
    """A session's files cannot be read or written, or are not of the run."""


class SubmissionError(KwsTraceError):
    """A submission breaks the rules of its round."""


class DatasetError(KwsTraceError):
    """Inputs, their classes or their results are missing, or not in the benchmark's form."""


class ModelError(KwsTraceError):
    """A model that is not there, not readable, or not one of this benchmark."""


class DeviceError(KwsTraceError):
    """A device that is not known, or that this machine or its runtime does not see."""


class PortError(KwsTraceError):
    """A port that cannot be used."""


class DutError(KwsTraceError):
    """The device under test does not answer, or refuses."""

    exit_code = 1


class ProfilerError(KwsTraceError):
    """A profiler did not do what was asked of it."""

    exit_code = 1


class ProcessError(KwsTraceError):
    """A child process did not do its part."""

    exit_code = 1


class RepairError(KwsTraceError):
    """A command of a repair failed, or the record of repairs cannot be read."""

    exit_code = 1
