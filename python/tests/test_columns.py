"""Whole columns: every layout and type gives the bits of plain contiguous float64 (float32), shared where that is possible."""

import datetime
import subprocess
import sys
import threading

import numpy as np
import pytest
from vectors import assert_same

import evenkeel
from evenkeel import _containers, _core

FUNCTIONS = [evenkeel.robust_mean, evenkeel.cleaned_ema, evenkeel.ema]


def noise(*shape, seed=1):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=shape), 3)
    x[rng.random(shape) < 0.03] = np.nan
    x[rng.random(shape) < 0.03] *= 1e6
    return x


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_layouts(function, dtype):
    x = noise(200, 37).astype(dtype)
    expected = np.stack([function(np.ascontiguousarray(x[:, n]), half_life=20) for n in range(37)], axis=1)
    padded = np.full((400, 80), 7.0, dtype=dtype)
    padded[::2, 3:77:2] = x
    swapped = x.astype(x.dtype.newbyteorder())
    layouts = {"C": x, "F": np.asfortranarray(x), "strided": padded[::2, 3:77:2], "backwards": x[::-1][::-1], "swapped": swapped}
    for name, array in layouts.items():
        before = array.copy()
        result = function(array, half_life=20)
        assert_same(result, expected)
        np.testing.assert_array_equal(array, before, err_msg=name)
        across = function(array.T, half_life=20, axis=1)
        assert_same(across, expected.T)
        assert_same(function(array.T, half_life=20, axis=-1), expected.T)
    assert function(np.asfortranarray(x), half_life=20).flags.f_contiguous
    assert_same(function(x[:, 5], half_life=20), expected[:, 5])


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int32, np.int64, np.uint64])
def test_whole_numbers_become_float64(dtype):
    x = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1]).astype(dtype)
    assert_same(evenkeel.robust_mean(x, half_life=5), evenkeel.robust_mean(x.astype(float), half_life=5))


def test_float16_becomes_float32_and_longdouble_float64():
    x = np.array([1, 2, 3, 2, 1, 2, 3], dtype=np.float16)
    assert_same(evenkeel.ema(x, span=3), evenkeel.ema(x.astype(np.float32), span=3))
    assert_same(evenkeel.ema(x.astype(np.longdouble), span=3), evenkeel.ema(x.astype(np.float64), span=3))


def test_the_buffer_is_shared():
    for x in (noise(1000), noise(50, 20), np.asfortranarray(noise(50, 20)), noise(1000).astype(np.float32)):
        x.setflags(write=False)
        values = _containers.unpack(x).values
        assert values is x
        assert _core.address(values) == x.__array_interface__["data"][0]


def test_what_is_not_aligned_is_copied():
    raw = np.zeros(8 * 100 + 1, dtype=np.uint8)
    x = raw[1:].view(np.float64)
    x[:] = noise(100)
    assert not x.flags.aligned
    assert_same(evenkeel.robust_mean(x, half_life=20), evenkeel.robust_mean(x.copy(), half_life=20))
    with pytest.raises(ValueError, match="aligned"):
        _core.column(evenkeel._rule.rule("ema", 5), x)


def test_lists_and_masked_arrays():
    x = [20, 21, 20.5, float("nan"), 22, 21, 9000, 21]
    expected = evenkeel.robust_mean(np.array(x), half_life=5)
    assert_same(evenkeel.robust_mean(x, half_life=5), expected)
    masked = np.ma.masked_array([20, 21, 20.5, -1, 22, 21, 9000, 21], mask=[0, 0, 0, 1, 0, 0, 0, 0])
    assert_same(evenkeel.robust_mean(masked, half_life=5), expected)


def test_nothing_at_all():
    for shape in ((0,), (0, 3), (3, 0), (0, 0)):
        for times in (None, np.zeros(shape[0], "datetime64[s]")):
            memory = 5 if times is None else "5s"
            assert evenkeel.robust_mean(np.zeros(shape), half_life=memory, times=times).shape == shape
    assert evenkeel.ema(np.array([]), groups=np.array([], dtype=str), half_life=5).shape == (0,)


def test_missing_samples_leave_the_location():
    x = np.array([np.nan, 1, 2, np.nan, 3, 2, 1, 2, np.nan, np.inf, np.nan])
    for preset in ("clean", "robust", "mean", "ema"):
        seen = evenkeel.track(x, half_life=5, preset=preset)
        missing = np.isnan(x)
        assert np.isnan(seen.location[0]) and not np.isnan(seen.location[1:]).any()
        assert np.isnan(seen.score[missing]).all() and not seen.outlier[missing].any()
        assert (seen.location[missing][1:] == seen.location[np.flatnonzero(missing)[1:] - 1]).all()
        assert seen.outlier[9] == (preset != "ema")


def test_memories_agree():
    x = noise(300)
    a = 1 - 2 ** (-1 / 8)
    expected = evenkeel.robust_mean(x, half_life=8)
    assert_same(evenkeel.robust_mean(x, half_life=np.int64(8)), expected)
    for memory in ({"alpha": a}, {"com": 1 / a - 1}, {"span": 2 / a - 1}):
        np.testing.assert_allclose(evenkeel.robust_mean(x, **memory), expected, rtol=1e-12)
    times = np.arange(300).astype("datetime64[s]")
    in_time = evenkeel.robust_mean(x, half_life=np.timedelta64(8, "s"), times=times)
    assert_same(evenkeel.robust_mean(x, half_life="8s", times=times), in_time)
    assert_same(evenkeel.robust_mean(x, half_life=datetime.timedelta(seconds=8), times=times), in_time)
    # What is equal to a number that has been seen is not taken for it.
    evenkeel.robust_mean(x, half_life=1)
    with pytest.raises(TypeError, match="half_life must be a number"):
        evenkeel.robust_mean(x, half_life=True)
    # At equal distances these are the bits of the memory in samples, where no sample is missing.
    whole = np.where(np.isnan(x), 0.0, x)
    assert_same(evenkeel.robust_mean(whole, half_life="8s", times=times), evenkeel.robust_mean(whole, half_life=8))


KEYS = {
    "integers": lambda codes: codes - 3,
    "unsigned": lambda codes: codes.astype(np.uint64) + 2**63,
    "wide": lambda codes: np.array(["", "a", "ab", "é", "日本", "zz"])[codes],
    "objects": lambda codes: np.array(["", "a", "ab", "é", "日本", "zz"], dtype=object)[codes],
    "list": lambda codes: [f"host{code}" for code in codes],
    "bool": None,
}


@pytest.mark.parametrize("keys", KEYS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_groups(function, keys):
    x = noise(500)
    codes = np.random.default_rng(3).integers(0, 2 if keys == "bool" else 6, 500)
    groups = codes.astype(bool) if keys == "bool" else KEYS[keys](codes)
    result = function(x, groups=groups, half_life=7)
    for code in range(6):
        assert_same(result[codes == code], function(x[codes == code], half_life=7))


def test_groups_in_time():
    x, codes = noise(500), np.random.default_rng(3).integers(0, 4, 500)
    times = np.cumsum(np.random.default_rng(4).integers(0, 90, 500)).astype("datetime64[s]")
    result = evenkeel.track(x, groups=codes, half_life="5m", times=times)
    for code in range(4):
        part = codes == code
        for one, all_ in zip(evenkeel.track(x[part], half_life="5m", times=times[part]), result, strict=True):
            assert_same(one, all_[part])
    # Groups one behind the other: times begin anew with each.
    order = np.argsort(codes, kind="stable")
    again = evenkeel.track(x[order], groups=codes[order], half_life="5m", times=times[order])
    assert_same(again.location, result.location[order])


def test_other_threads_run_meanwhile():
    x = np.zeros(4_000_000)
    running, turns = threading.Event(), []

    def count():
        running.wait()
        while running.is_set():
            turns.append(None)

    thread = threading.Thread(target=count)
    thread.start()
    running.set()
    before = len(turns)
    evenkeel.robust_mean(x, half_life=60)
    during = len(turns) - before
    running.clear()
    thread.join()
    assert during > 1000


INTERRUPTED = """
import signal, sys, time, numpy as np, evenkeel
x = np.random.default_rng(1).normal(size=100_000_000)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
begin = time.monotonic()
try:
    evenkeel.robust_mean(x, half_life=60)
except KeyboardInterrupt:
    print(time.monotonic() - begin)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no alarms")
def test_signals_are_heard():
    found = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=True)
    assert 0.2 <= float(found.stdout) < 1.0


FORKED = """
import os, sys, numpy as np, evenkeel
x = np.random.default_rng(1).normal(size=(1000, 8192))
expected = evenkeel.ema(x, half_life=5)
child = os.fork()
if not child:
    os._exit(0 if np.array_equal(evenkeel.ema(x, half_life=5), expected) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there are no forks")
def test_a_child_waits_for_no_threads():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=60)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("function", [evenkeel.robust_mean, evenkeel.cleaned_ema, evenkeel.ema])
def test_out_is_filled_and_returned(dtype, order, function):
    x = np.array(np.random.default_rng(3).normal(size=(70, 19)), dtype=dtype, order=order)
    for samples, axis in ((x, 0), (x, 1), (np.ascontiguousarray(x[:, 0]), 0)):
        out = np.full_like(samples, 5)
        assert function(samples, half_life=6, axis=axis, out=out) is out
        np.testing.assert_array_equal(out, function(samples, half_life=6, axis=axis))
    keys, times = np.arange(70) % 3, np.arange(70) * np.timedelta64(1, "s")
    flat = np.ascontiguousarray(x[:, 1])
    for options in ({"half_life": 6, "groups": keys}, {"half_life": "5s", "times": times}):
        out = np.empty_like(flat)
        assert function(flat, out=out, **options) is out
        np.testing.assert_array_equal(out, function(flat, **options))


def test_an_out_of_another_kind_is_an_error():
    x = np.random.default_rng(4).normal(size=(20, 3))
    frozen = np.empty_like(x)
    frozen.flags.writeable = False
    room = np.zeros((40, 3))
    for given, out, error, message in (
        (x, np.empty((20, 4)), ValueError, r"out has the shape \(20, 4\), and x \(20, 3\)"),
        (x, np.empty(60), ValueError, r"out has the shape \(60,\)"),
        (x, np.empty((20, 3), np.float32), TypeError, "out must be an array of float64"),
        (x.astype(np.float32), np.empty((20, 3)), TypeError, "out must be an array of float32"),
        (x, np.empty((20, 3), order="F"), ValueError, "out must be contiguous in the order of x"),
        (x, np.empty((20, 6))[:, ::2], ValueError, "out must be contiguous in the order of x"),
        (x, frozen, ValueError, "out must be writeable"),
        (x, x, ValueError, "out must be writeable, and share no memory with x"),
        (room[:20], room[10:30], ValueError, "out must be writeable, and share no memory with x"),
        (x, x.tolist(), TypeError, "out is for arrays of numpy, and out is a list"),
        (x.tolist(), np.empty((20, 3)), TypeError, "out is for arrays of numpy, and x is a list"),
    ):
        before = np.array(given)
        with pytest.raises(error, match=message):
            evenkeel.robust_mean(given, half_life=6, out=out)
        np.testing.assert_array_equal(given, before)
    evenkeel.robust_mean(room[:20], half_life=6, out=room[20:])
