"""The engines of a fleet: DuckDB over the files of the runs and nothing else, and what Spark is told."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ibis", reason="needs the extra fleet")

import ibis
from rich.console import Console

from tests.dashboard_runs import gpu_run, plain_run
from tests.recorded import window
from tracer.errors import NotInstalledError, ProcessError, UsageError
from tracer.fleet.answers import answer, engine_answer
from tracer.fleet.engine import DuckDb, file_schema
from tracer.fleet.fleet import read_fleet
from tracer.fleet.fleet_text import markdown_text, render_table, text_table
from tracer.fleet.spark import Spark
from tracer.fleet.tables import FleetTables, fleet_tables


def tables_of(folder: Path) -> FleetTables:
    return fleet_tables(read_fleet([folder]).rows)


def test_every_table_of_a_fleet_can_be_asked_though_no_run_has_it(tmp_path: Path) -> None:
    names = ("runs", "inference_windows", "profiled", "spans", "windows", "gpu_work")
    text = f"SELECT {', '.join(f'(SELECT count(*) FROM {name}) AS {name}' for name in names)}"
    assert answer([], "sql", text=text) == [dict.fromkeys(names, 0)]
    plain_run(tmp_path, "one", [window(0), window(1, first=4)])
    # A window has four inferences of three stages, and two spans of the serial line.
    counts = dict(zip(names, (1, 2, 0, 28, 2, 0), strict=True))
    assert answer(read_fleet([tmp_path]).rows, "sql", text=text) == [counts]


def test_files_of_a_run_with_quotes_and_patterns_in_its_name_are_read_by_sql(tmp_path: Path) -> None:
    for name in ("it's '' [1]", "plain"):
        plain_run(tmp_path, name, [window(0)])
    rows = read_fleet([tmp_path]).rows
    text = "SELECT name, count(*) AS n FROM spans JOIN runs USING (run_id) GROUP BY name ORDER BY name"
    assert answer(rows, "sql", text=text) == [{"name": "it's '' [1]", "n": 14}, {"name": "plain", "n": 14}]


@pytest.mark.parametrize("text", ["SELECT 1; SELECT 2", "SET threads = 1", "CREATE TABLE a (b INTEGER)", ""])
def test_what_is_not_one_select_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        answer([], "sql", text=text)
    assert str(refused.value) == "sql: it is not one SELECT; the tables are to be read: give one SELECT"


TOLD: dict[str, tuple[object, str]] = {
    # DuckDB sums integers to decimals.
    "sum(92584578379)": (92_584_578_379, "92,584,578,379"),
    "1.25::DECIMAL(4, 2)": (1.25, "1.25"),
    "2.00::DECIMAL(4, 2)": (2.0, "2.00"),
    "[1::HUGEINT, NULL]": ([1, None], "[1, None]"),
    "{'a': 1::HUGEINT}": ({"a": 1}, "{'a': 1}"),
    "map([1], [true])": ([[1, True]], "[[1, True]]"),
    "DATE '2026-01-31'": ("2026-01-31", "2026-01-31"),
    "true": (True, "yes"),
    "'a'": ("a", "a"),
    "'nan'::DOUBLE": (None, ""),
    "NULL": (None, ""),
}
"""What SQL may give, as a value of JSON and as a cell."""


def test_whatever_sql_gives_is_told_in_every_form() -> None:
    rows = answer([], "sql", text=f"SELECT {', '.join(f'{one} AS x{at}' for at, one in enumerate(TOLD))}")
    values = [value for value, _ in TOLD.values()]
    assert [list(row.values()) for row in rows] == [values]
    assert [type(one) for one in rows[0].values()] == [type(one) for one in values]
    json.dumps(rows, allow_nan=False)
    cells = {f"x{at}": shown for at, (_, shown) in enumerate(TOLD.values()) if shown}
    assert text_table(rows) == (list(cells), [list(cells.values())])


def test_a_column_of_sql_may_be_called_as_those_of_other_questions() -> None:
    names = ("low", "x_ns", "x_hz", "part", "newest", "model_sha256", "device")
    for value, _ in TOLD.values():
        rows = [dict.fromkeys(names, value)]
        render_table(rows, Console(file=io.StringIO()))
        assert markdown_text("sql", rows, []).startswith("## sql")
    figures = {"x_ns": 92_584_578_379, "low": 0.25, "part": "wake", "x_hz": 2500, "newest": "2026-01-31T00:00"}
    assert text_table([figures])[1] == [
        ["92.585 s", "+25.0 %", "CUDA synchronise: waking up", "2,500.0", "2026-01-31"]
    ]


def test_columns_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError) as refused:
        answer([], "sql", text="SELECT 1 AS a, 2 AS a")
    assert str(refused.value) == "sql: two of its columns have one name; name them apart: SELECT ... AS name"


def test_where_duckdb_writes_what_does_not_fit_is_gone_with_it(tmp_path: Path) -> None:
    with DuckDb(tables_of(tmp_path)) as engine:
        spill = Path(engine._spill)
        assert spill.is_dir()
    assert not spill.exists()
    with DuckDb(tables_of(tmp_path)) as engine:
        # A cleaner of temporary files came first.
        shutil.rmtree(engine._spill)


def test_each_question_is_answered_of_a_fleet_of_one_captured_run(tmp_path: Path) -> None:
    gpu_run(tmp_path, "gpu")
    with DuckDb(tables_of(tmp_path)) as engine:
        how: dict[str, Any] = {"base": None, "fail_over": 0.02, "limit": 2}
        found = {
            query: engine_answer(engine, query, **how)  # type: ignore[arg-type]
            for query in ("rates", "latency", "overhead", "kernels", "trust", "regressions", "outliers")
        }
    assert {query: len(rows) for query, rows in found.items()} == {
        **dict.fromkeys(found, 1),
        "overhead": len(found["overhead"]),
        "kernels": 2,
    }
    assert found["latency"][0]["inferences"] == 200
    assert (found["rates"][0]["launches"], found["rates"][0]["mean_low_hz"]) == (1, None)
    assert found["regressions"][0]["why_not"] == "0 of at least 5 launches before the newest"
    assert found["outliers"][0]["why_not"] == "0 of at least 3 other boards"
    parts = {row["part"]: row["mean_ns"] for row in found["overhead"]}
    assert parts["GPU busy"] == pytest.approx(parts["kernel"] + parts["copy"])


class Session:
    """What Spark's session is asked, by name; it computes nothing."""

    def __init__(self) -> None:
        self.views: dict[str, Any] = {}
        self.settings: list[tuple[str, ...]] = []
        self.stopped = False
        self.read = SimpleNamespace(schema=lambda schema: SimpleNamespace(parquet=lambda *paths: self._frame(paths)))

    def _frame(self, held: Any) -> Any:
        return SimpleNamespace(createOrReplaceTempView=lambda name: self.views.update({name: held}))

    def createDataFrame(self, table: Any, schema: Any = None) -> Any:
        return self._frame(table if schema is None else (table, schema))

    def stop(self) -> None:
        self.stopped = True

    def master(self, url: str) -> Session:
        return self._set("master", url)

    def appName(self, name: str) -> Session:
        return self._set("appName", name)

    def config(self, key: str, value: str) -> Session:
        return self._set(key, value)

    def getOrCreate(self) -> Session:
        return self

    def _set(self, *setting: str) -> Session:
        self.settings.append(setting)
        return self


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    """A Spark that is asked and does not run."""
    asked = Session()
    monkeypatch.setitem(sys.modules, "pyspark", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "pyspark.sql", SimpleNamespace(SparkSession=SimpleNamespace(builder=asked)))
    types = SimpleNamespace(from_arrow_schema=lambda schema: ("schema", schema))
    monkeypatch.setitem(sys.modules, "pyspark.sql.pandas", SimpleNamespace(types=types))
    monkeypatch.setitem(sys.modules, "pyspark.sql.pandas.types", types)
    monkeypatch.setitem(sys.modules, "ibis.backends.pyspark", SimpleNamespace())
    connected = SimpleNamespace(
        table=lambda name: ("table", name), to_pyarrow=lambda query: SimpleNamespace(to_pylist=lambda: [{"q": query}])
    )
    monkeypatch.setattr(
        ibis, "pyspark", SimpleNamespace(connect=lambda one: one is asked and connected), raising=False
    )
    return asked


def test_spark_has_the_tables_as_duckdb_has_them_and_no_page_of_its_own(tmp_path: Path, session: Session) -> None:
    plain_run(tmp_path, "one[*]", [window(0)])
    tables = tables_of(tmp_path)
    with Spark(tables, "spark://host:7077") as spark:
        assert spark.table("runs") == ("table", "runs")
        assert spark.answer("query") == [{"q": "query"}]
        assert spark.kept_inferences() is None  # type: ignore[func-returns-value]
        assert not session.stopped
    assert session.stopped
    assert session.settings == [
        ("master", "spark://host:7077"),
        ("appName", "kws-trace fleet"),
        ("spark.ui.enabled", "false"),
    ]
    part = f"{tmp_path}/one\\[\\*\\]/{{}}/part-000000000000-000000000000.parquet"
    assert session.views == {
        "runs": tables.runs,
        "inference_windows": tables.inference_windows,
        "profiled": tables.profiled,
        "spans": (part.format("spans"),),
        "windows": (part.format("windows"),),
        "gpu_work": ([], ("schema", file_schema("gpu_work"))),
    }


def test_a_spark_that_does_not_answer_is_told_with_its_first_line(session: Session) -> None:
    def refused() -> Session:
        raise ConnectionError("no route\nat java.net")

    session.getOrCreate = refused  # type: ignore[method-assign]
    with pytest.raises(ProcessError) as told:
        Spark(fleet_tables([]), "spark://host:7077")
    assert str(told.value) == "spark://host:7077: Spark does not answer (no route); look at its master"


def test_the_extra_that_spark_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ibis.backends.pyspark", None)
    with pytest.raises(NotInstalledError) as told:
        Spark(fleet_tables([]), "spark://host:7077")
    assert str(told.value) == "pyspark is not installed; install it with: pip install 'kws-trace[fleet,spark]'"
