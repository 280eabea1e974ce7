"""Robust means of a Dask frame, a day at a time: `python on_dask.py FOLDER`, once or again.

Each partition gets all samples of its keys and a `Tracker` of its own. The states of a day are snapshots, from which the next day goes
on, on as many partitions as it likes. The bits are those of one `evenkeel.Tracker` that saw the days one after the other, and a sample
counts once, whatever Dask computes a second time: a task changes nothing, its state comes in and goes out.

A shuffle promises no order within a key, and that of threads on one machine mixes it up: each partition sorts its samples by time, of
one time the smaller first.
"""

import sys
from pathlib import Path

import dask
import dask.dataframe as dd
import evenkeel
import numpy as np
import pandas as pd

MEMORY = {"half_life": "5m", "preset": "robust"}


def part_of(hosts, parts):
    """The part of each row, by the hash that `split_snapshot` takes: those of Dask and Python are others."""
    codes, names = pd.factorize(hosts)
    return pd.Series(np.array([evenkeel.key_hash(name) % parts for name in names], dtype=np.int64)[codes], index=hosts.index)


def track(rows, state, memory):
    """The samples of one part by time, with their means, and its state after them as a snapshot."""
    tracker = evenkeel.Tracker(**memory) if state is None else evenkeel.Tracker.from_bytes(state)
    rows = rows.sort_values(["t", "x"], ignore_index=True)
    seen = tracker.observe_batch(rows["host"], rows["x"], rows["t"])
    return rows.assign(mean=seen.location), tracker.to_bytes()


def estimate(samples, parts, state=None, **memory):
    """For each part of a frame of `host`, `t` and `x` its samples with their means, and a snapshot of its series after them.

    Two lists of delayed objects, to be computed together, because apart they are computed twice. `dask.dataframe.from_delayed` makes a
    frame of the first. `state` is a snapshot of all that came before."""
    states = [None] * parts if state is None else evenkeel.split_snapshot(state, parts)
    part = samples["host"].map_partitions(part_of, parts, meta=("part", "int64"))
    # Partition `n` holds part `n`, also if that has no sample today. `shuffle` would share the parts out by a hash of its own.
    apart = samples.assign(part=part).set_index("part", divisions=list(range(parts + 1)))
    track_apart = dask.delayed(track, nout=2)
    done = [track_apart(piece, before, memory) for piece, before in zip(apart.to_delayed(), states, strict=True)]
    return [rows for rows, _ in done], [after for _, after in done]


def day_of_samples(day, hosts=100, rows=200_000):
    """A frame of Dask to try it with."""
    rng = np.random.default_rng(day)
    times = (
        np.datetime64("2024-05-01", "ms") + np.timedelta64(day, "D") + np.sort(rng.integers(0, 86_400_000, rows)).astype("m8[ms]")
    )
    x = np.where(rng.random(rows) < 0.02, 9000, np.round(rng.normal(40, 2, rows), 1))
    return dd.from_pandas(
        pd.DataFrame({"host": [f"host{n}" for n in rng.integers(0, hosts, rows)], "t": times, "x": x}), npartitions=8
    )


def main(folder):
    folder = Path(folder)
    saved = sorted(folder.glob("*.snapshot"))
    day = folder / f"{len(saved):04}"
    day.mkdir(parents=True, exist_ok=True)
    rows, states = estimate(day_of_samples(len(saved)), 4, saved[-1].read_bytes() if saved else None, **MEMORY)
    write = dask.delayed(pd.DataFrame.to_parquet)
    written = [write(piece, day / f"{part}.parquet", index=False) for part, piece in enumerate(rows)]
    _, states = dask.compute(written, states)
    merged = evenkeel.merge_snapshots(states)
    unfinished = day.with_suffix(".unfinished")  # what is killed here leaves no half snapshot
    unfinished.write_bytes(merged)
    unfinished.replace(day.with_suffix(".snapshot"))
    tracker = evenkeel.Tracker.from_bytes(merged)
    host, series = tracker.items()[0]
    print(f"{day}: {tracker.counters.samples} samples of {len(tracker)} hosts so far; {host} is at {series.location:.2f}")


if __name__ == "__main__":
    main(sys.argv[1])  # on a cluster: `with dask.distributed.Client(ADDRESS):` around it, and a folder that all machines see
