"""Times and durations of every type: the unit is read from the type, nothing is rounded, and NaT is named."""

import datetime

import numpy as np
import pytest
from vectors import assert_same

import evenkeel
from evenkeel import _times

SECOND = 10**9


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        ("5m", 300 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("250ms", SECOND // 4),
        ("2d", 2 * 86_400 * SECOND),
        ("7ns", 7),
        (datetime.timedelta(days=3, microseconds=1), 3 * 86_400 * SECOND + 1000),
        (np.timedelta64(3, "W"), 21 * 86_400 * SECOND),
        (np.timedelta64(90, "m"), 5400 * SECOND),
        (np.timedelta64(2**53 + 1, "ns"), 2**53 + 1),
        (np.timedelta64(5, "25us"), 125_000),
        (np.timedelta64(4000, "ps"), 4),
    ],
)
def test_durations(value, nanoseconds):
    assert _times.duration(value, "half_life") == nanoseconds


@pytest.mark.parametrize(
    ("value", "error"),
    [("soon", ValueError), ("1mo", ValueError), (np.timedelta64(1, "M"), TypeError), (np.timedelta64(1500, "ps"), ValueError),
     (np.timedelta64("NaT", "s"), ValueError), (np.timedelta64(400, "W") * 1000, ValueError), (np.timedelta64(5, "Y"), TypeError)],
)  # fmt: skip
def test_no_durations(value, error):
    with pytest.raises(error, match="half_life"):
        _times.duration(value, "half_life")


@pytest.mark.parametrize("unit", ["W", "D", "h", "m", "s", "ms", "us", "ns", "10s", "ps"])
def test_units_of_arrays(unit):
    times = np.array([0, 3, 700], dtype=f"datetime64[{unit}]")
    if unit == "ps":
        times = np.array([0, 3000, 700_000], dtype="datetime64[ps]")
    expected = [_times.moment(time, "time") for time in times]
    assert _times.moments(times).tolist() == expected
    assert _times.moments(times.tolist() if unit in ("D",) else list(times)).tolist() == expected
    swapped = times.astype(times.dtype.newbyteorder())
    assert _times.moments(swapped).tolist() == expected
    assert _times.moments(np.repeat(times, 2)[::2]).tolist() == expected


def test_datetimes():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    aware = datetime.datetime(2024, 5, 1, 14, 0, 0, 1, tzinfo=zone)
    naive = datetime.datetime(2024, 5, 1, 12, 0, 0, 1)
    same = np.datetime64("2024-05-01T12:00:00.000001")
    assert _times.moment(aware, "time") == _times.moment(naive, "time") == _times.moment(same, "time")
    assert _times.moments([aware, naive]).tolist() == _times.moments(np.array([same, same])).tolist()


@pytest.mark.parametrize(
    ("times", "error", "words"),
    [
        (np.array(["2024-05-01", "NaT", "2024-05-03"], dtype="datetime64[D]"), ValueError, r"times\[1\] is NaT"),
        (np.array([1, 2, 3]), TypeError, "times must be of dtype datetime64"),
        (np.array([1.0, 2.0, 3.0]), TypeError, "times must be of dtype datetime64"),
        (np.array(["2024", "3000", "4000"], dtype="datetime64[s]"), ValueError, "292 years"),
        (np.array(["2024", "2023", "2024"], dtype="datetime64[s]"), ValueError, r"times\[1\] is before"),
        (np.array(["2024", "2024"], dtype="datetime64[s]"), ValueError, "times has length 2"),
        (np.zeros((3, 1), dtype="datetime64[s]"), ValueError, "times must have one dimension"),
        ([datetime.datetime(2024, 5, 1), None, datetime.datetime(2024, 5, 2)], TypeError, r"times\[1\]"),
        ([datetime.datetime(2024, 5, 1), 3, datetime.datetime(2024, 5, 2)], TypeError, r"times\[1\]"),
        (None, ValueError, "times are needed"),
    ],
)
def test_no_times(times, error, words):
    with pytest.raises(error, match=words):
        evenkeel.robust_mean([1.0, 2.0, 3.0], half_life="5m", times=times)


def test_an_equal_time_counts_as_a_sample():
    times = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 3], dtype="datetime64[s]")
    x = np.arange(10.0)
    result = evenkeel.robust_mean(x, half_life="10s", times=times, resolution=None)
    assert (np.diff(result)[5:] > 0).all()


def test_a_zone_is_an_instant():
    zone = datetime.timezone(datetime.timedelta(hours=-7))
    utc = [datetime.datetime(2024, 5, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=n * n) for n in range(20)]
    x = np.random.default_rng(1).normal(size=20)
    there = [time.astimezone(zone) for time in utc]
    assert_same(evenkeel.robust_mean(x, half_life="1m", times=there), evenkeel.robust_mean(x, half_life="1m", times=utc))


def test_units_do_not_round_the_half_life():
    x = np.random.default_rng(1).normal(size=50)
    seconds = np.cumsum(np.random.default_rng(2).integers(0, 9, 50)).astype("datetime64[s]")
    found = evenkeel.robust_mean(x, half_life=np.timedelta64(1_500_000_001, "ns"), times=seconds)
    assert_same(found, evenkeel.robust_mean(x, half_life=np.timedelta64(1_500_000_001, "ns"), times=seconds.astype("datetime64[ns]")))
    assert (found != evenkeel.robust_mean(x, half_life=np.timedelta64(1, "s"), times=seconds))[10:].any()
