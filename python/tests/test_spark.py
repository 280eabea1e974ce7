"""Spark's estimates are those of one tracker, to the bit, whatever the partitions, batches and crashes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import evenkeel

pyspark = pytest.importorskip("pyspark")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")
pytest.importorskip("google.protobuf")
import pyarrow.parquet as pq  # noqa: E402
from pyspark.sql import functions as sql  # noqa: E402
from spark_session import ROCKSDB, RULE, session, stream  # noqa: E402

import evenkeel.spark  # noqa: E402

pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None and "JAVA_HOME" not in os.environ, reason="Spark needs Java"),
    # Its own word about pandas 3, of which it uses nothing here; and sockets that it leaves to the collector.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas", "ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def spark():
    spark = session()
    yield spark
    spark.stop()


def samples(count=20_000, seed=3):
    """A table in the order of key, time and value: series of any length, spikes, gaps, nulls, equal times, an integer that no float holds."""
    rng = np.random.default_rng(seed)
    hosts = np.array([f"host{n}" for n in (rng.pareto(0.5, count) * 3 % 3_000).astype(int)], dtype=object)
    hosts[:5] = ["", "alone", "Ärger", "a\0", "a"]
    x = rng.normal(50, 2, count).round(1)
    x[rng.random(count) < 0.03] *= 1e6
    for odd in (np.nan, np.inf, -np.inf):
        x[rng.random(count) < 0.02] = odd
    null = rng.random(count) < 0.03
    # Around the hour that comes twice where the session is.
    t = np.datetime64("2026-10-24T22:00", "us") + rng.integers(0, 10**6, count) * np.timedelta64(20, "ms")
    t[rng.random(count) < 0.2] = t[0]
    order = np.lexsort((np.where(null, np.nan, x), t, hosts))
    hosts, t, x, null = hosts[order], t[order], x[order], null[order]
    return pa.table(
        {
            "row": np.arange(count),
            "host": pa.array(hosts, pa.string()),
            "t": pa.array(t, pa.timestamp("us", "UTC")),
            "x": pa.array(x, mask=null),
            "a.b": pa.array(2**53 + rng.integers(0, 9, count), mask=rng.random(count) < 0.5),
        }
    )


def files(table, count):
    """The rows as they come in, in so many files in the order of time; some come two files late."""
    rng = np.random.default_rng(7)
    table = table.take(np.argsort(table["t"].to_numpy(), kind="stable"))
    t = table["t"].to_numpy()
    # Equal times come together.
    starts = [np.searchsorted(t, t[at * len(t) // count]) for at in range(count)]
    number = np.searchsorted(starts, np.arange(len(t)), side="right") - 1
    number = np.where((rng.random(len(t)) < 0.02) & (t > t[0]), np.minimum(number + 2, count - 1), number)
    return [table.take(rng.permutation(np.flatnonzero(number == at))) for at in range(count)]


def write(parts, folder):
    """Writes tables as files, whose times of change are in their order."""
    folder.mkdir()
    for at, part in enumerate(parts):
        pq.write_table(part, folder / f"{at:03}.parquet")
        os.utime(folder / f"{at:03}.parquet", (1_700_000_000 + at,) * 2)


def values(table, columns):
    """The rows of some columns, floats by their bits; what is NaN in one may be null in another."""

    def plain(column):
        if pa.types.is_floating(column.type):
            floats = column.to_numpy().copy()
            return np.where(np.isnan(floats), -1, floats.view(np.int64)).tolist()
        return column.cast(pa.int64()).to_pylist() if pa.types.is_timestamp(column.type) else column.to_pylist()

    return list(zip(*(plain(table[name]) for name in columns), strict=True))


def check(found, table, expected):
    """Whether every row of a table has come out once, as it came in, with the estimates that are expected. Samples of one key, time and value may
    change places."""
    own = table.column_names
    assert sorted(values(found, own), key=repr) == sorted(values(table, own), key=repr), "every sample exactly once"
    added = [name for name in found.column_names if name not in own]
    for name in added:
        table = table.append_column(name, pa.array(getattr(expected, name), from_pandas=True))
    columns = ["host", "t", "x", *added]
    assert sorted(values(found, columns), key=repr) == sorted(values(table, columns), key=repr)


def batches(parts, **rule):
    """The rows of files in the order in which they are taken, their estimates by a tracker, and the tracker."""
    parts = [part.take(np.lexsort((part["x"].to_numpy(), part["t"].to_numpy()))) for part in parts]
    table = pa.concat_tables(parts)
    tracker = evenkeel.Tracker(**rule)
    t = table["t"].to_numpy() if isinstance(rule["half_life"], str) else None
    return table, tracker.observe_batch(table["host"].to_pylist(), table["x"].to_numpy(), t), tracker


BATCH_RULES = {
    evenkeel.spark.robust_mean: {"half_life": "5m", "preset": "mean", "patience": 5},
    evenkeel.spark.cleaned_ema: {"half_life": 20, "resolution": None},
}


@pytest.mark.parametrize("function", BATCH_RULES, ids=lambda function: function.__name__)
def test_a_batch_is_one_tracker(spark, tmp_path, function):
    table, rule = samples(), BATCH_RULES[function]
    write(files(table, 4), tmp_path / "in")
    df = spark.read.parquet(str(tmp_path / "in"))
    outputs = ["scale", "outlier", "score", "location"]
    found = function(df, key="host", value="x", time="t", outputs=outputs, **rule)
    assert found.schema[6].simpleString() == "outlier:boolean" and found.columns == [*table.column_names, *outputs]
    taken, expected, _ = batches([table], **rule)
    check(found.toArrow(), taken, expected)


def states(spark, folder):
    """The bytes of each series that a query holds, by key."""
    frame = spark.read.format("statestore").option("stateVarName", "series").load(str(folder / "checkpoint"))
    return {tuple(row.key.asDict().values()): bytes(row.value.state) for row in frame.collect()}


def processes(session):
    """The processes of a session of the system: a driver, its executors and their workers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if int(text[text.rindex(")") :].split()[4]) == session:
            found.append(int(text.split()[0]))
    return found


def kill(pids):
    """Kills processes at once, in any order."""
    for pid in random.sample(pids, len(pids)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the processes in /proc")
def test_a_stream_that_is_killed_is_one_tracker(spark, tmp_path):
    parts = files(samples(6_000, seed=4), 12)
    write(parts, tmp_path / "in")
    seed = random.randrange(10**6)
    print("seed", seed)
    random.seed(seed)
    begun = tmp_path / "checkpoint" / "offsets"
    script = Path(__file__).with_name("spark_session.py")
    for turn in range(4):
        before = len(list(begun.glob("[0-9]*")))
        with open(tmp_path / f"log{turn}", "w") as log:
            query = subprocess.Popen([sys.executable, script, tmp_path], stdout=log, stderr=log, start_new_session=True)
        try:
            if turn < 3:
                while len(list(begun.glob("[0-9]*"))) < before + turn + 1:
                    assert query.poll() is None, Path(log.name).read_text()
                    time.sleep(0.02)
                time.sleep(random.random() * 2)
                assert query.poll() is None, "killed before the end"
            else:
                assert query.wait(300) == 0, Path(log.name).read_text()
        finally:
            kill(processes(query.pid))
            query.wait()
        print("batches begun", len(list(begun.glob("[0-9]*"))), "done", len(list((tmp_path / "checkpoint" / "commits").glob("[0-9]*"))))
    found = spark.read.parquet(str(tmp_path / "out")).toArrow()
    table, expected, tracker = batches(parts, **RULE)
    assert tracker.counters.late > 10 and tracker.counters.missing > 10 and tracker.counters.outliers > 10
    check(found, table, expected)
    # With its counters.
    assert states(spark, tmp_path) == {(key,): tracker.save_series(key) for key in tracker}
