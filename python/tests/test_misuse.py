"""What a person gives by mistake, or because another library allows it: an error names the argument, and nothing has changed."""

import datetime
import decimal

import numpy as np
import pytest

import evenkeel

X = np.array([20, 21, 20, 22, 21, 21, 9000, 20.0])
SECONDS = np.arange(8).astype("datetime64[s]")
MINUTE = np.timedelta64(60, "s")
HUGE = 10**400


def bank():
    return evenkeel.Bank(2, half_life=5)


def mean():
    return evenkeel.OnlineMean(half_life=5)


def tracker():
    return evenkeel.Tracker(half_life=5)


def robust(x=X, **options):
    return evenkeel.robust_mean(x, **{"half_life": 60, **options})


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (ValueError, "half_life must be a number that a float can hold", lambda: robust(half_life=HUGE)),
        (ValueError, "clip must be a number that a float can hold", lambda: robust(clip=HUGE)),
        (TypeError, "span must be a number, not timedelta64", lambda: evenkeel.ema(X, span=np.timedelta64(5, "s"))),
        (TypeError, "patience must be an integer, not timedelta64", lambda: robust(patience=np.timedelta64(5, "s"))),
        (TypeError, "axis must be an integer, not float", lambda: robust(axis=0.0)),
        (TypeError, "axis must be an integer, not bool", lambda: robust(axis=False)),
        (TypeError, "axis must be an integer, not ndarray", lambda: robust(axis=np.array([5, 6]))),
        (ValueError, 'preset must be "robust" or "mean"', lambda: robust(preset=np.array(["robust", "mean"]))),
        (TypeError, r"numpy.asarray\(x, dtype=float\)", lambda: robust([1, None, 3.0])),
        (ValueError, "x must be an array, and numpy makes none of it", lambda: robust([[1, 2], [3]])),
        (ValueError, "groups must be an array, and numpy makes none", lambda: robust(groups=[["a", "b"], ["c"]] * 4)),
        (ValueError, "times must be an array, and numpy makes none", lambda: robust(half_life="5s", times=[[1, 2], [3]])),
        (ValueError, r"groups\[1\] is masked: every row needs its key", lambda: robust(groups=np.ma.masked_array([1, 2] * 4, [0, 1] * 4))),
        (ValueError, r"times\[2\] is masked: a sample", lambda: robust(half_life="5s", times=np.ma.masked_array(SECONDS, SECONDS == SECONDS[2]))),
        (TypeError, r"groups must be a column of keys, not a string: .*frame\['host'\]", lambda: robust(groups="host")),
        (TypeError, r"times must be a column of times, not a string: .*frame\['t'\]", lambda: robust(half_life="5s", times="t")),
        (ValueError, r"groups\[7\] is None: every row needs its key: leave such rows out", lambda: robust(groups=["a"] * 7 + [None])),
        (ValueError, r"groups\[7\] is NaN: every row", lambda: robust(groups=np.array(["a"] * 7 + [np.nan], dtype=object))),
        (ValueError, r"groups\[7\] is NaN: every row", lambda: robust(groups=np.array(["a"] * 7 + [np.float64("nan")], dtype=object))),
        (TypeError, r"groups\[0\] is of type int \(or all be integers of 64 bits\)", lambda: robust(groups=[2**64, 1] * 4)),
        (TypeError, r"groups\[0\] is of type Decimal", lambda: robust(groups=[decimal.Decimal(1)] * 8)),
        (ValueError, "channel must be at least 0, not -1", lambda: bank().step(-1)),
        (ValueError, "channel must be at least 0, not -1", lambda: bank().reset(-1)),
        (ValueError, "channel 2 does not exist", lambda: bank().reset(2)),
        (ValueError, "channel 2 does not exist", lambda: bank().step(2)),
        (MemoryError, "no memory for the state of .* channels: use fewer, or float32", lambda: evenkeel.Bank(2**62, half_life=5)),
        (TypeError, "channel must be an integer, not str", lambda: bank().step("a")),
        (ValueError, r"channels must be below 2\*\*63", lambda: evenkeel.Bank(2**70, half_life=5)),
        (TypeError, "channels must be an integer, not timedelta64", lambda: evenkeel.Bank(np.timedelta64(5, "s"), half_life=5)),
        (ValueError, r"max_idle must be below 2\*\*63", lambda: evenkeel.Tracker(half_life=5, max_idle=2**70)),
        (ValueError, r"max_series must be below 2\*\*63", lambda: evenkeel.Tracker(half_life=5, max_series=2**70)),
        (ValueError, "overflow must be", lambda: evenkeel.Tracker(half_life=5, overflow=np.array(["evict", "refuse"]))),
        (ValueError, "x must be a number that a float can hold", lambda: mean().update(HUGE)),
        (TypeError, "x must be a number, not timedelta64", lambda: mean().update(np.timedelta64(5, "s"))),
        (TypeError, "loss must be a number, not str", lambda: evenkeel.LossGuard(half_life=5).score("a")),
        (ValueError, "loss must be a number that a float can hold", lambda: evenkeel.LossGuard(half_life=5).weight(HUGE)),
        (TypeError, "norm must be a number, not NoneType", lambda: evenkeel.GradientGuard(half_life=5).observe(None)),
    ],
)  # fmt: skip
def test_the_error_names_the_argument(error, words, call):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (TypeError, "value must be a number, not str", lambda t: t.update("a", "5")),
        (TypeError, "value must be a number, not NoneType", lambda t: t.update("a", None)),
        (ValueError, "value must be a number that a float can hold", lambda t: t.update("a", HUGE)),
        (TypeError, r"key must be a string, not int: name the series, such as str\(key\)", lambda t: t.update(5, 1.0)),
        (TypeError, r"keys\[0\] is of type int: name the series, \[str\(key\)", lambda t: t.update_batch([1, 2], [1.0, 2])),
        (TypeError, r"keys must be strings, not of type int64: .*keys.astype\(str\)", lambda t: t.update_batch(np.array([1, 2]), [1.0, 2])),
        (ValueError, r"keys\[1\] is None: every row", lambda t: t.update_batch(["a", None], [1.0, 2])),
        (ValueError, r"keys\[1\] is NaN: every row", lambda t: t.update_batch(["a", float("nan")], [1.0, 2])),
        (ValueError, "keys must be text, and .* is none", lambda t: t.update_batch(["\ud800"], [1.0])),
        (ValueError, "keys must be text, and .* is none", lambda t: t.update_batch(np.array(["\ud800"]), [1.0])),
        (TypeError, "keys must be a column of keys, not a string", lambda t: t.update_batch("ab", [1.0, 2])),
        (ValueError, "codes must have one dimension, not 2", lambda t: t.update_codes([[0]], ["a"], [1.0])),
        (ValueError, "codes must be below .* one is 18446744073709551615", lambda t: t.update_codes(np.uint64([2**64 - 1]), ["a"], [1.0])),
        (ValueError, r"codes\[0\] is masked", lambda t: t.update_codes(np.ma.masked_array([0], [True]), ["a"], [1.0])),
        (ValueError, "values must have one dimension, not 2", lambda t: t.update_codes([0], ["a"], [[1.0]])),
        (TypeError, r"categories\[1\] must be a string, not int", lambda t: t.update_codes([0], ["a", 1], [1.0])),
        (TypeError, "categories must be a list of strings, not str", lambda t: t.update_codes([0], "ab", [1.0])),
    ],
)  # fmt: skip
def test_what_a_tracker_refuses_leaves_it_as_it_was(error, words, call):
    series = tracker()
    series.update_batch(["a", "b"], [1.0, 2.0])
    before = series.to_bytes()
    with pytest.raises(error, match=words):
        call(series)
    assert series.to_bytes() == before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_stretch_of_time_without_a_unit_has_no_hash():
    with pytest.raises(TypeError, match="span must be a number, not timedelta64"):
        evenkeel.ema(X, span=np.timedelta64(5))
    with pytest.raises(TypeError, match="half_life must have a unit of fixed length"):
        robust(half_life=np.timedelta64(5))


def test_integers_in_objects_are_integers():
    plain = robust(groups=[1, 2] * 4)
    np.testing.assert_array_equal(robust(groups=np.array([1, 2] * 4, dtype=object)), plain)
    np.testing.assert_array_equal(robust(groups=np.array([np.int8(1), 2] * 4, dtype=object)), plain)
    # Truth values are no integers.
    with pytest.raises(TypeError, match=r"groups\[0\] is of type bool"):
        robust(groups=np.array([True, 2] * 4, dtype=object))


def test_nothing_has_no_keys_to_be_of_a_wrong_type():
    assert robust([], groups=[]).shape == (0,)
    series = tracker()
    series.update_batch((), [])
    assert len(series) == 0
    with pytest.raises(ValueError, match="groups has length 0, and x has 8 samples"):
        robust(groups=[])


def test_a_mask_that_masks_nothing_is_none():
    keys = np.ma.masked_array([1, 2] * 4, [0] * 8)
    np.testing.assert_array_equal(robust(groups=keys), robust(groups=[1, 2] * 4))


def test_frames():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="x must be one column, not a DataFrame"):
        mean().update(pd.DataFrame({"a": [1.0]}))
    np.testing.assert_array_equal(robust(groups=pd.Series([1, 2] * 4, dtype=object)), robust(groups=[1, 2] * 4))
    with pytest.raises(ValueError, match=r"groups\[1\] is missing: every row needs its key: leave such rows out"):
        robust(groups=pd.Series(["a", None] * 4))
    # The remedies that the error names, and what they do.
    keys = pd.Series(["a", None] * 4)
    np.testing.assert_array_equal(robust(groups=keys.fillna("")), robust(groups=["a", ""] * 4))
    assert len(robust(X[keys.notna()], groups=keys[keys.notna()])) == 4
    with pytest.raises(ValueError, match=r"groups\[0\] is NA: every row"):
        robust(groups=[pd.NA, "a"] * 4)


def test_polars():
    pl = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"x is a LazyFrame.*with_columns.*pl\.col\(\"x\"\)\.evenkeel\.robust_mean"):
        robust(pl.LazyFrame({"x": X}))
    with pytest.raises(TypeError, match="x is an expression of polars, which has no samples yet"):
        mean().update(pl.col("x"))
    keys = pl.Series(["a", None] * 4)
    with pytest.raises(ValueError, match=r"groups\[1\] is null: every row needs its key: leave such rows out"):
        robust(groups=keys)
    np.testing.assert_array_equal(robust(groups=keys.fill_null("")), robust(groups=["a", ""] * 4))


def test_arrow():
    pa = pytest.importorskip("pyarrow")
    runs = pa.RunEndEncodedArray.from_arrays([4, 8], ["a", "b"])
    np.testing.assert_array_equal(robust(groups=runs), robust(groups=["a"] * 4 + ["b"] * 4))
    with pytest.raises(ValueError, match=r"groups\[0\] is null: every row needs its key: leave such rows out"):
        robust(groups=pa.RunEndEncodedArray.from_arrays([4, 8], [None, "b"]))


def test_the_last_time_of_a_bank_goes_beside_its_snapshot():
    whole, half = evenkeel.Bank(1, half_life="5s"), evenkeel.Bank(1, half_life="5s")
    half.update_rows(X[:4, None], SECONDS[:4])
    again = evenkeel.Bank.from_bytes(half.to_bytes(), last=half.last)
    np.testing.assert_array_equal(
        again.locations_of(X[4:, None], SECONDS[4:] + MINUTE)[:, 0],
        whole.locations_of(X[:, None], np.concatenate([SECONDS[:4], SECONDS[4:] + MINUTE]))[4:, 0],
    )
    without = evenkeel.Bank.from_bytes(half.to_bytes())
    assert without.last is None
    with pytest.raises(ValueError, match="before"):
        again.update([1.0], datetime.datetime(1970, 1, 1))
