"""``python -m tools.trust_scores FOLDER``: the tables of ``docs/trust.md``; FOLDER holds published sessions."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.trust_scores.frequencies import COURSES, doubt_rates
from tools.trust_scores.published import score_folder
from tools.trust_scores.simulated import CASES, detection_rates


def main() -> None:
    """Print a line a check, half, label and state, and a line a simulated case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="Folder of published sessions; without it, simulations.")
    folder = parser.parse_args().folder
    if folder is not None:
        for (key, half, label, state), count in sorted(score_folder(folder).items()):
            sys.stdout.write(f"{key:12} {half:7} {label:8} {state:9} {count:4}\n")
    for name, share in detection_rates().items():
        sys.stdout.write(f"{name:40} {'two' if CASES[name][1] else 'one'}  called two-speed {share:.3f}\n")
    for name, share in doubt_rates().items():
        sys.stdout.write(f"{name:40} costs {COURSES[name][1]:.2%} of the rate  doubted {share:.3f}\n")


if __name__ == "__main__":
    main()
