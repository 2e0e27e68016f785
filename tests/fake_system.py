"""A machine for the doctor's tests: programs that answer from a table, a port that is there, a tree under a root."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.children import code_command
from runner.device.sysfs import read_text
from runner.doctor.machine import Ran
from runner.doctor.profilers import ASK_RANGES
from runner.doctor.runtimes import ASK_LITERT, ASK_ONNXRUNTIME, ASK_TENSORFLOW

TENSORFLOW = code_command(ASK_TENSORFLOW)
LITERT = code_command(ASK_LITERT)
ONNXRUNTIME = code_command(ASK_ONNXRUNTIME)
RANGES = code_command(ASK_RANGES)


def tensorflow_says(*devices: str, version: str = "2.16.1+nv24.7", cuda: bool = True) -> Ran:
    return Ran(0, "noise\n" + json.dumps({"version": version, "devices": devices, "cuda": cuda}))


def healthy_programs() -> dict[tuple[str, ...], Ran]:
    """Of a Jetson on which all is well; a program that is not in the table is not installed."""
    services = ("serial-getty@ttyGS0", "serial-getty@ttyTHS1", "nvgetty", "ModemManager")
    return {
        TENSORFLOW: tensorflow_says("CPU:0", "GPU:0"),
        LITERT: Ran(0, '\n{"version": "2.3.0", "name": "Interpreter"}'),
        ONNXRUNTIME: Ran(1, "", "ModuleNotFoundError: No module named 'onnxruntime'"),
        RANGES: Ran(0, "0.2.17 ranges\n"),
        ("nsys", "--version"): Ran(0, "NVIDIA Nsight Systems version 2023.2.4.44-33011852v0\n"),
        ("nvpmodel", "-q"): Ran(0, "NV Power Mode: MAXN\n0\n"),
        **{("systemctl", "is-active", f"{name}.service"): Ran(3, "inactive\n") for name in services},
        **{("systemctl", "is-enabled", f"{name}.service"): Ran(1, "masked\n") for name in services},
    }


@dataclass
class FakeSystem:
    """``ran`` keeps every command that was run."""

    root: Path
    user: str = "bench"
    is_root: bool = False
    groups: frozenset[str] = frozenset({"bench", "dialout"})
    programs: dict[tuple[str, ...], Ran] = field(default_factory=healthy_programs)
    files: frozenset[str] = frozenset({"/dev/ttyGS0", "/dev/ttyTHS1", "/run/systemd/system"})
    openable: bool = True
    terminal: bool = True
    held_by: str | None = None
    free: int | None = 20_000_000_000
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, command: Sequence[str], timeout_s: float = 10.0) -> Ran | None:
        self.ran.append(tuple(command))
        return self.programs.get(tuple(command))

    def which(self, program: str) -> str | None:
        return program if any(command[0] == program for command in self.programs) else None

    def read(self, path: str) -> str | None:
        return read_text(self.root / path)

    def exists(self, path: str) -> bool:
        return path in self.files

    def may_open(self, path: str) -> bool:
        return self.openable

    def is_terminal(self, path: str) -> bool:
        return self.terminal

    def holder(self, path: str) -> str | None:
        return self.held_by

    def ports(self) -> str:
        return "there are /dev/ttyGS0"

    def free_bytes(self, path: Path) -> int | None:
        return self.free
