"""Spark's estimates are those of one tracker, to the bit, whatever the partitions, batches and crashes."""

import os
import random
import re
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
import pyarrow.compute as pc  # noqa: E402
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
    """A table in the order of key, time and value: series of any length, spikes, nulls, equal times, integers that no float holds."""
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
    """Whether every row of a table has come out once, as it came in, with the estimates that are expected. Samples of one key, time
    and value may change places."""
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
    parts = files(samples(4_000, seed=4), 10)
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
                while len(list(begun.glob("[0-9]*"))) < before + 1 + turn % 2:
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
    assert tracker.counters.late > 5 and tracker.counters.missing > 10 and tracker.counters.outliers > 10
    check(found, table, expected)
    # With its counters.
    assert states(spark, tmp_path) == {(key,): tracker.save_series(key) for key in tracker}


def with_idleness(parts, idle):
    """The rows of files in the order in which they are taken, each series by itself, sample by sample, and the last time of each."""
    table, _, _ = batches(parts, **RULE)
    series, last, seen, begun = {}, {}, [], 0
    for host, t, x in zip(table["host"].to_pylist(), table["t"].to_numpy(), table["x"].to_numpy(), strict=True):
        if host not in series or t - last[host] > idle:
            begun += host in series
            series[host] = evenkeel.OneSeries(**RULE)
        seen.append([column.item() for column in series[host].update([x], [t])])
        last[host] = max(t, last.get(host, t))
    assert begun > 20
    return table, evenkeel.Tracked(*map(np.array, zip(*seen, strict=True))), last


def test_idle_series_begin_anew_and_go(spark, tmp_path):
    idle, parts = np.timedelta64(20, "m"), files(samples(3_000, seed=5), 5)
    write(parts, tmp_path / "in")
    stream(spark, tmp_path, max_idle="20m").awaitTermination()
    found = spark.read.parquet(str(tmp_path / "out")).toArrow()
    # Those that Spark has dropped, as older than the watermark, are not there.
    everything = pa.concat_tables(parts)
    table = everything.filter(pc.is_in(everything["row"], found["row"].combine_chunks()))
    assert 0 < len(everything) - len(table) < 70
    parts = [part.filter(pc.is_in(part["row"], table["row"].combine_chunks())) for part in parts]
    table, expected, last = with_idleness(parts, idle)
    check(found, table, expected)
    # One whose last sample is more than 20 minutes before the watermark is held no longer.
    watermark = everything["t"].to_numpy().max() - np.timedelta64(1, "s")
    held = {host for host, time in last.items() if time + idle >= watermark}
    assert 0 < len(held) < len(last) and {key for (key,) in states(spark, tmp_path)} == held
    # What is no stream needs no watermark.
    df = spark.createDataFrame(everything)
    found = evenkeel.spark.streaming(df, key="host", value="x", time="t", max_idle="20m", **RULE).toArrow()
    check(found, *with_idleness([everything], idle)[:2])


def test_keys_of_several_columns_and_samples_of_any_numbers(spark):
    rng = np.random.default_rng(2)
    table = pa.table(
        {
            "HOST": rng.choice(["a", "ab", "b"], 400),
            "disk": pa.array(rng.integers(0, 2, 400), pa.int16()),
            "day": pa.array(rng.integers(0, 2, 400).astype("datetime64[D]")),
            "t": rng.permutation(400),
            "x": pa.array(rng.integers(0, 100, 400), pa.int32(), mask=rng.random(400) < 0.1),
        }
    )
    df = spark.createDataFrame(table).repartition(3)
    seen = evenkeel.spark.robust_mean(df, key=["HOST", "disk", "day"], value="x", time="t", half_life=9, outputs="location", prefix="x ")
    assert seen.columns == [*table.column_names, "x location"]
    order = np.argsort(table["t"].to_numpy())
    names = [f"{row['HOST']}|{row['disk']}|{row['day']}" for row in table.to_pylist()]
    x = table["x"].cast(pa.float64()).to_numpy()
    expected = evenkeel.Tracker(half_life=9, preset="robust").observe_batch([names[at] for at in order], x[order])
    assert values(seen.toArrow().sort_by("t"), ["x location"]) == values(pa.table({"x location": expected.location}), ["x location"])
    decimals = df.withColumn("x", sql.col("x").cast("decimal(20,3)")).withColumn("t", sql.timestamp_seconds("t"))
    streamed = evenkeel.spark.streaming(decimals, key=["HOST", "disk", "day"], value="x", time="t", half_life=9, preset="robust")
    assert values(streamed.toArrow().sort_by("t"), ["location"]) == values(pa.table({"location": expected.location}), ["location"])


def test_names_that_two_columns_have_or_that_are_no_words(spark):
    df = spark.sql("SELECT 'a' k, timestamp_seconds(id) t, id x, 7 X, 'u' z, id z, 1 `a.b`, 2 `A b`, 3 `é`, true c0 FROM range(3)")
    for function in (evenkeel.spark.robust_mean, evenkeel.spark.streaming):
        seen = function(df, key="k", value="x", time="t", half_life=5, outputs="location", prefix="a.")
        assert seen.columns == [*df.columns, "a.location"]
        assert [tuple(row)[:-1] for row in seen.sort("t").collect()] == [tuple(row) for row in df.sort("t").collect()]


def test_moments_as_keys_in_the_hour_that_comes_twice(spark):
    # As many rows as a batch of Arrow has: the second series begins with a batch.
    rows = [(at // 97, at % 97, float(at // 97 * 100 + at % 3)) for at in range(194)]
    df = spark.createDataFrame(rows, "k int, n int, x double").withColumn("t", sql.timestamp_seconds("n"))
    df = df.withColumn("hour", sql.timestamp_micros(sql.lit(1_792_888_200_000_000) + sql.col("k") * 3_600_000_000))
    expected = evenkeel.Tracker(half_life=5, preset="robust").observe_batch([str(k) for k, _, _ in rows], [x for _, _, x in rows])
    for function in (evenkeel.spark.robust_mean, evenkeel.spark.streaming):
        for key in ("hour", ["k", "hour"]):
            seen = function(df, key=key, value="x", time="t", half_life=5, preset="robust").select("k", "n", "location").collect()
            assert [row.location for row in sorted(seen)] == expected.location.tolist()


def test_errors(spark):
    df = spark.createDataFrame([("a", 1, 2.0, None)], "k string, n int, x double, t timestamp")
    of = {"key": "k", "value": "x", "time": "n", "half_life": 60}
    lower = df.select(sql.col("k").cast("string collate utf8_lcase").alias("k"), "n", "x", "t")
    twice = df.select("*", "x")
    for frame, changed, kind, message in (
        (df, {"key": "host"}, ValueError, "key must be the name of a column of df, not 'host': there are k, n, x, t"),
        (df, {"key": []}, ValueError, "key must name at least one column"),
        (df, {"key": sql.col("k")}, TypeError, "key must be the name of a column or a list of them, not Column"),
        (df, {"key": [3]}, TypeError, "key must be the name of a column, not int"),
        (df, {"key": ["k", "x"]}, TypeError, "key must be a column of strings, integers, .* and 'x' is of type double: cast it first"),
        (df, {"value": "k"}, TypeError, "value must be a column of numbers, and 'k' is of type string: cast it first"),
        (df, {"value": 3}, TypeError, "value must be the name of a column, not int"),
        (df, {"time": "k"}, TypeError, "time must be a column of times or numbers"),
        (df, {"half_life": "5m"}, TypeError, "time must be a column of timestamps, dates or day-time intervals, and 'n' is of type int"),
        (df, {"outputs": ["mean"]}, ValueError, "outputs must be some of location, scale, score, outlier, each once, not 'mean'"),
        (df, {"outputs": ["scale", "scale"]}, ValueError, "outputs must be some of"),
        (df, {"outputs": [["scale"]]}, ValueError, r"outputs must be some of .* not \['scale'\]"),
        (df, {"outputs": None}, TypeError, "outputs must be a list of names, not NoneType"),
        (df, {"prefix": 3}, TypeError, "prefix must be a string, not int"),
        (df.toArrow(), {}, TypeError, "df must be a DataFrame of Spark, not pyarrow.lib.Table"),
        (df.withColumnRenamed("n", "Scale"), {"time": "Scale"}, ValueError, "df has a column 'scale' already: give a prefix"),
        (df, {"half_life": 0}, ValueError, "half_life"),
        (df, {"preset": "clean"}, ValueError, 'preset must be "robust" or "mean"'),
        (lower, {}, TypeError, "key must be of plain strings, and 'k' has a collation"),
        (twice, {}, ValueError, "value must be the name of one column of df, and 'x' is that of 2"),
        (spark.readStream.schema("k string, n int, x double").parquet("."), {}, ValueError, "use evenkeel.spark.streaming"),
    ):
        with pytest.raises(kind, match=message):
            evenkeel.spark.robust_mean(frame, **{**of, **changed})
    of = {"key": "k", "value": "x", "time": "t", "half_life": "5m"}
    live = spark.readStream.schema(df.withColumn("t t", df["t"]).schema).parquet(".")
    for changed, kind, message in (
        ({"time": "n"}, TypeError, "time must be a column of timestamps"),
        ({"max_idle": "1d"}, ValueError, "max_idle needs a watermark on 't': give df.withWatermark"),
        ({"time": "t t", "max_idle": "1d"}, ValueError, "needs a watermark on 't t': give df.withWatermark\\('`t t`'"),
        ({"max_idle": 60}, TypeError, "max_idle must be a time, such as \"1d\", not int"),
        ({"max_idle": "0s"}, ValueError, "max_idle must be longer than nothing"),
    ):
        with pytest.raises(kind, match=message):
            evenkeel.spark.streaming(live, **{**of, **changed})
    spark.conf.unset("spark.sql.streaming.stateStore.providerClass")
    try:
        with pytest.raises(ValueError, match="the state store must be RocksDB, not .*HDFSBackedStateStoreProvider: session.conf.set"):
            evenkeel.spark.streaming(df, **of)
    finally:
        spark.conf.set("spark.sql.streaming.stateStore.providerClass", ROCKSDB)
    zone = spark.conf.get("spark.sql.session.timeZone")
    try:
        spark.conf.set("spark.sql.session.timeZone", "GMT+2")
        with pytest.raises(ValueError, match="the session's time zone, GMT.2, is none that Python knows: .* such as UTC"):
            evenkeel.spark.streaming(df, **of)
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone)
    nothing = df.withColumn("k", sql.lit(None).cast("string")).withColumn("t", sql.lit(0).cast("timestamp"))
    far = df.withColumn("t", sql.timestamp_seconds(sql.lit(253_402_000_000)))
    for frame, message in (
        (df, "t is null in a row: every sample needs its time"),
        (nothing, "k is null in a row: every row needs its key"),
        (far, "t must be within 292 years of 1970"),
    ):
        for function in (evenkeel.spark.robust_mean, evenkeel.spark.streaming):
            with pytest.raises(Exception, match=message):
                function(frame, **of).collect()


def test_the_example_of_the_readme(spark, tmp_path):
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    [example] = re.findall(r"^```python\n(import evenkeel\.spark.*?)^```", readme, re.MULTILINE | re.DOTALL)
    table = samples(500).select(["host", "t", "x"])
    write([table], tmp_path / "samples")
    for name in ("samples", "seen", "checkpoint"):
        example = example.replace(f'"{name}"', f'"{tmp_path / name}"')
    names = {"spark": spark}
    exec(example, names)
    names["query"].processAllAvailable()
    names["query"].stop()
    assert spark.read.parquet(str(tmp_path / "seen")).count() == 500
