"""What can be wrong with a port: the thing, the problem, the remedy."""

from __future__ import annotations

import os
from pathlib import Path

from tracer.errors import PortError


class LineEndedError(PortError):
    """The far end of the line hung up, or the device went."""

    exit_code = 1

    def __init__(self, spec: str, why: str) -> None:
        super().__init__(f"{spec}: the line ended ({why})")


class WriteTimeoutError(PortError):
    """Nobody read what was written."""

    exit_code = 1

    def __init__(self, spec: str, timeout_s: float) -> None:
        super().__init__(f"{spec}: nobody read within {timeout_s:g} s; is the host on the other end?")


def existing_ports() -> str:
    """The serial ports of this machine, for a message."""
    kinds = ("ttyACM*", "ttyUSB*", "ttyGS*", "ttyTHS*", "ttyAMA*")
    ports = sorted(str(path) for kind in kinds for path in Path("/dev").glob(kind))
    return "there are " + ", ".join(ports) if ports else "there are no serial ports on this machine"


def missing_remedy(spec: str, ports: str) -> str:
    """What to do about a port that is not there; ``ports`` is a sentence that names those that are."""
    gadget = "load the serial gadget (sudo modprobe g_serial); " if Path(spec).name.startswith("ttyGS") else ""
    return f"{gadget}{ports}: name one with --port"


def holder_of(path: str) -> str | None:
    """Name and number of another process that has ``path`` open, as far as ``/proc`` tells us."""
    real = os.path.realpath(path)
    for folder in Path("/proc").glob("[0-9]*"):
        if folder.name == str(os.getpid()):
            continue
        try:
            name = (folder / "comm").read_text().strip()
            # A getty is root's, whose descriptors are hidden from others; its arguments are not.
            words = (folder / "cmdline").read_text(errors="replace").split("\0")
            if "getty" in name and Path(real).name in {Path(word).name for word in words}:
                return f"{name} (process {folder.name})"
            if any(str(link.readlink()) == real for link in (folder / "fd").iterdir()):
                return f"{name} (process {folder.name})"
        except OSError:
            continue
    return None


def port_error(spec: str, error: OSError, *, host: bool = False) -> PortError:
    """From what the system said to what the user can do; ``host`` if it is a host that looks for its DUT."""
    text = str(error).lower()
    if "://" in spec:
        return PortError(spec, error.strerror or str(error), _nobody_listens(spec, host=host))
    if isinstance(error, FileNotFoundError) or error.errno in (2, 6, 19) or "no such file" in text:
        remedy = missing_remedy(spec, existing_ports())
        if host and not spec.startswith("/dev/"):
            remedy = f"start the DUT first, and wait until it is ready: `kws-trace run --port pty:{spec}`"
        return PortError(spec, "there is no such port", remedy)
    if isinstance(error, PermissionError) or error.errno in (1, 13):
        return PortError(spec, "you may not open it", "sudo usermod -aG dialout $USER, then log in again")
    if error.errno in (11, 16) or "exclusively lock" in text or "busy" in text:
        holder = holder_of(spec)
        return busy_error(spec, holder or "another process")
    if error.errno in (25, 22) or "inappropriate ioctl" in text or "could not configure" in text:
        return PortError(spec, "it is not a serial port", f"{existing_ports()}: name one with --port")
    return PortError(spec, error.strerror or str(error), "check the cable and the port's name")


def _nobody_listens(spec: str, *, host: bool) -> str:
    address = spec.partition("://")[2]
    if host:
        return f"start the DUT there first, and wait until it is ready: `kws-trace run --port tcp-listen:{address}`"
    return f"start what listens there first; a DUT that listens itself is `--port tcp-listen:{address}`"


def other_end_error(spec: str) -> PortError:
    """``tcp:`` given to a DUT, or ``tcp-listen:`` to a host: each is the other's end."""
    kind, _, address = spec.partition(":")
    if kind == "tcp":
        return PortError(spec, "the DUT listens, and the host connects to it", f"give --port tcp-listen:{address}")
    return PortError(spec, "the host connects, and the DUT listens", f"give --port tcp:{address}")


def is_console(holder: str) -> bool:
    """Whether who holds a port is a getty, or the login that it became: it comes back when it is only killed."""
    return "getty" in holder or "login" in holder


def busy_error(spec: str, holder: str) -> PortError:
    """Somebody holds the port."""
    remedy = f"end {holder}"
    if is_console(holder):
        remedy = f"sudo systemctl mask --now serial-getty@{Path(spec).name}"
    return PortError(spec, f"{holder} holds it", remedy)
