"""
The timed loop of a window: composed once from the stage callables, the clock readings inlined.

This is the one place where what is measured pays for the measuring. A call or an object a span would cost
more than the readings themselves, so the loop's source is written out for the number of stages and compiled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tracer.recording.nvtx_ranges import NvtxRanges

Stage = Callable[[], object]
Extend = Callable[[Sequence[int]], None]


class InferenceLoop(Protocol):
    """Runs inferences ``first`` to ``first + count`` and hands ``stages + 1`` readings of each to ``extend``."""

    def __call__(self, first: int, count: int, extend: Extend) -> None:
        """Run them one after the other."""


def loop_source(stages: int, *, nvtx: bool) -> str:
    """
    The source of a loop over ``stages`` stages; a single stage is the whole inference and has no range of its own.

    With ``nvtx`` ranges are pushed: ``inference`` with the number as payload, and one a stage.
    """
    inner = nvtx and stages > 1
    body = ["    for number in range(first, first + count):"]
    if nvtx:
        body += ["        set_number(number)", "        push(whole, domain)"]
    body.append("        t0 = clock()")
    for i in range(stages):
        call = f"stage{i}()"
        body.append(f"        push(range{i}, domain); {call}; pop(domain)" if inner else f"        {call}")
        body.append(f"        t{i + 1} = clock()")
    if nvtx:
        body.append("        pop(domain)")
    body.append("        extend((" + ", ".join(f"t{i}" for i in range(stages + 1)) + "))")
    return "\n".join(["def loop(first, count, extend):", *body])


def compose_loop(
    stages: Sequence[tuple[str, Stage]], ranges: NvtxRanges | None, clock: Callable[[], int] = time.perf_counter_ns
) -> InferenceLoop:
    """Make the timed loop over ``stages``, each with its name; None for ``ranges`` pushes none; a clock tells ns."""
    names: dict[str, object] = {f"stage{i}": call for i, (_, call) in enumerate(stages)}
    names["clock"] = clock
    if ranges is not None:
        names |= {"push": ranges.push, "pop": ranges.pop, "domain": ranges.domain}
        names["whole"] = whole = ranges.attributes("inference")
        names["set_number"] = ranges.numbering(whole)
        names |= {f"range{i}": ranges.attributes(name) for i, (name, _) in enumerate(stages)}
    return _compile(loop_source(len(stages), nvtx=ranges is not None), names)


def untraced_loop(stages: Sequence[Stage]) -> Callable[[int], None]:
    """The same inferences without a reading or a range: the twin that the cost of tracing is measured against."""
    body = [f"        stage{i}()" for i in range(len(stages))]
    source = "\n".join(["def loop(count):", "    for _ in range(count):", *body])
    return _compile(source, {f"stage{i}": call for i, call in enumerate(stages)})  # type: ignore[return-value]


def _compile(source: str, names: dict[str, object]) -> InferenceLoop:
    # As arguments' defaults the callables become locals, which cost less to reach than globals.
    head, rest = source.split("):", 1)
    bound = head + ", " + ", ".join(f"{name}={name}" for name in names) + "):" + rest
    exec(compile(bound, "<inference loop>", "exec"), names)  # noqa: S102 -- the source is ours, whole, above
    return names["loop"]  # type: ignore[return-value]
