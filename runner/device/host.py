"""
The machine that a run is made on: governor, processors that may be used, virtual machine or container.

What cannot be seen is None, never taken for absent. Sources: the kernel's ``Documentation/admin-guide/cgroup-v2.rst``
(``cpu.max``), ``cgroup-v1`` (``cpu.cfs_quota_us``), x86's CPUID flag ``hypervisor``, systemd's container interface.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from runner.device.cpu import cpu_policies
from runner.device.sysfs import read_int, read_text

CGROUP = Path("sys/fs/cgroup")
HYPERVISORS = re.compile(
    r"QEMU|KVM|VMware|VirtualBox|innotek|Xen|Bochs|Parallels|Google Compute Engine|Amazon EC2|OpenStack|Firecracker"
    r"|Virtual Machine|HVM domU"
)
"""As DMI names a virtual machine; a real server of Amazon's is ``metal`` and has no such flag of its CPU."""

CONTAINERS = re.compile(r"docker|kubepods|libpod|lxc|containerd|garden")


def host_facts(root: Path = Path("/")) -> dict[str, Any]:
    """
    Facts for ``run.json``.

    Returns:
        ``governor`` (several are joined by commas), ``processors`` and those ``processors_allowed`` to this process,
        ``cpu_quota`` (processors of time that its control group gives at most), ``virtual_machine`` and ``container``
        with ``..._seen_by``, which says where it was seen.
    """
    governors = sorted({policy.governor for policy in cpu_policies(root) if policy.governor})
    machine, machine_by = _virtual_machine(root)
    container, container_by = _container(root)
    return {
        "governor": ", ".join(governors) or None,
        "processors": os.cpu_count(),
        "processors_allowed": len(os.sched_getaffinity(0)),
        "cpu_quota": _quota(root),
        "virtual_machine": machine,
        "virtual_machine_seen_by": machine_by,
        "container": container,
        "container_seen_by": container_by,
    }


def _quota(root: Path) -> float | None:
    """Of the group that is seen at the mount's root, which in a container is its own; None where none is set."""
    newer = (read_text(root / CGROUP / "cpu.max") or "").split()
    if len(newer) == 2 and newer[0].isdecimal() and newer[1].isdecimal() and int(newer[1]):
        return round(int(newer[0]) / int(newer[1]), 2)
    quota, period = (read_int(root / CGROUP / f"cpu/cpu.cfs_{name}_us") for name in ("quota", "period"))
    return round(quota / period, 2) if quota and period and quota > 0 else None


def _virtual_machine(root: Path) -> tuple[bool | None, str | None]:
    flags = re.search(r"(?m)^flags\s*:(.*)$", read_text(root / "proc/cpuinfo") or "")
    if flags is not None and "hypervisor" in flags[1].split():
        return True, "the CPU's flag hypervisor"
    for name in ("sys_vendor", "product_name"):
        found = HYPERVISORS.search(read_text(root / "sys/class/dmi/id" / name) or "")
        if found is not None and flags is None:
            return True, f"DMI's {name}: {found[0]}"
    for place in ("sys/hypervisor/type", "proc/device-tree/hypervisor/compatible"):
        told = read_text(root / place)
        if told:
            return True, f"/{place}: {told}"
    # An x86 hypervisor sets the flag unless it hides; an Arm one need not show itself at all.
    return (None, None) if flags is None else (False, "the CPU has no flag hypervisor")


def _container(root: Path) -> tuple[bool | None, str | None]:
    for name in ("run/.containerenv", ".dockerenv"):
        if (root / name).exists():
            return True, f"/{name}"
    told = read_text(root / "run/systemd/container")
    if told:
        return True, f"/run/systemd/container: {told}"
    groups = read_text(root / "proc/1/cgroup")
    found = CONTAINERS.search(groups or "")
    if found is not None:
        return True, f"/proc/1/cgroup: {found[0]}"
    first = read_text(root / "proc/1/comm")
    if first in ("systemd", "init"):
        return False, f"process 1 is {first}"
    return None, None
