"""What of the environment changes a runtime's speed: it belongs beside every figure of one."""

from __future__ import annotations

import os

ENVIRONMENT_PREFIXES = (
    *(f"TF_{word}_" for word in ("CPP", "CUDA", "CUDNN", "DISABLE", "ENABLE", "FORCE", "GPU", "NUM", "USE", "XLA")),
    "TF_DETERMINISTIC",
    "XLA_",
    "OMP_",
    "CUDA_VISIBLE",
    "OPENBLAS_",
    "XNNPACK_",
)
"""What of the environment changes a runtime's speed; nothing else is kept. Terraform's names begin with TF too."""


def speed_environment() -> dict[str, str]:
    """Those variables of this process, and nothing else of its environment."""
    return {name: value for name, value in os.environ.items() if name.startswith(ENVIRONMENT_PREFIXES)}
