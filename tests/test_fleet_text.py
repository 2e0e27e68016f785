"""What a continuous integration reads of a fleet: JUnit's XML and Markdown, whatever boards are called."""

from __future__ import annotations

import io
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from tracer.fleet.fleet_text import csv_text, junit_text, markdown_text, render_table, sentence
from tracer.fleet.tables import CONFIGURATION

STRANGE = 'nano | <b>"x"</b> & &lt; [a](b) `c` \x1b[31m\x00\ufffe \ud800 *d* ]]>\r\n## head\n| e |'

COUNTS = {"name", "time", "tests", "failures", "errors"}
ATTRIBUTES = {
    "testsuites": COUNTS,
    "testsuite": COUNTS | {"skipped", "timestamp", "hostname", "id", "group", "package", "file", "log", "url"},
    "testcase": {"name", "time", "classname", "group"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set(),
    "system-err": set(),
}
"""What junit-10.xsd of Jenkins' xUnit plugin has of these; it allows nothing else."""


def row(device: str, **found: Any) -> dict[str, Any]:
    facts = dict.fromkeys(CONFIGURATION, "not recorded")
    told = {
        "slowdown": 0.03,
        "low": 0.01,
        "finds": 0.015,
        "look": 1,
        "detected": False,
        "failed": False,
        "why_not": "",
    }
    return {**facts, "device": device, **told, **found}


ROWS = [
    row(f"failing {STRANGE}", detected=True, failed=True),
    row("passing"),
    row(f"not told {STRANGE}", slowdown=None, low=None, finds=None, why_not=f"2 of 5 launches {STRANGE}"),
]


def test_configurations_are_numbered_from_1_and_each_row_has_the_number_of_its_own() -> None:
    out = io.StringIO()
    render_table([row("orin"), row("nano"), row("orin", look=2)], Console(file=out, width=200))
    lines = [" ".join(line.replace("│", " ").split()) for line in out.getvalue().splitlines()]
    assert [line.partition(",")[0] for line in lines[:2]] == ["1: device orin", "2: device nano"]
    assert [line.split()[0] for line in lines if line[:2] in ("1 ", "2 ")] == ["1", "2", "1"]


def shown(rows: list[dict[str, Any]]) -> list[str]:
    out = io.StringIO()
    render_table(rows, Console(file=out, width=200))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_table_of_regressions_is_printed_so() -> None:
    told = "timed not recorded, stages mode not recorded"
    first = "device [b]a[/b], model sha256 not recorded, runtime not recorded, runtime version not recorded"
    untold = row("[b]a[/b]", slowdown=None, low=None, finds=None, why_not="2 of 5 [b]launches[/b]")
    lines = shown([untold, row("nano", slowdown=-0.04, detected=True)])
    assert lines[:4] == [
        f"1: {first}, power mode not recorded, {told}",
        f"2: {first.replace('[b]a[/b]', 'nano')}, power mode not recorded, {told}",
        "1: 2 of 5 [b]launches[/b]",
        "",
    ]
    assert [line.split() for line in lines[4::2]] == [
        ["no.", "slowdown", "low", "finds", "look", "detected", "failed"],
        ["1", "-", "-", "-", "1", "no", "no"],
        [],
    ]
    assert lines[7].split() == ["2", "-4.0", "%", "+1.0", "%", "+1.5", "%", "1", "yes", "no"]


def test_other_tables_lead_with_what_a_row_is_of_and_say_parts_as_reports_do() -> None:
    facts = dict.fromkeys(CONFIGURATION, "x")
    names = {
        "GPU busy": "GPU busy",
        "wake": "CUDA synchronise: waking up",
        "python readback": "host code in readback",
    }
    heading, _, *lines = shown([{**facts, "part": name, "launches": 2, "mean_ns": 1500.0} for name in names])[2:7]
    at = heading.index("part")
    assert [line[at:].partition("  ")[0] for line in lines] == list(names.values())
    boards = [{**facts, "host": host, "newest": "2026-01-02T03:04", "rate_hz": 2500.0} for host in ("[b]l[/b]", "a")]
    heading, _, *lines = shown(boards)[2:6]
    assert [line.split() for line in (heading, *lines)] == [
        ["no.", "host", "newest", "rate"],
        ["1", "[b]l[/b]", "2026-01-02", "2,500.0"],
        ["1", "a", "2026-01-02", "2,500.0"],
    ]
    # Names begin below their heading, figures end there.
    assert [line[heading.index("host") :].split()[0] for line in lines] == ["[b]l[/b]", "a"]
    assert lines[1].index("a ") == heading.index("host")
    heading, _, line = shown([{"n": 1234, "none": None, "share": 0.12345}])[1:4]
    assert (heading.split(), line.split()) == (["n", "share"], ["1,234", "0.123"])
    assert shown([]) == ["nothing to show"]


def test_markdown_says_once_what_all_rows_share() -> None:
    found = row("nano", model_sha256="0123456789abcdef", detected=True)
    same = "; ".join(f"{name.replace('_', ' ')}: not recorded" for name in CONFIGURATION[2:])
    lines = [
        "## title",
        "",
        f"device: nano; model sha256: 0123456789ab; {same}",
        "",
        "| slowdown | low | finds | look | detected | failed |",
        "|---|---|---|---|---|---|",
        "| +3.0 % | +1.0 % | +1.5 % | 1 | yes | no |",
        "",
        "Left out:",
        "",
        "- a \\*",
    ]
    assert markdown_text("title", [found], ["a *"]) == "\n".join(lines)
    assert markdown_text("title", [], []) == "## title\n\nnothing to show\n"


def test_csv_has_all_columns_as_they_are() -> None:
    assert csv_text([{"a": 1, "b": None}, {"a": 0.25, "b": "x,y"}]) == 'a,b\n1,\n0.25,"x,y"\n'
    assert csv_text([]) == "\n"


def test_what_was_found_of_a_configuration_is_a_sentence() -> None:
    least = "look 1, failed from 2.0 %; a slowdown of 1.5 % would be failed four times of five"
    assert sentence(row("nano"), 0.02) == f"no slowdown detected: +3.0 % (at least +1.0 %), {least}"
    assert sentence(row("nano", detected=True), 0.02) == f"slower: +3.0 % (at least +1.0 %), {least}"


def test_junit_is_what_its_readers_take_whatever_the_boards_are_called() -> None:
    text = junit_text(ROWS, 0.02, [f"/traces/{STRANGE}: it is damaged"])
    root = ElementTree.fromstring(text.encode("utf-8"))
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag], element.tag
    (suite,) = root
    assert [one.tag for one in suite] == ["testcase"] * 3 + ["system-err"]
    assert [one[0].tag for one in suite if len(one)] == ["failure", "system-out", "skipped"]
    assert "<b>" in suite[0].attrib["name"]
    assert "it is damaged" in suite[3].text
    assert text.count("\n") == len(text.splitlines()) - 1
    assert ElementTree.fromstring(junit_text([], 0.02, [])).attrib["tests"] == "0"


def test_a_reader_of_junit_counts_what_failed_passed_and_cannot_be_told() -> None:
    junitparser = pytest.importorskip("junitparser", reason="needs junitparser")
    (suite,) = junitparser.JUnitXml.fromstring(junit_text(ROWS, 0.02, []).encode())
    assert (suite.tests, suite.failures, suite.skipped, suite.errors) == (3, 1, 1, 0)
    cases = list(suite)
    assert [case.is_passed for case in cases] == [False, True, False]
    assert [case.is_failure for case in cases] == [True, False, False]
    assert "2 of 5 launches" in cases[2].result[0].message


def test_markdown_has_a_line_a_row_and_no_markup_out_of_names() -> None:
    text = markdown_text("kws-trace fleet regressions", ROWS, [f"/traces/{STRANGE}: it is damaged"])
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = [token.type for token in tokens]
    assert kinds.count("heading_open") == 1
    assert kinds.count("tr_open") == 1 + len(ROWS)
    assert kinds.count("list_item_open") == 1
    assert "html_block" not in kinds
    inside = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inside} <= {"text", "text_special"}
    assert "".join(child.content for child in inside).count("&lt;") == 4
    assert kinds.count("td_open") == len(ROWS) * kinds.count("th_open")


def test_headings_of_a_question_in_sql_are_no_markup_either() -> None:
    text = markdown_text("kws-trace fleet sql", [{"a|b": 1, "c": 2}], [])
    assert MarkdownIt("commonmark").enable("table").render(text).count("<th>") == 2
