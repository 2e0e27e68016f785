"""
MFCC features of one-second clips, as the benchmark describes them.

Window 40 ms (periodic Hann), stride 20 ms, 40 mel bins from 20 to 4000 Hz (HTK scale) over the magnitude
spectrum, natural logarithm, the first 10 coefficients of a scaled DCT-II: 49 frames of 10.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from tracer.errors import KwsTraceError

SAMPLE_RATE_HZ = 16_000
CLIP_SAMPLES = 16_000
WINDOW_SAMPLES = 640
STRIDE_SAMPLES = 320
FFT_LENGTH = 1024
MEL_BINS = 40
LOWEST_HZ = 20.0
HIGHEST_HZ = 4000.0
COEFFICIENTS = 10
FRAMES = 1 + (CLIP_SAMPLES - WINDOW_SAMPLES) // STRIDE_SAMPLES
FLOOR = 1e-6


class ClipShapeError(KwsTraceError):
    """The samples are not clips of one second at 16 kHz."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(f"clips of shape {shape}: give (count, {CLIP_SAMPLES}), one second at 16 kHz each")
        self.shape = shape


def hertz_to_mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn frequencies in Hz into mels of the HTK scale."""
    return np.asarray(1127.0 * np.log1p(hertz / 700.0), dtype=np.float64)


@lru_cache(maxsize=1)
def mel_weights() -> NDArray[np.float64]:
    """
    Make the triangular filters, straight on the mel scale.

    Returns:
        float64, shape (513, 40): weight of each spectrum bin in each mel bin; bin 0 (DC) has none.
    """
    bins_mel = hertz_to_mel(np.linspace(0.0, SAMPLE_RATE_HZ / 2, FFT_LENGTH // 2 + 1))[:, np.newaxis]
    ends_mel = hertz_to_mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    edges_mel = np.linspace(ends_mel[0], ends_mel[1], MEL_BINS + 2)
    low, middle, high = edges_mel[:-2], edges_mel[1:-1], edges_mel[2:]
    weights = np.minimum((bins_mel - low) / (middle - low), (high - bins_mel) / (high - middle))
    weights[0] = 0.0
    return np.asarray(np.maximum(weights, 0.0), dtype=np.float64)


def log_mel(clips: NDArray[np.float32]) -> NDArray[np.float64]:
    """
    Compute log-mel spectra.

    Args:
        clips: float32, shape (count, 16000), full scale is 1.

    Returns:
        float64, shape (count, 49, 40), natural logarithm of magnitudes.

    Raises:
        ClipShapeError: if the clips have another shape.
    """
    if clips.ndim != 2 or clips.shape[1] != CLIP_SAMPLES:
        raise ClipShapeError(clips.shape)
    windows = np.lib.stride_tricks.sliding_window_view(clips, WINDOW_SAMPLES, axis=1)[:, ::STRIDE_SAMPLES]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW_SAMPLES) / WINDOW_SAMPLES)
    magnitudes = np.abs(np.fft.rfft(windows * hann, n=FFT_LENGTH, axis=-1))
    return np.asarray(np.log(magnitudes @ mel_weights() + FLOOR), dtype=np.float64)


def mfcc(clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Compute MFCC features.

    Args:
        clips: float32, shape (count, 16000), full scale is 1.

    Returns:
        float32, shape (count, 49, 10, 1).

    Raises:
        ClipShapeError: if the clips have another shape.
    """
    coefficients = dct(log_mel(clips), type=2, axis=-1)[..., :COEFFICIENTS] / np.sqrt(2.0 * MEL_BINS)
    return np.asarray(coefficients, dtype=np.float32)[..., np.newaxis]
