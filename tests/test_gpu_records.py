"""What was called is held against what was recorded: an absence is said only where it is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.profiles import EXECUTOR, call, copy, kernel, profile
from tracer.profiles.gpu_records import Held, absence, check_records, checked_notes, unrecorded
from tracer.profiles.open_profile import read_profile_file
from tracer.profiles.profile import Profile, ProfileSummary, SummaryRow

DOUBT = "nsys warned: Not all CUDA events might have been collected."


def test_launches_without_any_record_are_not_recorded_rather_than_none() -> None:
    told = checked_notes(profile(calls=[call("cudaLaunchKernel", 0, 1, 7)]), ("launch", "copy"))
    assert told[0].startswith("1 launch called, 0 GPU records: not recorded (a driver newer than the tool, ")
    assert told[1:] == ("no copy was called while the capture lasted",)


def test_a_partial_loss_is_counted_by_correlation_id() -> None:
    calls = [call("cudaLaunchKernel", 10 * place, 10 * place + 1, place) for place in range(100)]
    kept = [kernel("k", 10 * place + 2, 10 * place + 3, place) for place in range(100) if place < 59 or place == 99]
    found = profile(kept, calls)
    assert check_records(found).held["launch"] == Held(called=100, missing=40, late=0, records=60)
    assert (unrecorded(found) or "").startswith("100 launches called, 60 of them with a GPU record: not recorded")


def test_calls_after_the_last_recorded_one_are_a_capture_that_ended_first() -> None:
    calls = [call("cudaLaunchKernel", 10 * place, 10 * place + 1, place) for place in range(5)]
    found = profile([kernel("k", 2, 3, 0), kernel("k", 12, 13, 1)], calls)
    assert unrecorded(found) is None
    assert [note for note in checked_notes(found) if note.startswith("3 launches after the last recorded one")]


def test_without_ids_counts_alone_tell_a_loss() -> None:
    calls = [call("cudaLaunchKernel", 10 * place, 10 * place + 1, None) for place in range(3)]
    kept = [kernel("k", 10 * place + 2, 10 * place + 3, None) for place in range(4)]
    for records, missing in ((1, 2), (3, 0), (4, 0)):
        held = check_records(profile(kept[:records], calls)).held
        assert held["launch"] == Held(called=3, missing=missing, late=0, records=records)


def test_calls_of_each_process_are_late_by_its_own_last_record() -> None:
    calls = [
        call("cudaLaunchKernel", at, at + 1, at, process=process)
        for process, at in ((1, 5), (1, 30), (2, 90), (2, 80))
    ]
    found = profile([kernel("k", 6, 7, 5, process=1), kernel("k", 91, 92, 90, process=2)], calls)
    assert check_records(found).held["launch"] == Held(called=4, missing=2, late=1, records=2)


def test_a_runtime_call_and_the_drivers_within_it_are_one_launch() -> None:
    calls = [call("cudaLaunchKernel_v7000", 0, 5, 1), call("cuLaunchKernel", 1, 4, 1)]
    assert check_records(profile([kernel("k", 6, 7, 1)], calls)).held["launch"] == Held(1, 0, 0, 1)


def test_launches_while_a_stream_is_captured_run_nothing() -> None:
    calls = [
        call("cudaStreamBeginCapture_v10000", 0, 1, 1),
        call("cudaLaunchKernel", 2, 3, 2),
        call("cudaLaunchKernel", 2, 3, 3, thread=EXECUTOR),
        call("cudaStreamEndCapture", 4, 5, 4),
        call("cudaGraphLaunch", 6, 7, 5),
    ]
    work = [kernel("k", 4, 5, 3), kernel("[CUDA graph 1]", 8, 9, 5, kind="graph")]
    assert check_records(profile(work, calls)).held["launch"] == Held(called=2, missing=0, late=0, records=2)


def test_a_host_function_is_no_launch_and_a_set_is_no_copy() -> None:
    calls = [call("cudaLaunchHostFunc", 0, 1, 1), call("cuMemsetD8Async", 2, 3, 2), call("cuMemcpyHtoD_v2", 4, 5, 3)]
    held = check_records(profile(calls=calls)).held
    assert [held[kind].called for kind in ("launch", "copy", "memset")] == [0, 1, 1]


def test_the_tools_doubt_stands_beside_what_was_found() -> None:
    whole = profile([copy("Host-to-Device", 2, 3, 1)], [call("cudaMemcpy", 0, 4, 1)])
    told = checked_notes(replace(whole, notes=(DOUBT,)))
    assert told == (f"{DOUBT} Checked, launches, copies and memsets: 0 of 1 call without a GPU record",)
    lost = replace(profile(calls=[call("cudaMemcpy", 0, 4, 1)]), notes=(DOUBT,))
    assert "Checked, launches, copies and memsets: 1 of 1 call without a GPU record" in checked_notes(lost)[0]


@pytest.mark.parametrize(
    ("note", "cause"),
    [
        ("nvprof: Warning: 2 records have invalid timestamps", "the tool dropped records, by its own warning"),
        ("nsys warned: Installed CUDA driver version (13.0) is not supported", "possibly the driver, which is newer"),
        ("nvprof: Error: ERR_NVGPUCTRPERM", "the tool lacked the permission"),
        ("nsys warned: No OpenGL events collected.", "a failed call, or a program that ended"),
    ],
)
def test_the_cause_is_the_tools_own_warning_or_a_list(note: str, cause: str) -> None:
    lost = replace(profile(calls=[call("cudaLaunchKernel", 0, 1, 1)]), notes=(note,))
    assert cause in checked_notes(lost)[-1]


EITHER = "the program made none, or the tool did not record them"
LAUNCH = call("cudaLaunchKernel", 0, 1, 1)
CUT = ProfileSummary(Path("x"), "nvprof", (SummaryRow("kernel", "k", 1, 9, 0.9),))


@pytest.mark.parametrize(
    ("found", "kinds", "said"),
    [
        (
            replace(profile(), traced=frozenset({"nvtx"})),
            ("launch",),
            "no kernel recorded: CUDA was not traced, whether a GPU worked is not known",
        ),
        (
            profile([kernel("k", 2, 3, 1)], [LAUNCH]),
            ("launch", "copy"),
            "no kernel or copy in these inferences; the capture has some outside them",
        ),
        (profile(calls=[LAUNCH]), ("launch",), "1 call for a kernel, 0 GPU records: not recorded"),
        (CUT, ("copy",), "no copy among the rows listed, of which some were cut"),
        (
            profile(),
            ("launch", "copy", "memset"),
            f"no kernel, copy or memset and no CUDA call recorded: {EITHER}",
        ),
        (
            profile(calls=[call("cudaFree", 0, 1, 1)]),
            ("launch", "memset"),
            "no launch or memset was called while the capture lasted",
        ),
    ],
)
def test_an_absence_says_what_is_known_of_it(
    found: Profile | ProfileSummary, kinds: tuple[str, ...], said: str
) -> None:
    assert absence(found, *kinds) == said


def test_a_loss_and_an_early_end_are_told_each_by_its_kind() -> None:
    """Of two launches the first has no record; the second copy and both sets came after the last call with one."""
    calls = [LAUNCH, call("cudaLaunchKernel", 2, 3, 2), call("cudaMemcpy", 4, 5, 3), call("cudaMemcpy", 6, 7, 4)]
    calls += [call("cudaMemset", at, at + 1, at) for at in (8, 10)]
    found = profile([kernel("k", 3, 4, 2), copy("Host-to-Device", 5, 6, 3)], calls)
    check = check_records(found)
    assert check.held == {"launch": Held(2, 1, 0, 1), "copy": Held(2, 1, 1, 1), "memset": Held(2, 2, 2, 0)}
    assert (check.calls, check.whole) == (6, True)
    assert checked_notes(replace(found, notes=("nvprof: 3 records were dropped", DOUBT))) == (
        "nvprof: 3 records were dropped",
        f"{DOUBT} Checked, launches, copies and memsets: 4 of 6 calls without a GPU record",
        "2 launches called, 1 of them with a GPU record: not recorded (the tool dropped records, by its own warning)",
        "1 copy, 2 memsets after the last recorded one have no GPU record: the capture ended before it, or lost it",
    )
    assert checked_notes(replace(profile(), notes=(DOUBT,)))[0] == (
        f"{DOUBT} Checked: no call of a launch, copy or memset is recorded"
    )


def test_a_summary_with_rows_cut_proves_no_loss() -> None:
    rows = (SummaryRow("kernel", "k", 60, 900, 0.9), SummaryRow("api", "cudaLaunch", 100, 5, 1.0))
    assert check_records(ProfileSummary(Path("x"), "nvprof", rows)).held["launch"].missing == 0
    whole = (replace(rows[0], share=1.0), rows[1])
    assert check_records(ProfileSummary(Path("x"), "nvprof", whole)).held["launch"] == Held(100, 40, 0, 60)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nsys-launched-but-no-gpu-rows/report.sqlite", "1 launch called, 0 GPU records; 3 copies called, 0 GPU rec"),
        ("nvprof-dropped-records/summary.txt", "2 launches called, 0 GPU records: not recorded (the tool dropped"),
        ("nvprof-mixed-no-kernels/nvprof.txt", "nvprof profiled no kernels in 3 of 7 processes"),
    ],
)
def test_real_captures_without_records_say_what_was_called(shared_data: Path, name: str, said: str) -> None:
    told = checked_notes(read_profile_file(shared_data / "cases" / name), ("launch", "copy", "memset"))
    assert [note for note in told if note.startswith(said)], told


def test_a_real_capture_in_doubt_is_complete(shared_data: Path) -> None:
    found = read_profile_file(shared_data / "h200" / "capture-light.sqlite")
    assert unrecorded(found) is None
    assert any(
        "Checked, launches, copies and memsets: 0 of 9,450 calls without" in note for note in checked_notes(found)
    )


def test_a_real_capture_cut_in_time_lost_nothing_but_what_came_after(shared_data: Path) -> None:
    held = check_records(read_profile_file(shared_data / "nsys" / "h100_2gpu_1s.sqlite")).held
    assert [(one.called, one.missing, one.late) for one in held.values()] == [
        (3346, 1714, 1714),
        (914, 476, 476),
        (112, 90, 90),
    ]
