"""All checks in their order, each with the words that stand there while it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.device.board import Board, read_board
from runner.doctor import hardware
from runner.doctor.checks import Check
from runner.doctor.gpu import check_gpus, check_host
from runner.doctor.machine import Machine
from runner.doctor.profilers import check_profilers
from runner.doctor.runtimes import check_litert, check_onnxruntime, check_tensorflow
from runner.doctor.serial_port import check_pin, check_port
from runner.line.ports import PERFORMANCE_BAUD

DEFAULT_PORT = "/dev/ttyGS0"
"""The serial gadget, by which a Jetson is a DUT on its USB port."""


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What the session will use; without a port, the gadget's on a Jetson, and no line about a port on a PC.

    ``energy`` is the timestamp pin of energy mode, None without.
    """

    port: str | None = None
    baud: int = PERFORMANCE_BAUD
    traces: Path = Path("traces")
    tensorflow: bool = True
    energy: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One look: ``doing`` tells what takes the time."""

    doing: str
    look: Callable[[], Iterable[Check]]


def steps(machine: Machine, settings: Settings) -> tuple[Step, ...]:
    """The checks of this machine; nothing is looked at before each is called, but which board it is."""
    board = read_board(machine.root)
    pin = settings.energy
    port = settings.port or (DEFAULT_PORT if board.is_jetson else None)
    found = [Step("the board", lambda: [hardware.check_board(machine, board)])]
    if port is not None:
        found.append(
            Step(f"the port {port}", lambda: check_port(machine, port, settings.baud, energy=pin is not None))
        )
    if pin is not None:
        found.append(Step(f"the timestamp pin {pin}", lambda: [check_pin(pin)]))
    found.append(Step("LiteRT", lambda: [check_litert(machine)]))
    found.append(Step("ONNX Runtime", lambda: [check_onnxruntime(machine, board)]))
    if settings.tensorflow:
        found.append(Step("TensorFlow, whose import takes a while", lambda: [check_tensorflow(machine, board)]))
    found.append(Step("the profiler", lambda: check_profilers(machine, board)))
    found.append(Step("the hardware", lambda: _hardware(machine, board, settings.traces)))
    return tuple(found)


def examine(machine: Machine, settings: Settings) -> tuple[Check, ...]:
    """Every finding, in order."""
    return tuple(finding for step in steps(machine, settings) for finding in step.look())


def _hardware(machine: Machine, board: Board, traces: Path) -> Iterator[Check]:
    if board.is_jetson:
        yield hardware.check_power_mode(machine)
    yield from hardware.check_clocks(machine, board)
    yield from filter(None, [hardware.check_temperature(machine), hardware.check_throttling(machine)])
    yield hardware.check_sampling(machine, board)
    yield from check_gpus(machine)
    yield check_host(machine)
    yield hardware.check_load(machine)
    yield hardware.check_disk(machine, traces)
