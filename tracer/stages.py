"""The stages of an inference and of the serial line around it, by the names used everywhere."""

from __future__ import annotations

INFERENCE = "inference"
"""The whole of one pass through the stages; the only stage of a fused inference."""

INFERENCE_STAGES = ("dequantize", "host_to_device", "session_run", "readback")
"""Parts of an inference, in their order; a model leaves out what it does not need."""

PIN_FALL, PIN_RISE = "pin_fall", "pin_rise"
"""In energy mode: the call that lowers the timestamp pin, and the one that raises it again."""

SERIAL_STAGES = ("serial_read", "load", "serial_write", PIN_FALL, PIN_RISE)
"""Around inferences: a command coming in, its input made ready, its replies going out, and pulses in energy mode."""
