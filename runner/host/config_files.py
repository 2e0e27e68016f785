"""What the benchmark's own hosts need to find and drive this DUT."""

from __future__ import annotations

from pathlib import Path

from tracer.errors import UsageError


def parse_usb_id(text: str) -> tuple[int, int]:
    """
    ``0525:a4a7`` to two numbers.

    Raises:
        UsageError: if it is not of that form.
    """
    try:
        vendor, product = (int(part, 16) for part in text.split(":"))
    except ValueError:
        raise _usb_error(text) from None
    if not (0 <= vendor <= 0xFFFF and 0 <= product <= 0xFFFF):
        raise _usb_error(text)
    return vendor, product


def _usb_error(text: str) -> UsageError:
    return UsageError(f"--usb {text}", "write VENDOR:PRODUCT in hexadecimal, as 0525:a4a7", "`lsusb` lists them")


def mlcommons_files(vendor: int, product: int, baud: int, inferences: int) -> dict[str, str]:
    """Devices and test files of the MLCommons Tiny runner, by name: USB ids of the DUT's port, its baud rate, N."""
    devices = f"""\
# For the MLCommons Tiny runner: main.py --device_list devices_kws_trace.yaml
- name: kws-trace
  type: dut
  baud:
    energy: 9600
    performance: {baud}
    accuracy: {baud}
  usb:
    0x{vendor:04X}: 0x{product:04X}
"""
    return {
        "devices_kws_trace.yaml": devices,
        "tests_performance_kws_trace.yaml": _tests("loop 5", f"infer {inferences} 10"),
        "tests_accuracy_kws_trace.yaml": _tests("loop", "infer 1 0"),
    }


def energyrunner_files(baud: int) -> dict[str, str]:
    """
    Energyrunner's settings, read from the home directory of who runs it.

    The keys are those that its README ("Custom Configuration") lists. ``root`` is this user's home, to be
    changed where energyrunner runs as another; the long time limit is for a DUT that is slow at its first window.
    """
    settings = {
        "root": str(Path.home()),
        "dut-baud": str(baud),
        "dut-boot-mv": "3000",
        "default-timeout-ms": "120000",
        "emon-drop-thresh-pct": "0.1",
        "timestamp-hold-us": "50",
        "umount-on-error": "true",
        "use-crlf": "false",
        "use-visa": "false",
    }
    return {".eembc.ini": "".join(f"{key}={value}\n" for key, value in settings.items())}


def write_files(files: dict[str, str], folder: Path, *, force: bool) -> list[Path]:
    """
    Write the files, none if one of them is there.

    Raises:
        UsageError: if one exists and ``force`` is not set.
    """
    paths = [folder / name for name in files]
    for path in paths:
        if path.exists() and not force:
            raise UsageError(path, "it exists", "remove it, write elsewhere with --out, or --force")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            path.write_text(files[path.name], encoding="utf-8")
    except OSError as error:
        raise UsageError(folder, str(error.strerror), "name a folder you can write with --out") from None
    return paths


def _tests(loop: str, infer: str) -> str:
    return f"""\
kws01:
  name: keyword_spotting
  model: kws01
  truth_file: y_labels.csv
  script:
    - {loop}:
      - download
      - {infer}
"""
