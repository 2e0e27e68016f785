"""
The commands of ``commands.csv``: heading of the help, name, what it does, and the example that its help ends with.

No command is imported here, so that the help of the whole is printed without its module. A command is the
function of its name in ``runner.commands``, and its sentence there is the one here.
"""

from __future__ import annotations

import csv
from pathlib import Path

SUMMARY = "Where each inference of the MLPerf Tiny keyword-spotting benchmark spends its time."
LEAD = "`run` is the device under test, `host` drives one, `report` says where the time went."
EXIT_CODES = "Exit codes: 0 done, 1 the job failed, 2 wrong use or bad input."

OPTIONS = {
    "--version": "Print the version and exit.",
    "--no-limits": "Read files of more than 4 GB and tables of more than 20,000,000 rows; memory and time are yours.",
    "--install-completion": "Install completion for the current shell.",
    "--show-completion": "Show completion for the current shell, to copy it or customize the installation.",
    "--help": "Show this message and exit.",
}
"""Those before a command."""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {}
"""By heading of the help, by name: the sentence and the example."""

with Path(__file__).with_name("commands.csv").open(encoding="utf-8", newline="") as _table:
    for _row in csv.DictReader(_table):
        COMMANDS.setdefault(_row["heading"], {})[_row["name"]] = (_row["sentence"], _row["example"])
