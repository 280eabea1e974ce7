"""`examples/on_ray.py` with actors that are killed at random: the bits of one `Tracker`, each batch once."""

import threading
import time

import numpy as np
import pytest
from engines import EXAMPLES, MEMORY, assert_same_series, fleet, kill, only_loopback, processes
from vectors import assert_same

import evenkeel

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("default")

KEYS, TIMES, VALUES = fleet(60_000)
BATCHES = [(KEYS[at : at + 1000], VALUES[at : at + 1000], TIMES[at : at + 1000]) for at in range(0, len(KEYS), 1000)]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Ray on loopback, whose processes have the folder of the test in their environment."""
    only_loopback()
    monkeypatch.setenv("HOME", str(tmp_path))  # where it writes a token
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES))
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    yield tmp_path
    ray.shutdown()


def test_each_batch_counts_once(machine):
    import on_ray

    actors = on_ray.start(machine / "states", 2, **MEMORY)
    ray.get([actor.last.remote() for actor in actors])
    ended, killed = threading.Event(), {"signal": 0, "ray": 0}

    def killer():
        rng = np.random.default_rng(5)
        while not ended.wait(rng.uniform(0.2, 0.8)):
            if rng.random() < 0.6:
                pids = processes("ray::Part", str(machine))
                killed["signal"] += kill(pids[:1] if rng.random() < 0.5 else pids)
            else:
                ray.kill(actors[rng.integers(2)], no_restart=False)
                killed["ray"] += 1

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        found = {}
        # The caller, too, begins anew in the middle, and before it has used its last batch.
        for end in (len(BATCHES) // 2, len(BATCHES)):
            found.pop(len(BATCHES) // 2, None)
            for number, locations in on_ray.estimate(actors, BATCHES[:end]):
                assert number not in found
                found[number] = locations
                time.sleep(0.1)
    finally:
        ended.set()
        thread.join()
    assert killed["signal"] > 3 and killed["ray"] > 1
    tracker = evenkeel.Tracker(**MEMORY)
    seen = [tracker.observe_batch(*batch).location for batch in BATCHES]
    assert list(found) == list(range(1, len(BATCHES) + 1))
    for number, locations in found.items():
        assert_same(locations, seen[number - 1])
    merged = evenkeel.merge_snapshots(ray.get([actor.state.remote() for actor in actors]))
    assert_same_series(merged, tracker)
    assert len(list((machine / "states" / "0").iterdir())) <= 3
