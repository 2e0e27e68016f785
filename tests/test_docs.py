"""What the documentation says is there: links, anchors, modules, commands, options, words and command lines."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import typer.main

from runner.cli import app
from runner.doctor.checks import STATES
from tests.conftest import ROOT
from tracer.breakdown.gpu_idle import GAP_CAUSES
from tracer.breakdown.owners import OWNERS
from tracer.profiles.profile import PROFILE_TABLES
from tracer.runs import schema
from tracer.runs.run_info import RunInfo
from tracer.stages import INFERENCE_STAGES, SERIAL_STAGES

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("traces/*.md")])
COMMANDS: dict[str, click.Command] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
COMMAND_LINES = (ROOT / "tests/golden/readme_0_1_command_lines.txt").read_text().splitlines()

PRINTED_WORDS = (
    *(
        "window",
        "lap",
        "valid",
        "rule-valid",
        "trusted",
        "doubtful",
        "bad",
        "performance",
        "accuracy pass",
        "calibration",
        "capture",
        "Top-1",
        "AUC",
    ),
    *("inference", "warm-up", "span", "split", "fused", "wall time", "CPU time", "median", "p90", "p99"),
    *("95 % interval", "the tracer's own cost", "left out", "lost", "aborted", "frequencies not recorded"),
    *("recording", "complete", "recovered", "profiled", "unprofiled", "GPU busy", "runtime overhead", "spill"),
    *(
        "exposed",
        "in all",
        "share",
        "launch-bound",
        "gpu-bound",
        "host-bound",
        "copy-bound",
        "balanced",
        "upper bound",
    ),
    *("one CUDA graph", "all launches free", "no copies", "queued in time", "from launch to start", "framework"),
    *(
        "RULE-VALID",
        "NOT RULE-VALID",
        "not judged",
        "ratio",
        "true inf/s",
        "diagnosis",
        "runner-up",
        "mended",
        "tried",
    ),
    *("slower", "faster", "no difference", "not known", "refused", "gentle", "ridge", "intensity", "peak", "MACs"),
    *("rung", "covered", "not covered", "not resolved"),
    *("pageable", "pinned", "untraced, again", "published results", "throttled", "outside every inference"),
)


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_and_anchor_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_module_that_a_page_names_is_there(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # it tells of what is gone too
    named = re.findall(r"`((?:tracer|runner|dashboard|tests|tools)/[\w/.]*)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 1000


def test_every_page_is_reached_from_the_index() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            links = re.findall(r"\]\(([^)\s#]+\.md)", prose(page))
            waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert {page for page in PAGES if "docs" in page.parts} <= reached


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_a_page_that_names_each_of_its_options(name: str) -> None:
    text = (ROOT / "docs/commands" / f"{name}.md").read_text()
    options = {
        option
        for parameter in COMMANDS[name].params
        if isinstance(parameter, click.Option) or parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    } - {"--help"}
    assert [option for option in sorted(options) if not re.search(rf"{option}(?![\w-])", text)] == []
    assert "xit codes" in text


def test_every_page_of_a_command_is_of_a_command() -> None:
    assert {page.stem for page in (ROOT / "docs/commands").glob("*.md")} == set(COMMANDS)


def glossary() -> str:
    return (ROOT / "docs/glossary.md").read_text()


@pytest.mark.parametrize("word", PRINTED_WORDS)
def test_a_word_of_the_output_is_defined(word: str) -> None:
    assert re.search(rf"\*\*{re.escape(word)}\*\*", glossary()), word


@pytest.mark.parametrize("name", [*OWNERS, *GAP_CAUSES, *INFERENCE_STAGES, *SERIAL_STAGES])
def test_a_name_of_an_owner_a_gap_or_a_stage_has_a_row(name: str) -> None:
    assert f"| `{name}` |" in glossary()


def test_the_states_of_the_doctor_are_defined() -> None:
    assert ", ".join(f"**{state}**" for state in STATES) in glossary()


def test_every_rule_of_a_finding_is_defined() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "tracer/sessions").glob("*.py"))
    rules = set(re.findall(r'"((?:window|clock|laps|printed)-[a-z]+)"', sources))
    assert len(rules) > 8
    assert sorted(rule for rule in rules if f"`{rule}`" not in glossary()) == []


@pytest.mark.parametrize("table", [*schema.TABLES, *PROFILE_TABLES])
def test_every_column_of_a_table_is_described(table: str) -> None:
    text = (ROOT / "docs/run-format.md").read_text()
    section = text.split(f"### {table}\n", 1)[1].split("\n### ", 1)[0]
    columns = {**schema.TABLES, **PROFILE_TABLES}[table].names
    assert [column for column in columns if f"`{column}`" not in section] == []


def test_every_key_of_run_json_is_described() -> None:
    text = (ROOT / "docs/run-format.md").read_text().split("## run.json", 1)[1].split("## Tables", 1)[0]
    assert [key for key in RunInfo.__slots__ if key != "extra" and f"`{key}`" not in text] == []


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_every_command_line_of_the_first_readme_still_opens(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    _, *words = shlex.split(line)
    root = typer.main.get_command(app)
    if words[0].startswith("-"):
        assert any(words[0] in parameter.opts for parameter in root.params)
        return
    command = COMMANDS[words[0]]
    # Parsed, not run: types, choices and required options are held, files need not be there.
    context = command.make_context(words[0], words[1:], parent=root.make_context("kws-trace", [words[0]]))
    context.close()


@pytest.mark.parametrize("package", ["runner", "tracer"])
def test_the_rooms_of_the_design_are_the_folders(package: str) -> None:
    _, _, below = (ROOT / "docs" / "design.md").read_text().partition(f"| room of `{package}/` |")
    rows = below.split("\n\n", maxsplit=1)[0].splitlines()[2:]
    rooms = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert rooms == {one.parent.name for one in (ROOT / package).glob("*/__init__.py")}
