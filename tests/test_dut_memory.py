"""What a DUT has loaded when it is ready: nothing of an extra, and nothing that only reading a run needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.serial_client import running

NOT_FOR_RECORDING = {"pandas.core", "scipy", "streamlit", "altair", "connectorx", "sklearn", "tensorflow", "perfetto"}
NOT_FOR_RECORDING |= {"tracer.breakdown", "tracer.captures", "tracer.kernels", "tracer.sessions", "runner.host"}


def loaded_when_ready(folder: Path) -> list[str]:
    """Modules in the order in which they were imported, by Python's own account."""
    command = [sys.executable, "-X", "importtime", "-m", "runner", "run", "--port", f"pty:{folder / 'dut'}"]
    command += ["--backend", "litert", "--traces", str(folder / "traces")]
    names = []
    with running(command, list, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("import time:"):
                names.append(line.rsplit("|", 1)[1].strip())
            elif "ready on" in line:
                return names
    raise AssertionError("the DUT was not ready")


@pytest.mark.slow
def test_a_ready_dut_has_loaded_nothing_of_an_extra_and_no_reader(tmp_path: Path) -> None:
    names = loaded_when_ready(tmp_path)
    assert "runner.dut.server" in names
    assert [name for name in names if any(f"{name}.".startswith(f"{one}.") for one in NOT_FOR_RECORDING)] == []


def test_pandas_is_left_out_of_the_process_that_asked_for_it_and_tables_are_written(tmp_path: Path) -> None:
    code = (
        "import sys; from runner.no_pandas import leave_out_pandas; leave_out_pandas(); "
        "import tracer.runs.tables, pyarrow as pa, pyarrow.parquet as pq; "
        f"pq.write_table(pa.table({{'a': [1.5]}}), {str(tmp_path / 'a.parquet')!r}); print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert (tmp_path / "a.parquet").is_file()
