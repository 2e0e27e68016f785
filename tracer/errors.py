"""The root of every error that a user may see: the thing, the problem, the remedy, and an exit code."""

from __future__ import annotations


class KwsTraceError(Exception):
    """
    An error that is told in one message, without a stack trace.

    The command line alone prints it and exits with ``exit_code``: 2 for wrong use or bad input, 1 where the
    job itself failed.
    """

    exit_code: int = 2


def first_line(error: BaseException) -> str:
    """What an error of a library says, without its later lines; its type's name where it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


class MalformedTraceError(KwsTraceError):
    """A trace breaks a rule of its own format."""
