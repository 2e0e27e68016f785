"""A builder of small ``xplane.pb`` files, by our own message description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tracer.profiles.xplane import FIELDS
from tracer.protobuf_messages import message_class

Stats = dict[str, int | str]


class Plane:
    """Adds lines, events and their metadata; times in nanoseconds."""

    def __init__(self, space: Any, name: str) -> None:
        self.plane = space.planes.add(name=name.encode())
        self.ids: dict[tuple[str, str], int] = {}

    def key(self, kind: str, name: str) -> int:
        entries = self.plane.event_metadata if kind == "event" else self.plane.stat_metadata
        if (kind, name) not in self.ids:
            number = self.ids[kind, name] = len(self.ids) + 1
            entry = entries.add(key=number)
            entry.value.id, entry.value.name = number, name.encode()
        return self.ids[kind, name]

    def line(self, number: int, name: str = "", at_ns: int = 0) -> Any:
        return self.plane.lines.add(id=number, name=name.encode(), timestamp_ns=at_ns)

    def event(self, line: Any, name: str, start_ns: float, length_ns: float, **stats: int | str) -> None:
        event = line.events.add(metadata_id=self.key("event", name))
        event.offset_ps, event.duration_ps = round(1000 * start_ns), round(1000 * length_ns)
        for stat, value in stats.items():
            added = event.stats.add(metadata_id=self.key("stat", stat))
            if isinstance(value, int):
                added.int64_value = value
            else:
                # As the profiler does it: a text is the name of a stat's metadata, and referred to.
                added.ref_value = self.key("stat", value)


def write_space(path: Path, space: Any, host: bytes = b"jetson") -> Path:
    """End the file as TensorFlow does, and write it."""
    if host:
        space.hostnames.append(host)
    path.write_bytes(space.SerializeToString())
    return path


def host_space(inferences: int = 2) -> Any:
    """One thread: inferences of 100 ns with a stage and an op each."""
    space = message_class(FIELDS, "XSpace")()
    plane = Plane(space, "/host:CPU")
    line = plane.line(7, "python", at_ns=1000)
    for number in range(inferences):
        start = 200 * number
        plane.event(line, "kws-trace:inference", start, 100, number=number)
        plane.event(line, "kws-trace:session_run", start + 10.25, 80.5)
        plane.event(line, "SessionRun", start + 12, 70, id=number)
        plane.event(line, "model/conv2d:Conv2D", start + 20, 40)
    return space
