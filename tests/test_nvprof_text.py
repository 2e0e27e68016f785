"""nvprof's text: both layouts of the summary, its traces, and what a summary says of an inference."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.work import calls_made
from tracer.errors import ProfileError
from tracer.profiles.gpu_records import absence
from tracer.profiles.nvprof_lines import nanoseconds, size_bytes
from tracer.profiles.nvprof_text import read_nvprof_text
from tracer.profiles.profile import GPU_WORK, Profile, ProfileSummary, SummaryRow

NEWER = """\
==77== NVPROF is profiling process 77, command: ./dut --model kws
hello from the dut: 3.5% done
done==77== Profiling application: ./dut --model kws
==77== Warning: 3 records have invalid timestamps due to insufficient device buffer space.
==77== Profiling result:
            Type  Time(%)      Time     Calls       Avg       Min       Max  Name
 GPU activities:   60.00%  6.0000ms         3  2.0000ms  1.0000ms  3.0000ms  void conv<float, int=4>(float*, int)
late output of the program
                   30.00%  3.0000us        12     250ns     200ns     300ns  [CUDA memcpy HtoD]
                   10.00%  1.00000s         1  1.00000s  1.00000s  1.00000s  [CUDA memset]
      API calls:   90.00%  5.0000ms        12  416.00us  400.00us  500.00us  cudaLaunchKernel
                   10.00%     500ns         1     500ns     500ns     500ns  cudaFree
"""

OLDER = """\
==12== Profiling result:
Time(%)      Time     Calls       Avg       Min       Max  Name
 75.00%  3.0000ms         2  1.5000ms  1.0000ms  2.0000ms  add(int*, int*)
 25.00%  1.0000ms         1  1.0000ms  1.0000ms  1.0000ms  [CUDA memcpy DtoH]

==12== API calls:
Time(%)      Time     Calls       Avg       Min       Max  Name
100.00%  9.0000ms         2  4.5000ms  4.0000ms  5.0000ms  cudaLaunch
"""

CSV_SUMMARY = """\
==5== Profiling result:
"Type","Time(%)","Time","Calls","Avg","Min","Max","Name"
,%,us,,us,us,us,
"GPU activities",75.000000,3.500000,2,1.750000,1.000000,2.500000,"add<int, 2>(int*, int*)"
printed by the program, not by nvprof
"API calls",100.000000,9.000000,4,2.250000,1.000000,3.000000,"cudaLaunchKernel"
"""

CSV_TRACE = """\
==5== NVPROF is profiling process 5, command: ./dut
==5== Profiling result:
"Start","Duration","Grid X","Grid Y","Grid Z","Size","Throughput","SrcMemType","DstMemType","Device","Context",\
"Stream","Name","Correlation_ID"
ms,us,,,,KB,GB/s,,,,,,,
1.000000,2.500000,,,,1.914063,0.610586,"Pageable","Device","NVIDIA Tegra X1 (0)","1","13","[CUDA memcpy HtoD]",274
1.250000,1.000000,8,1,1,,,,,"NVIDIA Tegra X1 (0)","1","14","add<int, 2>(int*, int*)",281
1.500000,0.500000,,,,0.125000,0.077610,"Device",,"NVIDIA Tegra X1 (0)","1","7","[CUDA memset]",290
"""

TEXT_TRACE = """\
==9== Profiling result:
   Start  Duration            Grid Size      Block Size     Regs*    SSMem*    DSMem*      Size  Throughput  \
Device   Context    Stream  Name
182.96ms  6.4049ms                    -               -         -         -         -  38.147MB  5.8163GB/s  GeForce \
GT 650M         1         7  [CUDA memcpy HtoD]
1.00404s  3.4072us          (39063 1 1)       (256 1 1)         8        0B        0B         -           -  GeForce \
GT 650M         1         7  add(float const *, int) [112]

Regs: Number of registers used per CUDA thread. This number includes registers used internally.
"""


def written(folder: Path, text: str, name: str = "out.nvprof.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def summary(folder: Path, text: str) -> ProfileSummary:
    read = read_nvprof_text(written(folder, text))
    assert isinstance(read, ProfileSummary)
    return read


def trace(folder: Path, text: str) -> Profile:
    read = read_nvprof_text(written(folder, text))
    assert isinstance(read, Profile)
    return read


def test_the_newer_layout_names_a_block_on_its_first_row(tmp_path: Path) -> None:
    read = summary(tmp_path, NEWER)
    assert read.rows == (
        SummaryRow("kernel", "void conv<float, int=4>(float*, int)", 3, 6_000_000, 0.6),
        SummaryRow("memcpy", "[CUDA memcpy HtoD]", 12, 3_000, 0.3),
        SummaryRow("memset", "[CUDA memset]", 1, 1_000_000_000, 0.1),
        SummaryRow("api", "cudaLaunchKernel", 12, 5_000_000, 0.9),
        SummaryRow("api", "cudaFree", 1, 500, 0.1),
    )
    assert any("insufficient device buffer space" in note for note in read.notes)


def test_the_older_layout_has_a_heading_for_each_block(tmp_path: Path) -> None:
    assert [(row.kind, row.name, row.total_ns) for row in summary(tmp_path, OLDER).rows] == [
        ("kernel", "add(int*, int*)", 3_000_000),
        ("memcpy", "[CUDA memcpy DtoH]", 1_000_000),
        ("api", "cudaLaunch", 9_000_000),
    ]


def test_a_csv_summary_takes_its_units_from_its_second_line(tmp_path: Path) -> None:
    assert summary(tmp_path, CSV_SUMMARY).rows == (
        SummaryRow("kernel", "add<int, 2>(int*, int*)", 2, 3_500, 0.75),
        SummaryRow("api", "cudaLaunchKernel", 4, 9_000, 1.0),
    )


@pytest.mark.parametrize("text", [NEWER, OLDER, CSV_SUMMARY])
def test_line_ends_of_windows_and_its_encodings_make_no_difference(tmp_path: Path, text: str) -> None:
    rows = summary(tmp_path, text).rows
    assert summary(tmp_path, text.replace("\n", "\r\n")).rows == rows
    path = tmp_path / "shell.txt"
    path.write_text(text, encoding="utf-16")
    assert read_nvprof_text(path).rows == rows
    path.write_text(text, encoding="utf-8-sig")
    assert read_nvprof_text(path).rows == rows


def test_a_ruler_printed_by_the_program_is_no_mark_of_nvprof(tmp_path: Path) -> None:
    ruled = NEWER.replace("late output of the program", "==================\n======== \n=== 50.00% ===")
    assert summary(tmp_path, ruled).rows == summary(tmp_path, NEWER).rows


def test_processes_are_added_up_and_shares_made_anew(tmp_path: Path) -> None:
    two = OLDER + OLDER.replace("==12==", "==13==").replace("add(int*, int*)", "mul(int*)")
    read = summary(tmp_path, two)
    assert [(row.kind, row.name, row.count, row.total_ns, row.share) for row in read.rows] == [
        ("kernel", "add(int*, int*)", 2, 3_000_000, 0.375),
        ("kernel", "mul(int*)", 2, 3_000_000, 0.375),
        ("memcpy", "[CUDA memcpy DtoH]", 2, 2_000_000, 0.25),
        ("api", "cudaLaunch", 4, 18_000_000, 1.0),
    ]
    assert any("2 processes" in note for note in read.notes)


def test_a_program_without_gpu_work_is_told_so(tmp_path: Path) -> None:
    read = summary(tmp_path, "==3== Profiling result:\nNo kernels were profiled.\n")
    assert read.rows == ()
    assert absence(read, "launch").startswith("no kernel and no CUDA call recorded")


def test_a_csv_gpu_trace_gives_work_with_processes_devices_and_streams(tmp_path: Path) -> None:
    read = trace(tmp_path, CSV_TRACE)
    assert read.gpu_work.schema == GPU_WORK
    assert [tuple(row.values()) for row in read.gpu_work.to_pylist()] == [
        (5, 0, 13, "memcpy", "[CUDA memcpy Host-to-Device]", 1960, 1_000_000, 1_002_500, 274),
        (5, 0, 14, "kernel", "add<int, 2>(int*, int*)", None, 1_250_000, 1_251_000, 281),
        (5, 0, 7, "memset", "[CUDA memset]", 128, 1_500_000, 1_500_500, 290),
    ]
    assert read.api_calls.num_rows == 0
    assert read.processes == {5: "./dut"}
    assert any("no stage" in note for note in read.notes)


def test_api_calls_in_the_same_table_are_the_launches(tmp_path: Path) -> None:
    read = trace(tmp_path, CSV_TRACE + '1.100000,9.000000,,,,,,,,,,,"cudaLaunchKernel",281\n')
    (call,) = read.api_calls.to_pylist()
    assert tuple(call.values())[:6] == (5, 0, "cudaLaunchKernel", 1_100_000, 1_109_000, 281)
    assert not any("no stage" in note for note in read.notes)


def test_a_gpu_trace_as_text_keeps_names_of_devices_and_kernels_whole(tmp_path: Path) -> None:
    read = trace(tmp_path, TEXT_TRACE)
    copy, kernel = read.gpu_work.to_pylist()
    assert (copy["bytes"], copy["start_ns"], copy["end_ns"]) == (40_000_029, 182_960_000, 189_364_900)
    assert (kernel["name"], kernel["correlation_id"]) == ("add(float const *, int)", 112)
    assert kernel["end_ns"] - kernel["start_ns"] == 3407
    assert any("five digits" in note for note in read.notes)


def test_page_faults_without_a_duration_are_counted_and_left_out(tmp_path: Path) -> None:
    fault = '1.600000,,,,,,,,,,,,"[Unified Memory CPU page faults]",\n'
    read = trace(tmp_path, CSV_TRACE + fault)
    assert read.gpu_work.num_rows == 3
    assert "unified memory: 1 page fault without a duration is left out" in read.notes


def test_what_unified_memory_moved_is_a_copy_with_its_bytes(tmp_path: Path) -> None:
    text = (
        "==9== Profiling result:\n"
        "   Start  Duration      Grid Size    Device  Context  Stream  Unified Memory  Virtual Address  Name\n"
        "491.48ms  25.952us              -  Tesla T4 (0)    -       -    256.000000KB  0x7612d2000000  "
        "[Unified Memory Memcpy HtoD]\n"
    )
    (copy,) = trace(tmp_path, text).gpu_work.to_pylist()
    assert (copy["kind"], copy["bytes"], copy["stream"]) == ("memcpy", 262_144, -1)
    assert copy["name"] == "[CUDA memcpy Unified Host-to-Device]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no output of nvprof"),
        ("just a log\n", "no output of nvprof"),
        ("SQLite format 3\0\0\0", "no text"),
        ("==4== NVPROF is profiling process 4, command: ./dut\n", "without a result"),
        ("==4== Profiling result:\n==4== Metric result:\n", "Metric result"),
    ],
)
def test_what_holds_no_times_is_refused_with_the_reason(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ProfileError, match=problem):
        read_nvprof_text(written(tmp_path, text))


@pytest.mark.parametrize("text", [NEWER, CSV_TRACE, TEXT_TRACE])
def test_a_file_cut_anywhere_gives_whole_rows_alone(tmp_path: Path, text: str) -> None:
    whole = read_nvprof_text(written(tmp_path, text))
    for size in range(len(text)):
        try:
            part = read_nvprof_text(written(tmp_path, text[:size]))
        except ProfileError:
            continue
        if isinstance(whole, Profile) and isinstance(part, Profile):
            assert part.gpu_work.to_pylist() == whole.gpu_work.to_pylist()[: part.gpu_work.num_rows]
        elif isinstance(whole, ProfileSummary) and isinstance(part, ProfileSummary):
            figures = [(row.kind, row.count, row.total_ns, row.share) for row in whole.rows]
            read = [(row.kind, row.count, row.total_ns, row.share) for row in part.rows]
            # The name stands last: it alone may be cut, and a copy's cut name is a kernel's.
            assert [row[1:] for row in read] == [row[1:] for row in figures[: len(read)]]


LINES = [*NEWER.splitlines(), *CSV_TRACE.splitlines(), *TEXT_TRACE.splitlines()]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(LINES) | st.text(), max_size=20))
def test_lines_in_any_order_end_in_tables_or_a_profile_error(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    with contextlib.suppress(ProfileError):
        assert read_nvprof_text(path).source == "nvprof"


@given(st.floats(0, 1e6), st.sampled_from(["ns", "us", "ms", "s"]))
def test_times_are_read_in_their_unit(value: float, unit: str) -> None:
    scale = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}[unit]
    assert nanoseconds(f"{value:.4f}{unit}") == round(float(f"{value:.4f}") * scale)


def test_a_time_of_thousands_of_seconds_and_sizes_in_powers_of_1024_are_read() -> None:
    assert nanoseconds("2.4e+03s") == 2_400_000_000_000
    assert size_bytes("4.0000KB") == 4096
    assert nanoseconds("9e99s") is None
    assert nanoseconds("12") is None


def test_the_work_grows_with_the_rows_and_not_with_their_square(tmp_path: Path) -> None:
    head, row = CSV_TRACE.rsplit("\n", 2)[0], CSV_TRACE.splitlines()[-1]
    spent = []
    for rows in (1000, 8000):
        path = written(tmp_path, head + "\n" + (row + "\n") * rows)
        spent.append(calls_made(lambda: read_nvprof_text(path)))  # noqa: B023 -- called at once
    assert spent[1] < 9 * spent[0]


def test_a_summary_of_nvprof_5_has_shares_without_a_percent_sign(tmp_path: Path) -> None:
    read = summary(
        tmp_path,
        "======== Profiling result:\n"
        " Time(%)      Time   Calls       Avg       Min       Max  Name\n"
        "   88.19    1.21ms       1    1.21ms    1.21ms    1.21ms  add(float*)\n"
        "   11.81  162.00us       2   81.00us   80.00us   82.00us  [CUDA memcpy HtoD]\n",
    )
    assert [(row.kind, row.count, row.total_ns, row.share) for row in read.rows] == [
        ("kernel", 1, 1_210_000, 0.8819),
        ("memcpy", 2, 162_000, pytest.approx(0.1181)),
    ]


def test_samples_of_the_cpu_beside_a_summary_are_not_read_and_named(tmp_path: Path) -> None:
    read = summary(
        tmp_path,
        "======== Profiling result:\nNo kernels were profiled.\n"
        "======== CPU profiling result (bottom up):\nTime(%)      Time  Name\n 51.29%  1.16728s  cudaMalloc\n",
    )
    assert "not read: CPU profiling result (bottom up)" in read.notes
