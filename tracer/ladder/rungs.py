"""The rungs, from the thickest stack to the thinnest, and the removal that each step tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """
    One way of running the model.

    Args:
        key: as ``--rungs`` takes it.
        name: for people.
        above: key of the rung that it is held against; None for the one before it that was measured.
        removals: names of ``breakdown.removals`` that the step from it tests, the first that a capture has; empty
            where none claims it.
        why: why nothing is predicted, or on what the prediction rests.
        cpu: whether it can only run on the CPU.
    """

    key: str
    name: str
    above: str | None = None
    removals: tuple[str, ...] = ()
    why: str = ""
    cpu: bool = False
    up_to: str = ""


_OTHER_RUNTIME = "another runtime: nothing is predicted"
_SAME_KERNELS = "the same kernels, launched as one graph"
_REPLAYED = "the same kernels as one graph, and of the runtime's own work around them none to all gone"
_AROUND = "one graph, no framework"

RUNGS = (
    Rung("session", "TensorFlow Session.run"),
    Rung("callable", "TensorFlow make_callable", "session", (), "nothing is claimed"),
    Rung("inline", "TensorFlow inline", "callable", ("hand-offs",), "the same calls, made by one thread"),
    Rung("frozen", "TensorFlow frozen", "inline", (), "part of framework: no removal claims it"),
    Rung("xla", "TensorFlow XLA", "frozen", ("hand-offs and one graph", "one graph"), _SAME_KERNELS),
    Rung("capi", "TensorFlow C library", "session", (), "Python's part of framework: no removal claims it"),
    Rung("onnx-cuda", "ONNX Runtime CUDA", None, (), _OTHER_RUNTIME),
    Rung("onnx-cuda-graph", "ONNX Runtime CUDA graph", "onnx-cuda", ("one graph",), _REPLAYED, up_to=_AROUND),
    Rung("onnx-tensorrt", "ONNX Runtime TensorRT", "onnx-cuda", (), "other kernels: nothing is predicted"),
    Rung("onnx-tensorrt-graph", "ONNX R. TensorRT graph", "onnx-tensorrt", ("one graph",), _REPLAYED, up_to=_AROUND),
    Rung("tensorrt", "TensorRT", "onnx-tensorrt", (), "ONNX Runtime's part of framework: no removal claims it"),
    Rung("tensorrt-graph", "TensorRT CUDA graph", "tensorrt", ("one graph",), _REPLAYED, up_to=_AROUND),
    Rung("onnx-cpu", "ONNX Runtime CPU", None, (), _OTHER_RUNTIME, cpu=True),
    Rung("litert", "LiteRT", None, (), _OTHER_RUNTIME, cpu=True),
)

KEYS = tuple(one.key for one in RUNGS)


def rung_of(key: str) -> Rung:
    """The rung of that key."""
    return RUNGS[KEYS.index(key)]


def rung_above(rung: Rung, there: list[str]) -> str | None:
    """
    The rung that ``rung`` is held against, of those ``there`` by key in the order of ``RUNGS``.

    None where it has none above it, or where the one that it belongs to is not there.
    """
    if rung.above is not None:
        return rung.above if rung.above in there else None
    before = [key for key in there if KEYS.index(key) < KEYS.index(rung.key)]
    return before[-1] if before else None
