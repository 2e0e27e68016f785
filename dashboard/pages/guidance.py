"""What a page says where there is nothing to show: how it gets there."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.markdown_text import code
from tracer.command_line import DEFAULT_TRACES, command_line
from tracer.runs.run_store import StoredRun


def command(traces: Path, *words: str) -> str:
    """A call of this program as Markdown, to be pasted into a shell."""
    return code(command_line(*words, traces=traces))


def explain_empty(traces: Path) -> None:
    """Say how to make a run."""
    demo, recorded = command(traces, "demo"), command(traces, "run", "--port", "/dev/ttyGS0")
    st.info(f"No runs in the traces folder yet. {demo} makes two.", icon=":material/folder_open:")
    st.text(str(traces.absolute()))
    st.markdown(
        "- The demo needs no hardware, and takes a minute.\n"
        f"- {recorded} records the session of a host (energyrunner, the MLCommons runner); "
        "`--nsys` adds the GPU timeline.\n"
        f"- {command(traces, 'host', 'performance', '--port', '/dev/ttyUSB0')} is such a host.\n"
        f"- {command(DEFAULT_TRACES, 'dashboard', '--traces', 'DIR')} looks into another folder."
    )


def explain_untimed() -> None:
    """Say why a run has no times."""
    st.info("No inference was timed: a host has yet to send `infer`.")


def explain_no_gpu_timeline(run: StoredRun) -> None:
    """Say how a run gets a GPU timeline."""
    traces, port = run.folder.parent, run.info.port or "/dev/ttyGS0"
    st.info(
        "**No GPU timeline in this run.** The stages are wall time on the host; what the GPU and the runtime did in "
        "them was not recorded.\n\n"
        f"- {command(traces, 'run', '--port', port, '--nsys')} records kernels, copies and CUDA calls with Nsight "
        "Systems, and imports them.\n"
        f"- {command(traces, 'run', '--port', port, '--profiler', 'tensorflow')} records TensorFlow's operations, on "
        "machines without a GPU too.\n"
        f"- {command(traces, 'ingest', run.name, 'PROFILE')} imports a profile by Nsight Systems, nvprof or "
        "TensorFlow's profiler that was recorded while this run was made.",
        icon=":material/add_chart:",
    )
