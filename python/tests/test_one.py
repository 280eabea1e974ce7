"""One series by itself has the bits of a tracker's, and snapshots come apart and together again."""

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
    with pytest.raises(evenkeel.SnapshotError):
        evenkeel.merge_snapshots([merged, merged])
