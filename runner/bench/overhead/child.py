"""
A process that runs blocks of inferences when it is told to: under a tool that a process has from its start.

``python -m runner.bench.overhead.child SOCKET ORDERS``: connects to the socket, says ``ready`` or what is wrong, and
answers each line ``{"inferences": N}`` with the block's times until the other side closes.
"""

from __future__ import annotations

import json
import socket
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

from runner.dut.collectors import capture_range
from runner.inference.blocks import recorded_block, untraced_block
from runner.inference.models import ModelChoice, load_pipeline
from runner.inference.pipeline import Pipeline
from runner.inference.startup import settle
from tracer.errors import KwsTraceError, NotInstalledError
from tracer.recording.nvtx_ranges import NvtxRanges, open_ranges

SETTLE_S = 20.0


def serve(address: str, orders: dict[str, Any]) -> int:
    """Be that process; returns its exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        with connection.makefile("rw", encoding="utf-8") as lines:
            try:
                pipeline, ranges = _prepare(orders)
            except KwsTraceError as error:
                _say(lines, {"error": str(error)})
                return error.exit_code
            _answer(lines, pipeline, ranges)
            pipeline.backend.close()
    return 0


def _prepare(orders: dict[str, Any]) -> tuple[Pipeline, NvtxRanges | None]:
    choice = orders["choice"]
    pipeline = load_pipeline(ModelChoice(**{**choice, "path": Path(choice["path"])}))
    pipeline.load(bytes(pipeline.buffer_sizes[0]))
    ranges = open_ranges() if orders["collected"] else None
    if orders["collected"] and ranges is None:
        raise NotInstalledError("nvtx: no ranges can be pushed; install nvtx 0.2.12 or newer")
    settle(pipeline, SETTLE_S)
    return pipeline, ranges


def _answer(lines: IO[str], pipeline: Pipeline, ranges: NvtxRanges | None) -> None:
    block = untraced_block(pipeline.stages()) if ranges is None else recorded_block(pipeline.stages(), ranges)
    with nullcontext() if ranges is None else capture_range(ranges):
        # What a tool does when it begins to collect is not what is measured.
        block(10)
        _say(lines, {"ready": True})
        for line in lines:
            took = block(int(json.loads(line)["inferences"]))
            _say(lines, {"wall_ns": took.wall_ns, "cpu_ns": took.cpu_ns})


def _say(lines: IO[str], words: dict[str, Any]) -> None:
    lines.write(json.dumps(words) + "\n")
    lines.flush()


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], json.loads(sys.argv[2])))
