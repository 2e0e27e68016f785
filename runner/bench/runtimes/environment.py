"""What of the environment changes a runtime's speed: it belongs beside every figure of one."""

from __future__ import annotations

import os

from runner.dut.recorded_run import ENVIRONMENT_PREFIXES


def speed_environment() -> dict[str, str]:
    """Those variables of this process, and nothing else of its environment."""
    return {name: value for name, value in os.environ.items() if name.startswith(ENVIRONMENT_PREFIXES)}
