"""One series by itself has the bits of a tracker's, and snapshots come apart and together again."""

import copy
import pickle
import threading

import numpy as np
import pytest

import evenkeel

KEYS = ["cpu", "disk", "Ärger", ""]


def samples(count, seed=5):
    rng = np.random.default_rng(seed)
    values = rng.normal(50, 2, count).round(1)
    values[rng.random(count) < 0.05] *= 100
    values[rng.random(count) < 0.05] = np.nan
    times = np.datetime64("2024-05-01", "ns") + np.cumsum(rng.integers(0, 10**10, count)).astype("timedelta64[ns]")
    return rng.choice(KEYS, count), values, times


@pytest.mark.parametrize("preset", ["clean", "robust", "mean"])
@pytest.mark.parametrize("half_life", [20, "5m"])
def test_a_series_restored_at_every_turn_is_the_trackers(preset, half_life):
    keys, values, times = samples(2_000)
    in_time = isinstance(half_life, str)
    tracker = evenkeel.Tracker(half_life=half_life, preset=preset)
    expected = tracker.observe_batch(keys.tolist(), values, times if in_time else None)
    one, store = evenkeel.OneSeries(half_life=half_life, preset=preset), {}
    for start in range(0, len(values), 37):
        batch = slice(start, start + 37)
        for key in KEYS:
            at = np.flatnonzero(keys[batch] == key) + start
            if not at.size:
                continue
            one.restore(store.get(key))
            seen = one.update(values[at], times[at] if in_time else None)
            store[key] = one.save()
            assert one.late == 0
            for name, found in seen._asdict().items():
                assert found.tobytes() == getattr(expected, name)[at].tobytes(), name
    other = evenkeel.Tracker(half_life=half_life, preset=preset)
    for key in KEYS:
        assert store[key] == tracker.save_series(key)
        assert other.restore_series(key, store[key]) and not other.restore_series(key, store[key])
        one.restore(store[key])
        assert np.array([*one.get()[:5]]).tobytes() == np.array([*tracker[key][:5]]).tobytes() and one.get().last == tracker[key].last
        assert other.save_series(key) == store[key]


def test_late_samples_are_counted_and_pass():
    one = evenkeel.OneSeries(half_life="5m")
    times = np.array([10, 5, 20], "datetime64[s]")
    seen = one.update([1.0, 100.0, 1.0], times)
    assert one.late == 1 and seen.location.tolist() == [1.0, 1.0, 1.0] and np.isnan(seen.score[1])


def test_errors():
    one = evenkeel.OneSeries(half_life=60)
    data = one.save()
    for wrong in (b"", data[:-1], data[:20] + b"\xff" + data[21:], evenkeel.OneSeries(half_life=61).save()):
        with pytest.raises(evenkeel.SnapshotError):
            one.restore(wrong)
        with pytest.raises(evenkeel.SnapshotError):
            evenkeel.Tracker(half_life=60).restore_series("a", wrong)
    with pytest.raises(KeyError):
        evenkeel.Tracker(half_life=60).save_series("a")
    with pytest.raises(ValueError, match="times has length 1, and values has 2"):
        one.update([1.0, 2.0], np.array([1], "datetime64[s]"))
    with pytest.raises(ValueError, match="preset"):
        evenkeel.OneSeries(half_life=60, preset="ema")
    with pytest.raises(ValueError, match="times are needed"):
        evenkeel.OneSeries(half_life="5m").update([1.0])
    with pytest.raises(TypeError, match="key must be a string, not int"):
        evenkeel.key_hash(1)
    with pytest.raises(ValueError, match="parts must be at least 1"):
        evenkeel.split_snapshot(b"", 0)
    with pytest.raises(evenkeel.SnapshotError):
        evenkeel.merge_snapshots([])


def test_snapshots_come_apart_and_together():
    keys, values, _ = samples(500)
    tracker = evenkeel.Tracker(half_life=20)
    tracker.update_batch(keys.tolist(), values)
    parts = evenkeel.split_snapshot(tracker.to_bytes(b"line 7"), 3)
    for number, part in enumerate(parts):
        assert evenkeel.snapshot_info(part).note == b"line 7"
        for key in evenkeel.Tracker.from_bytes(part):
            assert evenkeel.key_hash(key) % 3 == number
    merged = evenkeel.merge_snapshots(parts, b"line 8")
    whole = evenkeel.Tracker.from_bytes(merged)
    assert evenkeel.snapshot_info(merged).note == b"line 8" and whole.counters == tracker.counters
    assert {key: whole.save_series(key) for key in KEYS} == {key: tracker.save_series(key) for key in KEYS}
    with pytest.raises(evenkeel.SnapshotError, match='^the series "(cpu|disk|Ärger|)" is there already'):
        evenkeel.merge_snapshots([merged, merged])


@pytest.mark.parametrize("half_life", [20, "5m"])
def test_series_one_behind_the_other_wherever_they_are_cut(half_life):
    keys, values, times = samples(6_000)  # more than the lock is held for
    in_time = isinstance(half_life, str)
    order = np.argsort(keys, kind="stable")
    keys, values, times = keys[order], values[order], times[order] if in_time else None
    expected = evenkeel.Tracker(half_life=half_life).observe_batch(keys.tolist(), values, times)
    for step in (1, 7, 1_500, 2_500, 6_000):
        one, before = evenkeel.OneSeries(half_life=half_life), None
        for start in range(0, len(values), step):
            part = keys[start : start + step]
            ends = [*(np.flatnonzero(part[1:] != part[:-1]) + 1), len(part)]
            if part[0] != before:
                one.restore(None)
            seen = one.update_runs(values[start : start + step], ends, times[start : start + step] if in_time else None)
            before = part[-1]
            for name, found in seen._asdict().items():
                assert found.tobytes() == getattr(expected, name)[start : start + step].tobytes(), (step, start, name)


def test_runs_are_counted_and_checked():
    one = evenkeel.OneSeries(half_life="5m")
    one.update_runs([1.0, 2.0, 3.0, 4.0], [2, 2, 4], np.array([10, 5, 7, 5], "datetime64[s]"))
    assert one.late == 2 and one.get().samples == 1
    state = one.save()
    with pytest.raises(ValueError, match="times are needed"):
        one.update_runs([1.0], [0, 1])
    assert one.save() == state
    one = evenkeel.OneSeries(half_life=60)
    assert one.update_runs([], []).location.size == 0
    state = one.save()
    for ends in ([1], [3], [2, 1, 2], [-1, 2], []):
        with pytest.raises(ValueError, match="ends must be in order, from 0 to the length of values, which is 2"):
            one.update_runs([1.0, 2.0], ends)
    with pytest.raises(TypeError, match="ends must be a column of integers"):
        one.update_runs([1.0, 2.0], [2.0])
    assert one.save() == state


@pytest.mark.parametrize("rule", [{"half_life": 20}, {"half_life": "5m", "preset": "robust", "resolution": None, "reject": False}])
def test_a_copy_and_a_pickle_go_on_alone(rule):
    _, values, times = samples(300)
    times = times if rule["half_life"] == "5m" else None
    one = evenkeel.OneSeries(**rule)
    one.update(values[:200], None if times is None else times[:200])
    one.late = 3
    others = [copy.copy(one), copy.deepcopy(one), one.copy(), *(pickle.loads(pickle.dumps(one, p)) for p in (2, 4, 5))]
    state = one.save()
    expected = one.update(values[200:], None if times is None else times[200:])
    for other in others:
        assert other.save() == state and other.late == 3 and repr(other) == repr(one)
        seen = other.update(values[200:], None if times is None else times[200:])
        assert [x.tobytes() for x in seen] == [x.tobytes() for x in expected] and other.save() == one.save()


def test_threads_take_turns_at_one_series():
    one = evenkeel.OneSeries(half_life=20)
    threads = [threading.Thread(target=one.update, args=(np.ones(50_000),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        one.get()
    for thread in threads:
        thread.join()
    assert one.get().samples == 400_000
