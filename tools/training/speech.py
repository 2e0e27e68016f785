"""One-second clips of words, spoken by espeak-ng's voices, in noise of 5 to 35 dB."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from tools.training.features import CLIP_SAMPLES, SAMPLE_RATE_HZ
from tracer.classes import LABELS
from tracer.errors import KwsTraceError

SNR_DB = (5.0, 35.0)
SHIFT_SAMPLES = SAMPLE_RATE_HZ // 10
SPEEDS_WPM = (120, 220)
PITCHES = (20, 80)
PEAKS = (0.3, 1.0)
TRIM_BELOW_PEAK = 0.01

KEYWORDS = LABELS[:10]
SILENCE = LABELS.index("silence")
UNKNOWN = LABELS.index("unknown")
# fmt: off
UNKNOWN_WORDS = (
    "backward", "bed", "bird", "cat", "dog", "eight", "five", "follow", "forward", "four", "happy",
    "house", "learn", "marvin", "nine", "one", "seven", "sheila", "six", "three", "tree", "two",
    "visual", "wow", "zero",
)
# fmt: on

ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-us-nyc")
# fmt: off
TRAINING_VARIANTS = (
    "f1", "f3", "f4", "m1", "m2", "m4", "m5", "m6", "Alex", "Alicia", "Andrea", "Andy", "Denis",
    "Diogo", "Gene", "Henrique", "Hugo", "Jacky", "Marco", "Mario", "Michael", "adam", "anika",
    "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "croak", "david", "ed", "grandma",
    "grandpa", "gustave", "iven", "iven3", "kaukovalta", "klatt", "klatt2", "klatt3", "klatt4", "linda",
    "marcelo", "max", "michel", "miguel", "paul", "pedro", "rob", "robert", "sandro", "steph", "steph2",
    "victor", "whisper",
)
# fmt: on
# f5 is f2 with more breath, Mike is m3 with a deeper pitch and edward2 is edward on another synthesiser:
# such kin are held out together, so that none of them is heard in training.
HELD_OUT_VARIANTS = ("f2", "f5", "m3", "Mike", "m7", "Annie", "edward", "edward2")


class EspeakError(KwsTraceError):
    """espeak-ng is missing or would not speak."""

    exit_code = 1

    def __init__(self, problem: str) -> None:
        super().__init__(f"espeak-ng: {problem}; install it with its voices (apt-get install espeak-ng)")


@dataclass(frozen=True, slots=True)
class Utterance:
    """What espeak-ng is asked to say, and how."""

    word: str
    accent: str
    variant: str
    speed_wpm: int
    pitch: int

    @property
    def voice(self) -> str:
        """The voice in espeak-ng's own writing, as ``en-us+f1``."""
        return f"{self.accent}+{self.variant}"


def draw_utterance(word: str, variants: Sequence[str], random: np.random.Generator) -> Utterance:
    """Choose voice, speed and pitch for a word, each uniformly."""
    return Utterance(
        word=word,
        accent=ACCENTS[int(random.integers(len(ACCENTS)))],
        variant=variants[int(random.integers(len(variants)))],
        speed_wpm=int(random.integers(SPEEDS_WPM[0], SPEEDS_WPM[1] + 1)),
        pitch=int(random.integers(PITCHES[0], PITCHES[1] + 1)),
    )


def espeak_version() -> str:
    """
    Ask espeak-ng for its version.

    Raises:
        EspeakError: if there is no espeak-ng.
    """
    if shutil.which("espeak-ng") is None:
        raise EspeakError("not found")
    done = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split("Data at")[0].split(":")[-1].strip()


def synthesize(utterance: Utterance) -> NDArray[np.float32]:
    """
    Let espeak-ng speak, at 16 kHz, without the silence before and after.

    Args:
        utterance: the word and the voice.

    Returns:
        float32 samples, shape (length,), peak 1.

    Raises:
        EspeakError: if espeak-ng fails or is silent.
    """
    voice = ["-v", utterance.voice, "-s", str(utterance.speed_wpm), "-p", str(utterance.pitch)]
    done = subprocess.run(["espeak-ng", *voice, "--stdout", utterance.word], capture_output=True, check=False)
    if done.returncode != 0:
        raise EspeakError(f"{utterance} failed: {done.stderr.decode(errors='replace').strip()}")
    with wave.open(io.BytesIO(done.stdout)) as recording:
        rate_hz = recording.getframerate()
        # Written to a pipe, the header's length is a placeholder: the frames that are there count.
        spoken = np.frombuffer(recording.readframes(recording.getnframes()), dtype="<i2").astype(np.float64)
    divisor = np.gcd(rate_hz, SAMPLE_RATE_HZ)
    samples = resample_poly(spoken, SAMPLE_RATE_HZ // divisor, rate_hz // divisor)
    peak = np.abs(samples).max(initial=0.0)
    if peak == 0.0:
        raise EspeakError(f"{utterance} is silent")
    loud = np.flatnonzero(np.abs(samples) > TRIM_BELOW_PEAK * peak)
    return np.asarray(samples[loud[0] : loud[-1] + 1] / peak, dtype=np.float32)


def draw_noise(random: np.random.Generator) -> NDArray[np.float64]:
    """Make one second of noise of unit power whose spectrum falls as f^-a, a from 0 (white) to 2 (brown)."""
    spectrum = np.fft.rfft(random.standard_normal(CLIP_SAMPLES))
    frequencies = np.maximum(np.arange(spectrum.size), 20.0)
    noise = np.fft.irfft(spectrum * frequencies ** (-random.uniform(0.0, 2.0) / 2), n=CLIP_SAMPLES)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float64)


def normalize_peak(samples: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float32]:
    """Bring the peak to a level drawn from ``PEAKS``."""
    return np.asarray(samples * (random.uniform(*PEAKS) / np.abs(samples).max()), dtype=np.float32)


def place_in_noise(speech: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """
    Make a clip: the word near the middle, shifted by up to 100 ms, in noise of 5 to 35 dB.

    Args:
        speech: float32 samples, shape (length,); what exceeds a second is cut at the end.
        random: where shift, noise, ratio and level come from.

    Returns:
        float32, shape (16000,).
    """
    word = speech[:CLIP_SAMPLES].astype(np.float64)
    room = CLIP_SAMPLES - word.size
    start = int(np.clip(room // 2 + random.integers(-SHIFT_SAMPLES, SHIFT_SAMPLES + 1), 0, room))
    power = np.mean(word**2)
    clip = draw_noise(random) * np.sqrt(power / 10 ** (random.uniform(*SNR_DB) / 10))
    clip[start : start + word.size] += word
    return normalize_peak(clip, random)


def silence_clip(random: np.random.Generator) -> NDArray[np.float32]:
    """Make a clip without a word: noise alone, float32, shape (16000,)."""
    return normalize_peak(draw_noise(random), random)
