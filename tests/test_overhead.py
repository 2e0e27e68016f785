"""``kws-trace overhead``: what each way of looking adds to an inference."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from runner.bench.overhead import child, under_nsys
from runner.bench.overhead import conditions as overhead_job
from runner.bench.overhead.conditions import OverheadJob, measure_overhead
from runner.bench.overhead.under_nsys import ranges_that_arrived
from runner.bench.overhead.worker import open_worker
from runner.cli import app
from runner.inference.blocks import WARM, BlockTime, measure_pairs, median_block
from runner.inference.models import SHIPPED_TFLITE, ModelChoice
from runner.nsys.installation import Nsys, find_nsys
from tests.needs import skip_without_nsys
from tracer.errors import KwsTraceError, MalformedTraceError, NotInstalledError, ProcessError, ProfilerError
from tracer.reports.overhead_ledger import (
    CONTROL,
    NSYS,
    NVTX,
    RECORDER,
    TENSORFLOW,
    Condition,
    PairTimes,
    build_ledger,
    render_ledger,
)
from tracer.runs.overhead_store import FILE, find_ledger, keep_ledger, read_ledgers

LITERT = ModelChoice(SHIPPED_TFLITE)


def pair_times(subject_ns: list[int], base_ns: list[int], inferences: int = 1) -> PairTimes:
    wall = np.array([subject_ns, base_ns], np.int64).T
    return PairTimes(inferences, wall, 2 * wall)


def ledger(sha: str = "a", **changed: object) -> dict[str, object]:
    times = pair_times([110, 220], [100, 200])
    figures = build_ledger([Condition(RECORDER, None, "here", [times])], [{"name": NSYS, "reason": "no nsys"}])
    backend = {"name": "litert", "version": "2", "device": "CPU", "threads": 1}
    load = {"before": 0.0, "cpus": 2}
    model = {"name": "kws", "sha256": sha}
    return {"model": model, "backend": backend, "stages_mode": "split", "load": load, **figures, **changed}


def test_each_of_a_pair_goes_first_every_other_time() -> None:
    order: list[str] = []

    def block(name: str, ns: int) -> object:
        def run(count: int) -> BlockTime:
            order.append(name)
            return BlockTime(ns * count, ns)

        return run

    times = measure_pairs(block("s", 30), block("b", 20), 5, 4)  # type: ignore[arg-type]
    assert order == list("bssbbssb")
    assert (times.wall_ns == [150, 100]).all()
    assert (times.cpu_ns == [30, 20]).all()


def test_a_stretch_of_blocks_stands_by_its_median() -> None:
    took = iter([5, 500, 7, 6, 900])
    block = median_block(lambda _: BlockTime(next(took), 1), 5)
    assert block(1) == BlockTime(7, 1)


def test_a_ratio_is_of_pairs_and_an_addition_is_an_inference() -> None:
    (row,) = build_ledger([Condition(RECORDER, None, "", [pair_times([220, 440], [200, 400], 10)])], [])["conditions"]
    assert row["ratio"] == pytest.approx(1.1)
    assert row["cpu_ratio"] == pytest.approx(1.1)
    # Of the geometric means, 28.28 and 31.11 ns.
    assert row["added_ns"] == pytest.approx(0.1 * np.sqrt(20 * 40))
    assert row["pairs"] == 2


def test_launches_of_other_block_lengths_are_joined_an_inference() -> None:
    times = [pair_times([20], [10], 1), pair_times([200], [100], 10)]
    (row,) = build_ledger([Condition(NSYS, "1", "", times)], [])["conditions"]
    assert (row["untraced_ns"], row["traced_ns"], row["launches"]) == (pytest.approx(10), pytest.approx(20), 2)
    assert row["launch_ratios"] == pytest.approx([2, 2])


def test_cpu_time_that_the_clock_did_not_see_gives_no_ratio() -> None:
    wall = np.array([[2, 1], [2, 1]])
    times = PairTimes(1, wall, np.zeros_like(wall))
    (row,) = build_ledger([Condition(RECORDER, None, "", [times])], [])["conditions"]
    assert row["cpu_ratio"] is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**9)), min_size=2, max_size=20))
@example([(1, 4), (4, 5), (5, 1)])
def test_a_ratio_lies_in_its_interval(pairs: list[tuple[int, int]]) -> None:
    subject, base = (list(column) for column in zip(*pairs, strict=True))
    (row,) = build_ledger([Condition(RECORDER, None, "", [pair_times(subject, base)])], [])["conditions"]
    spread = row["ratio_spread"]
    assert spread["low"] <= row["ratio"] <= spread["high"]
    assert row["ratio"] == pytest.approx(row["traced_ns"] / row["untraced_ns"])


def test_the_text_fits_80_columns_and_sets_2021_beside_it() -> None:
    slow = Condition(NVTX, "0.2.17", "here", [pair_times([3340, 3340], [1000, 900])])
    figures = ledger() | build_ledger([slow], [{"name": NSYS, "reason": "nsys: not found; install it"}])
    said = io.StringIO()
    render_ledger(figures, Console(file=said, width=80))
    lines = said.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for part in ("+234 %", "recorder and NVTX, no tool", "nsys: not found; install it", "litert 2"):
        assert part in text, part


def test_a_ledger_is_kept_a_configuration_and_found_again(tmp_path: Path) -> None:
    assert find_ledger(tmp_path, "a", "litert", "CPU", 1, "split") is None
    for figures in (ledger("a", mark=1), ledger("b"), ledger("a", mark=2)):
        assert keep_ledger(tmp_path, figures) == tmp_path / FILE
    assert len(read_ledgers(tmp_path)) == 2
    found = find_ledger(tmp_path, "a", "litert", "CPU", 1, "split")
    assert found is not None
    assert found["mark"] == 2
    assert find_ledger(tmp_path, "a", "litert", "CPU", 1, "fused") is None
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


DAMAGED = "it holds no ledgers; delete it, and measure again"
NEWER = "it is of version 9, this kws-trace knows 1; update it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        *((text, DAMAGED) for text in ("", "[]", "{}", '{"version": 1, "ledgers": [{}]}', '{"version": 9}'[:-1])),
        *((text, NEWER) for text in ('{"version": 9, "ledgers": [{}]}', '{"version": 9, "entries": {}}')),
    ],
)
def test_a_damaged_or_newer_ledger_is_told_and_not_overwritten(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(MalformedTraceError) as refused:
        keep_ledger(tmp_path, ledger())
    assert str(refused.value) == f"{tmp_path / FILE}: {told}"
    assert (tmp_path / FILE).read_text() == text


def test_the_command_measures_without_a_tool_and_lists_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Nsys:
        raise NotInstalledError("nsys: not found in PATH")

    monkeypatch.setattr(overhead_job, "find_nsys", none)
    monkeypatch.setattr(overhead_job, "find_spec", lambda _: None)
    words = ["overhead", "--seconds", "0.02", "--traces", str(tmp_path), "--json"]
    said = CliRunner().invoke(app, words, catch_exceptions=False)
    figures = json.loads(said.stdout)
    assert [row["name"] for row in figures["conditions"]] == [CONTROL, RECORDER, NVTX]
    assert {one["name"]: one["reason"][:14] for one in figures["absent"]} == {
        NSYS: "nsys: not foun",
        TENSORFLOW: "TensorFlow is ",
    }
    assert read_ledgers(tmp_path) == [figures]


def test_under_a_profiler_nothing_is_untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSYS_SESSION", "1")
    with pytest.raises(KwsTraceError, match="run it without"):
        measure_overhead(OverheadJob(LITERT))


def test_the_launches_of_a_condition_are_told_apart() -> None:
    times = [pair_times([11], [10]), pair_times([13], [10])]
    figures = ledger() | build_ledger(
        [Condition(RECORDER, None, "here", [times[0]]), Condition(NSYS, "1", "there", times)], []
    )
    said = io.StringIO()
    render_ledger(figures, Console(file=said, width=200))
    assert "nsys, collecting: there; the 2 launches: +10.0 %, +30.0 %" in said.getvalue()


def test_a_child_answers_blocks_and_ends(tmp_path: Path) -> None:
    with open_worker(LITERT, tmp_path) as block:
        assert block(3).wall_ns > 0
        assert block(30).wall_ns > 0


def test_a_child_runs_as_many_inferences_as_it_is_told() -> None:
    calls: list[int] = []

    class Counting:
        def stages(self) -> list[tuple[str, Callable[[], None]]]:
            return [("session_run", lambda: calls.append(1))]

    class Orders(io.StringIO):
        def __iter__(self) -> Iterator[str]:
            for count in (3, 30):
                before = len(calls)
                yield json.dumps({"inferences": count})
                assert len(calls) - before == WARM + count

    said = Orders()
    child._answer(said, Counting(), None)
    answers = [json.loads(line).keys() for line in said.getvalue().splitlines()]
    assert answers == [{"ready"}, {"wall_ns", "cpu_ns"}, {"wall_ns", "cpu_ns"}]


def test_a_child_that_cannot_load_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(KwsTraceError, match="there is no such model"),
        open_worker(ModelChoice(tmp_path / "none.tflite"), tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("command", "problem"),
    [(["sh", "-c", "echo broken; exit 3"], "ended with code 3 before.*broken"), (["sleep", "9"], "was not there")],
)
def test_a_child_that_never_connects_is_an_error_with_its_last_words(
    tmp_path: Path, command: list[str], problem: str
) -> None:
    with (
        pytest.raises(ProcessError, match=problem),
        open_worker(LITERT, tmp_path, lambda _: (command, None), start_s=0.5),
    ):
        pass


def test_a_child_below_an_nsys_whose_own_start_fails_is_started_once_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fails_once = ["sh", "-c", 'test -e "$0" || { touch "$0"; exit 1; }; exec "$@"', str(tmp_path / "failed")]
    with open_worker(LITERT, tmp_path, lambda command: ([*fails_once, *command], None)) as block:
        assert block(3).wall_ns > 0
    assert "it ended with 1 before what it runs had begun; it is started once again" in capsys.readouterr().err


def test_a_report_that_is_missing_or_empty_is_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nsys = Nsys(Path("nsys"), "1", frozenset(), frozenset(), None)
    with pytest.raises(ProfilerError, match="no report"):
        ranges_that_arrived(nsys, tmp_path)
    (tmp_path / "capture.1.nsys-rep").touch()

    from tracer.profiles.profile import NVTX_RANGES

    class Empty:
        nvtx_ranges = NVTX_RANGES.empty_table()

    monkeypatch.setattr(under_nsys, "export_sqlite", lambda *_: tmp_path)
    monkeypatch.setattr(under_nsys, "read_nsys_sqlite", lambda _: Empty)
    with pytest.raises(ProfilerError, match="none of our ranges"):
        ranges_that_arrived(nsys, tmp_path)


@pytest.mark.slow
def test_nsys_is_attached_and_its_report_holds_our_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_nsys()
    arrived: list[int] = []

    def counted(nsys: Nsys, folder: Path) -> int:
        arrived.append(ranges_that_arrived(nsys, folder))
        return arrived[-1]

    monkeypatch.setattr(overhead_job, "ranges_that_arrived", counted)
    figures = measure_overhead(OverheadJob(LITERT, seconds=0.05, launches=1, without=(TENSORFLOW,)))
    assert not figures["absent"]
    row = figures["conditions"][-1]
    assert (row["name"], row["version"]) == (NSYS, find_nsys().version)
    assert arrived[0] > row["pairs"]


@pytest.mark.slow
def test_tensorflows_profiler_is_measured_around_litert_too() -> None:
    pytest.importorskip("tensorflow")
    figures = measure_overhead(OverheadJob(LITERT, seconds=0.05, without=(NSYS,)))
    assert not figures["absent"]
    row = figures["conditions"][-1]
    assert row["name"] == TENSORFLOW
    assert row["pairs"] == 3
