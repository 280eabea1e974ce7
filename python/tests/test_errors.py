"""What cannot be used is a ValueError or a TypeError that names the argument, and nothing has changed."""

import datetime

import numpy as np
import pytest

import evenkeel

X = np.arange(10.0)
SECONDS = np.arange(10).astype("datetime64[s]")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, ValueError, "exactly one of half_life, span, com and alpha, not none"),
        ({"half_life": 5, "span": 3}, ValueError, "half_life and span"),
        ({"half_life": -1}, ValueError, "half_life must be above 0 and finite, not -1"),
        ({"half_life": 0}, ValueError, "half_life must be above 0"),
        ({"half_life": float("nan")}, ValueError, "half_life must be above 0"),
        ({"half_life": float("inf")}, ValueError, "half_life must be above 0"),
        ({"half_life": 1e300}, ValueError, "half_life.* gain"),
        ({"half_life": True}, TypeError, "half_life must be a number"),
        ({"half_life": [5]}, TypeError, "half_life must be a number, not list"),
        ({"half_life": 5j}, TypeError, "half_life must be a number, not complex"),
        ({"half_life": "5"}, ValueError, "half_life must be a number of samples, or"),
        ({"half_life": "-5m", "times": SECONDS}, ValueError, "half_life"),
        ({"half_life": "0s", "times": SECONDS}, ValueError, "half_life must be longer"),
        ({"half_life": datetime.timedelta(-1), "times": SECONDS}, ValueError, "half_life must be longer"),
        ({"half_life": "5m"}, ValueError, "times are needed"),
        ({"half_life": 5, "times": SECONDS}, ValueError, "times have no meaning"),
        ({"span": 0.5}, ValueError, "span must be at least 1"),
        ({"span": "5m"}, TypeError, "span must be a number"),
        ({"com": -1}, ValueError, "com must be at least 0"),
        ({"alpha": 0}, ValueError, "alpha must be above 0 and at most 1"),
        ({"alpha": 1.5}, ValueError, "alpha must be above 0 and at most 1"),
        ({"half_life": 5, "resolution": "learn"}, ValueError, "resolution must be \"auto\""),
        ({"half_life": 5, "resolution": -1}, ValueError, "resolution must be"),
        ({"half_life": 5, "patience": 0}, ValueError, "patience must be from 1 to 63"),
        ({"half_life": 5, "patience": 64}, ValueError, "patience must be from 1 to 63"),
        ({"half_life": 5, "patience": 2.5}, TypeError, "patience must be an integer"),
        ({"half_life": 5, "clip": 0}, ValueError, "clip must be"),
        ({"half_life": 5, "scale_clip": 0.5}, ValueError, "scale_clip must be above 1"),
        ({"half_life": 5, "reject": (3.0, 2.0)}, ValueError, "reject must be above the start"),
        ({"half_life": 5, "reject": 3.0}, TypeError, "reject must be a pair"),
        ({"half_life": 5, "preset": "clean"}, ValueError, "preset must be \"robust\" or \"mean\""),
        ({"half_life": 5, "preset": None}, ValueError, "preset must be"),
        ({"half_life": 5, "axis": 1}, ValueError, "axis must be"),
        ({"half_life": 5, "groups": ["a"] * 9}, ValueError, "groups has length 9"),
        ({"half_life": 5, "groups": ["a"] * 9 + [None]}, ValueError, r"groups\[9\] is None"),
        ({"half_life": 5, "groups": np.array(["a", 5] * 5, dtype=object)}, TypeError, r"groups\[1\] is of type int"),
        ({"half_life": 5, "groups": np.arange(10.0)}, TypeError, "groups must be of strings or integers"),
        ({"half_life": 5, "groups": [["a"]] * 10}, ValueError, "groups must have one dimension"),
        ({"half_life": "5s", "groups": [1] * 10, "times": SECONDS[::-1]}, ValueError, r"times\[1\] is before the last one of its"),
        ({"halflife": 5}, TypeError, "halflife"),
    ],
)  # fmt: skip
def test_arguments_of_columns(arguments, error, words):
    with pytest.raises(error, match=words):
        evenkeel.robust_mean(X, **arguments)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.array([1, "a", None], dtype=object), TypeError, "x must be of real numbers, not of dtype object: convert it"),
        (np.array([1j, 2]), TypeError, "x must be of real numbers, not of dtype complex128"),
        (np.array(["1", "2"]), TypeError, "x must be of real numbers"),
        (SECONDS, TypeError, "x must be of real numbers"),
        ([1.0, None], TypeError, "x must be of real numbers"),
        (np.zeros((2, 2, 2)), ValueError, "x must have one dimension or two, not 3"),
        (5.0, ValueError, "x must have one dimension or two, not 0"),
        ("abc", TypeError, "x must be of real numbers"),
    ],
)
def test_samples(x, error, words):
    for function in (evenkeel.robust_mean, evenkeel.cleaned_ema, evenkeel.ema, evenkeel.track):
        with pytest.raises(error, match=words):
            function(x, half_life=5)


def test_groups_need_one_dimension():
    with pytest.raises(ValueError, match="groups need an x of one dimension"):
        evenkeel.ema(np.zeros((10, 2)), half_life=5, groups=np.zeros(10, int))


def test_ema_has_no_scale():
    with pytest.raises(ValueError, match="patience has no meaning"):
        evenkeel.track(X, half_life=5, preset="ema", patience=3)
    with pytest.raises(ValueError, match="preset must have a scale"):
        evenkeel.Tracker(half_life=5, preset="ema")
    with pytest.raises(ValueError, match="preset must be"):
        evenkeel.track(X, half_life=5, preset="best")


def test_float32_has_less_room():
    with pytest.raises(ValueError, match="float32.* or use float64"):
        evenkeel.ema(X.astype(np.float32), half_life=1e9)


def changes(thing, error, words, call):
    before = thing.to_bytes()
    with pytest.raises(error, match=words):
        call(thing)
    assert thing.to_bytes() == before


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (TypeError, "key", lambda t: t.update(5, 1.0)),
        (TypeError, "sample|value|float", lambda t: t.update("a", "b")),
        (TypeError, r"keys must all be strings, and keys\[2\]", lambda t: t.update_batch(["a", "b", 3], [1, 2, 3])),
        (ValueError, r"keys\[1\] is None", lambda t: t.update_batch(["a", None, "b"], [1, 2, 3])),
        (TypeError, "keys must be strings", lambda t: t.update_batch(np.array([1, 2, 3]), [1, 2, 3])),
        (ValueError, "values has length 2, and keys has 3", lambda t: t.update_batch(["a", "b", "c"], [1, 2])),
        (ValueError, "values has length 2, and keys has 3", lambda t: t.update_batch(np.array(["a", "b", "c"]), [1, 2])),
        (ValueError, "times has length 2", lambda t: t.update_batch(["a", "b", "c"], [1, 2, 3], SECONDS[:2])),
        (TypeError, "values must be of real numbers", lambda t: t.update_batch(["a"], ["b"])),
        (ValueError, "values must have one dimension", lambda t: t.update_batch(["a"], [[1.0]])),
        (TypeError, "times must be", lambda t: t.update_batch(["a"], [1.0], [1])),
        (TypeError, "time must be a datetime", lambda t: t.update("a", 1.0, 1714558200)),
        (ValueError, "time is NaT", lambda t: t.update("a", 1.0, np.datetime64("NaT", "s"))),
        (ValueError, r"keys\[1\] is 2, and there are 2 categories", lambda t: t.update_codes([0, 2], ["a", "b"], [1, 2])),
        (ValueError, r"keys\[0\] is -1", lambda t: t.update_codes([-1, 0], ["a", "b"], [1, 2])),
        (TypeError, "codes must be integers", lambda t: t.update_codes([0.5, 1], ["a", "b"], [1, 2])),
        (ValueError, "note", lambda t: t.to_bytes(bytes(1 << 20))),
    ],
)
def test_arguments_of_trackers(error, words, call):
    tracker = evenkeel.Tracker(half_life=5)
    tracker.update_batch(["a", "b"], [1.0, 2.0])
    changes(tracker, error, words, call)


def test_trackers_in_time_need_times():
    tracker = evenkeel.Tracker(half_life="5s")
    tracker.update("a", 1.0, SECONDS[5])
    changes(tracker, ValueError, "time is needed", lambda t: t.update("a", 1.0))
    changes(tracker, ValueError, "time is needed", lambda t: t.update_batch(["a"], [1.0]))


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"max_idle": "-1h"}, ValueError, "max_idle"),
        ({"max_idle": 1.5}, TypeError, "max_idle must be an integer"),
        ({"max_idle": -1}, ValueError, "max_idle must be at least 0"),
        ({"max_series": 0}, ValueError, "max_series must be at least 1"),
        ({"max_series": "9"}, TypeError, "max_series must be an integer"),
        ({"overflow": "drop"}, ValueError, "overflow must be"),
    ],
)
def test_limits_of_trackers(arguments, error, words):
    with pytest.raises(error, match=words):
        evenkeel.Tracker(half_life=5, **arguments)


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (ValueError, "x has 2 channels, and the bank has 3", lambda b: b.update([1.0, 2.0])),
        (ValueError, "x has 2 channels, and the bank has 3", lambda b: b.update_rows(np.zeros((5, 2)))),
        (ValueError, "rows must have two dimensions", lambda b: b.update_rows([1.0, 2.0, 3.0])),
        (ValueError, "row must have one dimension", lambda b: b.update([[1.0, 2.0, 3.0]])),
        (TypeError, "row must be of real numbers", lambda b: b.update(["a", "b", "c"])),
        (ValueError, "times have no meaning", lambda b: b.update([1.0, 2.0, 3.0], SECONDS[0])),
        (ValueError, "channel 3 does not exist", lambda b: b.reset(3)),
    ],
)
def test_arguments_of_banks(error, words, call):
    bank = evenkeel.Bank(3, half_life=5)
    bank.update([1.0, 2.0, 3.0])
    changes(bank, error, words, call)


def test_banks_in_time():
    bank = evenkeel.Bank(3, half_life="5s")
    bank.update([1.0, 2.0, 3.0], SECONDS[5])
    changes(bank, ValueError, "times are needed", lambda b: b.update([1.0, 2.0, 3.0]))
    changes(bank, ValueError, r"times\[0\] is before", lambda b: b.update([1.0, 2.0, 3.0], SECONDS[4]))
    changes(bank, ValueError, r"times\[1\] is before", lambda b: b.update_rows(np.zeros((2, 3)), SECONDS[[8, 7]]))
    changes(bank, ValueError, "times has length 3", lambda b: b.update_rows(np.zeros((2, 3)), SECONDS[:3]))
    assert bank.last == SECONDS[5]
    with pytest.raises(ValueError, match="dtype must be"):
        evenkeel.Bank(3, half_life=5, dtype=np.int32)
    with pytest.raises(ValueError, match="channels must be at least 0"):
        evenkeel.Bank(-1, half_life=5)
    with pytest.raises(MemoryError, match="no memory"):
        evenkeel.Bank(2**62, half_life=5)


def test_guards():
    guard = evenkeel.LossGuard(half_life=100)
    guard.weigh(np.ones(40))
    changes(guard, ValueError, "losses must have one dimension", lambda g: g.weigh(np.ones((4, 4))))
    changes(guard, TypeError, "losses must be of real", lambda g: g.weigh(["a"]))
    changes(guard, ValueError, "losses must have at least 32", lambda g: g.seed(np.ones(31)))
    guards = evenkeel.GradientGuards(2, half_life=50)
    changes(guards, ValueError, "norms has length 3", lambda g: g.observe([1.0, 2.0, 3.0]))
    for make in (evenkeel.LossGuard, evenkeel.GradientGuard):
        with pytest.raises(ValueError, match="half_life of a guard"):
            make(half_life="5m")
        with pytest.raises(ValueError, match="exactly one"):
            make()
