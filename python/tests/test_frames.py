"""Frames of pandas, polars and Arrow: what comes out, groups, lazy queries, window functions, errors."""

import itertools
import subprocess
import sys
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import assert_same

import evenkeel

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
datafusion = pytest.importorskip("datafusion")

import evenkeel.datafusion
import evenkeel.pandas
import evenkeel.polars
from evenkeel import _containers, _core, _rule

FIELDS = ["location", "scale", "score", "outlier"]


def samples(rows, seed=0):
    """Samples with spikes, infinities and holes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 2, rows).round(1)
    x[rng.random(rows) < 0.02] = 1e6
    x[rng.random(rows) < 0.01] = np.inf
    x[rng.random(rows) < 0.05] = np.nan
    return x


def hosts(rows, seed=1):
    return np.array(["a", "b", "c", "long name"])[np.random.default_rng(seed).integers(0, 4, rows)]


def apart(x, keys, **options):
    """The oracle: each group as a series of its own."""
    expected = np.empty(len(x))
    for key in np.unique(keys):
        expected[keys == key] = evenkeel.robust_mean(x[keys == key], **options)
    return expected


ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
import evenkeel, numpy
assert evenkeel.robust_mean(numpy.array([1.0, 2.0]), half_life=3).tolist() == [1, 1]
assert evenkeel.robust_mean([1.0, 2.0], half_life=3, groups=["a", "b"]).tolist() == [1, 2]
"""


def run(text):
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout


def test_nothing_is_imported_before_it_comes_in():
    run(
        ABSENT.format(absent={"pandas", "polars", "pyarrow", "datafusion", "duckdb"})
        + "class Column:\n    def __arrow_c_stream__(self, requested_schema=None): ...\n"
        + "try:\n    evenkeel.robust_mean(Column(), half_life=3)\n    assert False\n"
        + "except ImportError as error:\n    assert 'pip install pyarrow' in str(error), error\n"
    )
    loaded = "import sys, evenkeel, numpy\nevenkeel.robust_mean(numpy.ones(3), half_life=3)\n"
    loaded += "assert not {'pandas', 'polars', 'pyarrow', 'datafusion', 'evenkeel._frames.arrow'} & set(sys.modules)\n"
    run(loaded)
    # With one of them, none of the others.
    run(
        loaded
        + "import polars\nevenkeel.robust_mean(polars.Series([1.0]), half_life=3)\nassert 'pandas' not in sys.modules and 'pyarrow' not in sys.modules"
    )


def test_polars_needs_no_pyarrow():
    run(
        ABSENT.format(absent={"pandas", "pyarrow"})
        + "import evenkeel.polars, polars as pl\nfrom datetime import datetime\n"
        + "frame = pl.DataFrame({'x': [1.0, None, 2], 'h': ['a', 'b', 'a'], 't': [datetime(2026, 1, 1)] * 3})\n"
        + "seen = frame.lazy().select(pl.col('x').evenkeel.track(half_life='5m', times='t', groups=pl.col('h').cast(pl.Categorical)))\n"
        + "assert seen.collect().height == 3\n"
        + "assert evenkeel.robust_mean(frame.select('x', y=pl.col('x').cast(pl.Int128)), half_life=3).null_count().row(0) == (0, 0)\n"
    )


# pandas


def test_what_comes_out_of_a_series_is_on_its_index():
    x = samples(200)
    index = pd.MultiIndex.from_product([range(20), list("abcdefghij")], names=["n", "k"])
    series = pd.Series(x, index=index, name=("a", 1))
    found = evenkeel.robust_mean(series, half_life=60)
    assert found.index is index and found.name == ("a", 1)
    assert_same(found, evenkeel.robust_mean(x, half_life=60))
    assert_same(series.evenkeel.robust_mean(half_life=60), found)
    assert_same(series.evenkeel.cleaned_ema(half_life=60), evenkeel.cleaned_ema(x, half_life=60))
    assert_same(series.evenkeel.ema(half_life=60), evenkeel.ema(x, half_life=60))
    tracked = series.evenkeel.track(half_life=60)
    assert tracked.columns.tolist() == FIELDS and tracked.index.equals(index)
    for field, column in zip(FIELDS, evenkeel.track(x, half_life=60), strict=True):
        assert_same(tracked[field], column)


class Mine(pd.Series):
    """A Series of somebody's own."""


def test_indices_arrays_and_subclasses():
    x = samples(50)
    index = evenkeel.robust_mean(pd.Index(x, name="n"), half_life=20)
    assert isinstance(index, pd.Index) and index.name == "n"
    array = evenkeel.robust_mean(pd.array(x, dtype=float), half_life=20)
    assert type(pd.Series(x).array) is type(evenkeel.robust_mean(pd.Series(x).array, half_life=20))
    found = evenkeel.robust_mean(Mine(x, index=range(50, 100)), half_life=20)
    assert isinstance(found, pd.Series) and found.index.tolist() == list(range(50, 100))
    for made in (index, array, found):
        assert_same(np.array(made, dtype=float), evenkeel.robust_mean(x, half_life=20))
    with pytest.raises(TypeError, match="not a MultiIndex"):
        evenkeel.robust_mean(pd.MultiIndex.from_tuples([(1, 2)]), half_life=20)


def test_each_column_of_a_frame_has_the_bits_that_it_has_alone():
    frame = pd.DataFrame({f"c{at}": samples(300, at) for at in range(9)}, index=np.arange(300) * 3)
    frame["c1"] = frame["c1"].astype(np.float32)
    frame["c4"] = frame["c4"].astype(np.float32)
    frame["c2"] = frame["c2"].astype("Float64")
    frame["c3"] = frame["c3"].fillna(0).clip(upper=100).astype(int)
    keys = pd.Series(hosts(300), index=frame.index)
    times = pd.date_range("2026-01-01", periods=300, freq="7s", tz="Asia/Tokyo")
    for options in (
        {"half_life": 20},
        {"half_life": "5m", "times": times},
        {"half_life": 20, "groups": keys},
        {"half_life": "5m", "times": times, "groups": keys},
    ):
        found = frame.evenkeel.robust_mean(**options)
        assert found.columns.equals(frame.columns) and found.index.equals(frame.index)
        tracked = frame.evenkeel.track(**options)
        assert tracked.columns.tolist() == [(column, field) for column in frame for field in FIELDS]
        for column in frame:
            pd.testing.assert_series_equal(found[column], evenkeel.robust_mean(frame[column], **options), check_exact=True)
            pd.testing.assert_frame_equal(tracked[column], frame[column].evenkeel.track(**options), check_exact=True)
    same = frame[["c5", "c6", "c7"]]
    pd.testing.assert_frame_equal(evenkeel.robust_mean(same.T, half_life=20, axis=1), evenkeel.robust_mean(same, half_life=20).T)
    levels = pd.concat({"x": same, "y": same}, axis=1)
    assert levels.evenkeel.track(half_life=3).columns[5] == ("x", "c6", "scale")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_columns_that_lie_apart_are_read_where_they_lie(dtype):
    columns = {str(at): samples(500, at).astype(dtype) for at in range(21)}
    wide = np.stack(list(columns.values()), axis=1)
    times = np.arange(500).view("datetime64[s]")
    for options in ({"half_life": 20}, {"half_life": "5m", "times": times}):
        expected = evenkeel.track(wide, **options)
        for frame in (
            pl.DataFrame(columns, nan_to_null=True),
            pa.table(columns),
            pd.DataFrame(columns, copy=False).astype({"3": "Float64" if dtype is np.float64 else "Float32"}),
        ):
            for field, column in zip(evenkeel.track(frame, **options), expected, strict=True):
                for at, name in enumerate(columns):
                    assert_same(np.array(field[name].to_numpy(), dtype=column.dtype), column[:, at])
    for frame in (pl.DataFrame(columns), pa.table(columns)):
        found = _containers.unpack(frame).columns
        starts = [_core.address(column.values) for column in found]
        arrow = frame.to_arrow() if isinstance(frame, pl.DataFrame) else frame
        assert starts == [chunked.chunk(0).buffers()[1].address for chunked in arrow.columns]
        with pytest.raises(ValueError, match="times has length 499, and x has 500 samples"):
            evenkeel.track(frame, half_life="5m", times=times[1:])
        with pytest.raises(ValueError, match=r"times must be in order, and times\[1\]"):
            evenkeel.track(frame, half_life="5m", times=times[::-1])
    rule = _rule.make("robust", 20, None, None, None)
    with pytest.raises(ValueError, match="one length"):
        _core.column(rule, [np.ones(3), np.ones(2)])
    for odd in ([np.ones(3), np.ones(3, dtype=np.float32)], [np.ones(3, dtype=np.float32), np.ones(3)], [np.ones(3), 1]):
        with pytest.raises(TypeError, match="array of float32 or float64"):
            _core.column(rule, odd)


def test_the_two_ways_to_group_a_frame_of_pandas_are_one():
    frame = pd.DataFrame({"host": hosts(500), "x": samples(500)}, index=np.random.default_rng(2).permutation(500))
    slow = frame.groupby("host")["x"].transform(lambda series: series.evenkeel.robust_mean(half_life=20))
    fast = frame["x"].evenkeel.robust_mean(half_life=20, groups=frame["host"])
    pd.testing.assert_series_equal(slow, fast, check_exact=True)
    assert_same(fast, apart(frame["x"].to_numpy(), frame["host"].to_numpy(), half_life=20))
    assert_same(frame["x"].evenkeel.robust_mean(half_life=20, groups=frame["host"].astype("category")), fast)


def test_the_accessor_refuses_rows_of_another_index():
    frame = pd.DataFrame({"host": hosts(20), "x": samples(20)})
    with pytest.raises(ValueError, match="groups has another index"):
        frame["x"].iloc[::-1].evenkeel.robust_mean(half_life=20, groups=frame["host"])
    with pytest.raises(ValueError, match="times has another index"):
        frame["x"].iloc[:10].evenkeel.robust_mean(half_life="5m", times=pd.Series(pd.date_range("2026", periods=20)))
    # By place, if that is what is meant.
    assert len(frame["x"].iloc[::-1].evenkeel.robust_mean(half_life=20, groups=frame["host"].to_numpy())) == 20


def test_a_frame_names_the_column_that_it_refuses():
    for frame in (
        pd.DataFrame({"x": [1.0], "who": ["a"]}),
        pl.DataFrame({"x": [1.0], "who": ["a"]}),
        pa.table({"x": [1.0], "who": ["a"]}),
        pd.DataFrame({"x": [1.0], "who": [datetime(2026, 1, 1)]}),
        pl.DataFrame({"x": [1.0], "who": [[1.0]]}),
        pa.table({"x": [1.0], "who": [{"a": 1}]}),
        pd.DataFrame({"x": [1.0], "who": pd.Series([1 + 2j])}),
        pd.DataFrame({"x": [1.0], "who": pd.Series(["a"], dtype=object)}),
        pd.DataFrame({"x": [1.0], "who": pd.Series(["a"], dtype="string[pyarrow]")}),
    ):
        with pytest.raises(TypeError, match=r"x\['who'\] must be of real numbers"):
            evenkeel.track(frame, half_life=3)
    with pytest.raises(TypeError, match="DataFrameGroupBy"):
        evenkeel.robust_mean(pd.DataFrame({"x": [1.0], "k": [1]}).groupby("k"), half_life=3)
    with pytest.raises(ValueError, match="axis must be 0 for a frame of float32 beside float64"):
        evenkeel.robust_mean(pl.DataFrame({"a": [1.0], "b": pl.Series([1.0], dtype=pl.Float32)}), half_life=3, axis=1)
    for axis in (2, -3):
        with pytest.raises(ValueError, match="axis"):
            evenkeel.robust_mean(pl.DataFrame({"a": [1.0], "b": pl.Series([1.0], dtype=pl.Float32)}), half_life=3, axis=axis)
    with pytest.raises(ValueError, match="groups need axis=0"):
        evenkeel.robust_mean(pd.DataFrame({"a": [1.0], "b": 2.0}), half_life=3, groups=["a"], axis=1)


def test_state_takes_frames():
    x, keys = samples(300), hosts(300)
    expected = evenkeel.Tracker(half_life=20)
    expected.update_batch(list(keys), x)
    for made, names in (
        (pd.Series(x), pd.Series(keys)),
        (pl.Series(x, nan_to_null=True), pl.Series(keys)),
        (pa.array(x), pa.array(keys)),
    ):
        tracker = evenkeel.Tracker(half_life=20)
        tracker.update_batch(names, made)
        assert tracker.to_bytes() == expected.to_bytes()
    rows = np.stack([x, x + 1], axis=1)
    bank = evenkeel.Bank(2, half_life=20)
    bank.update_rows(rows)
    for frame in (pd.DataFrame(rows), pl.DataFrame(rows), pa.table({"a": rows[:, 0], "b": rows[:, 1]})):
        other = evenkeel.Bank(2, half_life=20)
        other.update_rows(frame)
        assert other.to_bytes() == bank.to_bytes()
    with pytest.raises(TypeError, match="rows is an expression"):
        bank.update_rows(pl.col("x"))
    assert pd.DataFrame(expected.table())["key"].tolist() == expected.keys() == pl.DataFrame(expected.table())["key"].to_list()


# polars

ROWS = 3_000
FRAME = pl.DataFrame(
    {
        "x": pl.Series(samples(ROWS), nan_to_null=True),
        "f": samples(ROWS, 5).astype(np.float32),
        "i": np.arange(ROWS) % 7,
        "host": hosts(ROWS),
        "t": pl.datetime_range(datetime(2026, 1, 1), datetime(2026, 1, 1) + timedelta(seconds=7 * (ROWS - 1)), "7s", eager=True),
    }
)
STRUCT = {name: pl.Float64 for name in FIELDS[:3]} | {"outlier": pl.Boolean}


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_expressions(engine):
    x, f, keys, times = FRAME["x"].to_numpy(), FRAME["f"].to_numpy(), FRAME["host"].to_numpy(), FRAME["t"].to_numpy()
    lazy = FRAME.lazy().select(
        plain=pl.col("x").evenkeel.robust_mean(half_life=20),
        over=pl.col("x").evenkeel.robust_mean(half_life=20).over("host"),
        grouped=pl.col("x").evenkeel.robust_mean(half_life=20, groups="host"),
        categories=pl.col("x").evenkeel.robust_mean(half_life=20, groups=pl.col("host").cast(pl.Categorical)),
        timed=pl.col("x").evenkeel.cleaned_ema(half_life="5m", times="t"),
        timed_over=pl.col("x").evenkeel.robust_mean(half_life="5m", times=pl.col("t")).over("host"),
        timed_series=pl.col("x").evenkeel.robust_mean(half_life="5m", times=FRAME["t"], groups=list(keys)),
        single=pl.col("f").evenkeel.ema(half_life=20),
        integers=(pl.col("i") + 1).evenkeel.ema(half_life=20) * 2,
        tracked=pl.col("x").evenkeel.track(half_life=20),
        tracked_over=pl.col("f").evenkeel.track(half_life=20).over("host").struct.field("scale"),
    )
    found = lazy.collect(engine=engine)
    assert lazy.collect_schema() == found.schema
    assert (
        found.schema["single"] == pl.Float32
        and found.schema["integers"] == pl.Float64
        and found.schema["tracked_over"] == pl.Float32
    )
    assert found.schema["tracked"] == pl.Struct(STRUCT)
    expected = {
        "plain": evenkeel.robust_mean(x, half_life=20),
        "timed": evenkeel.cleaned_ema(x, half_life="5m", times=times),
        "single": evenkeel.ema(f, half_life=20),
        "integers": evenkeel.ema(np.arange(ROWS) % 7 + 1, half_life=20) * 2,
        "tracked_over": evenkeel.track(f, half_life=20, groups=keys).scale,
    }
    expected["over"] = expected["grouped"] = expected["categories"] = apart(x, keys, half_life=20)
    expected["timed_over"] = expected["timed_series"] = evenkeel.robust_mean(x, half_life="5m", times=times, groups=keys)
    for name, column in expected.items():
        assert not found[name].is_nan().any()
        assert_same(found[name].to_numpy(), column)
    for field, column in zip(FIELDS, evenkeel.track(x, half_life=20), strict=True):
        assert_same(found["tracked"].struct.field(field).to_numpy(), column)


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_a_long_series_is_not_cut_by_the_engine(engine):
    x = samples(400_000)
    expected = evenkeel.robust_mean(x, half_life=1e5, resolution=None)
    frame = pl.concat([pl.DataFrame({"x": part, "k": 1}) for part in np.array_split(x, 50)], rechunk=False)
    assert frame["x"].n_chunks() == 50
    mean = pl.col("x").evenkeel.robust_mean(half_life=1e5, resolution=None)
    for query in (frame.lazy().with_columns(y=mean), frame.lazy().filter(pl.col("k") > 0).with_columns(y=mean.over("k"))):
        assert_same(query.collect(engine=engine)["y"].to_numpy(), expected)
    # What is asked of the result is not asked of the samples.
    assert frame.lazy().with_columns(y=mean).tail(1).collect(engine=engine)["y"][0] == expected[-1]
    late = frame.lazy().with_columns(y=mean).filter(pl.col("y") > 50).select(pl.len()).collect(engine=engine).item()
    assert late == (expected > 50).sum()


def test_expressions_of_many_columns_and_names():
    wide = FRAME.select(evenkeel.robust_mean(pl.col("x", "f"), half_life=20).name.suffix("_mean"))
    assert wide.columns == ["x_mean", "f_mean"] and wide.dtypes == [pl.Float64, pl.Float32]
    assert_same(FRAME["x"].evenkeel.robust_mean(half_life=20).to_numpy(), wide["x_mean"].to_numpy())
    halves = FRAME.lazy().select(pl.col("f").clip(0, 1e4).cast(pl.Float16).evenkeel.robust_mean(half_life=20))
    assert halves.collect_schema() == halves.collect().schema == {"f": pl.Float32}
    assert FRAME["x"].evenkeel.track(half_life=20).schema == pl.Schema(STRUCT)
    found = FRAME.group_by("host", maintain_order=True).agg(pl.col("x").evenkeel.robust_mean(half_life=20).last())
    grouped = evenkeel.robust_mean(FRAME["x"], half_life=20, groups=FRAME["host"])
    assert found["x"].to_list() == FRAME.with_columns(y=grouped).group_by("host", maintain_order=True).last()["y"].to_list()
    assert FRAME.clear().select(pl.col("x").evenkeel.track(half_life=20).over("host")).schema["x"] == pl.Struct(STRUCT)


def test_an_expression_says_at_once_what_is_wrong_with_it():
    for options in ({"half_life": -1}, {"half_life": "5m"}, {"half_life": 3, "times": "t"}, {"half_life": 3, "axis": 1}, {}):
        with pytest.raises(ValueError, match=r"half_life|times|axis"):
            pl.col("x").evenkeel.robust_mean(**options)
    # And of what type its columns are, when the query is planned.
    with pytest.raises(TypeError, match="x must be of real numbers, not of dtype String"):
        FRAME.lazy().select(pl.col("host").evenkeel.robust_mean(half_life=3)).collect_schema()
    with pytest.raises(TypeError, match="groups must be of strings or integers, not of dtype Float32"):
        FRAME.select(pl.col("x").evenkeel.robust_mean(half_life=3, groups="f"))
    with pytest.raises(TypeError, match="groups must be of strings or integers, not of dtype Int128"):
        FRAME.select(pl.col("x").evenkeel.robust_mean(half_life=3, groups=pl.col("i").cast(pl.Int128)))
    with pytest.raises(ValueError, match=r"groups\[1\] is null"):
        pl.DataFrame({"x": [1.0, 2], "k": ["a", None]}).select(pl.col("x").evenkeel.robust_mean(half_life=3, groups="k"))


CELL = st.one_of(st.floats(width=32, allow_infinity=True), st.none(), st.sampled_from([0.0, 1.0, 1e30]))


@settings(max_examples=200, deadline=None)
@given(st.lists(CELL, max_size=40), st.lists(st.integers(0, 40), max_size=4), st.sampled_from([np.float64, np.float32]))
def test_however_samples_are_held_their_bits_are_the_same(cells, cuts, dtype):
    missing = np.array([cell is None for cell in cells], dtype=bool)
    x = np.array([np.nan if cell is None else cell for cell in cells], dtype=dtype)
    expected = evenkeel.track(x, half_life=7)
    whole = pa.array(np.where(missing, dtype(3), x), mask=missing)
    ends = sorted({0, len(x), *(cut for cut in cuts if cut < len(x))})
    pieces = pa.chunked_array([whole[a:b] for a, b in itertools.pairwise(ends)], type=whole.type)
    frame = pl.DataFrame({"a": pl.from_arrow(pieces), "b": pl.Series(x)})
    for made in (
        pieces,
        whole,
        frame["a"],
        pd.Series(pd.arrays.FloatingArray(np.where(missing, dtype(3), x), missing)),
        pd.Series(pd.arrays.ArrowExtensionArray(pieces)),
    ):
        for found, column in zip(evenkeel.track(made, half_life=7), expected, strict=True):
            if column.dtype == bool:
                np.testing.assert_array_equal(np.array(found, dtype=bool), column)
            else:
                floats = (
                    found.to_numpy(dtype=dtype, na_value=np.nan)
                    if isinstance(found, pd.Series)
                    else found.to_numpy()
                    if not isinstance(found, pa.Array)
                    else found.to_numpy(zero_copy_only=False)
                )
                assert_same(floats, column)
    both = evenkeel.track(frame, half_life=7).location
    assert_same(both["a"].to_numpy(), expected.location)
    assert_same(both["b"].to_numpy(), expected.location)


# Arrow


class Exporter:
    """An array of another library."""

    def __init__(self, array):
        self.array = array

    def __arrow_c_array__(self, requested_schema=None):
        return self.array.__arrow_c_array__(requested_schema)


def test_encoded_arrays_and_other_libraries():
    x = np.array([1.0, 1, 5, np.nan, np.nan, 5, 1, 2])
    expected = evenkeel.ema(x, half_life=3)
    plain = pa.array(x, from_pandas=True)
    for made in (
        plain.dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 0, 1, 2, None, 1, 0, 3], pa.uint8()), pa.array([1, 5, None, 2])),
        pa.RunEndEncodedArray.from_arrays(pa.array([2, 3, 5, 6, 7, 8], pa.int16()), pa.array([1.0, 5, None, 5, 1, 2])),
        Exporter(plain),
    ):
        found = evenkeel.ema(made, half_life=3)
        assert isinstance(found, pa.Array)
        assert_same(found.to_numpy(zero_copy_only=False), expected)
    batch = evenkeel.ema(Exporter(pa.record_batch({"a": plain})), half_life=3)
    assert isinstance(batch, pa.RecordBatch)
    reader = evenkeel.ema(pa.table({"a": plain, "b": plain}).to_reader(), half_life=3)
    assert isinstance(reader, pa.Table)
    for column in (batch.column("a"), reader["b"].combine_chunks()):
        assert_same(column.to_numpy(zero_copy_only=False), expected)
    twice = pa.Table.from_arrays([plain, plain], names=["a", "a"])
    assert evenkeel.ema(twice, half_life=3).schema.names == ["a", "a"]
    with pytest.raises(TypeError, match="not a pyarrow"):
        evenkeel.ema(pa.scalar(1.0), half_life=3)


def test_keys_of_arrow_that_are_no_text():
    x = np.array([1.0, 2, 3, 4, 5])
    for keys in (
        pa.array([2**63 + 1, 2**63 + 2, 2**63 + 1, 1, 1], pa.uint64()),
        pa.array([7, -1, 7, 0, 0], pa.int8()),
        pa.chunked_array([[True, False], [True, None, None]]).fill_null(True),
        pa.array([7, 8, 7, 9, 9]).dictionary_encode(),
    ):
        assert_same(
            evenkeel.ema(x, half_life=3, groups=keys), evenkeel.ema(x, half_life=3, groups=[str(key) for key in keys.to_pylist()])
        )
    lacking = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 2, 0], pa.int8()), pa.array(["a", "b", None]))
    with pytest.raises(ValueError, match=r"groups\[3\] is null"):
        evenkeel.ema(x, half_life=3, groups=lacking)
    assert_same(evenkeel.ema(x[:3], half_life=3, groups=lacking[:3]), evenkeel.ema(x[:3], half_life=3, groups=["a", "b", "a"]))
    days = pa.array([0, 1, 2, 4, 8], pa.int32()).cast(pa.date32())
    for times in (days, days.cast(pa.date64()), pa.chunked_array([days])):
        assert_same(
            evenkeel.robust_mean(x, half_life="1d", times=times),
            evenkeel.robust_mean(x, half_life="1d", times=np.array([0, 1, 2, 4, 8], dtype="datetime64[D]")),
        )
    for times in (pa.array([1, 2, 3, 4, 5]), pa.array([1] * 5, pa.time32("s")), pa.table({"t": days})):
        with pytest.raises(TypeError, match="times must be"):
            evenkeel.robust_mean(x, half_life="1d", times=times)


# DataFusion

TABLE = pa.table({"at": range(ROWS), "x": samples(ROWS), "host": hosts(ROWS), "t": FRAME["t"].to_arrow()})


def context():
    made = datafusion.SessionContext()
    rows = np.random.default_rng(3).permutation(ROWS)
    made.register_record_batches("samples", [TABLE.take(rows).to_batches(max_chunksize=256)])
    evenkeel.datafusion.register(made)
    return made


def test_window_functions():
    x, keys, times = (TABLE[name].to_numpy() for name in ("x", "host", "t"))
    found = (
        context()
        .sql(
            """SELECT robust_mean(x, 20) OVER hosts AS robust, cleaned_ema(x, 20.5) OVER hosts AS cleaned, ema(x, 20) OVER hosts AS plain,
            robust_mean_by(x, t, '5m') OVER hosts AS timed, ema_by(x, t, '5m') OVER hosts AS plain_timed, track(x, 20) OVER (ORDER BY at) AS tracked
            FROM samples WINDOW hosts AS (PARTITION BY host ORDER BY at) ORDER BY at"""
        )
        .to_arrow_table()
    )
    expected = {
        "robust": apart(x, keys, half_life=20),
        "cleaned": evenkeel.cleaned_ema(x, half_life=20.5, groups=keys),
        "plain": evenkeel.ema(x, half_life=20, groups=keys),
        "timed": evenkeel.robust_mean(x, half_life="5m", times=times, groups=keys),
        "plain_timed": evenkeel.ema(x, half_life="5m", times=times, groups=keys),
    }
    for name, column in expected.items():
        assert_same(found[name].to_numpy(), column)
    for field, column in zip(found["tracked"].combine_chunks().flatten(), evenkeel.track(x, half_life=20), strict=True):
        assert_same(field.to_numpy(zero_copy_only=False), column)


def test_window_functions_of_ones_own():
    from datafusion import col
    from datafusion.expr import Window

    smooth = evenkeel.datafusion.udwf("robust_mean", half_life=pd.Timedelta("90s"), preset="mean", in_time=True)
    window = Window(partition_by=[col("host")], order_by=[col("at")])
    found = (
        context()
        .table("samples")
        .select(col("at"), smooth(col("x"), col("t")).over(window).alias("y"))
        .sort(col("at"))
        .to_arrow_table()
    )
    x, keys, times = (TABLE[name].to_numpy() for name in ("x", "host", "t"))
    assert_same(found["y"].to_numpy(), evenkeel.robust_mean(x, half_life="90s", times=times, groups=keys, preset="mean"))
    for options, message in (
        ({"half_life": -1}, "half_life"),
        ({"half_life": "5m"}, "times are needed"),
        ({"half_life": 3, "groups": ["a"]}, "PARTITION BY"),
        ({"half_life": 3, "patients": 3}, "patients"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            evenkeel.datafusion.udwf(**options)
    with pytest.raises(ValueError, match="function must be one of robust_mean, cleaned_ema, ema, track"):
        evenkeel.datafusion.udwf("mean", half_life=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("robust_mean(x, at)", "half_life must be the same for all rows"),
        ("robust_mean(x, NULL)", "half_life must be the same for all rows"),
        ("robust_mean(x, 0)", "half_life must be above 0"),
        ("robust_mean_by(x, t, 'soon')", "half_life must be a number of samples"),
        ("robust_mean(host, 20)", "No function matches|coercion|Cannot cast"),
    ],
)
def test_window_functions_refuse(call, message):
    with pytest.raises(Exception, match=message):
        context().sql(f"SELECT {call} OVER (ORDER BY at) FROM samples").to_arrow_table()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("hole", [None, 0, 3])
@pytest.mark.parametrize("rows", [1, 40, 130])
def test_frames_of_one_dtype_hold_the_columns_of_one_array(dtype, hole, rows):
    columns = {f"c{at}": samples(rows, at).astype(dtype) for at in range(19)}
    for column in columns.values():
        column[0] = 7
    if hole is not None:
        columns["c5"][: hole + 1] = np.nan
    expected = {name: evenkeel.robust_mean(column, half_life=6) for name, column in columns.items()}
    is_shared = hole is None
    for frame in (
        pd.DataFrame(columns, index=range(5, 5 + rows)),
        pl.DataFrame(columns, nan_to_null=True),
        pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()}),
        pa.record_batch({name: pa.array(column, from_pandas=True) for name, column in columns.items()}),
    ):
        found = evenkeel.robust_mean(frame, half_life=6)
        assert type(found) is type(frame)
        if isinstance(frame, pd.DataFrame):
            assert found.index.equals(frame.index) and found.columns.equals(frame.columns)
            arrays = [found[name].to_numpy() for name in columns]
            assert found._mgr.nblocks == 1
        elif isinstance(frame, pl.DataFrame):
            assert found.columns == list(columns)
            assert not any(column.is_nan().any() for column in found)
            assert found.null_count().row(0)[5] == (0 if hole is None else min(hole + 1, rows))
            arrays = [column.to_numpy() for column in found]
        else:
            assert found.schema.names == list(columns)
            assert found.column(5).null_count == (0 if hole is None else min(hole + 1, rows))
            parts = [getattr(column, "chunks", [column])[0] for column in found.columns]
            arrays = [part.to_numpy(zero_copy_only=False) for part in parts]
        for name, array in zip(columns, arrays, strict=True):
            assert array.dtype == dtype
            assert_same(array, expected[name])
        if is_shared:
            places = [array.__array_interface__["data"][0] for array in arrays]
            assert np.diff(places).tolist() == [rows * array.itemsize] * (len(places) - 1)


def test_a_table_in_chunks_comes_back_in_chunks():
    parts = [pa.array([1.0, 2.0, 3.0]), pa.array([4.0])]
    found = evenkeel.robust_mean(pa.table({"a": pa.chunked_array(parts), "b": pa.chunked_array(parts)}), half_life=6)
    assert [[len(chunk) for chunk in column.chunks] for column in found.columns] == [[3, 1]] * 2


def test_a_frame_along_its_rows_keeps_its_nulls():
    rows = np.array([[np.nan, 1, 2], [3, 4, 5]])
    found = evenkeel.robust_mean(pl.DataFrame(rows[::-1], schema=["a", "b", "c"], nan_to_null=True), half_life=6, axis=1)
    assert found.null_count().row(0) == (1, 0, 0)
