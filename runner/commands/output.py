"""How commands print: figures as JSON or as text, the progress of a measurement, a summary of nvprof."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner.runtime_output import runtime_quiet
from tracer.terminal_text import say, say_over, terminal

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from tracer.profiles.profile import Profile, ProfileSummary
    from tracer.runs.run_store import StoredRun


def print_figures(figures: Any, render: Callable[[Console], object], *, as_json: bool) -> None:
    """Print one JSON document on standard output, or what ``render`` prints there."""
    if as_json:
        print_json(figures)
        return
    render(terminal())


def print_document(path: Path, html: str, figures: Any, *, as_json: bool) -> None:
    """
    Write a report's HTML file and say so, or print the figures that it has as JSON.

    Raises:
        WriteError: if it cannot be written.
    """
    from tracer.figure_text import size_text
    from tracer.reports.html.export import write_html

    write_html(path, html)
    if as_json:
        print_json(figures)
    else:
        say(f"{path}: {size_text(path.stat().st_size)}")


def print_json(figures: Any) -> None:
    """Print one JSON document on standard output."""
    say(json.dumps(figures, indent=2))


def print_json_lists(lists: Mapping[str, Sequence[Any]]) -> None:
    """Print lists as one JSON document, a row a line: to indent 10,000 rows takes longer than to find them."""
    parts = []
    for name, rows in lists.items():
        lines = ",\n    ".join(map(json.dumps, rows))
        parts.append(f"  {json.dumps(name)}: " + (f"[\n    {lines}\n  ]" if rows else "[]"))
    say("{\n" + ",\n".join(parts) + "\n}")


def tell_losses(run: StoredRun) -> None:
    """Say on standard error what the record of a run lacks, where the command's own words do not."""
    for sentence in run.dropped:
        say(f"{run.name}: lost: {sentence}", err=True)


@contextmanager
def passing_line(text: Callable[..., str]) -> Iterator[Callable[..., None]]:
    """On standard error, where that is a terminal, what ``text`` makes of what is told; gone at the end."""
    shown = sys.stderr.isatty()
    try:
        yield lambda *told: say_over(text(*told)) if shown else None
    finally:
        if shown:
            say_over("")


@contextmanager
def progress_line(what: str) -> Iterator[Callable[[int, int], None]]:
    """How many of how many are done, in a ``passing_line``; nothing where few are to do."""
    with passing_line(lambda done, count: f"{done} of {count} {what}") as tell:
        yield lambda done, count: tell(done, count) if count >= 20 and done % 5 == 0 else None


@contextmanager
def progress_bars() -> Iterator[Callable[[str, float], None]]:
    """
    Bars on standard error; yields what is told the name of a step and the share of it that was done since.

    What a runtime writes meanwhile is kept away, and shown if the measurement fails.
    """
    from rich.progress import Progress, TaskID

    with (
        runtime_quiet() as output,
        output.screen() as screen,
        Progress(console=terminal(file=screen), transient=True) as progress,
    ):
        tasks: dict[str, TaskID] = {}

        def advance(what: str, share: float) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=1.0)
            progress.advance(tasks[what], share)

        yield advance


def print_summary(
    profile: Profile | ProfileSummary,
    inferences: int | None,
    wall_ms: float | None,
    cpu_ms: float | None,
    *,
    as_json: bool,
) -> None:
    """
    Print the totals of a profiler's summary for one inference: for ``kernels``, and for ``report`` of its file.

    ``wall_ms`` and ``cpu_ms`` are of all ``inferences`` that its program ran; without ``wall_ms`` no share is given.

    Raises:
        ProfileError: if it has a timeline or no GPU work, ``inferences`` is None, or a figure is nonsense.
    """
    from tracer.errors import ProfileError
    from tracer.kernels.summary_share import render_summary, summary_figures
    from tracer.profiles.profile import Profile

    if isinstance(profile, Profile):
        raise ProfileError(
            profile.path,
            "it has a timeline, which tells inferences by itself",
            "leave out --inferences, --wall-ms and --cpu-ms, or `kws-trace ingest` it into its run",
        )
    if inferences is None:
        raise ProfileError(profile.path, "its totals are of a number of inferences", "give it with --inferences")
    figures = summary_figures(profile, inferences, wall_ms, cpu_ms)
    lines = "\n".join(render_summary(figures))
    print_figures(figures.as_json(), lambda _: say(lines), as_json=as_json)
