"""Arbitrary columns against a plain loop over the specification, one sample at a time."""

import math

import cleaned_ema
import numpy as np
import pytest
import robust_mean
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import assert_same

import evenkeel

ORDINARY = st.floats(-1e3, 1e3)
SAMPLES = st.lists(
    st.one_of(ORDINARY, ORDINARY, ORDINARY, st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e6])), max_size=60
)
ALPHAS = st.sampled_from([0.5, 0.1, 0.01])
DTYPES = st.sampled_from([np.float64, np.float32])
KNOWN = settings(max_examples=60, deadline=None)


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def robust(x, alpha, dtype, distances=None, half_life=None, **options):
    """Location and scale after each sample, by the specification."""
    p, state, rows = robust_mean.Spec(alpha, dtype, **options), None, []
    state = robust_mean.empty(p)
    for n, u in enumerate(x):
        after = None if distances is None else robust_mean.after(distances[n], half_life, dtype)
        state, _ = robust_mean.step(p, state, u, after)
        rows.append((state[0], robust_mean.used_scale(p, state) if state[4] else dtype("nan")))
    return np.array(rows, dtype=dtype).reshape(-1, 2).T


def cleaned(x, alpha, dtype):
    p = cleaned_ema.Spec(alpha, dtype)
    state, rows = cleaned_ema.empty(p), []
    for u in x:
        state, score, replaced = cleaned_ema.step(p, state, u)
        rows.append((state[0], robust_mean.used_scale(p.judge, state[3]) if state[3][4] else dtype("nan"), score, replaced))
    return np.array(rows, dtype=dtype).reshape(-1, 4).T


@KNOWN
@given(SAMPLES, ALPHAS, DTYPES, st.sampled_from([0.0, 0.25]), st.integers(1, 63))
def test_robust_mean(x, alpha, dtype, resolution, patience):
    x = np.array(x).astype(dtype)
    location, scale = robust(x, alpha, dtype, resolution=resolution, patience=patience)
    seen = evenkeel.track(x, alpha=alpha, preset="robust", resolution=resolution, patience=patience)
    assert_same(seen.location, location)
    assert_same(seen.scale, scale)


@KNOWN
@given(SAMPLES, ALPHAS, DTYPES)
def test_cleaned_ema(x, alpha, dtype):
    x = np.array(x).astype(dtype)
    expected = cleaned(x, alpha, dtype)
    seen = evenkeel.track(x, alpha=alpha, resolution=None)
    for found, one in zip(seen[:3], expected[:3], strict=True):
        assert_same(found, one)
    np.testing.assert_array_equal(seen.outlier, expected[3] == 1)


@KNOWN
@given(SAMPLES, DTYPES, st.data())
def test_robust_mean_in_time(x, dtype, data):
    x = np.array([u for u in x if u == u]).astype(dtype)
    distances = data.draw(st.lists(st.integers(0, 2 * 10**12), min_size=len(x), max_size=len(x)))
    half_life = 10**11
    # An infinity before the first sample that counts passes no time.
    times = np.cumsum(np.array(distances, dtype=np.int64)).view("timedelta64[ns]")
    location, scale = robust(x, 0.01, dtype, distances, half_life)
    seen = evenkeel.track(x, half_life=np.timedelta64(half_life, "ns"), times=times, preset="robust", resolution=None)
    assert_same(seen.location, location)
    assert_same(seen.scale, scale)


@KNOWN
@given(SAMPLES, st.lists(st.integers(-3, 3), min_size=60, max_size=60), st.integers(0, 60))
def test_groups_pieces_and_trackers_agree(x, keys, cut):
    x = np.array(x, dtype=float)
    keys = np.array(keys[: len(x)], dtype=int)
    whole = evenkeel.track(x, groups=keys, half_life=5)
    names = [str(key) for key in keys]
    tracker = evenkeel.Tracker(half_life=5)
    parts = tracker.observe_batch(names[:cut], x[:cut]), tracker.observe_batch(names[cut:], x[cut:])
    for one, other in zip(whole, zip(*parts, strict=True), strict=True):
        assert_same(np.concatenate(other), one)
    for key in set(keys.tolist()):
        assert_same(evenkeel.track(x[keys == key], half_life=5).scale, whole.scale[keys == key])
