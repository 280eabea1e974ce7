"""The vectors of the project through every kind of container, bit for bit."""

import numpy as np
import pytest
from test_vectors import CASES, DTYPES, TIMED, check, story
from vectors import assert_same, vectors

import evenkeel

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")
datafusion = pytest.importorskip("datafusion")

import evenkeel.datafusion
import evenkeel.pandas
import evenkeel.polars


def from_arrow(column):
    assert isinstance(column, (pa.Array, pa.ChunkedArray))
    return column.to_numpy(**({} if isinstance(column, pa.ChunkedArray) else {"zero_copy_only": False}))


def from_polars(series):
    assert isinstance(series, pl.Series)
    assert series.dtype == pl.Boolean or not series.is_nan().any()
    return series.to_numpy()


def from_nullable(array):
    return array.to_numpy() if array.dtype == "boolean" else array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=np.nan)


def with_nulls(samples):
    """An array of Arrow that is null where a sample is missing, begins amid its buffers, and has 99 below its nulls."""
    missing = np.isnan(samples)
    padded = np.concatenate([[7, 7, 7], np.where(missing, samples.dtype.type(99), samples), [7]]).astype(samples.dtype)
    return pa.array(padded, mask=np.concatenate([[False] * 3, missing, [True]])).slice(3, len(samples))


def chunked(samples):
    array = with_nulls(samples)
    return pa.chunked_array([array[:100], array[100:100], array[100:357], array[357:]])


#: How samples come in, and how the column of results is found in what comes out.
CONTAINERS = {
    "pandas Series": (pd.Series, lambda found: found.to_numpy()),
    "pandas Index": (pd.Index, lambda found: found.to_numpy()),
    "pandas Float64": (lambda x: pd.Series(x).astype("Float64" if x.dtype == np.float64 else "Float32"), from_nullable),
    "pandas array": (lambda x: pd.array(x, dtype="Float64" if x.dtype == np.float64 else "Float32"), from_nullable),
    "pandas Arrow": (
        lambda x: pd.Series(pd.arrays.ArrowExtensionArray(chunked(x))),
        lambda found: from_arrow(found.array.__arrow_array__()),
    ),
    "pandas DataFrame": (lambda x: pd.DataFrame({"a": x, "b": x + 1}), lambda found: found["a"].to_numpy()),
    "pandas DataFrame of two dtypes": (
        lambda x: pd.DataFrame({"a": 1.0, "b": x, "c": np.float32(2)}),
        lambda found: found["b"].to_numpy(),
    ),
    "polars Series": (lambda x: pl.Series(x), from_polars),
    "polars Series with nulls": (lambda x: pl.Series(x, nan_to_null=True), from_polars),
    "polars Series in chunks": (
        lambda x: pl.concat([pl.Series(x[:100]), pl.Series(x[100:], nan_to_null=True)], rechunk=False),
        from_polars,
    ),
    "polars slice": (lambda x: pl.Series(np.concatenate([x[:5], x, x[:5]]), nan_to_null=True)[5:-5], from_polars),
    "polars DataFrame": (lambda x: pl.DataFrame({"a": [1] * len(x), "b": pl.Series(x)}), lambda found: from_polars(found["b"])),
    "Arrow Array": (with_nulls, from_arrow),
    "Arrow Array of NaN": (pa.array, from_arrow),
    "Arrow ChunkedArray": (chunked, from_arrow),
    "Arrow RecordBatch": (lambda x: pa.record_batch({"a": with_nulls(x)}), lambda found: from_arrow(found.column("a"))),
    "Arrow Table": (lambda x: pa.table({"a": pa.array(x), "b": chunked(x)}), lambda found: from_arrow(found["b"])),
    "DuckDB relation": (lambda x: duckdb.from_arrow(pa.table({"b": chunked(x)})), lambda found: from_arrow(found["b"])),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_column(container, dtype):
    make, back = CONTAINERS[container]
    for file, key, options in CASES:
        samples, expected = story(file, key, dtype)
        check(evenkeel.Tracked(*map(back, evenkeel.track(make(samples), alpha=0.01, **options))), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_an_expression(engine, dtype):
    for file, key, options in CASES:
        samples, expected = story(file, key, dtype)
        frame = pl.LazyFrame({"x": pl.Series(samples), "key": ["a", "b"] * (len(samples) // 2) + ["a"] * (len(samples) % 2)})
        found = frame.select(pl.col("x").evenkeel.track(alpha=0.01, **options)).collect(engine=engine)["x"].struct.unnest()
        check(evenkeel.Tracked(*map(from_polars, found)), expected)


def in_time(file, key, dtype):
    """The samples of a case in time, their distances, and the columns of its rows."""
    samples, expected = story(file, f"{key}_in_time", dtype)
    # In the vectors no time passes where a sample is missing.
    there = ~np.isnan(samples)
    distances = np.cumsum(np.array(vectors(file)["distances"])[there])
    return samples[there], distances, {name: column[there] for name, column in expected.items()}


#: How times come in, of nanoseconds.
TIMES = {
    "pandas DatetimeIndex": lambda ns: pd.DatetimeIndex(ns.view("datetime64[ns]")),
    "pandas DatetimeIndex with a zone": lambda ns: (
        pd.DatetimeIndex(ns.view("datetime64[ns]")).tz_localize("UTC").tz_convert("Asia/Tokyo")
    ),
    "pandas Series": lambda ns: pd.Series(ns.view("datetime64[ns]")),
    "pandas TimedeltaIndex": lambda ns: pd.TimedeltaIndex(ns.view("timedelta64[ns]")),
    "pandas Arrow": lambda ns: pd.Series(ns.view("datetime64[ns]")).astype("timestamp[ns, tz=Europe/Berlin][pyarrow]"),
    "polars Datetime": lambda ns: pl.Series(ns).cast(pl.Datetime("ns")),
    "polars Datetime with a zone": lambda ns: pl.Series(ns).cast(pl.Datetime("ns", "Europe/Berlin")),
    "polars Duration": lambda ns: pl.Series(ns).cast(pl.Duration("ns")),
    "Arrow timestamp": lambda ns: pa.array(ns, pa.timestamp("ns")),
    "Arrow timestamp with a zone": lambda ns: pa.chunked_array(
        [pa.array(ns[:9], pa.timestamp("ns", "UTC")), pa.array(ns[9:], pa.timestamp("ns", "UTC"))]
    ),
    "Arrow duration": lambda ns: pa.array(np.concatenate([ns[:2], ns]), pa.duration("ns"))[2:],
}


@pytest.mark.parametrize("times", TIMES)
def test_times(times):
    for file, key, options in TIMED:
        samples, distances, expected = in_time(file, key, np.float64)
        half_life = pd.Timedelta(vectors(file)["half_life"], "ns")
        check(evenkeel.track(samples, times=TIMES[times](distances), half_life=half_life, **options), expected)
        keys = pd.Series(["a"] * len(samples), dtype="category")
        check(evenkeel.track(samples, times=TIMES[times](distances), groups=keys, half_life=half_life, **options), expected)


def test_an_expression_in_time():
    for file, key, options in TIMED:
        samples, distances, expected = in_time(file, key, np.float64)
        options = {"half_life": np.timedelta64(vectors(file)["half_life"], "ns"), "times": pl.col("t"), **options}
        frame = pl.LazyFrame({"x": samples, "t": pl.Series(distances).cast(pl.Datetime("ns")), "k": ["a"] * len(samples)})
        found = frame.select(pl.col("x").evenkeel.track(**options).over("k")).collect()["x"].struct.unnest()
        check(evenkeel.Tracked(*map(from_polars, found)), expected)


def test_datafusion():
    samples, expected = story("robust_mean", "default", np.float64)
    cleaned = story("cleaned_ema", "resolution_1", np.float64)[1]
    context = datafusion.SessionContext()
    for name in ("robust_mean", "cleaned_ema"):
        options = {"robust_mean": {"resolution": None}, "cleaned_ema": {"resolution": 1.0}}[name]
        context.register_udwf(evenkeel.datafusion.udwf(name, alpha=0.01, **options))
    context.register_udwf(evenkeel.datafusion.udwf("track", name="seen", alpha=0.01, resolution=None))
    table = pa.table({"at": range(len(samples)), "x": with_nulls(samples)})
    context.register_record_batches(
        "samples", [table.take(np.random.default_rng(1).permutation(len(samples))).to_batches(max_chunksize=100)]
    )
    found = context.sql(
        "SELECT robust_mean(x) OVER (ORDER BY at) AS a, cleaned_ema(x) OVER (ORDER BY at) AS b, "
        "seen(x) OVER (ORDER BY at) AS c FROM samples ORDER BY at"
    ).to_arrow_table()
    assert_same(from_arrow(found["a"]), expected["location"])
    assert_same(from_arrow(found["b"]), cleaned["location"])
    seen = found["c"].combine_chunks().flatten()
    check(evenkeel.Tracked(*map(from_arrow, seen)), story("cleaned_ema", "default", np.float64)[1])
