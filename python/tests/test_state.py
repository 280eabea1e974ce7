"""State: trackers, banks, means and guards go on to the bit, in one process, in another, and in the program."""

import copy
import os
import pickle
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from vectors import assert_same

import evenkeel

DATA = Path(__file__).parent / "data"
READER = Path(__file__).parents[2] / "tests" / "read_snapshot.py"
PRESETS = ["clean", "robust", "mean"]


def feed(samples=3000, keys=20, seed=1):
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(40, 2, samples), 1)
    values[rng.random(samples) < 0.02] = 9000
    values[rng.random(samples) < 0.02] = np.nan
    names = np.array([f"host{n}é" for n in range(keys)], dtype=object)[rng.integers(0, keys, samples)]
    times = np.datetime64("2024-05-01", "ms") + np.cumsum(rng.integers(0, 2000, samples)).astype("timedelta64[ms]")
    return names, values, times


def program_feed():
    pattern = re.compile(r"(\S+) (\w+)=(\S+) (\d+)")
    rows = [pattern.fullmatch(line).groups() for line in (DATA / "feed.lp").read_text().splitlines()]
    return [f"{series} {field}" for series, field, _, _ in rows], [float(row[2]) for row in rows], [int(row[3]) for row in rows]


@pytest.mark.parametrize("in_time", [False, True])
@pytest.mark.parametrize("preset", PRESETS)
def test_batches_are_samples_one_by_one(preset, in_time):
    names, values, times = feed()
    memory = {"half_life": "5m" if in_time else 60, "preset": preset}
    times = times if in_time else None
    one = evenkeel.Tracker(**memory)
    updates = [one.update(n, v, None if times is None else times[i]) for i, (n, v) in enumerate(zip(names, values, strict=True))]
    wide = names.astype("U")
    categories, codes = np.unique(wide, return_inverse=True)
    for keys in (names, names.tolist(), wide, tuple(names.tolist())):
        tracker = evenkeel.Tracker(**memory)
        seen = tracker.observe_batch(keys, values, times)
        for name in ("location", "scale", "score", "outlier"):
            assert_same(getattr(seen, name), [getattr(update, name) for update in updates])
        assert tracker.to_bytes() == one.to_bytes()
        assert tracker.counters == one.counters
    by_codes, quiet = evenkeel.Tracker(**memory), evenkeel.Tracker(**memory)
    by_codes.update_codes(codes, categories.tolist(), values, times)
    assert quiet.update_batch(names, values, times) is None
    assert by_codes.to_bytes() == quiet.to_bytes() == one.to_bytes()
    assert_same(seen.location, evenkeel.track(values, groups=names, times=times, **memory).location)


def test_a_tracker_is_a_mapping():
    tracker = evenkeel.Tracker(half_life=5)
    assert len(tracker) == 0 and list(tracker) == [] and not tracker.table()["key"]
    tracker.update_batch(["a", "b", "a"], [1.0, 5.0, np.nan])
    tracker.update("a", 2.0)
    assert "a" in tracker and "d" not in tracker and 3 not in tracker
    assert list(tracker) == tracker.keys() == ["a", "b"] and len(tracker) == 2
    assert [key for key, _ in tracker.items()] == ["a", "b"]
    assert repr(tracker["a"]) == repr(tracker.get("a")) == repr(tracker.values()[0])
    assert tracker["a"].samples == 2 and tracker["a"].last is None
    assert tracker.get("d") is None and tracker.get("d", 7) == 7
    with pytest.raises(KeyError):
        tracker["d"]
    with pytest.raises(KeyError):
        del tracker["d"]
    assert tracker.pop("a").samples == 2
    del tracker["b"]
    assert len(tracker) == 0
    counters = tracker.counters
    assert (counters.created, counters.removed, counters.samples, counters.missing) == (2, 2, 3, 1)


def test_limits():
    tracker = evenkeel.Tracker(half_life=5, max_series=2)
    tracker.update("a", 1)
    tracker.update("b", 1)
    with pytest.raises(evenkeel.TooManySeriesError, match="max_series"):
        tracker.update("c", 1)
    tracker.update_batch(["c", "a"], [1, 2])
    assert tracker.counters.full == 2 and tracker.keys() == ["a", "b"]
    evicting = evenkeel.Tracker(half_life=5, max_series=2, overflow="evict")
    evicting.update_batch(list("abcd"), [1, 1, 1, 1])
    assert sorted(evicting.keys()) == ["c", "d"]
    idle = evenkeel.Tracker(half_life=5, max_idle=3)
    idle.update_batch(list("abbbbbb"), np.ones(7))
    assert idle.keys() == ["b"] and idle.counters.expired == 1
    timed = evenkeel.Tracker(half_life=5, max_idle="1h")
    timed.update("a", 1, np.datetime64("2024-05-01T00:00"))
    timed.update("b", 1, np.datetime64("2024-05-01T02:00"))
    timed.update("b", 1, np.datetime64("2024-05-01T02:00"))
    # The clock goes on when as many samples agree as there are series.
    timed.update("b", 1, np.datetime64("2024-05-01T02:00"))
    assert timed.expire() + timed.counters.expired >= 1 and timed.keys() == ["b"]


def test_late_samples():
    tracker = evenkeel.Tracker(half_life="5m")
    noon = np.datetime64("2024-05-01T12:00")
    tracker.update("a", 1, noon)
    for _ in range(12):
        with pytest.raises(evenkeel.LateSampleError, match="order of time"):
            tracker.update("a", 1, noon - np.timedelta64(1, "h"))
    assert tracker.update("a", 1, noon - np.timedelta64(1, "h")).accepted
    assert tracker["a"].last == noon - np.timedelta64(1, "h")
    seen = tracker.observe_batch(["a", "a"], [2.0, 3.0], np.array([noon, noon - np.timedelta64(1, "D")]))
    assert np.isnan(seen.score[1]) and seen.location[1] == seen.location[0]
    assert tracker.counters.late == 13


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
    "oldest pickle": lambda thing: pickle.loads(pickle.dumps(thing, 2)),
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("in_time", [False, True])
def test_copies_go_on_by_themselves(way, in_time):
    names, values, times = feed()
    memory = {"half_life": "5m" if in_time else 60}
    times = times if in_time else None
    first, second = (None, None) if times is None else (times[:2000], times[2000:])
    tracker = evenkeel.Tracker(max_idle="1d" if in_time else 1000, max_series=15, overflow="evict", **memory)
    tracker.update_batch(names[:2000], values[:2000], first)
    other = COPIES[way](tracker)
    assert other.to_bytes() == tracker.to_bytes()
    tracker.update_batch(names[2000:], values[2000:], second)
    assert other.to_bytes() != tracker.to_bytes()
    other.update_batch(names[2000:], values[2000:], second)
    assert other.to_bytes() == tracker.to_bytes() and len(other) == 15

    table = values.reshape(-1, 10)
    rows = None if times is None else times[: len(table)]
    for dtype in (np.float32, np.float64):
        for preset in ("clean", "robust", "ema")[: 2 if in_time else 3]:
            bank = evenkeel.Bank(10, preset=preset, dtype=dtype, **memory)
            bank.update_rows(table[:100].astype(dtype), None if rows is None else rows[:100])
            other = COPIES[way](bank)
            assert other.last == bank.last and other.dtype == bank.dtype
            later = table[100:].astype(dtype)
            assert_same(
                other.locations_of(later, None if rows is None else rows[100:]),
                bank.locations_of(later, None if rows is None else rows[100:]),
            )
            assert other.to_bytes() == bank.to_bytes()


@pytest.mark.parametrize("way", COPIES)
def test_copies_of_means_and_guards(way):
    x = feed()[1]
    mean = evenkeel.OnlineMean(half_life=20, preset="robust")
    mean.update(x[:1000])
    other = COPIES[way](mean)
    assert_same(other.update(x[1000:]), mean.update(x[1000:]))
    assert_same(mean.update(x[:0]), x[:0])
    assert evenkeel.OnlineMean.from_bytes(mean.to_bytes()).location == mean.location
    for squared in (False, True):
        for losses in (abs(x[:10]), abs(x[:1000])):
            guard = evenkeel.LossGuard(half_life=200, squared=squared)
            guard.weigh(losses)
            other = COPIES[way](guard)
            assert other.squared == squared and other.is_seeded == guard.is_seeded == (len(losses) > 40)
            assert_same(other.weigh(abs(x[1000:])), guard.weigh(abs(x[1000:])))
            assert other.to_bytes() == guard.to_bytes()
    guard, guards = evenkeel.GradientGuard(half_life=50), evenkeel.GradientGuards(3, half_life=50)
    for norm in abs(x[:100]):
        guard.observe(norm)
        guards.observe([norm, 1.0, 2.0])
    assert COPIES[way](guard).observe(50.0) == guard.observe(50.0)
    assert_same(COPIES[way](guards).observe([50.0, 1.0, 90.0]), guards.observe([50.0, 1.0, 90.0]))
    assert guards.skips[0] == guard.skips > 0


def test_means_go_on():
    x, times = feed()[1:]
    for memory, moments in (({"half_life": 20}, None), ({"half_life": "5m"}, times)):
        mean = evenkeel.OnlineMean(**memory)
        found = []
        for from_ in range(0, len(x), 700):
            found.append(mean.update(x[from_ : from_ + 700], None if moments is None else moments[from_ : from_ + 700]))
        expected = evenkeel.cleaned_ema(x, times=moments, **memory)
        assert_same(np.concatenate(found), expected)
        assert mean.location == expected[-1] and mean.age > 0
        single = evenkeel.OnlineMean(**memory)
        one = [single.update(v, None if moments is None else moments[n]) for n, v in enumerate(x[:50])]
        assert_same(one, expected[:50])
        mean.reset()
        assert np.isnan(mean.location) and mean.last is None
        assert_same(mean.update(x, moments), expected)
        seen = evenkeel.OnlineMean(**memory).observe(x, moments)
        for part, whole in zip(seen, evenkeel.track(x, times=moments, **memory), strict=True):
            assert_same(part, whole)


def test_banks():
    table = feed()[1].reshape(-1, 10)
    bank, by_rows, by_series = (evenkeel.Bank(10, half_life=20, preset="robust") for _ in range(3))
    expected = evenkeel.track(table, half_life=20, preset="robust")
    found = evenkeel.Tracked(*(np.stack(parts) for parts in zip(*[bank.update(row) for row in table], strict=True)))
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)
    by_rows.update_rows(table)
    by_series.update_rows(np.asfortranarray(table))
    assert bank.to_bytes() == by_rows.to_bytes() == by_series.to_bytes()
    assert_same(bank.locations, expected.location[-1])
    assert_same(bank.scales, expected.scale[-1])
    assert (bank.ages > 0).all() and bank.step(0) == 0.1
    bank.reset(3)
    assert np.isnan(bank.locations[3]) and bank.ages[3] == 0


def test_the_state_of_the_program_loads():
    keys, values, _ = program_feed()
    tracker = evenkeel.Tracker.from_bytes((DATA / "counted.state").read_bytes())
    assert tracker["cpu,host=a idle"].location == 40.28479109531279
    assert tracker["cpu,host=b idle"].scale == 1.4871804692223816
    mine = evenkeel.Tracker(half_life=60)
    mine.update_batch(keys, values)
    assert mine.to_bytes(b'{"format":"influx","lines":120}') == (DATA / "counted.state").read_bytes()


def test_the_state_of_the_program_in_time_loads():
    keys, values, times = program_feed()
    tracker = evenkeel.Tracker.from_bytes((DATA / "timed.state").read_bytes(), max_idle="1d")
    assert tracker["cpu,host=a idle"].location == 40.26829171917491
    assert tracker["cpu,host=a idle"].last == np.datetime64("2024-05-01T10:19:50")
    mine = evenkeel.Tracker(half_life="5m", preset="robust", max_idle="1d")
    mine.update_batch(keys, values, np.array(times).view("datetime64[ns]"))
    info = evenkeel.snapshot_info((DATA / "timed.state").read_bytes())
    assert info.kind == "Tracker" and info.rules[0][1]["half_life_ns"] == 300e9
    assert mine.to_bytes(info.note) == (DATA / "timed.state").read_bytes()


def test_an_independent_reader_reads_the_state(tmp_path):
    tracker = evenkeel.Tracker(half_life=60)
    tracker.update_batch(["a", "é"], [1.0, 2.0])
    (tmp_path / "a.snapshot").write_bytes(tracker.to_bytes(b"note"))
    read = subprocess.run([sys.executable, str(READER), str(tmp_path / "a.snapshot")], capture_output=True, check=True)
    assert '"note": "note"' in read.stdout.decode() and '"keys of series": ["a", "é"]' in read.stdout.decode()


@pytest.mark.skipif("EVENKEEL" not in os.environ, reason="EVENKEEL names no program")
def test_the_program_goes_on_from_the_state(tmp_path):
    keys, values, _ = program_feed()
    tracker = evenkeel.Tracker(half_life=60)
    tracker.update_batch(keys[:80], values[:80])
    (tmp_path / "a.state").write_bytes(tracker.to_bytes(b'{"format":"influx","lines":80}'))
    lines = (DATA / "feed.lp").read_text().splitlines(keepends=True)[80:]
    command = [os.environ["EVENKEEL"], "pipe", "--state", str(tmp_path / "a.state"), "--quiet"]
    written = subprocess.run(command, input="".join(lines), capture_output=True, text=True, check=True).stdout
    assert "idle_location=40.01682696146475," in written.splitlines()[-1]
    assert (tmp_path / "a.state").read_bytes() == (DATA / "counted.state").read_bytes()


def test_states_of_other_rules_convert_or_are_refused():
    tracker = evenkeel.Tracker(half_life=60)
    tracker.update_batch(["a"] * 50, feed()[1][:50])
    data, other = tracker.to_bytes(), evenkeel.Tracker(half_life=30)
    other.update("b", 1)
    before = other.to_bytes()
    with pytest.raises(evenkeel.SnapshotError, match="it differs in gain"):
        other.load(data)
    with pytest.raises(evenkeel.SnapshotError, match="the rule"):
        evenkeel.Tracker(half_life=60, preset="robust").load(data, convert=True)
    assert other.to_bytes() == before
    other.load(data, convert=True)
    assert other.keys() == ["a"] and other["a"].location == tracker["a"].location
    third = evenkeel.Tracker(half_life=60)
    third.update("b", 1)
    assert third.merge(data) == 1 and third.keys() == ["b", "a"]
    with pytest.raises(evenkeel.SnapshotError, match="already"):
        third.merge(data)


@pytest.mark.parametrize(
    "thing",
    [evenkeel.Tracker(alpha=0.1), evenkeel.Bank(2, alpha=0.1), evenkeel.LossGuard(alpha=0.1), evenkeel.GradientGuard(alpha=0.1),
     evenkeel.GradientGuards(2, alpha=0.1), evenkeel.OnlineMean(alpha=0.1)],
    ids=lambda thing: type(thing).__name__,
)  # fmt: skip
def test_damaged_states_are_refused(thing):
    data = thing.to_bytes()
    assert type(thing).from_bytes(data).to_bytes() == data
    others = [evenkeel.Tracker(alpha=0.1), evenkeel.Bank(2, alpha=0.1), evenkeel.LossGuard(alpha=0.1)]
    wrong = [b"", b"EVENKEEL", data[:-1], data + b"\0", data[:40] + bytes([data[40] ^ 1]) + data[41:]]
    wrong += [other.to_bytes() for other in others if type(other) is not type(thing)]
    for bad in wrong:
        with pytest.raises(evenkeel.SnapshotError):
            type(thing).from_bytes(bad)
    for preset in ("clean", "robust", "mean", "ema"):
        bank = evenkeel.Bank(2, half_life=9, preset=preset, dtype=np.float32, resolution="auto" if preset == "ema" else 0.25)
        assert evenkeel.Bank.from_bytes(bank.to_bytes()).to_bytes() == bank.to_bytes()
    huber = evenkeel.Bank(2, half_life="9s", preset="robust", reject=False, clip=3.0, scale_clip=3.0, patience=5)
    assert evenkeel.Bank.from_bytes(huber.to_bytes()).to_bytes() == huber.to_bytes()


HANDLER = """
import signal, numpy as np, evenkeel
tracker = evenkeel.Tracker(half_life=60)
sizes = []
signal.signal(signal.SIGALRM, lambda *_: sizes.append(len(tracker.to_bytes())))
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
tracker.update_batch(np.array(["a", "b"], dtype=object)[np.arange(4_000_000) % 2], np.zeros(4_000_000))
tracker.update_batch(np.array(["a", "b"])[np.arange(4_000_000) % 2], np.zeros(4_000_000))
signal.setitimer(signal.ITIMER_REAL, 0)
assert len(sizes) > 6 and len(set(sizes[4:])) == 1, sizes
"""


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there are no alarms")
def test_a_handler_of_signals_may_save_the_state():
    subprocess.run([sys.executable, "-c", HANDLER], check=True, timeout=60)
