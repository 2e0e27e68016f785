"""``python -m tools.training --out runner/shipped``: make the shipped model again."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tools.training.train import Settings, train
from tracer.errors import KwsTraceError


def main() -> int:
    """Train, telling the progress on standard error and the result on standard output; return the exit code."""
    standard = Settings()
    parser = argparse.ArgumentParser(prog="python -m tools.training", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the models and the held-out inputs")
    parser.add_argument("--seed", type=int, default=standard.seed)
    parser.add_argument("--utterances", type=int, default=standard.utterances, help="spoken words a class")
    parser.add_argument("--takes", type=int, default=standard.takes, help="clips of each word, in other noise")
    parser.add_argument("--epochs", type=int, default=standard.epochs, help="passes over the training set")
    chosen = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {line}\n")
        sys.stderr.flush()

    settings = Settings(chosen.seed, chosen.utterances, chosen.takes, chosen.epochs)
    try:
        provenance = train(chosen.out, settings, say)
    except KwsTraceError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(provenance["held_out"], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
