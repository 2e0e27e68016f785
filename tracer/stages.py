"""The stages of an inference and of the serial line around it, by the names used everywhere."""

from __future__ import annotations

INFERENCE = "inference"
"""The whole of one pass through the stages; the only stage of a fused inference."""

INFERENCE_STAGES = ("dequantize", "host_to_device", "session_run", "readback")
"""Parts of an inference, in their order; a model leaves out what it does not need."""

SERIAL_STAGES = ("serial_read", "load", "serial_write")
"""Around inferences: a command coming in, its input made ready, its replies going out."""
