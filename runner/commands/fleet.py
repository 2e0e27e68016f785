"""``kws-trace fleet``: questions of all runs of several folders at once."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from runner.commands import options
from runner.commands.output import print_json, progress_line
from tracer.command_line import DEFAULT_TRACES
from tracer.errors import UsageError, not_installed
from tracer.terminal_text import say, terminal

NO_REGRESSION, REGRESSION, NOT_TOLD = 0, 1, 3
"""Exit codes of ``regressions``, as the command's page explains them."""

Query = Literal["rates", "latency", "overhead", "kernels", "trust", "regressions", "outliers", "sql"]


def fleet(
    query: Annotated[Query, typer.Argument(help="What is asked.")],
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Of `sql`: one SELECT.")] = None,
    root: Annotated[
        list[str] | None,
        options.RECORDING(
            "A folder of runs, a pattern of such folders, or a URL of one. May be given again.", metavar="R"
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        options.MEASUREMENT("What the newest launches are held against. Without it: those before.", metavar="NAME"),
    ] = None,
    fail_over: Annotated[
        float, options.MEASUREMENT("The share by which a configuration has to be slower for exit code 1.", min=0.0)
    ] = 0.02,
    limit: Annotated[int, options.OUTPUT("Kernels that are shown.", min=1)] = 20,
    engine: Annotated[
        str, options.MEASUREMENT("What answers: duckdb, here, or spark, an existing cluster.", metavar="ENGINE")
    ] = "duckdb",
    master: Annotated[str | None, options.MEASUREMENT("The cluster, as spark://HOST:7077.", metavar="URL")] = None,
    as_json: options.Json = False,
    as_csv: Annotated[bool, options.OUTPUT("Print comma-separated values.", "--csv")] = False,
    as_markdown: Annotated[bool, options.OUTPUT("Print a table of Markdown.", "--markdown")] = False,
    as_junit: Annotated[bool, options.OUTPUT("Print the regressions as JUnit's XML.", "--junit")] = False,
) -> None:
    """
    Ask all runs of several folders: rates, latency, overhead, kernels, trust, regressions, outliers, or SQL.

    Exit codes of `regressions`: 0 none is failed, 1 one is slower by more than --fail-over, 2 wrong use, 3 nowhere
    were there launches enough to tell.
    """
    missing = [package for package in ("ibis", "duckdb") if find_spec(package) is None]
    if missing:
        raise not_installed(" and ".join(missing), "kws-trace[fleet]")
    from tracer.fleet.answers import answer, checked_engine
    from tracer.fleet.baselines import baseline_runs
    from tracer.fleet.fleet import read_fleet
    from tracer.fleet.fleet_text import csv_text, junit_text, markdown_text

    _refuse_misfits(query, text, as_junit=as_junit, forms=as_json + as_csv + as_markdown + as_junit)
    checked_engine(engine, query, master)
    folders, not_come = _folders(root or [str(DEFAULT_TRACES)])
    with progress_line("runs read") as progress:
        found = read_fleet(folders, progress)
    found.left_out.extend(not_come)
    base = None if baseline is None else set(baseline_runs(folders, baseline, root or ()))
    rows = answer(found.rows, query, text=text, base=base, fail_over=fail_over, limit=limit, master=master)
    if as_json:
        print_json({"query": query, "rows": rows, "left_out": found.left_out})
    elif as_csv:
        say(csv_text(rows), end="")
    elif as_markdown:
        say(markdown_text(f"kws-trace fleet {query}", rows, found.left_out))
    elif as_junit:
        say(junit_text(rows, fail_over, found.left_out))
    else:
        _print(query, rows, len(found.rows), fail_over)
    if not as_json and not as_markdown:
        for sentence in found.left_out:
            say(f"left out: {sentence}", err=True)
    if query == "regressions":
        raise typer.Exit(_exit_code(rows))


def _refuse_misfits(query: str, text: str | None, *, as_junit: bool, forms: int) -> None:
    if (query == "sql") != (text is not None):
        raise UsageError(
            "fleet", "`sql` takes a text, the others none", "for example: fleet sql 'SELECT * FROM runs'"
        )
    if as_junit and query != "regressions":
        raise UsageError("--junit", f"{query} has no tests", "use it with `regressions`")
    if forms > 1:
        raise UsageError("fleet", "two forms of output are named", "name one of --json, --csv, --markdown, --junit")


def _folders(roots: list[str]) -> tuple[list[Path], list[str]]:
    """The folders that roots name, and sentences for the runs behind URLs that did not come."""
    from runner.commands.pull import bytes_line
    from tracer.fleet.fleet import fleet_folders

    folders, not_come = [], []
    for root in roots:
        if "://" not in root or root.startswith("file://"):
            folders += fleet_folders([root.removeprefix("file://")])
            continue
        from runner.pull.mirror import mirrored

        with bytes_line() as tell:
            folder, sentences = mirrored(root, tell)
        folders.append(folder)
        not_come += sentences
    return list(dict.fromkeys(folders)), not_come


def _print(query: str, rows: list[dict[str, Any]], count: int, fail_over: float) -> None:
    from tracer.figure_text import counted
    from tracer.fleet.fleet_text import render_table, sentence

    console = terminal()
    say(counted(count, "run"))
    render_table(rows, console)
    if query == "regressions":
        for row in (row for row in rows if row["detected"]):
            said = f"{row['device']}, {row['runtime']} {row['runtime_version']}: {sentence(row, fail_over)}"
            say(f"{'FAILED' if row['failed'] else 'detected'}: {said}")


def _exit_code(rows: list[dict[str, Any]]) -> int:
    if any(row["failed"] for row in rows):
        return REGRESSION
    return NO_REGRESSION if any(not row["why_not"] for row in rows) else NOT_TOLD
