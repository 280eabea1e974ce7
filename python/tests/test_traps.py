"""What today's data frames do with missing values, times, types and shapes that a person would not expect, and what evenkeel does
there. What others do is asserted too: the tables of `docs/MISSING.md` and the README say so."""

import datetime
import decimal

import numpy as np
import pytest
from vectors import assert_same

import evenkeel

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
duckdb = pytest.importorskip("duckdb")

import evenkeel.pandas
import evenkeel.polars
from evenkeel import _containers, _core

NAN, INF = np.nan, np.inf
RULE = {"alpha": 0.25, "resolution": None}
SAMPLES = np.array([1.0, 2, NAN, 4, 3, 2, 5, INF, 1, 2, 900, 3, NAN, 2, 2.5])
EXPECTED = evenkeel.robust_mean(SAMPLES, **RULE)
MISSING = np.isnan(SAMPLES)


def means(x, **options):
    return evenkeel.robust_mean(x, **{**RULE, **options})


def test_nan_and_null_are_both_missing_and_what_comes_out_is_what_came_in():
    # pandas' capsule has null for NaN; polars and Arrow keep NaN beside null.
    assert pa.chunked_array(pd.Series([1, NAN])).null_count == 1
    assert pl.Series(np.array([1, NAN])).null_count() == 0 and pa.array([1.0, NAN]).null_count == 0
    for start in ([], [NAN], [NAN, NAN]):
        x = np.array([*start, 1.0, NAN, 3.0])
        score, location = (evenkeel.track(x, **RULE).score, means(x))
        assert np.isnan(location).sum() == len(start) and np.isnan(score).all()
        assert_same(means(pd.Series(x)), location)
        for made in (pl.Series(x), pl.Series(x, nan_to_null=True), pl.Series(pd.Series(x))):
            found = evenkeel.track(made, **RULE)
            assert found.location.null_count() == len(start) and found.score.null_count() == len(x)
            assert not found.location.is_nan().any() and not found.score.is_nan().any()
            assert_same(found.location.to_numpy(), location)
        for made in (pa.array(x), pa.array(x, from_pandas=True)):
            assert means(made).null_count == len(start) and not any(map(np.isnan, means(made).drop_null().to_pylist()))
            assert_same(means(made).to_numpy(zero_copy_only=False), location)


def test_a_nullable_column_of_pandas_holds_nan_and_na_at_once():
    values, mask = np.array([NAN, 1.0, NAN, 99.0, 3.0]), np.array([False, False, False, True, False])
    masked = pd.Series(pd.arrays.FloatingArray(values, mask))
    arrow = pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, mask=mask)])))
    for x in (masked, arrow):
        # Of the two NaN and the one NA pandas counts one as missing.
        assert x.isna().sum() == 1
        found = means(x)
        assert found.dtype == x.dtype
        assert found.isna().tolist() == [True, False, False, False, False]
        assert_same(found.to_numpy(dtype=float, na_value=NAN), means(np.array([NAN, 1, NAN, NAN, 3])))
        assert not means(x, preset="mean").isna()[1:].any()


def test_duckdb_makes_null_of_the_nan_of_pandas_only():
    pandas, polars, arrow = pd.DataFrame({"x": SAMPLES}), pl.DataFrame({"x": SAMPLES}), pa.table({"x": SAMPLES})
    count = "SELECT count(x) FROM "
    there = [duckdb.sql(count + "pandas"), duckdb.sql(count + "polars"), duckdb.sql(count + "arrow")]
    assert [relation.fetchall()[0][0] for relation in there] == [len(SAMPLES) - 2, len(SAMPLES), len(SAMPLES)]
    assert len(pandas) == len(polars) == len(arrow)
    for relation in (duckdb.sql("SELECT x FROM pandas"), duckdb.sql("SELECT x FROM polars"), duckdb.sql("SELECT x FROM arrow")):
        found = means(relation)
        assert isinstance(found, pa.Table) and found.schema.names == ["x"]
        assert_same(found["x"].to_numpy(), EXPECTED)


def test_values_below_a_null_are_never_read():
    below = np.where(MISSING, 1e300, SAMPLES)
    whole = pa.array(np.concatenate([[5e200, 5e200], below]), mask=np.concatenate([[False, True], MISSING]))
    sliced = whole[2:]
    assert sliced.offset == 2 and sliced.null_count == 2
    assert_same(means(sliced).to_numpy(zero_copy_only=False), EXPECTED)
    assert_same(means(pa.chunked_array([whole[2:7], whole[7:]])).to_numpy(), EXPECTED)
    frame = pl.DataFrame({"x": below, "missing": MISSING})
    masked = frame.select(pl.when(~pl.col("missing")).then("x"))["x"]
    assert masked.null_count() == 2
    for series in (masked, pl.concat([pl.Series("x", [7.0]), masked])[1:], pl.concat([masked[:3], masked[3:]], rechunk=False)):
        assert_same(means(series).to_numpy(), EXPECTED)
    integers = pa.array([1, 99, 3], mask=np.array([False, True, False]))
    assert_same(means(integers).to_numpy(zero_copy_only=False), means(np.array([1, NAN, 3])))
    bits = pa.array([True] * 9 + [False, None, True])[7:]
    assert_same(means(bits).to_numpy(zero_copy_only=False), means(np.array([1, 1, 0, NAN, 1])))


def test_a_missing_row_repeats_the_location_and_has_no_score():
    x = [1.0, None, 3.0]
    assert pd.Series(x).ewm(alpha=0.5).mean().notna().all()
    assert pl.Series(x).ewm_mean(alpha=0.5).null_count() == 1
    found = evenkeel.track(pl.Series(SAMPLES, nan_to_null=True), **RULE)
    for column in (found.location, found.scale):
        assert column[2] == column[1] and column[12] == column[11] and column.null_count() == 0
    assert found.score[2] is None and found.score[12] is None and found.score.null_count() > 2
    assert found.outlier[2] is False and found.outlier.null_count() == 0


def test_an_infinity_is_an_outlier_and_not_missing():
    x = [1.0, INF, 3.0]
    # pandas makes it NaN first; polars has it, and then NaN for good.
    assert pd.Series(x).ewm(alpha=0.5, ignore_na=True).mean().tolist() == [1, 1, 7 / 3]
    assert pd.Series(x).rolling(2).mean().isna().all()
    assert pl.Series(x).ewm_mean(alpha=0.5).to_list()[1] == INF and np.isnan(pl.Series(x).ewm_mean(alpha=0.5)[2])
    assert means(x).tolist() == [1, 1, 1]
    for make in (np.array, pd.Series, pl.Series, pa.array):
        found = evenkeel.track(make([5.0, 6, 5, 6, 5, 6, 5, INF, 6, -INF, 5]), half_life=60)
        assert np.flatnonzero(np.array(found.outlier)).tolist() == [7, 9]
        assert np.isfinite(np.array(found.location, dtype=float)).all()
        assert np.array(found.score, dtype=float)[7] > 1e300


def test_one_nan_does_not_stay():
    x = [1.0, NAN, 3.0]
    assert np.isnan(pl.Series(x).ewm_mean(alpha=0.5, ignore_nulls=True)[2])
    assert pl.Series(x).rolling_median(3)[2] == 3
    assert duckdb.sql("SELECT median(v) FROM (VALUES (1.0::DOUBLE), ('nan'), (3.0)) t(v)").fetchall() == [(3.0,)]
    for make in (np.array, pd.Series, pl.Series, pa.array):
        assert float(np.array(evenkeel.ema(make(x), alpha=0.5))[2]) == 7 / 3


def test_missing_rows_are_no_gap_for_the_plain_average():
    rng = np.random.default_rng(5)
    x = np.where(rng.random(2_000) < 0.2, NAN, rng.normal(size=2_000))
    x[0] = 1
    for options in ({"alpha": 0.5}, {"span": 3}, {"halflife": 7}, {"com": 2}):
        ours = evenkeel.ema(x, **{"half_life" if name == "halflife" else name: value for name, value in options.items()})
        # polars' parameters have other names for the same.
        theirs = {"half_life" if name == "halflife" else name: value for name, value in options.items()}
        pandas = pd.Series(x).ewm(**options, adjust=True, ignore_na=True).mean().to_numpy()
        np.testing.assert_allclose(ours, pandas, rtol=1e-12, atol=1e-12)
        polars = pl.Series(x, nan_to_null=True).ewm_mean(**theirs, adjust=True, ignore_nulls=True)
        np.testing.assert_allclose(ours, polars.forward_fill().to_numpy(), rtol=1e-12, atol=1e-12)
        assert np.abs(ours - pd.Series(x).ewm(**options).mean().to_numpy()).max() > 0.01
    assert pd.Series([1, NAN, 3]).ewm(alpha=0.5).mean()[2] == pytest.approx(2.6)


def test_the_unit_of_times_is_read_from_their_type():
    texts = [f"2026-01-01T00:{minute:02}:{second:02}" for minute in range(3) for second in (0, 7, 30)]
    exact = np.array(texts, dtype="datetime64[ns]")
    expected = means(SAMPLES[:9], alpha=None, half_life="20s", times=exact)
    moments = [datetime.datetime.fromisoformat(text) for text in texts]
    seconds = exact.astype("datetime64[s]")
    relation = duckdb.from_arrow(pa.table({"t": pa.array(texts)}))
    ways = [
        pd.to_datetime(texts),
        pd.to_datetime([f"{text}.000000000" for text in texts]),
        pd.Series(pd.to_datetime(texts)),
        moments,
    ]
    ways += [pd.DatetimeIndex(seconds), pd.to_datetime(exact.view(np.int64) // 10**6, unit="ms"), pd.DatetimeIndex(exact)]
    ways += [pl.Series(moments), *(pl.Series(moments).cast(pl.Datetime(unit)) for unit in ("ms", "us", "ns"))]
    ways += [pa.array(exact).cast(pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")]
    for kind in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMPTZ"):
        ways.append(relation.project(f"t::{kind} AS t").to_arrow_table()["t"])
    assert {str(way.dtype) for way in ways[:1] + ways[1:2] + ways[4:5]} == {"datetime64[us]", "datetime64[ns]", "datetime64[s]"}
    for times in ways:
        assert_same(means(SAMPLES[:9], alpha=None, half_life="20s", times=times), expected)


def test_a_half_life_is_not_rounded_to_the_unit_of_times():
    seconds = pd.date_range("2026-01-01", periods=len(SAMPLES), freq="s", unit="s")
    x = pd.Series(SAMPLES, index=seconds)
    expected = means(SAMPLES, alpha=None, half_life="1500ms", times=seconds.as_unit("ns"))
    for half_life in (pd.Timedelta("1.5s"), datetime.timedelta(seconds=1.5), np.timedelta64(1500, "ms"), "1500ms"):
        assert_same(means(x, alpha=None, half_life=half_life, times=x.index), expected)
    assert np.abs(expected - means(SAMPLES, alpha=None, half_life="1s", times=seconds)).max() > 0.01
    nanoseconds = pd.DatetimeIndex(np.arange(len(SAMPLES)).view("datetime64[ns]"))
    found = means(x, alpha=None, half_life=pd.Timedelta(3, "ns"), times=nanoseconds)
    assert_same(found, means(SAMPLES, alpha=None, half_life=np.timedelta64(3, "ns"), times=nanoseconds))
    assert_same(pl.Series([2.0]).evenkeel.ema(half_life=2), [2.0])


def test_times_of_days_minutes_and_hours_and_nat():
    n = len(SAMPLES)
    for unit, length in (("D", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        times = np.arange(n).astype(f"datetime64[{unit}]")
        expected = means(
            SAMPLES,
            alpha=None,
            half_life=f"{2 * length}s",
            times=np.arange(n).view("datetime64[s]") if unit == "s" else times.astype("datetime64[s]"),
        )
        assert_same(means(SAMPLES, alpha=None, half_life=f"{2 * length}s", times=times), expected)
        assert_same(means(pd.Series(SAMPLES), alpha=None, half_life=f"{2 * length}s", times=pd.DatetimeIndex(times)), expected)
    dates = np.arange(n).astype("datetime64[D]")
    for times in (pa.array(dates), pl.Series(dates), pl.Series(dates).cast(pl.Datetime("ms"))):
        assert_same(
            means(SAMPLES, alpha=None, half_life="2d", times=times), means(SAMPLES, alpha=None, half_life="2d", times=dates)
        )
    assert pa.array(dates).type == pa.date32()
    missing = np.array(["2026-01-01", "NaT"], dtype="datetime64[us]")
    for times in (
        missing,
        pd.DatetimeIndex(missing),
        pd.DatetimeIndex(missing).tz_localize("UTC"),
        pl.Series(missing),
        pa.array(missing),
        [None, None],
    ):
        with pytest.raises((ValueError, TypeError), match=r"times\[[01]\] is (NaT|None): a sample needs its time"):
            means([1, 2], alpha=None, half_life="1d", times=times)
    with pytest.raises(TypeError, match=r"periods.*to_timestamp"):
        means([1, 2], alpha=None, half_life="1d", times=pd.period_range("2026", periods=2, freq="M"))


def test_times_out_of_order_are_refused_and_equal_ones_count():
    seconds = np.array([0, 2, 1]).view("datetime64[s]")
    pandas = pd.Series([1.0, 2, 3]).ewm(halflife="1s", times=seconds).mean()
    # Without a word, and with a weight of two for a sample of which time goes back.
    assert pandas[2] == pytest.approx((3 + 2 * 2 + 1 / 2) / (1 + 2 + 1 / 2))
    with pytest.raises(ValueError, match=r"times\[2\] is before"):
        means(pd.Series([1.0, 2, 3]), alpha=None, half_life="1s", times=pd.DatetimeIndex(seconds))
    with pytest.raises(ValueError, match="times"):
        pl.DataFrame({"x": [1.0, 2, 3], "t": seconds.astype("datetime64[ms]")}).select(
            pl.col("x").evenkeel.robust_mean(half_life="1s", times="t")
        )
    frame = pl.DataFrame({"x": [1.0, 1, 1, 1, 1, 1, 2], "t": pl.Series([0, 1, 2, 3, 4, 5, 5]).cast(pl.Datetime("ms"))})
    dropped = frame.select(pl.col("x").ewm_mean_by("t", half_life="1ms"))["x"]
    assert dropped[6] == 1
    found = frame.select(pl.col("x").evenkeel.robust_mean(half_life="1ms", times="t", resolution=1.0))["x"]
    assert 1 < found[6] < 2


def test_the_plain_average_is_that_of_pandas_with_adjust():
    x = np.random.default_rng(3).normal(size=500)
    adjusted, other = (pd.Series(x).ewm(halflife=20, adjust=adjust).mean().to_numpy() for adjust in (True, False))
    np.testing.assert_allclose(evenkeel.ema(x, half_life=20), adjusted, rtol=1e-12, atol=1e-12)
    assert np.abs(adjusted - other).max() > 0.1
    # With times pandas adjusts by default, too, and without that it is polars' ewm_mean_by.
    times = pd.DatetimeIndex(np.cumsum(np.random.default_rng(4).integers(1, 90, 500)).view("datetime64[s]"))
    adjusted, other = (pd.Series(x).ewm(halflife="60s", times=times, adjust=adjust).mean().to_numpy() for adjust in (True, False))
    found = evenkeel.ema(pd.Series(x, index=times), half_life="60s", times=times)
    np.testing.assert_allclose(found.to_numpy(), adjusted, rtol=1e-12, atol=1e-12)
    by = pl.DataFrame({"x": x, "t": times}).select(pl.col("x").ewm_mean_by("t", half_life="60s"))["x"]
    np.testing.assert_allclose(by.to_numpy(), other, rtol=1e-9, atol=1e-9)
    assert np.abs(adjusted - other).max() > 0.1
    # With a second memory pandas says nothing, and takes one of them.
    with pytest.raises(ValueError, match="exactly one of half_life, span, com and alpha"):
        evenkeel.ema(x, half_life=20, com=1)


def test_times_with_a_zone_are_instants_and_without_one_an_hour_comes_twice():
    utc = pd.date_range("2026-10-24 22:00", periods=len(SAMPLES), freq="30min", tz="UTC")
    berlin = utc.tz_convert("Europe/Berlin")
    clock = berlin.tz_localize(None)
    assert not clock.is_monotonic_increasing
    expected = means(SAMPLES, alpha=None, half_life="1h", times=utc.tz_localize(None).to_numpy())
    for times in (utc, berlin, pd.Series(berlin), pl.Series(berlin), pa.array(berlin), list(berlin.to_pydatetime()), list(berlin)):
        assert_same(means(SAMPLES, alpha=None, half_life="1h", times=times), expected)
    assert pa.array(berlin).type.tz == "Europe/Berlin"
    for times in (clock, pl.Series(clock), pa.array(clock)):
        with pytest.raises(ValueError, match="times must be in order"):
            means(SAMPLES, alpha=None, half_life="1h", times=times)


KEYS = ["b", "a", "b", "ä", "", "a", "b", "ä", "b", "a", "a", "b", "ä", "", "b"]


def keys_of_all_types():
    strings = pa.array(KEYS)
    yield "list", KEYS
    yield "numpy", np.array(KEYS)
    yield "numpy strings", np.array(KEYS, dtype=np.dtypes.StringDType())
    yield "numpy objects", np.array(KEYS, dtype=object)
    yield "pandas str", pd.Series(KEYS)
    yield "pandas object", pd.Series(KEYS, dtype=object)
    yield "pandas python", pd.Series(KEYS, dtype="string[python]")
    yield "pandas category", pd.Series(pd.Categorical(KEYS, categories=["x", "", "ä", "b", "a", "y"]))
    yield "pandas Categorical", pd.Categorical(KEYS)
    yield "pandas Index", pd.CategoricalIndex(KEYS)
    yield "pandas Arrow", pd.Series(KEYS, dtype="large_string[pyarrow]")
    yield "polars String", pl.Series(KEYS)
    yield "polars Categorical", pl.Series(KEYS, dtype=pl.Categorical)
    yield "polars Enum", pl.Series(KEYS, dtype=pl.Enum(["x", "", "ä", "b", "a"]))
    yield (
        "DuckDB enum",
        duckdb.from_arrow(pa.table({"k": strings})).project("k::ENUM('a', 'b', 'ä', '') AS k").to_arrow_table()["k"],
    )
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        yield str(kind), strings.cast(kind)
        yield f"{kind} in chunks", pa.chunked_array([strings[:4].cast(kind), strings[4:].cast(kind)])
        for index in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()):
            # With a value that no row has, and one that is there twice.
            words = ["x", "a", "b", "ä", "", "b"]
            codes = [5 if at == 8 else words.index(key) for at, key in enumerate(KEYS)]
            yield f"{kind} by {index}", pa.DictionaryArray.from_arrays(pa.array([0, *codes], index), pa.array(words).cast(kind))[1:]
    other = [pa.DictionaryArray.from_arrays(pa.array(part.index(k) for k in part), pa.array(part)) for part in (KEYS[:6], KEYS[6:])]
    yield "dictionaries that differ", pa.chunked_array(other)


def test_keys_of_every_type_of_text():
    newest = pl.Series(KEYS, dtype=pl.Enum(sorted(set(KEYS)))).to_arrow(compat_level=pl.CompatLevel.newest())
    assert pa.types.is_string_view(newest.type.value_type)
    expected, series = None, None
    for name, keys in [*keys_of_all_types(), ("polars' newest", newest)]:
        tracker = evenkeel.Tracker(**RULE)
        tracker.update_batch(keys, SAMPLES)
        found = means(SAMPLES, groups=keys)
        if expected is None:
            expected, series = found, repr(tracker.items())
        assert_same(found, expected)
        assert repr(tracker.items()) == series, name
    assert list(evenkeel.Tracker.keys(tracker)) == ["b", "a", "ä", ""]
    numbers = [len(key) + 7 * (key == "b") for key in KEYS]
    by_number = means(SAMPLES, groups=numbers)
    for keys in (
        pd.Series(numbers),
        pd.Series(numbers, dtype="Int16"),
        pl.Series(numbers),
        pa.array(numbers, pa.uint8()),
        pd.Series(numbers, dtype="category"),
    ):
        assert_same(means(SAMPLES, groups=keys), by_number)


def test_keys_that_are_missing_or_none_are_refused():
    x = [1.0, 2.0, 3.0]
    for keys in (
        pd.Series(["a", None, "b"]),
        pd.Series(["a", None, "b"], dtype="category"),
        pl.Series(["a", None, "b"]),
        pa.array(["a", None, "b"]),
        pa.array(["a", None, "b"]).dictionary_encode(),
        pd.Series([1, None, 2], dtype="Int64"),
        pl.Series([1, None, 2]),
    ):
        with pytest.raises(ValueError, match=r"groups\[1\] is (null|missing|None): every row needs its key"):
            means(x, groups=keys)
    for keys in (
        pd.Series(["a", 1, "b"]),
        pd.Series([1.5, 2, 3]),
        pl.Series([1.5, 2, 3]),
        pa.array([1.5, 2, 3]),
        pd.Series(pd.date_range("2026", periods=3)),
        pl.DataFrame({"a": x}),
        pd.DataFrame({"a": x}),
        pa.table({"a": x}),
    ):
        with pytest.raises(TypeError, match="groups must"):
            means(x, groups=keys)


def test_decimals_are_the_nearest_floats():
    numbers = np.random.default_rng(1).normal(40, 1, 3_000).round(1)
    decimals = [*map(decimal.Decimal, map(str, numbers.tolist())), None, decimal.Decimal("12345678901234567.89")]
    expected = evenkeel.robust_mean([*numbers, np.nan, 12345678901234567.89], half_life=60)
    for kind in (pa.decimal128(20, 2), pa.decimal128(38, 18), pa.decimal256(60, 30)):
        found = evenkeel.robust_mean(pa.array(decimals, kind), half_life=60)
        assert found.to_numpy().tobytes() == expected.tobytes(), kind


def test_wide_integers_decimals_halves_and_nothing():
    expected = means(np.array([1, NAN, 3]))
    for kind in (pl.Int128, pl.UInt128, pl.Decimal(20, 2), pl.UInt8, pl.Int64, pl.Float64):
        series = pl.Series("x", [1, None, 3], dtype=pl.Int64).cast(kind)
        assert_same(means(series).to_numpy(), expected)
        assert_same(means(pl.DataFrame([series]))["x"].to_numpy(), expected)
    with pytest.raises(pa.ArrowInvalid, match="_pli128"):
        pa.chunked_array(pl.Series([1], dtype=pl.Int128))
    for kind in ("HUGEINT", "UHUGEINT", "DECIMAL(9, 2)", "UTINYINT", "DOUBLE"):
        found = means(duckdb.sql(f"SELECT v::{kind} AS x FROM (VALUES (1), (NULL), (3)) t(v)"))
        assert found.schema.field("x").type == pa.float64()
        assert_same(found["x"].to_numpy(), expected)
    assert pa.types.is_decimal(duckdb.sql("SELECT 2.5 AS x").to_arrow_table().schema.field("x").type)
    for kind in (pa.decimal32(4, 1), pa.decimal64(9, 1), pa.decimal128(20, 3), pa.decimal256(50, 3), pa.uint64()):
        assert_same(means(pa.array([1, None, 3], pa.int8()).cast(kind)).to_numpy(zero_copy_only=False), expected)
    half = means(pa.array([np.float16(1), None, np.float16(3)], pa.float16()))
    assert half.type == pa.float32()
    assert_same(half.to_numpy(zero_copy_only=False), means(np.array([1, NAN, 3], dtype=np.float32)))
    assert means(pa.nulls(3)).null_count == 3 and means(pa.nulls(3)).type == pa.float64()
    assert means(pl.Series([None] * 3)).null_count() == 3 and means(pd.Series([None] * 3, dtype="Float64")).isna().all()
    for kind, value in (("BIGNUM", "1"), ("UUID", "uuid()"), ("INTERVAL", "INTERVAL 1 DAY"), ("VARCHAR", "'a'")):
        with pytest.raises(TypeError, match=r"x\['odd'\] must be of real numbers"):
            means(duckdb.sql(f"SELECT 1.5 AS even, ({value})::{kind} AS odd"))


def test_booleans_are_zero_and_one():
    bits = [True, True, False, None, True, False, True, True, True, True, False]
    floats = np.array([NAN if bit is None else float(bit) for bit in bits])
    expected = means(floats)
    packed = pa.array([False] * 5 + bits)[5:]
    assert packed.offset == 5
    assert_same(means(packed).to_numpy(zero_copy_only=False), expected)
    assert_same(means(pl.Series([False] * 5 + bits)[5:]).to_numpy(), expected)
    assert_same(means(pd.Series(bits, dtype="boolean")).to_numpy(dtype=float, na_value=NAN), expected)
    assert_same(means(np.array(bits[:3])), expected[:3])
    assert_same(means(pd.Series(bits[:3])), expected[:3])


def test_the_dtype_that_comes_out():
    single = np.array([1, 2, 3], dtype=np.float32)
    assert pd.Series(single).ewm(alpha=0.5).mean().dtype == np.float64
    assert pl.Series(single).ewm_mean(alpha=0.5).dtype == pl.Float32
    for made, out in (
        (single, np.float32),
        (pd.Series(single), np.float32),
        (pd.Series(single, dtype="Float32"), "Float32"),
        (pd.Series([1, 2], dtype="Int64"), "Float64"),
        (pd.Series([1, 2]), np.float64),
        (pd.Series(single, dtype="float[pyarrow]"), "float[pyarrow]"),
        (pd.Series([1, 2], dtype="int64[pyarrow]"), "double[pyarrow]"),
        (pl.Series(single), pl.Float32),
        (pl.Series(single).cast(pl.Float16), pl.Float32),
        (pl.Series([1, 2]), pl.Float64),
    ):
        assert means(made).dtype == out
        assert evenkeel.track(made, **RULE).outlier.dtype in (np.dtype(bool), "boolean", "bool[pyarrow]", pl.Boolean)
    assert means(pa.array(single)).type == pa.float32() and means(pa.array([1, 2])).type == pa.float64()
    frame = pd.DataFrame({"a": single, "b": [1, 2, 3], "c": [1.0, 2, 3]})
    assert means(frame).dtypes.tolist() == [np.float32, np.float64, np.float64]


class Exporter:
    """Another library's column, which says what it has been asked."""

    def __init__(self, column):
        self.column, self.asked = column, []

    def __arrow_c_stream__(self, requested_schema=None):
        self.asked.append(requested_schema)
        return self.column.__arrow_c_stream__()


def test_no_type_is_asked_of_a_stream_and_it_is_read_once():
    assert pa.chunked_array(pl.Series([1.5])).type == pa.float64()
    assert pa.RecordBatchReader.from_stream(pl.DataFrame({"a": [1.5]}), schema=pa.schema([("a", pa.float32())])) is not None
    exporter = Exporter(pa.chunked_array([pa.array(SAMPLES[:4], from_pandas=True), pa.array(SAMPLES[4:])]))
    found = means(exporter)
    assert_same(found.to_numpy(), EXPECTED)
    assert [len(chunk) for chunk in found.chunks] == [4, 11] and exporter.asked == [None]
    table = Exporter(pa.table({"a": pa.array([1.0, 2], pa.float32()), "b": [3, None]}))
    assert means(table).schema.types == [pa.float32(), pa.float64()] and table.asked == [None]
    keys = Exporter(pa.chunked_array([pa.array(["a", "b"])]))
    assert means([1.0, 2.0], groups=keys).tolist() == [1, 2] and keys.asked == [None]


def test_what_has_no_capsule():
    index = pd.date_range("2026-01-01", periods=len(SAMPLES), freq="s")
    assert not hasattr(index, "__arrow_c_stream__") and not hasattr(SAMPLES, "__arrow_c_stream__")
    x = pd.Series(SAMPLES, index=index)
    assert_same(
        means(x, alpha=None, half_life="3s", times=x.index), means(SAMPLES, alpha=None, half_life="3s", times=index.to_numpy())
    )
    with pytest.raises(TypeError, match="LazyFrame.*expression"):
        means(pl.LazyFrame({"x": SAMPLES}))
    # A query of DuckDB runs anew for each call that reads it.
    relation = duckdb.sql("SELECT random() AS x")
    assert means(relation)["x"][0] != means(relation)["x"][0]


def test_chunks_of_any_number():
    halves = pl.concat([pl.Series("x", SAMPLES[:7]), pl.Series("x", SAMPLES[7:])], rechunk=False)
    assert halves.n_chunks() == 2
    assert_same(means(halves).to_numpy(), EXPECTED)
    assert_same(means(halves.to_frame())["x"].to_numpy(), EXPECTED)
    split = pa.chunked_array([SAMPLES[:0], SAMPLES[:7], SAMPLES[7:]])
    assert [len(chunk) for chunk in means(split).chunks] == [0, 7, 8]
    for empty in (pa.chunked_array([], pa.float64()), pa.chunked_array([pa.array([], pa.float64())])):
        found = evenkeel.track(empty, **RULE)
        assert len(found.location) == 0 and found.location.num_chunks == empty.num_chunks and found.outlier.type == pa.bool_()
    for empty in (
        pl.Series([], dtype=pl.Float64),
        pd.Series([], dtype=float),
        pl.DataFrame({"x": []}),
        pd.DataFrame({"x": []}, dtype=float),
    ):
        assert len(means(empty)) == 0
    for keys in (
        pa.chunked_array([], pa.string()),
        pl.Series([], dtype=pl.String),
        pa.chunked_array([], pa.dictionary(pa.int8(), pa.string())),
    ):
        assert len(means([], groups=keys)) == 0


def test_the_index_of_pandas_is_no_signal():
    frame = pd.DataFrame({"a": SAMPLES, "b": SAMPLES + 1, "host": KEYS})
    some = frame[~MISSING]
    assert pa.Table.from_pandas(some[["a"]].set_index(pd.Index([*range(9), 9, 3, 4, 5]))).schema.names[-1] == "__index_level_0__"
    found = means(some[["a", "b"]])
    assert found.index.equals(some.index) and found.columns.tolist() == ["a", "b"]
    assert_same(found["a"], EXPECTED[~MISSING])
    table = pa.Table.from_pandas(some[["a", "b"]].set_index(pd.Index(some.index * 2 + 1)))
    back = means(table)
    assert back.schema.names == ["a", "b", "__index_level_0__"]
    assert back["__index_level_0__"].equals(table["__index_level_0__"])
    assert_same(back["a"].to_numpy(), EXPECTED[~MISSING])
    assert back.to_pandas().index.equals(pd.Index(some.index * 2 + 1))
    named = pa.Table.from_pandas(some[["a"]].astype("Float64").rename_axis("row").set_index(some["host"].rename("row")))
    assert means(named).to_pandas().index.tolist() == some["host"].tolist()
    twice = pd.DataFrame(np.stack([SAMPLES, SAMPLES + 1], axis=1), columns=["a", "a"])
    with pytest.raises(ValueError, match="Duplicate"):
        pa.Table.from_pandas(twice)
    found = means(twice)
    assert found.columns.tolist() == ["a", "a"]
    assert_same(found.iloc[:, 0], EXPECTED)
    assert means(pd.DataFrame({0: SAMPLES, 1: KEYS == 1})).columns.tolist() == [0, 1]
    with pytest.raises(TypeError, match=r"x\['host'\] must be of real numbers, not of dtype str"):
        means(frame)


def address(array):
    return _core.address(_containers.unpack(array).values)


def test_memory_is_shared_where_it_can_be():
    for dtype in (np.float64, np.float32):
        samples = SAMPLES.astype(dtype)
        there = samples.__array_interface__["data"][0]
        series = pd.Series(samples, copy=False)
        assert address(series) == there
        block = np.asfortranarray(np.stack([samples, samples], axis=1))
        assert address(pd.DataFrame(block, copy=False)) == block.__array_interface__["data"][0]
        assert address(pd.Series(pd.arrays.FloatingArray(samples[~MISSING], np.zeros(13, bool)), copy=False)) != there
        masked = pd.arrays.FloatingArray(samples, np.zeros(len(samples), bool))
        assert address(masked) == there
        array = pa.array(samples)
        assert array.buffers()[1].address == there
        assert address(array) == there and address(array[3:]) == there + 3 * dtype().itemsize
        assert address(pa.chunked_array([array])) == there and address(pa.table({"x": array})) == there
        assert address(pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([array])))) == there
        polars = pl.from_arrow(array)
        start = polars.to_arrow().buffers()[1].address
        assert address(polars) == start and address(polars[3:]) == start + 3 * dtype().itemsize
        assert address(polars.to_frame()) == start
    with_nulls = pa.array(SAMPLES, from_pandas=True)
    assert address(with_nulls) != with_nulls.buffers()[1].address
    # Beyond 2^53 integers lose digits on the way to floats, here as everywhere.
    large = 2**53 + 1
    for make in (pd.Series, pl.Series, pa.array, np.array):
        assert list(map(float, np.array(means(make([large]))))) == [2.0**53]
    assert pl.Series([large, None]).to_numpy()[0] == 2.0**53


def test_read_only_memory_is_welcome():
    frozen = pd.Series(SAMPLES)
    assert not frozen.to_numpy().flags.writeable and not pl.Series(SAMPLES, nan_to_null=False).to_numpy().flags.writeable
    before = frozen.copy()
    means(frozen)
    means(frozen.to_numpy())
    pd.testing.assert_series_equal(frozen, before)


def test_sparse_columns_and_long_doubles():
    sparse = pd.Series(pd.arrays.SparseArray([0.0, 0, 5, 0, 0], fill_value=0))
    with pytest.raises((pa.ArrowException, TypeError, NotImplementedError)):
        pa.array(sparse)
    found = means(pd.DataFrame({"a": sparse, "b": 1.0}))
    assert found["a"].dtype == np.float64
    assert_same(found["a"], means(np.array([0.0, 0, 5, 0, 0])))
    assert_same(means(pd.Series(np.array([1, 2, 4], dtype=np.longdouble))), means(np.array([1.0, 2, 4])))
    for bad in (
        pd.Series(pd.arrays.SparseArray(["a"], dtype="Sparse[object]")),
        pd.Series([1j]),
        pd.Series(["a"], dtype="category"),
    ):
        with pytest.raises(TypeError, match=r"x\['odd'\] must be of real numbers"):
            means(pd.DataFrame({"even": [1.0], "odd": bad}))


def test_a_memory_of_nothing_is_refused():
    times = pd.date_range("2026", periods=2, freq="s")
    frame = pl.DataFrame({"x": [1.0, 2.0], "t": times})
    assert frame.select(pl.col("x").ewm_mean_by("t", half_life="0s"))["x"].to_list() == [1, 2]
    for name in ("half_life", "alpha"):
        for x in (pd.Series([1.0, 2]), pl.Series([1.0, 2]), pa.array([1.0, 2]), pl.col("x")):
            with pytest.raises(ValueError, match=name):
                evenkeel.robust_mean(x, **{name: 0})
    for half_life in ("0s", "-1s", "1mo", pd.Timedelta(0), pd.Timedelta("-1s"), pd.NaT.to_numpy().astype("timedelta64[ns]")):
        with pytest.raises(ValueError, match="half_life"):
            evenkeel.robust_mean(frame["x"], half_life=half_life, times=frame["t"])


def test_one_broken_gradient_does_not_stay_in_adam():
    def trained(guard):
        weight, mean, square = 1.0, 0.0, 0.0
        for step in range(1, 120):
            gradient = {60: NAN, 61: INF, 90: 1e20}.get(step, 2 * weight + 0.1 * (-1) ** step)
            factor = 1.0 if guard is None else guard.observe(abs(gradient))
            if factor == 0:
                continue
            gradient *= factor
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            weight -= 0.01 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        return weight

    assert np.isnan(trained(None))
    guard = evenkeel.GradientGuard(half_life=50)
    assert abs(trained(guard)) < 0.5
    assert guard.skips == 3
