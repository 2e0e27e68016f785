"""Writers of the JSON that profilers of PyTorch, XLA, ONNX Runtime and trtexec write, from rows of our tables."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class Number(float):
    """A number that json writes by its own digits."""

    def __new__(cls, digits: str) -> Number:
        made = super().__new__(cls, digits)
        made.digits = digits
        return made

    digits: str

    def __repr__(self) -> str:
        return self.digits


def micros(ns: int) -> Number:
    """Nanoseconds as microseconds with three digits behind the point, as Kineto writes them."""
    sign, ns = "-" if ns < 0 else "", abs(ns)
    return Number(f"{sign}{ns // 1000}.{ns % 1000:03}")


def dumps(value: Any) -> str:
    """JSON in which a ``Number`` has its own digits."""
    if isinstance(value, Number):
        return value.digits
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {dumps(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(dumps, value)) + "]"
    return json.dumps(value)


def write(path: Path, value: Any) -> Path:
    """Write it, packed where the name ends so."""
    data = (value if isinstance(value, str) else dumps(value)).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def complete(category: str, name: str, pid: Any, tid: Any, start_ns: int, end_ns: int, **args: Any) -> Row:
    """A complete event of PyTorch's trace."""
    event = {"ph": "X", "cat": category, "name": name, "pid": pid, "tid": tid}
    return {**event, "ts": micros(start_ns), "dur": micros(end_ns - start_ns), "args": args}


def kineto(events: Sequence[Row], **beside: Any) -> Row:
    """A trace of PyTorch: properties, events and, behind them, its name."""
    properties = [{"id": 0, "name": "NVIDIA H100", "computeMajor": 9}]
    head = {"schemaVersion": 1, "deviceProperties": properties, "cuda_runtime_version": 12060, **beside}
    return {**head, "traceEvents": list(events), "traceName": "x.json", "baseTimeNanoseconds": 1743521598000000000}


def kineto_kernel(name: str, start_ns: int, end_ns: int, correlation: int, stream: int = 7, device: int = 0) -> Row:
    """A kernel, as Kineto writes it: the device for the process, the stream for the thread."""
    told = {"device": device, "stream": stream, "correlation": correlation, "grid": [1, 1, 1]}
    return complete("kernel", name, device, stream, start_ns, end_ns, **told)


def kineto_call(name: str, start_ns: int, end_ns: int, correlation: int, pid: int = 100, tid: int = 100) -> Row:
    """A CUDA runtime call."""
    return complete("cuda_runtime", name, pid, tid, start_ns, end_ns, cbid=211, correlation=correlation)


def xla(planes: dict[int, str], lines: dict[tuple[int, int], str], events: Sequence[Row]) -> Row:
    """A trace of XLA: names of planes and lines first, an empty object last."""
    names: list[Row] = [{"ph": "M", "pid": p, "name": "process_name", "args": {"name": n}} for p, n in planes.items()]
    for (pid, tid), name in lines.items():
        names.append({"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": name}})
    head = {"displayTimeUnit": "ns", "metadata": {"highres-ticks": True}}
    return {**head, "traceEvents": [*names, *events, {}]}


def onnxruntime(events: Sequence[tuple[str, str, int, int, int, Row]]) -> str:
    """A profile of ONNX Runtime: category, name, thread, start and length in microseconds, arguments; one a line."""
    lines = [
        f'{{"cat" : "{cat}","pid" :{100 if tid >= 0 else -1},"tid" :{tid},"dur" :{dur},"ts" :{ts},"ph" : "X",'
        f'"name" :"{name}","args" : {json.dumps(args)}}}'
        for cat, name, tid, ts, dur, args in events
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def trtexec_times(rows: Sequence[dict[str, float]]) -> str:
    """What ``--exportTimes`` writes: six digits, one inference a line."""
    lines = ["{ " + ", ".join(f'"{name}" : {value:.6g}' for name, value in row.items()) + " }" for row in rows]
    return "[\n  " + "\n, ".join(lines) + "\n]\n"
