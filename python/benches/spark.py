"""What a robust mean in Spark costs beside the same shuffle, sort and Arrow with nothing done: times of one run, in turns.

python benches/spark.py [TURNS]"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

import evenkeel.spark


def identity(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, unchanged."""
    yield from batches


def widened(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches with three columns more, which hold what is there."""
    for batch in batches:
        yield pa.RecordBatch.from_arrays([*batch.columns, *[batch.column(2)] * 3], names=["host", "t", "x", "a", "b", "c"])


def race(title: str, turns: int, frame: DataFrame, calls: dict[str, Callable[[], DataFrame]]) -> None:
    """Prints the median time of each call and its ratio to the first, and how its turns spread."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    rows = frame.count()
    for turn in range(turns + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call().write.format("noop").mode("overwrite").save()
            if turn:  # the first one compiles
                taken[name].append(time.perf_counter() - begin)
    print(f"{title}, {turns} turns")
    first = statistics.median(next(iter(taken.values())))
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        print(f"    {name:24} {middle:7.2f} s ({spread}) {middle / rows * 1e9:7.0f} ns a row {middle / first:6.2f}")


def samples(session: SparkSession, folder: Path, rows: int, keys: int) -> DataFrame:
    """Samples of so many series in any order, read from files."""
    rng = np.random.default_rng(1)
    folder = folder / str(keys)
    folder.mkdir()
    hosts = rng.integers(0, keys, rows)
    t = np.datetime64("2026-05-01", "us") + rng.permutation(rows) * np.timedelta64(1, "ms")
    x = rng.normal(50, 2, rows).round(1)
    for at in range(4):
        part = slice(at * rows // 4, (at + 1) * rows // 4)
        names = pa.array([f"host{host}" for host in hosts[part]])
        pq.write_table(pa.table({"host": names, "t": pa.array(t[part], pa.timestamp("us", "UTC")), "x": x[part]}), folder / f"{at}.parquet")
    return session.read.parquet(str(folder))


def main(turns: int) -> None:
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    print(f"pyspark {session.version}, pyarrow {pa.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    rows = 2_000_000
    with tempfile.TemporaryDirectory() as folder:
        for keys in (200, 20_000, 400_000):
            frame = samples(session, Path(folder), rows, keys)
            ordered = ["host", "t", sql.col("x").asc_nulls_last()]
            wide = "host string, t timestamp, x double, a double, b double, c double"
            race(
                f"{rows} rows of {keys} series",
                turns,
                frame,
                {
                    "identity": lambda f=frame: f.repartition("host").sortWithinPartitions(*ordered).mapInArrow(identity, f.schema),
                    "three columns more": lambda f=frame: f.repartition("host").sortWithinPartitions(*ordered).mapInArrow(widened, wide),
                    "robust_mean": lambda f=frame: evenkeel.spark.robust_mean(f, key="host", value="x", time="t", half_life="5m"),
                },
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
