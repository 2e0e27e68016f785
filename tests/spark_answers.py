"""Every query but ``sql`` over a folder, by DuckDB and a Spark cluster: ``spark_answers.py FOLDER MASTER``."""

import json
import sys
from pathlib import Path

from tracer.fleet.answers import engine_answer
from tracer.fleet.engine import DuckDb
from tracer.fleet.fleet import read_fleet
from tracer.fleet.spark import Spark
from tracer.fleet.tables import fleet_tables

QUERIES = ("rates", "latency", "overhead", "kernels", "trust", "regressions", "outliers")


def main(folder: str, master: str) -> None:
    tables = fleet_tables(read_fleet([Path(folder)]).rows)
    with DuckDb(tables) as here, Spark(tables, master) as there:
        found = {
            query: [engine_answer(one, query, base=None, fail_over=0.02, limit=50) for one in (here, there)]
            for query in QUERIES
        }
        print(json.dumps({**found, "master": there._session.sparkContext.master}))


if __name__ == "__main__":
    main(*sys.argv[1:])
