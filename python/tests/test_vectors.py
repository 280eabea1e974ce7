"""The vectors of the project through numpy, bit for bit: by columns, by rows, in pieces and one by one."""

import numpy as np
import pytest
from vectors import assert_same, numbers, vectors

import evenkeel

DTYPES = [np.float64, np.float32]
ROBUST = {
    "default": {},
    "mean": {"preset": "mean"},
    "huber": {"clip": 3.0, "scale_clip": 3.0, "reject": False},
    "resolution_1": {"resolution": 1.0},
    "patience_8": {"patience": 8},
    "patience_2": {"patience": 2},
    "patience_63": {"patience": 63},
}
CASES = [("robust_mean", name, {"preset": "robust", "resolution": None, **options}) for name, options in ROBUST.items()]
CASES += [
    ("cleaned_ema", "default", {"preset": "clean", "resolution": None}),
    ("cleaned_ema", "resolution_1", {"preset": "clean", "resolution": 1.0}),
]
TIMED = [
    ("robust_mean", "default", {"preset": "robust", "resolution": None}),
    ("robust_mean", "mean", {"preset": "mean", "resolution": None}),
    ("cleaned_ema", "default", {"preset": "clean", "resolution": None}),
]


def story(file, key, dtype):
    """The samples of a case, and the columns of its rows by name."""
    data = vectors(file)
    rows = np.array([numbers(row) for row in data[f"{key}_{np.dtype(dtype).name}"]])
    return numbers(data["input"], dtype), dict(zip(data["columns"], rows.astype(dtype).T, strict=True))


def check(seen, expected):
    assert_same(seen.location, expected["location"])
    begun = ~np.isnan(expected["location"])
    assert begun.sum() > 600
    assert_same(seen.scale[begun], expected["scale"][begun])
    assert np.isnan(seen.scale[~begun]).all()
    if "score" in expected:
        assert_same(seen.score, expected["score"])
        np.testing.assert_array_equal(seen.outlier, expected["replaced"] == 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("file", "key", "options"), CASES)
def test_a_column(file, key, options, dtype):
    samples, expected = story(file, key, dtype)
    check(evenkeel.track(samples, alpha=0.01, **options), expected)
    # As one of many columns, and in pieces.
    wide = np.repeat(samples[:, None], 13, axis=1)
    check(evenkeel.Tracked(*(column[:, 11] for column in evenkeel.track(wide, alpha=0.01, **options))), expected)
    check(evenkeel.Tracked(*(column[:, 3] for column in evenkeel.track(np.asfortranarray(wide), alpha=0.01, **options))), expected)
    online = evenkeel.OnlineMean(alpha=0.01, dtype=dtype, **options)
    pieces = [online.observe(samples[start : start + 97]) for start in range(0, len(samples), 97)]
    check(evenkeel.Tracked(*(np.concatenate(parts) for parts in zip(*pieces, strict=True))), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("file", "key", "options"), TIMED)
def test_a_column_in_time(file, key, options, dtype):
    samples, expected = story(file, f"{key}_in_time", dtype)
    data = vectors(file)
    # In the vectors no time passes where a sample is missing.
    there = ~np.isnan(samples)
    samples, expected = samples[there], {name: column[there] for name, column in expected.items()}
    times = np.cumsum(np.array(data["distances"])[there]).view("timedelta64[ns]")
    options = {"half_life": np.timedelta64(data["half_life"], "ns"), **options}
    check(evenkeel.track(samples, times=times, **options), expected)
    for order in "CF":
        wide = np.array(np.repeat(samples[:, None], 5, axis=1), order=order)
        check(evenkeel.Tracked(*(column[:, 4] for column in evenkeel.track(wide, times=times, **options))), expected)
    groups = np.zeros(len(samples), dtype=int)
    check(evenkeel.track(samples, times=times, groups=groups, **options), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [key for key in vectors("decimal_grid") if key not in ("columns", "alpha") and "_float" not in key])
def test_a_resolution_that_is_learnt(name, dtype):
    data = vectors("decimal_grid")
    rows = np.array([numbers(row) for row in data[f"{name}_{np.dtype(dtype).name}"]]).astype(dtype).T
    expected = dict(zip(data["columns"], rows, strict=True))
    seen = evenkeel.track(numbers(data[name], dtype), alpha=0.01, preset="robust")
    assert_same(seen.location, expected["location"])
    assert_same(seen.scale, expected["scale"])


@pytest.mark.parametrize("options", [options for file, _, options in CASES if file == "robust_mean"])
def test_one_by_one(options):
    key = next(name for name, o in ROBUST.items() if {"preset": "robust", "resolution": None, **o} == options)
    samples, expected = story("robust_mean", key, np.float64)
    tracker = evenkeel.Tracker(alpha=0.01, **options)
    seen = [tracker.update("a", sample) for sample in samples]
    # The tracker begins no series with an infinity.
    assert_same([update.location for update in seen], expected["location"])
    reopened = np.array([update.reopened for update in seen])
    # The first sample of a series is no re-opening.
    np.testing.assert_array_equal(np.flatnonzero(reopened), np.flatnonzero(expected["reopened"])[1:])


@pytest.mark.parametrize("squared", [False, True])
def test_losses(squared):
    data = vectors("guards")
    guard = evenkeel.LossGuard(half_life=50 * 8, squared=squared)
    for losses, weights in zip(data["losses"], data["weights_squared" if squared else "weights"], strict=True):
        # The mean that seeds the guard is summed in another order.
        np.testing.assert_allclose(guard.weigh(numbers(losses)), numbers(weights), rtol=1e-13, atol=1e-13)


def test_norms():
    data = vectors("guards")
    guard, guards = evenkeel.GradientGuard(half_life=50), evenkeel.GradientGuards(3, half_life=50)
    for norm, factor in zip(numbers(data["norms"]), numbers(data["factors"]), strict=True):
        # The logarithm is that of another library of functions.
        assert guard.observe(norm) == pytest.approx(factor, rel=1e-14)
        assert guards.observe([1.0, norm, 2.0])[1] == pytest.approx(factor, rel=1e-14)
    assert guard.skips == guards.skips[1] > 10
