"""Several launches of one command, one after another, each a process of its own that records a run."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runner.children import module_command
from runner.ending_signals import ending_signals_to
from tracer.errors import UsageError
from tracer.runs.launch_set import launch_name
from tracer.runs.run_folder import exists_error

LAUNCH = "KWS_TRACE_LAUNCH"
"""Set for each launch: JSON of ``launch_set`` in its ``run.json``."""

RECORDING = ("run", "infer")
"""Commands that record a run."""

INCOMPLETE = 1
"""Exit code of a launch whose run is there, with a gap or without a capture: the others are made all the same."""


def taken_launch() -> dict[str, Any] | None:
    """Which launch of a set this process is; its own children are none."""
    text = os.environ.pop(LAUNCH, None)
    try:
        launch = None if text is None else dict(json.loads(text))
    except (ValueError, TypeError):
        raise UsageError(f"{LAUNCH}={text}", "`kws-trace repeat` sets it, for its launches", "unset it") from None
    return launch


def checked_command(words: Sequence[str]) -> None:
    """
    Refuse a command whose launches are no set.

    Raises:
        UsageError: if it records nothing, or names its run or the folder of the runs itself.
    """
    if not words or words[0] not in RECORDING:
        said = f"`{words[0]}` records no run" if words else "nothing to launch"
        raise UsageError("repeat", said, f"give {' or '.join(RECORDING)} with its options after `--`")
    ours = [word for word in words if word.partition("=")[0] in ("--name", "--traces")]
    if ours:
        raise UsageError(f"repeat: {ours[0]}", "it is of the whole set", "give it before `--`")


def refuse_existing(name: str, launches: int, traces: Path) -> None:
    """Say before the first launch that the run of a later one exists."""
    for number in range(1, launches + 1):
        folder = traces / launch_name(name, number)
        if folder.exists():
            raise exists_error(folder)


def make_launches(words: Sequence[str], name: str, launches: int, tell: Callable[[str], None]) -> list[int]:
    """
    Launch ``kws-trace WORDS`` so many times; each as soon as the one before has ended.

    SIGINT, SIGTERM and SIGHUP are handed to the launch that runs, which makes its run complete, and no other begins.
    A launch that fails otherwise than with a gap in its record ends the series: the next would fail alike.

    Args:
        words: the command and its options, without ``--name``.
        name: of the set; its runs are called ``NAME-1`` and so on.
        launches: how many.
        tell: told which launch begins, and how one that failed ended.

    Returns:
        The exit codes of those that were begun.
    """
    codes, identity = list[int](), str(uuid.uuid4())
    for number in range(1, launches + 1):
        run = launch_name(name, number)
        tell(f"launch {number} of {launches}: {run}")
        environment = {**os.environ, **launch_environment(identity, number, launches)}
        code, stopped = launched([*words, "--name", run], environment)
        codes.append(code)
        if code:
            tell(f"launch {number} of {launches} failed: exit code {code}")
        if stopped or code not in (0, INCOMPLETE):
            break
    return codes


def launch_environment(identity: str, number: int, launches: int) -> dict[str, str]:
    """What tells a launch which of its set it is."""
    return {LAUNCH: json.dumps({"id": identity, "number": number, "of": launches})}


def launched(words: Sequence[str], environment: dict[str, str]) -> tuple[int, bool]:
    """Make one launch; the exit code, and whether a signal came meanwhile, which was handed on."""
    got: list[int] = []
    with ending_signals_to(got.append):
        # In a session of its own: a terminal sends Ctrl-C to all of a group, and the launch would have it twice.
        process = subprocess.Popen(
            module_command("runner", *words), env=environment, start_new_session=True, stdin=subprocess.DEVNULL
        )

        def hand_on(number: int) -> None:
            got.append(number)
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)

        with ending_signals_to(hand_on):
            for early in tuple(got):
                process.send_signal(early)
            return process.wait(), bool(got)
