"""The proof of the replay: its judgement, its program on a simulator, its steps on a GPU."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.gpu_proof import driver
from tests.gpu_proof.__main__ import main
from tests.gpu_proof.driver import Proof, read_pair
from tests.gpu_proof.judging import REMOVALS, Pair, Said, judged
from tests.gpu_proof.program import PARTS, STAGES, VARIANTS, WHOLE
from tests.gpu_proof.simulated import simulated_pair
from tests.simulator.machine import run
from tests.simulator.program import Host, Launch


def pairs(error_ns: float, spread_ns: float, count: int = 20) -> list[Pair]:
    """Of a part that gives 100 us of 1 ms, predicted with an error; each spread about evenly."""
    off = np.tile([-spread_ns, spread_ns], count)[:count]
    said = Said(100e3 + error_ns, 95e3, 105e3, bound=False, reason="")
    return [Pair({"under": said}, {"whole": 1e6 + one, "under": 900e3}) for one in off]


@pytest.mark.parametrize(
    ("error_ns", "spread_ns", "count", "outcome"),
    [
        (0, 10e3, 20, "equivalent"),
        (-15e3, 10e3, 20, "equivalent"),  # within the larger margin: 2 % of the wall is 20 us
        (-17e3, 10e3, 20, "not equivalent"),  # its interval reaches beyond
        (30e3, 1e3, 20, "not equivalent"),
        (0, 30e3, 20, "not resolved"),  # half the interval of the gain is 11.9 us, over half the margin
        (0, 1e3, 19, "too few pairs"),
    ],
)
def test_a_prediction_holds_where_its_whole_difference_lies_within_the_margin(
    error_ns: float, spread_ns: float, count: int, outcome: str
):
    assert judged(pairs(error_ns, spread_ns, count), ["under"])["under"].outcome == outcome


def test_a_part_that_no_removal_claims_has_no_verdict():
    assert judged(pairs(0, 1e3), ["under", "thread"])["thread"].outcome == "no prediction"


def test_of_a_bound_only_what_exceeds_it_lies_outside():
    (low, *_), (high, *_) = pairs(0, 20e3, 1), pairs(0, -20e3, 1)
    assert judged([low, high], ["under"])["under"].within == 0
    bound = [replace(one, predicted={"under": replace(one.predicted["under"], bound=True)}) for one in (low, high)]
    found = judged(bound, ["under"])["under"]
    assert (found.bounds, found.within) == (2, 1)


def test_each_part_is_left_out_by_itself_and_its_stage_is_known_to_the_capture():
    for part in PARTS:
        changed = [one.name for one, other in zip(WHOLE, part.without(), strict=True) if one != other]
        assert changed == [part.stage]
        assert part.removal[0] != "stage" or part.removal[1] in STAGES
    kernels = {name: len(run([variant]).works) for name, variant in VARIANTS.items()}
    assert kernels["one graph"] == kernels["thread"] == kernels["whole"] == kernels["beside"] + 1
    thread = next(one for one in VARIANTS["thread"] if one.name == "thread")
    assert [(type(step), step.thread) for step in thread.steps] == [(Launch, 0)]
    assert not any(isinstance(step, Host) and step.thread for one in VARIANTS["thread"] for step in one.steps)


def test_of_work_that_a_later_stage_waits_for_a_stage_gives_more_than_it_takes_itself(tmp_path: Path):
    """A copy that is called in 6 us and runs 90: its stage was once said to give 6, its own time."""
    pair = simulated_pair(1, tmp_path)
    for part, gave in {"copy": 93e3, "behind": 81e3, "under": 0, "beside": 0}.items():
        assert pair.predicted[part].gain_ns == pytest.approx(gave, abs=8e3), part
        assert pair.gain_ns(part) == pytest.approx(gave, abs=25e3), part


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_part_of_the_simulated_program_gives_what_its_capture_predicts(tmp_path: Path):
    found = judged([simulated_pair(number, tmp_path) for number in range(20)])
    for name, one in found.items():
        print(name, one)
    assert {name: one.outcome for name, one in found.items()} == dict.fromkeys(REMOVALS, "equivalent")


def test_the_docs_print_what_the_launches_on_an_h200_are_judged_to_be():
    proof, text = Proof.opened(ROOT / "docs" / "gpu-proof-h200.json"), (ROOT / "docs" / "gpu-proof.md").read_text()
    found = judged([read_pair(one) for one in proof.pairs])
    assert {one.pairs for one in found.values()} == {20}
    for name, one in found.items():
        gave, half, low, high, margin = (
            f"{value / 1e3:.1f}" for value in (one.gain_ns, one.half_width_ns, *one.difference_ns, one.margin_ns)
        )
        predicted = f"{one.predicted_ns / 1e3:.1f}{', a bound' if one.bounds == one.pairs else ''}"
        verdict = one.outcome if one.outcome == "equivalent" else f"**{one.outcome}**"
        assert f"| `{name}` | {gave} ± {half} | {predicted} | {low} to {high} | {margin} | {verdict} |" in text


def test_without_a_gpu_the_proof_says_that_none_was_asked(monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu_proof"])
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main() == 2
    assert "No GPU was asked" in capsys.readouterr().err


def test_predictions_are_on_the_disk_before_a_variant_is_measured_and_a_half_made_pair_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    path, seen, ended = tmp_path / "proof.json", [], []

    class Launch:
        def __init__(self, name: str):
            self.name = name

        def await_ready(self):
            assert not seen or len(seen) == 4

        def turn(self):
            seen.append((self.name, path.is_file() and "predicted" in path.read_text()))
            if len(seen) == 4:
                raise KeyboardInterrupt
            return (1e6 if self.name in {"whole", "plain"} else 9e5), {"gpu": "one"}

        def end(self):
            ended.append(self.name)

    monkeypatch.setattr(driver, "Waiting", Launch)
    monkeypatch.setattr(driver, "captured", lambda nsys, folder: folder)
    monkeypatch.setattr(driver, "open_profile", lambda path: path)
    said = Said(1e5, 9e4, 2e5, bound=False, reason="")
    monkeypatch.setattr(driver, "predictions", lambda *_: {"copy": said})
    monkeypatch.setattr(driver, "find_nsys", lambda: SimpleNamespace(version="2024.2.3"))
    with pytest.raises(KeyboardInterrupt):
        driver.prove(path, 1)
    assert seen[0] == ("plain", False)
    assert sorted(ended) == sorted(["plain", *VARIANTS])
    assert all(written for _, written in seen[1:])
    assert Proof.opened(path).pairs == []
    proof = driver.prove(path, 1)
    (pair,) = Proof.opened(path).pairs
    assert pair["written"] <= pair["measured_from"]
    assert set(pair["measured"]) == set(VARIANTS)
    assert judged([read_pair(one) for one in proof.pairs])["copy"].gain_ns == 1e5


def test_the_steps_on_a_gpu_are_those_that_the_simulator_runs(monkeypatch: pytest.MonkeyPatch):
    """CuPy is faked: what is called, on which stream and by which thread, in the order of the program's steps."""
    called = fake_cupy(monkeypatch)
    from tests.gpu_proof import cuda

    monkeypatch.setattr(cuda, "spin_host", lambda length_ns: called.append(("host", length_ns)))
    gpu = cuda.Gpu()
    for name, inference in (("whole", WHOLE), ("one graph", VARIANTS["one graph"])):
        stages = gpu.calls(inference)
        assert [stage for stage, _ in stages] == list(STAGES)
        called.clear()
        for _, calls in stages:
            for call in calls:
                call()
        words = [one[0] for one in called]
        assert words.count("spin") == {"whole": 44, "one graph": 4}[name]
        assert words.count("graph") == {"whole": 0, "one graph": 1}[name]
        assert [one[1] for one in called if one[0] == "host"] == [100_000, 60_000, 80_000]
        assert [one[0] for one in called if one[0].startswith("copy")] == ["copy to", "copy from"]
        assert words[-1] == "sync stream"
        threads = {one[3] for one in called if one[0] == "spin"}
        assert len(threads) == 2


def fake_cupy(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """CuPy's names as its documentation has them, each of which notes that it was called."""
    import threading

    called: list[tuple] = []

    class Stream:
        def __init__(self, non_blocking=False):
            self.capturing = False

        def begin_capture(self):
            self.capturing = True

        def end_capture(self):
            self.capturing = False
            return SimpleNamespace(launch=lambda stream: called.append(("graph", stream)))

        def synchronize(self):
            called.append(("sync stream", self))

    def kernel(grid, block, arguments, *, stream):
        called.append(("captured" if stream.capturing else "spin", stream, arguments, threading.get_ident()))

    memory = SimpleNamespace(
        copy_from_host_async=lambda at, size, stream: called.append(("copy to", size, stream)),
        copy_to_host_async=lambda at, size, stream: called.append(("copy from", size, stream)),
    )
    event = SimpleNamespace(record=lambda stream: None, synchronize=lambda: None)
    fake = ModuleType("cupy")
    fake.RawKernel = lambda source, name: kernel
    fake.cuda = SimpleNamespace(
        Stream=Stream,
        Event=lambda: event,
        get_elapsed_time=lambda start, end: 10.0,
        alloc=lambda size: memory,
        alloc_pinned_memory=lambda size: SimpleNamespace(ptr=1),
        runtime=SimpleNamespace(deviceSynchronize=lambda: called.append(("sync device",))),
    )
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.delitem(sys.modules, "tests.gpu_proof.cuda", raising=False)
    return called
