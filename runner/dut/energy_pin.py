"""
The timestamp pin of energy mode, over one of the kernel's GPIO lines.

A reference firmware that is built for energy (``EE_CFG_ENERGY_MODE`` of MLCommons Tiny,
``benchmark/reference_submissions/keyword_spotting/submitter_implemented.cpp``) prints no ``m-lap-us-``: at each
timestamp it lowers a pin, passes 100,000 turns of an empty loop and raises it again. The energy monitor takes the
falling edge. energyrunner's README asks for a hold time of at least a microsecond, and finds push-pull as good as
open-drain.
"""

from __future__ import annotations

import errno
import grp
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.errors import DeviceError, NotInstalledError, UsageError, not_installed
from tracer.stages import PIN_FALL, PIN_RISE

HOLD_NS = 1_000_000
"""The firmware's loop is no shorter on the 120 MHz of the reference board; the wait is busy, as there."""

CONSUMER = "kws-trace"

KERNEL = (5, 10)
"""The first with the interface of GPIO lines that libgpiod 2 speaks."""


class TimestampPin:
    """
    Marks times by pulses; high between them.

    ``facts`` are what ``run.json`` keeps of it; ``now`` is the recorder's clock.
    """

    def __init__(
        self, output: _KernelLine, facts: dict[str, Any], now: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self.facts = {**facts, "hold_ns": HOLD_NS}
        self._output, self._now = output, now

    def pulse(self) -> list[tuple[str, int, int]]:
        """
        Lower the pin, hold it for ``HOLD_NS`` and raise it.

        Returns:
            Stage, start and duration (ns) of the call that lowered it and of that which raised it: each edge lies
            within its call.

        Raises:
            DeviceError: if the chip is gone.
        """
        now = self._now
        try:
            begun = now()
            self._output.drive(high=False)
            fallen = now()
            while now() - fallen < HOLD_NS:
                pass
            raising = now()
            self._output.drive(high=True)
            raised = now()
        except OSError as error:
            problem = f"the timestamp pin does not answer any more ({error.strerror or error})"
            raise DeviceError(self.facts.get("line", "pin"), problem, "see dmesg, and start the run anew") from None
        return [(PIN_FALL, begun, fallen - begun), (PIN_RISE, raising, raised - raising)]

    def close(self) -> None:
        """Give the line back."""
        self._output.close()


class _KernelLine:
    """A line that the kernel lent us alone, as output."""

    def __init__(self, request: Any, offset: int) -> None:
        from gpiod.line import Value

        self._request, self._offset = request, offset
        self._levels = {True: Value.ACTIVE, False: Value.INACTIVE}

    def drive(self, *, high: bool) -> None:
        """Set the level; raises OSError where the chip is gone."""
        self._request.set_value(self._offset, self._levels[high])

    def close(self) -> None:
        """Give the line back."""
        self._request.release()


def chip_and_line(spec: str) -> tuple[Path, int | str]:
    """
    The chip's device and the line on it of ``gpiochip0:LINE``, a number or the kernel's name.

    Raises:
        UsageError: if it is not written so.
    """
    chip, _, line = spec.rpartition(":")
    if not chip or not line:
        raise UsageError(f"--energy {spec}", "it names no line of a chip", "write it gpiochip0:LINE, see `gpioinfo`")
    return Path("/dev") / chip, int(line) if line.isdecimal() else line


def open_pin(spec: str) -> TimestampPin:
    """
    Take the line ``spec`` for this process alone and set it high.

    Raises:
        UsageError: if ``spec`` names no line of a chip.
        NotInstalledError: if the package ``gpiod`` is missing or of its old interface.
        DeviceError: if there is no such chip or line, it is taken, or we may not have it.
    """
    path, line = chip_and_line(spec)
    gpiod = gpiod_package()
    from gpiod.line import Direction, Value

    try:
        with gpiod.Chip(str(path)) as chip:
            offset = chip.line_offset_from_id(line)
            settings = gpiod.LineSettings(direction=Direction.OUTPUT, output_value=Value.ACTIVE)
            info = chip.get_line_info(offset)
            facts = {"line": spec, "chip": chip.get_info().label, "name": info.name or "", "offset": offset}
            if info.used:
                raise _taken(spec, info.consumer)
            request = chip.request_lines({offset: settings}, consumer=CONSUMER)
    except (OSError, ValueError) as error:
        raise pin_error(spec, path, error) from None
    return TimestampPin(_KernelLine(request, offset), facts)


def gpiod_package() -> Any:
    """
    The package ``gpiod``.

    Raises:
        NotInstalledError: if it is missing, or of the interface before 2.
    """
    try:
        import gpiod
    except ImportError:
        raise not_installed("gpiod, for the timestamp pin,", "kws-trace[energy]") from None
    if not hasattr(gpiod, "LineSettings"):
        raise NotInstalledError(
            "the installed gpiod has the interface of libgpiod 1; install it anew with: "
            "pip install 'kws-trace[energy]'"
        )
    return gpiod


def pin_error(spec: str, path: Path, error: OSError | ValueError) -> DeviceError:
    """From what the system said to what the user can do."""
    number = error.errno if isinstance(error, OSError) else errno.EINVAL
    release = platform.release()
    kernel = tuple(int(part) for part in re.findall(r"\d+", release)[:2])
    if kernel < KERNEL and path.exists():
        why = f"the kernel {release} lacks the interface of GPIO lines that the package gpiod speaks"
        return DeviceError(spec, why, "it came with Linux 5.10, which JetPack 5 has")
    if number == errno.EBUSY:
        return _taken(spec, "")
    if not path.exists():
        return DeviceError(spec, f"there is no such chip as {path}", f"{known_chips()}")
    if number in (errno.EACCES, errno.EPERM):
        return DeviceError(spec, f"you may not open {path}", access_remedy(path))
    if number in (errno.ENOENT, errno.EINVAL):
        return DeviceError(spec, f"{path} has no such line", "`gpioinfo` lists its lines, by number and name")
    said = error.strerror if isinstance(error, OSError) else None
    return DeviceError(spec, f"{path} is no GPIO chip ({said or error})", f"{known_chips()}")


def known_chips() -> str:
    """A sentence that names the GPIO chips of this machine."""
    names = sorted(one.name for one in Path("/dev").glob("gpiochip*"))
    return f"this machine has {', '.join(names)}" if names else "this machine has no GPIO chip in /dev"


def access_remedy(path: Path) -> str:
    """How the user gets at a chip: by the group that may, where one may."""
    found = path.stat()
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = str(found.st_gid)
    if found.st_gid and found.st_mode & 0o060 == 0o060:
        return f"sudo usermod -aG {group} $USER, then log in again"
    return f"only root may: sudo chgrp $USER {path} && sudo chmod g+rw {path}, until the next boot"


def _taken(spec: str, holder: str) -> DeviceError:
    who = f"`{holder}` has it" if holder else "another has it"
    remedy = "end what drives it (`gpioinfo` shows who), or take another line"
    return DeviceError(spec, f"the line is taken: {who}", remedy)
