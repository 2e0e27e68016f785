"""What can be wrong with a model."""

from __future__ import annotations

from pathlib import Path

from tracer.errors import KwsTraceError


class ModelError(KwsTraceError):
    """A model that is not there, not readable, or not one of this benchmark."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.path = path


class ModelOptionError(KwsTraceError):
    """Options of a model that cannot be, or not together."""


class ModelShapeError(ModelError):
    """A model of another task: its input is not 490 values or its output not 12."""

    def __init__(self, path: Path, inputs: object, outputs: object) -> None:
        super().__init__(
            path,
            f"input {inputs} and output {outputs} are not the keyword-spotting model's",
            "it takes 490 values (1, 49, 10, 1) and gives 12 (1, 12)",
        )


class RuntimeMissingError(KwsTraceError):
    """The runtime that a model needs is not installed."""

    def __init__(self, runtime: str, extra: str) -> None:
        super().__init__(f"{runtime} is not installed; install it with: pip install '{extra}'")


class DeviceError(KwsTraceError):
    """The runtime does not see the device that was asked for."""

    def __init__(self, device: str, seen: list[str]) -> None:
        super().__init__(f"no device {device}; the runtime sees {', '.join(seen)}: name one of them with --device")
