"""Starts the dashboard as a program of its own: no import crosses from here to there."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from runner.model_errors import RuntimeMissingError

OPTIONS = (
    # Without an address Streamlit binds every interface, and asks an outside service for its own.
    "--server.address=127.0.0.1",
    "--server.headless=true",
    "--browser.gatherUsageStats=false",
    "--client.showErrorDetails=none",
    "--client.toolbarMode=viewer",
)


def launch(traces: Path, port: int) -> int:
    """
    Run the app until it is stopped; returns its exit code.

    Raises:
        RuntimeMissingError: if Streamlit is not installed.
    """
    found = importlib.util.find_spec("dashboard")
    if importlib.util.find_spec("streamlit") is None or found is None or not found.submodule_search_locations:
        raise RuntimeMissingError("Streamlit", "kws-trace[dashboard]")
    app = Path(next(iter(found.submodule_search_locations))) / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app), f"--server.port={port}", *OPTIONS]
    try:
        return subprocess.call([*command, "--", str(traces.absolute())])
    except KeyboardInterrupt:
        return 0
