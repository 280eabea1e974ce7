"""`examples/on_dask.py` on threads and on two processes, one of which is killed: the bits and the counters of one `Tracker`."""

import os
import time

import numpy as np
import pytest
from engines import MEMORY, assert_same_series, fleet, in_order, kill
from vectors import assert_same

import evenkeel

pd = pytest.importorskip("pandas")
dask = pytest.importorskip("dask")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
import on_dask

DAYS = [fleet(60_000, seed=day, begin=f"2024-05-0{day}") for day in (1, 2, 3)]


def run(compute):
    """Three days on four, three and five parts, and what one tracker makes of them."""
    state, tracker = None, evenkeel.Tracker(**MEMORY)
    for (keys, times, values), parts in zip(DAYS, (4, 3, 5), strict=True):
        frame = pd.DataFrame({"host": keys, "t": times, "x": values})
        rows, states = on_dask.estimate(dd.from_pandas(frame, npartitions=7, sort=False), parts, state, **MEMORY)
        rows, states = compute(rows, states)
        assert len(rows) == len(states) == parts
        state = evenkeel.merge_snapshots(states)
        at = in_order(keys, times, values)
        seen = tracker.observe_batch(keys[at], values[at], times[at])
        found = pd.concat(rows)
        order = in_order(found["host"].to_numpy(), found["t"].to_numpy(), found["x"].to_numpy())
        assert found["host"].to_numpy()[order].tolist() == keys[at].tolist()
        assert_same(found["mean"].to_numpy()[order], seen.location)
    assert_same_series(state, tracker)


@pytest.mark.parametrize("shuffle", ["disk", "tasks"])
def test_bits_on_threads(shuffle):
    with dask.config.set({"dataframe.shuffle.method": shuffle}):
        run(dask.compute)


def test_a_part_without_samples_keeps_its_state():
    keys, times, values = fleet(5000)
    frame = pd.DataFrame({"host": keys, "t": times, "x": values})
    _, states = dask.compute(*on_dask.estimate(dd.from_pandas(frame, npartitions=2), 4, **MEMORY))
    state = evenkeel.merge_snapshots(states)
    one = frame[frame["host"] == "host1é"]
    _, states = dask.compute(
        *on_dask.estimate(dd.from_pandas(one.assign(t=one["t"] + pd.Timedelta("1D")), npartitions=2), 4, state, **MEMORY)
    )
    after = evenkeel.Tracker.from_bytes(evenkeel.merge_snapshots(states))
    assert after.counters.samples + after.counters.missing == 5000 + len(one)
    assert set(after.keys()) == set(keys)


@pytest.mark.filterwarnings("default")
def test_bits_on_processes_that_are_killed():
    address = "127.0.0.1:0"
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=address) as cluster,
        distributed.Client(cluster) as client,
    ):
        killed = []

        def compute(rows, states):
            pids = list(client.run(os.getpid).values())
            futures = client.compute([rows, states])
            time.sleep(np.random.default_rng(len(killed)).uniform(0.1, 0.4))
            running = not all(future.done() for future in futures)
            killed.append(running and kill(pids[:1]))
            return client.gather(futures)

        run(compute)
        assert sum(killed), "nothing was running when it was to be killed"


def test_main(tmp_path, capsys):
    for day in range(2):
        on_dask.main(tmp_path)
        assert f"{200_000 * (day + 1)} samples of 100 hosts" in capsys.readouterr().out
