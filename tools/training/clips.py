"""Labelled sets of features: the training set and the held-out set, of voices that differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.training.features import CLIP_SAMPLES, mfcc
from tools.training.speech import (
    KEYWORDS,
    SILENCE,
    UNKNOWN,
    UNKNOWN_WORDS,
    Utterance,
    draw_utterance,
    place_in_noise,
    silence_clip,
    synthesize,
)

CHUNK = 256
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ClipSet:
    """Features float32 (count, 49, 10, 1) and their classes uint8 (count,), in shuffled order."""

    features: NDArray[np.float32]
    labels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How large a set is.

    Args:
        utterances: spoken words a class.
        takes: clips made of each spoken word, each in another noise.
        variants: espeak-ng's voice variants that speak.
    """

    utterances: int
    takes: int
    variants: Sequence[str]


def plan_utterances(plan: Plan, random: np.random.Generator) -> list[tuple[int, Utterance]]:
    """Draw ``plan.utterances`` a keyword and as many unknown words, each with its class."""
    keywords = [
        (label, draw_utterance(word, plan.variants, random))
        for label, word in enumerate(KEYWORDS)
        for _ in range(plan.utterances)
    ]
    unknown = [
        (UNKNOWN, draw_utterance(UNKNOWN_WORDS[index % len(UNKNOWN_WORDS)], plan.variants, random))
        for index in range(plan.utterances)
    ]
    return keywords + unknown


def compute_features(clips: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Compute the features of many clips without holding all their spectra at once."""
    chunks = range(0, len(clips), CHUNK)
    return np.concatenate([mfcc(np.stack(clips[first : first + CHUNK])) for first in chunks])


def make_clip_set(plan: Plan, random: np.random.Generator, say: Say) -> ClipSet:
    """
    Speak, add noise, compute features, shuffle.

    Args:
        plan: the set's size and voices.
        random: every draw comes from here, in a fixed order, however many threads speak.
        say: told of the progress.

    Returns:
        ``12 * plan.utterances * plan.takes`` clips, as many of each class.

    Raises:
        EspeakError: if espeak-ng is missing or fails.
    """
    planned = plan_utterances(plan, random)
    clips: list[NDArray[np.float32]] = []
    labels: list[int] = []
    with ThreadPoolExecutor() as pool:
        spoken = pool.map(synthesize, [utterance for _, utterance in planned])
        for index, ((label, _), speech) in enumerate(zip(planned, spoken, strict=True)):
            clips.extend(place_in_noise(speech, random) for _ in range(plan.takes))
            labels.extend([label] * plan.takes)
            if (index + 1) % 1000 == 0:
                say(f"{index + 1} of {len(planned)} words spoken")
    silent = plan.utterances * plan.takes
    clips.extend(silence_clip(random) for _ in range(silent))
    labels.extend([SILENCE] * silent)
    say(f"computing the features of {len(clips)} clips of {CLIP_SAMPLES} samples")
    order = random.permutation(len(clips))
    return ClipSet(compute_features(clips)[order], np.array(labels, dtype=np.uint8)[order])
