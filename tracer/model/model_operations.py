"""The neutral list of operations that a model is turned into, whatever its file: tensors, windows, operations."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracer.errors import MalformedTraceError

ITEM_BYTES = {
    **dict.fromkeys(("bool", "int8", "uint8"), 1),
    **dict.fromkeys(("int16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("int32", "float32"), 4),
    **dict.fromkeys(("int64", "float64"), 8),
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """
    A value that operations read or write.

    ``name`` is unique within the model. ``shape`` has the batch as 1; None where the file does not say.
    ``stored`` is true where the values come with the model (weights, constants).
    """

    name: str
    shape: tuple[int, ...] | None
    dtype: str
    stored: bool = False

    @property
    def values(self) -> int | None:
        """How many values it holds."""
        return None if self.shape is None else math.prod(self.shape)

    @property
    def bytes(self) -> int | None:
        """Its size; None where the shape or the size of a value is not known."""
        item = ITEM_BYTES.get(self.dtype)
        return None if self.values is None or item is None else self.values * item


@dataclass(frozen=True, slots=True)
class Window:
    """What goes into one output value: a filter's or a pool's height and width, and the channels that it sums."""

    height: int
    width: int
    channels: int = 1

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.channels) < 1:
            raise MalformedTraceError(f"a window of a model is at least 1 by 1 by 1: {self}")

    @classmethod
    def of(cls, height: int, width: int, channels: int = 1) -> Window | None:
        """A window, or None where a file gives sizes that none has."""
        return cls(height, width, channels) if min(height, width, channels) >= 1 else None

    @property
    def values(self) -> int:
        """Values that one output value is made from."""
        return self.height * self.width * self.channels


def kind_by_window(kind: str, window: Window | None) -> str:
    """``kind``, or ``unknown`` where what it computes is counted by a window and the file gives none."""
    counted = ("conv2d", "depthwise_conv2d", "dense", "average_pool", "max_pool")
    return "unknown" if window is None and kind in counted else kind


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation of a model.

    Args:
        kind: what it computes, one of ``RULES``; anything else is not counted.
        name: of the operation in its file; ``layer`` is the layer that it belongs to.
        source: the operation's type as the file calls it.
        inputs: activations and stored tensors that it reads.
        outputs: what it writes.
        window: of a convolution, a dense layer (1 by 1 by inputs) or a pool.
        activation: a function that it applies to its own output, if one is fused into it.
    """

    kind: str
    name: str
    layer: str
    source: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    window: Window | None = None
    activation: str | None = None
