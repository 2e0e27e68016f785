"""The whole job: speak, train, export, measure, and write down how it was made."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.dataset import load_dataset
from runner.inference.known_answers import reference_answers
from runner.inference.models import SHIPPED_ANSWERS, ModelChoice, load_pipeline
from tools.training.clips import ClipSet, Plan, Say, make_clip_set
from tools.training.ds_cnn import build_ds_cnn
from tools.training.evaluation import (
    count_parameters,
    infer_int8,
    infer_saved_model,
    load_int8,
    measure_accuracy,
    quantization_of,
)
from tools.training.export import convert_to_int8, dequantize, input_quantization, quantize, save_model
from tools.training.speech import (
    ACCENTS,
    HELD_OUT_VARIANTS,
    PITCHES,
    SNR_DB,
    SPEEDS_WPM,
    TRAINING_VARIANTS,
    espeak_version,
)
from tracer.classes import LABELS
from tracer.quantization import Quantization

SAVED_MODEL = "kws_ds_cnn"
INT8_MODEL = "kws_ds_cnn_int8.tflite"
HELD_OUT = "held_out.npz"
PROVENANCE = "provenance.json"
HELD_OUT_A_CLASS = 84
CALIBRATION_CLIPS = 600
KEPT_PERCENTILES = (0.02, 99.98)
BATCH = 128
FIRST_RATE = 3e-3


@dataclass(frozen=True, slots=True)
class Settings:
    """What a training may vary: its seed, spoken words a class, clips a word, passes over them."""

    seed: int = 2026
    utterances: int = 600
    takes: int = 3
    epochs: int = 12


def fit(clips: ClipSet, features: NDArray[np.float32], settings: Settings, say: Say) -> Any:
    """
    Train the network with Adam, the rate falling to nothing by a cosine.

    Args:
        clips: the training set, for its labels.
        features: its features as an int8 input carries them.
        settings: seed and passes.
        say: told of each pass.

    Returns:
        The trained Keras model.
    """
    import tensorflow as tf

    tf.keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    model = build_ds_cnn()
    steps = settings.epochs * -(-len(features) // BATCH)
    model.compile(
        optimizer=tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(FIRST_RATE, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )

    def tell(epoch: int, logs: dict[str, float]) -> None:
        say(f"pass {epoch + 1} of {settings.epochs}: loss {logs['loss']:.4f}, Top-1 {logs['accuracy']:.2%}")

    told = tf.keras.callbacks.LambdaCallback(on_epoch_end=tell)
    labels = clips.labels.astype(np.int32)
    model.fit(features, labels, batch_size=BATCH, epochs=settings.epochs, verbose=0, callbacks=[told])
    return model


def file_name(index: int, label: int) -> str:
    """Name an input as the benchmark does: ``tst_000000_Stop_7.bin``."""
    return f"tst_{index:06d}_{LABELS[label].capitalize()}_{label}.bin"


def write_held_out(clips: ClipSet, quantization: tuple[float, int], path: Path) -> NDArray[np.int8]:
    """
    Write the held-out inputs, labels and names.

    Args:
        clips: the held-out set.
        quantization: scale and zero point of the int8 model's input.
        path: file to write.

    Returns:
        The inputs, int8, shape (count, 490).
    """
    inputs = quantize(clips.features, *quantization).reshape(len(clips.features), -1)
    names = np.array([file_name(index, int(label)) for index, label in enumerate(clips.labels)])
    np.savez_compressed(path, inputs=inputs, labels=clips.labels, names=names)
    return inputs


def versions() -> dict[str, str]:
    """Name the versions that shaped the model."""
    import tensorflow as tf

    return {
        "tensorflow": tf.__version__,
        "keras": tf.keras.__version__,
        "numpy": np.__version__,
        "espeak-ng": espeak_version(),
        "python": platform.python_version(),
    }


def measure(out: Path, inputs: NDArray[np.int8], labels: NDArray[np.uint8]) -> dict[str, Any]:
    """Measure both written models on the held-out inputs; the SavedModel gets them dequantized."""
    quantization = quantization_of(load_int8(out / INT8_MODEL).get_input_details()[0])
    features = dequantize(inputs, *quantization).reshape(-1, 49, 10, 1)
    return {
        "clips": len(labels),
        SAVED_MODEL: asdict(measure_accuracy(infer_saved_model(out / SAVED_MODEL, features), labels)),
        INT8_MODEL: asdict(measure_accuracy(infer_int8(out / INT8_MODEL, inputs), labels)),
    }


def describe(settings: Settings, training: ClipSet, quantization: tuple[float, int]) -> dict[str, Any]:
    """Say how the model was made, for ``provenance.json``."""
    per_class = np.bincount(training.labels, minlength=len(LABELS))
    return {
        "command": f"python -m tools.training --seed {settings.seed} --utterances {settings.utterances} "
        f"--takes {settings.takes} --epochs {settings.epochs} --out runner/shipped",
        "date": datetime.now(timezone.utc).date().isoformat(),
        "versions": versions(),
        "seed": settings.seed,
        "input_scale": quantization[0],
        "input_zero_point": quantization[1],
        "labels": list(LABELS),
        "training_clips": {label: int(count) for label, count in zip(LABELS, per_class, strict=True)},
        "accents": list(ACCENTS),
        "training_variants": list(TRAINING_VARIANTS),
        "held_out_variants": list(HELD_OUT_VARIANTS),
        "snr_db": list(SNR_DB),
        "speeds_wpm": list(SPEEDS_WPM),
        "pitches": list(PITCHES),
    }


def train(out: Path, settings: Settings, say: Say) -> dict[str, Any]:
    """
    Make everything in ``out``: both models, the held-out inputs, the provenance.

    Args:
        out: folder to write into; made if need be, older outputs replaced.
        settings: how large and from which seed.
        say: told of the progress.

    Returns:
        What ``provenance.json`` holds.

    Raises:
        EspeakError: if espeak-ng is missing or fails.
    """
    say(f"espeak-ng {espeak_version()}")
    out.mkdir(parents=True, exist_ok=True)
    # Each set has a stream of its own: a larger training set leaves the held-out clips as they are.
    train_random, held_out_random = (np.random.default_rng([settings.seed, stream]) for stream in (0, 1))
    held_out = make_clip_set(Plan(HELD_OUT_A_CLASS, 1, HELD_OUT_VARIANTS), held_out_random, say)
    training = make_clip_set(Plan(settings.utterances, settings.takes, TRAINING_VARIANTS), train_random, say)
    intended = input_quantization(*np.percentile(training.features, KEPT_PERCENTILES))
    carried = dequantize(quantize(training.features, *intended), *intended)
    model = fit(training, carried, settings, say)
    save_model(model, out / SAVED_MODEL)
    convert_to_int8(out / SAVED_MODEL, carried[:CALIBRATION_CLIPS], out / INT8_MODEL)
    quantization = quantization_of(load_int8(out / INT8_MODEL).get_input_details()[0])
    say(f"input quantization: intended {intended}, the converter's {quantization}")
    inputs = write_held_out(held_out, quantization, out / HELD_OUT)
    provenance = describe(settings, training, quantization)
    provenance["parameters"] = count_parameters(out / SAVED_MODEL)
    provenance["held_out"] = measure(out, inputs, held_out.labels)
    (out / PROVENANCE).write_text(json.dumps(provenance, indent=2) + "\n")
    reference = load_pipeline(ModelChoice(out / SAVED_MODEL, runtime="session"))
    known = reference_answers(reference, Quantization(*quantization), load_dataset(out / HELD_OUT))
    (out / SHIPPED_ANSWERS.name).write_text(known.text() + "\n")
    return provenance
