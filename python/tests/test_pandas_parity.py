"""`ema` is pandas' `ewm(adjust=True, ignore_na=True).mean()`, in samples and in time."""

import numpy as np
import pandas as pd
import pytest

import evenkeel


def series(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=400) * 10.0 ** rng.integers(-3, 4)
    x[rng.random(400) < 0.1] = np.nan
    x[:3] = np.nan
    return x


def assert_close(found, expected, x):
    """Asserts equality to 1e-12, or to some roundings of the samples where they cancel each other."""
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15 * np.nanmax(abs(x)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [({"half_life": h}, {"halflife": h}) for h in (0.5, 1, 7.5, 60)]
    + [({"span": 1}, {"span": 1}), ({"span": 9}, {"span": 9}), ({"com": 0}, {"com": 0}), ({"com": 3.5}, {"com": 3.5})]
    + [({"alpha": a}, {"alpha": a}) for a in (0.01, 0.5, 1.0)],
)
def test_samples(ours, theirs, seed):
    x = series(seed)
    expected = pd.Series(x).ewm(**theirs, adjust=True, ignore_na=True).mean().to_numpy()
    assert_close(evenkeel.ema(x, **ours), expected, x)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("half_life", ["250ms", "7s", "1h"])
def test_times(half_life, seed):
    rng = np.random.default_rng(seed)
    x = series(seed)
    times = np.datetime64("2024-05-01", "ms") + np.cumsum(rng.integers(0, 20_000, 400)).astype("timedelta64[ms]")
    there = ~np.isnan(x)
    expected = pd.Series(x[there]).ewm(halflife=pd.Timedelta(half_life), times=pd.Series(times[there])).mean().to_numpy()
    found = evenkeel.ema(x, half_life=half_life, times=times)
    assert_close(found[there], expected, x)
    # A missing sample leaves the location, and time passes over it.
    np.testing.assert_array_equal(found[~there][3:], found[np.flatnonzero(~there)[3:] - 1])


def test_gaps_count_for_nothing():
    x = np.array([1, np.nan, 3])
    assert evenkeel.ema(x, alpha=0.5)[2] == pytest.approx(2.3333, abs=1e-4)
    assert pd.Series(x).ewm(alpha=0.5).mean()[2] == 2.6
    assert pd.Series(x).ewm(alpha=0.5, ignore_na=True).mean()[2] == pytest.approx(2.3333, abs=1e-4)


def test_an_infinity_is_a_sample():
    x = np.array([1.0, np.inf, 3.0])
    assert pd.Series(x).ewm(alpha=0.5).mean().isna().sum() == 0  # pandas takes it for missing
    assert evenkeel.ema(x, alpha=0.5)[1] > 1e300
    assert evenkeel.robust_mean(np.append(np.arange(20.0) % 3, x), alpha=0.5)[-1] <= 3
    assert evenkeel.track(np.append(np.arange(20.0) % 3, x), alpha=0.5).outlier.tolist() == [False] * 21 + [True, False]


def test_times_of_pandas():
    stamps = pd.date_range("2024-05-01", periods=50, freq="s", tz="Europe/Berlin")
    x = series(1)[:50]
    expected = evenkeel.robust_mean(x, half_life="7s", times=stamps.tz_convert("UTC").tz_localize(None).to_numpy())
    for times in (list(stamps), np.array(stamps, dtype=object)):
        np.testing.assert_array_equal(evenkeel.robust_mean(x, half_life=pd.Timedelta("7s"), times=times), expected)
    tracker = evenkeel.Tracker(half_life=pd.Timedelta("7s"), preset="robust")
    for value, stamp in zip(x, stamps, strict=True):
        tracker.update("a", value, stamp)
    assert tracker["a"].location == expected[-1]
    assert tracker["a"].last == stamps[np.flatnonzero(~np.isnan(x))[-1]].to_datetime64()
    frame = pd.DataFrame(tracker.table())
    assert frame.loc[0, "key"] == "a" and frame.loc[0, "location"] == expected[-1]


def test_a_timedelta_with_nanoseconds():
    half_life = pd.Timedelta(1_500_000_001, "ns")
    times = np.arange(20).astype("datetime64[s]")
    x = series(2)[5:25]
    expected = evenkeel.ema(x, half_life=np.timedelta64(1_500_000_001, "ns"), times=times)
    np.testing.assert_array_equal(evenkeel.ema(x, half_life=half_life, times=times), expected)
