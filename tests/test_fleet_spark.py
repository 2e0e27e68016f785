"""The same figures from DuckDB and from a real Spark cluster: a master and two workers, processes of this test."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runner.cli import app
from tests.dashboard_runs import gpu_run
from tests.fleet_runs import fleet_run
from tests.needs import NO_SPARK
from tracer.errors import UsageError

pytest.importorskip("ibis", reason="needs the extra fleet")

ROOT = Path(__file__).parent.parent
needs_spark = pytest.mark.skipif(
    shutil.which("java") is None or importlib.util.find_spec("pyspark") is None, reason=NO_SPARK
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of every process of the cluster: few rows need neither 200 partitions of each shuffle nor optimised code."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "spark-defaults.conf").write_text("spark.sql.shuffle.partitions 4\n")
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SPARK_CONF_DIR": str(tmp_path / "conf"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }


@pytest.fixture
def master(tmp_path: Path, environment: dict[str, str]) -> Iterator[str]:
    """The URL of a cluster that ends with the test."""
    home = Path(importlib.util.find_spec("pyspark").submodule_search_locations[0])
    of_the_cluster = {**environment, "SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "256m"}
    log = tmp_path / "master.log"
    started = []

    def start(kind: str, written: Path, *words: str) -> None:
        command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1", *words]
        with written.open("wb") as file:
            started.append(subprocess.Popen(command, env=of_the_cluster, stdout=file, stderr=file))

    try:
        start("master.Master", log, "--port", "0", "--webui-port", "0")
        url = said(log, r"Starting Spark master at (spark://\S+)")
        for number in (1, 2):
            words = (
                "--cores",
                "1",
                "--memory",
                "1200m",
                "--webui-port",
                "0",
                "--work-dir",
                tmp_path / f"w{number}",
                url,
            )
            start("worker.Worker", tmp_path / f"worker-{number}.log", *map(str, words))
        for number in (1, 2):
            said(tmp_path / f"worker-{number}.log", r"(Successfully registered with master)")
        yield url
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait()


def said(log: Path, pattern: str) -> str:
    until = time.monotonic() + 150
    while time.monotonic() < until:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.2)
    raise AssertionError(log.read_text(errors="replace")[-2000:])


def assert_same(here: Any, there: Any) -> None:
    if isinstance(here, float):
        assert there == pytest.approx(here, rel=1e-12, abs=0)
    else:
        assert (type(here), here) == (type(there), there)


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_spark
def test_a_cluster_and_this_machine_give_the_same_keys_and_figures(
    tmp_path: Path, master: str, environment: dict[str, str]
) -> None:
    traces = tmp_path / "traces"
    for number in range(12):
        facts = {"configuration": number % 2, "board": f"board-{number // 2 % 5}", "slower": 1 + number / 100}
        fleet_run(traces, f"run [{number}]", 24 * (number // 9), seed=number, performance=2, **facts)
    gpu_run(traces, "gpu")
    shutil.copytree(ROOT / "traces" / "sample-cpu", traces / "version-1")
    words = [sys.executable, "-m", "tests.spark_answers", str(traces), master]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("master") == master
    for query, (here, there) in found.items():
        assert here, query
        assert len(here) == len(there), query
        for one, other in zip(here, there, strict=True):
            assert list(one) == list(other)
            for name, value in one.items():
                assert_same(value, other[name])


def test_another_engine_is_refused_with_the_reason(tmp_path: Path) -> None:
    for words, why in (
        (("rates", "--engine", "clickhouse"), "approximation"),
        (("rates", "--engine", "bigquery"), "no exact quantile"),
        (("rates", "--engine", "sqlite"), "DuckDB's"),
        (("rates", "--engine", "spark"), "--master"),
        (("rates", "--master", "spark://x:7077"), "--engine spark"),
        (("sql", "SELECT 1", "--engine", "spark", "--master", "spark://x:7077"), "other files"),
    ):
        error = CliRunner().invoke(app, ["fleet", *words, "--root", str(tmp_path)]).exception
        assert isinstance(error, UsageError)
        assert why in str(error)
