"""Tools of an assistant: read-only, within the given folders, each finding with its evidence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from runner.mcp.answers import Answers
from runner.mcp.findings import REFUTES, compare_findings, gain_findings
from runner.mcp.folders import Folders
from tests.conftest import ROOT
from tests.json_traces import kineto, kineto_call, kineto_kernel, write
from tests.nsys_export import NsysExport
from tracer.errors import UsageError
from tracer.report_types.trust import TrustKey

SAMPLE = ROOT / "traces" / "sample-cpu"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A runs folder with a run, a folder of profiles, and one that nobody allowed."""
    shutil.copytree(SAMPLE, tmp_path / "traces" / "sample")
    for name in ("profiles", "secret"):
        (tmp_path / name).mkdir()
        write(
            tmp_path / name / "x.json",
            kineto([kineto_call("cudaLaunchKernel", 0, 9, 1), kineto_kernel("gemm", 5, 90, 1)]),
        )
    return tmp_path


@pytest.fixture
def folders(place: Path) -> Folders:
    return Folders(place / "traces", [place / "profiles"])


def each_file(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(folder.rglob("*"))}


def steps(path: Path) -> None:
    """Four steps of 100 us, each with a launch."""
    export, at = NsysExport(), [0, 100_000, 200_000, 300_000]
    own: dict[str, Any] = {"process": 9, "thread": 1}
    ids = [1, 2, 3, 4]
    export.ranges(at, [one + 90_000 for one in at], "step", domain=None, **own)
    export.calls(
        [one + 2_000 for one in at],
        [one + 5_000 for one in at],
        "cudaLaunchKernel_v7000",
        correlation_id=ids,
        **own,
    )
    starts = [one + 6_000 for one in at]
    export.kernels(starts, [one + 30_000 for one in starts], "gemm", process=9, correlation_id=ids)
    export.write(path)


def test_a_file_is_named_by_its_path_or_by_its_name_in_a_folder(folders: Folders, place: Path) -> None:
    wanted = (place / "profiles" / "x.json").resolve()
    assert folders.file("x.json") == folders.file(str(wanted)) == wanted
    assert folders.file(f"{place}/secret/../profiles/x.json") == wanted


@pytest.mark.parametrize("named", ["/etc/passwd", "../secret/x.json", "../../..", "\0", "x" * 5000, "none.json"])
def test_what_lies_outside_is_not_read(folders: Folders, named: str) -> None:
    for ask in (Answers(folders).kernels, Answers(folders).session):
        with pytest.raises(UsageError, match=r"may be read|no name"):
            ask(named)


def test_a_link_out_of_the_folders_is_refused_wherever_it_lies(folders: Folders, place: Path) -> None:
    (place / "profiles" / "link.json").symlink_to(place / "secret" / "x.json")
    with pytest.raises(UsageError, match="may be read"):
        folders.file("link.json")
    with pytest.raises(UsageError, match="leads outside"):
        folders.session("x.json")
    (place / "traces" / "sample" / "extra").symlink_to(place / "secret")
    for ask in (
        lambda: Answers(folders).report("sample"),
        lambda: Answers(folders).report("last"),
        Answers(folders).runs,
    ):
        with pytest.raises(UsageError, match="leads outside"):
            ask()


def test_a_run_by_a_path_outside_is_refused(folders: Folders) -> None:
    with pytest.raises(UsageError, match="may be read"):
        Answers(folders).report(str(SAMPLE))
    with pytest.raises(UsageError, match="may be read"):
        Answers(folders).compare(["sample", "../secret"])


def test_a_link_within_the_folders_is_followed(folders: Folders, place: Path) -> None:
    (place / "traces" / "again").symlink_to(place / "profiles")
    assert folders.file("again/x.json") == (place / "profiles" / "x.json").resolve()


def test_every_check_of_a_judgement_has_what_would_refute_it() -> None:
    assert set(REFUTES) == set(get_args(TrustKey))


def test_a_gain_that_is_a_bound_is_said_to_be_one() -> None:
    rows = [
        {
            "name": "launches",
            "group": "kind",
            "gain_ns": 2e6,
            "interval_ns": [1e6, 3e6],
            "bound": "at most",
            "reason": "r",
        },
        {"name": "copies", "group": "kind", "gain_ns": None, "interval_ns": None, "bound": None, "reason": ""},
    ]
    bound, unknown = gain_findings(rows)
    assert bound["state"] == "bound"
    assert bound["finding"].endswith("would save at most 2.00 ms")
    assert bound["evidence"][1:] == ["95 % interval 1.00 ms to 3.00 ms", "r"]
    assert unknown["state"] == "cannot be told"


def test_a_refused_comparison_has_its_refusals_for_evidence() -> None:
    row = {
        "sentence": "s",
        "verdict": "refused",
        "refusals": ["another model"],
        "warnings": ["w"],
        "why_no_claim": None,
    }
    (finding,) = compare_findings({"comparisons": [row]})
    assert finding["evidence"] == ["another model", "w"]


@pytest.mark.slow
def test_an_assistant_is_answered_over_standard_input_and_output_and_nothing_is_written(place: Path) -> None:
    anyio = pytest.importorskip("anyio")
    mcp = pytest.importorskip("mcp")
    steps(place / "profiles" / "steps.sqlite")
    before = each_file(place)
    command = ["-m", "runner", "mcp", "--traces", str(place / "traces"), "--allow", str(place / "profiles")]
    server = mcp.StdioServerParameters(command=sys.executable, args=command, cwd=ROOT)
    asked = [
        ("runs", {}),
        ("report", {}),
        ("compare", {"runs": ["sample", "sample"]}),
        ("kernels", {"profile": "x.json"}),
        ("breakdown", {"profile": "steps.sqlite", "unit_range": "st*"}),
        ("session", {"path": "sample"}),
        ("doctor", {}),
        ("kernels", {"profile": str(place / "secret" / "x.json")}),
        ("kernels", {"profile": "x.json", "by": "colour"}),
        ("breakdown", {"profile": "steps.sqlite", "range": "st*"}),
        ("runs", {"folder": "sample"}),
    ]

    async def ask() -> tuple[list[Any], list[Any]]:
        async with mcp.stdio_client(server) as streams, mcp.ClientSession(*streams) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            return tools, [await session.call_tool(name, arguments) for name, arguments in asked]

    tools, answers = anyio.run(ask)
    assert {tool.name for tool in tools} >= {name for name, _ in asked}
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert [answer.is_error for answer in answers] == [False] * 7 + [True] * 4
    assert "not in the folders that may be read" in answers[7].content[0].text
    assert answers[9].content[0].text == (
        "breakdown: it has no argument range; it takes profile, unit_range, stages, skip"
    )
    assert answers[10].content[0].text == "runs: it has no argument folder; it takes none"
    assert not any(tool.input_schema["additionalProperties"] for tool in tools)
    runs, *found = (json.loads(answer.content[0].text) for answer in answers[:7])
    assert [row["name"] for row in runs["runs"]] == ["sample"]
    for answer in found:
        assert answer["findings"]
        assert all(
            one["evidence"] and one["refuted_by"] for one in answer["findings"] if one["state"] != "can't be told"
        )
    assert found[0]["figures"]["run"]["name"] == "sample"
    assert [row["name"] for row in found[2]["figures"]["rows"]] == ["gemm"]
    assert (found[3]["figures"]["range"]["name"], found[3]["figures"]["count"]) == ("st*", 4)
    assert any("without" in one["finding"] and "a unit would save" in one["finding"] for one in found[3]["findings"])
    assert "inference" not in json.dumps(found[3]["findings"])
    assert found[4]["figures"]["sessions"]
    assert each_file(place) == before


def test_without_the_sdk_the_command_that_brings_it_is_told() -> None:
    code = (
        "import sys; sys.modules['mcp'] = None; sys.argv = ['kws-trace', 'mcp']; from runner.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'kws-trace[mcp]'" in done.stderr
    assert "Traceback" not in done.stderr
