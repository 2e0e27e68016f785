"""The timed loop: shared edges, numbers as payloads, and the same loop without NVTX."""

from __future__ import annotations

import sys
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from tracer.recording.inference_loop import compose_loop, untraced_loop
from tracer.recording.nvtx_ranges import NvtxRanges, open_ranges


class Attributes:
    def __init__(self, name: str) -> None:
        self.name = name
        self.payload: int | None = None


def fake_ranges(log: list[object]) -> NvtxRanges:
    def push(attributes: Any, domain: Any) -> None:
        log.append((attributes.name, attributes.payload))

    def numbering(attributes: Any) -> Any:
        return lambda number: setattr(attributes, "payload", number)

    return NvtxRanges(push, lambda domain: log.append("pop"), "domain", Attributes, numbering, "fake")


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_an_inference_of_k_stages_takes_k_plus_one_readings(stages: int) -> None:
    clock = count(100).__next__
    raw: list[int] = []
    calls: list[int] = []
    loop = compose_loop([(f"s{i}", lambda i=i: calls.append(i)) for i in range(stages)], None, clock)
    loop(0, 3, raw.extend)
    assert raw == list(range(100, 100 + 3 * (stages + 1)))
    assert calls == list(range(stages)) * 3


def test_ranges_are_nested_and_the_inference_carries_its_number() -> None:
    log: list[object] = []
    loop = compose_loop([("a", lambda: log.append("a!")), ("b", lambda: None)], fake_ranges(log))
    loop(7, 1, [].extend)
    assert log == [("inference", 7), ("a", None), "a!", "pop", ("b", None), "pop", "pop"]


def test_a_fused_inference_has_one_range() -> None:
    log: list[object] = []
    compose_loop([("inference", lambda: None)], fake_ranges(log))(3, 2, [].extend)
    assert log == [("inference", 3), "pop", ("inference", 4), "pop"]


def test_the_untraced_twin_runs_the_same_stages() -> None:
    calls: list[str] = []
    untraced_loop([lambda: calls.append("a"), lambda: calls.append("b")])(2)
    assert calls == ["a", "b", "a", "b"]


def test_a_layer_without_a_setter_of_its_own_has_its_payload_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def ignored(*_: Any) -> None:
        """Whatever is pushed and popped."""

    made = {"DomainHandle": str, "RegisteredString": lambda _, name: name, "EventAttributes": Attributes}
    lib = SimpleNamespace(**made, push_range=ignored, pop_range=ignored)
    monkeypatch.setitem(sys.modules, "nvtx._lib", SimpleNamespace(lib=lib))
    ranges = open_ranges("ours")
    assert ranges is not None
    assert ranges.domain == "ours"
    one = ranges.attributes("stage")
    ranges.numbering(one)(7)
    assert (one.name, one.payload) == ("stage", 7)


def test_the_installed_nvtx_opens_our_domain_and_takes_payloads() -> None:
    ranges = open_ranges()
    assert ranges is not None
    raw: list[int] = []
    compose_loop([("a", lambda: None), ("b", lambda: None)], ranges)(0, 5, raw.extend)
    assert len(raw) == 15
    assert raw == sorted(raw)
