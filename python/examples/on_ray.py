"""Robust means of a fleet on Ray: `python on_ray.py FOLDER`.

Each actor holds the series of its part, by the stable hash of their keys, and saves them after each batch under the number of the
batch, before it replies. Ray may start an actor anew at any time and ask again what it had not replied to: a batch that was taken
already is taken again from the state before it. So each batch counts once, and the bits are those of one `evenkeel.Tracker`.

Send a batch when the one before has been replied to by all, as `estimate` does: calls that wait while an actor is started anew come to
it in any order. Samples of a key come in the order of their times.
"""

import os
import sys
from pathlib import Path

import evenkeel
import numpy as np
import ray

MEMORY = {"half_life": "5m", "preset": "robust"}


@ray.remote(max_restarts=-1, max_task_retries=-1)
class Part:
    """A tracker of some of the series. `folder` must be one that every machine sees on which Ray may start it."""

    def __init__(self, folder, memory):
        self.folder, self.memory = Path(folder), memory
        self.folder.mkdir(parents=True, exist_ok=True)
        self.restore(self.last())

    def last(self):
        """The number of the last batch that was saved; 0 if there is none."""
        return max((int(file.stem) for file in self.folder.glob("*.snapshot")), default=0)

    def update(self, number, keys, values, times):
        """The location after each sample of a batch. Batches are numbered from 1."""
        if self.number != number - 1:
            self.restore(number - 1)
        self.number = None  # until it is saved
        seen = self.tracker.observe_batch(keys, values, times)
        self.save(number)
        return seen.location

    def state(self):
        """The series of this part as a snapshot."""
        return self.tracker.to_bytes()

    def restore(self, number):
        if number == 0:
            self.tracker = evenkeel.Tracker(**self.memory)
        else:
            self.tracker = evenkeel.Tracker.from_bytes(self.file(number).read_bytes())
        self.number = number

    def save(self, number):
        unfinished = self.folder / "unfinished"
        with unfinished.open("wb") as file:
            file.write(self.tracker.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.file(number))
        self.number = number
        self.file(number - 2).unlink(missing_ok=True)

    def file(self, number):
        return self.folder / f"{number}.snapshot"


def start(folder, parts, **memory):
    """The actors, which go on from what is in the folder. Another number of them needs another folder, and `merge_snapshots` and
    `split_snapshot` of their states."""
    return [Part.remote(Path(folder).absolute() / str(part), memory) for part in range(parts)]


def estimate(actors, batches):
    """The number of each batch `(keys, values, times)` and the location after each of its samples.

    Started again, with the same batches, it goes on with the last that an actor has saved, and which nobody may have seen."""
    first = max(ray.get([actor.last.remote() for actor in actors]))
    for number, (keys, values, times) in enumerate(batches, 1):
        if number < first:
            continue
        names, codes = np.unique(keys, return_inverse=True)
        part = np.array([evenkeel.key_hash(str(name)) % len(actors) for name in names])[codes]
        places = [np.flatnonzero(part == n) for n in range(len(actors))]
        calls = [actor.update.remote(number, keys[at], values[at], times[at]) for actor, at in zip(actors, places, strict=True)]
        locations = np.empty(len(values))
        for at, found in zip(places, ray.get(calls), strict=True):
            locations[at] = found
        yield number, locations


def samples(batches=20, rows=10_000, hosts=100):
    """Batches to try it with."""
    rng = np.random.default_rng(1)
    time = np.datetime64("2024-05-01", "ms")
    for _ in range(batches):
        times = time + np.cumsum(rng.integers(0, 20, rows)).astype("m8[ms]")
        time = times[-1]
        values = np.where(rng.random(rows) < 0.02, 9000, np.round(rng.normal(40, 2, rows), 1))
        yield np.char.add("host", rng.integers(0, hosts, rows).astype(str)), values, times


def main(folder):
    ray.init(include_dashboard=False)
    actors = start(folder, 2, **MEMORY)
    for number, locations in estimate(actors, samples()):
        print(f"batch {number}: {len(locations)} samples, the last location is {locations[-1]:.2f}")
    merged = evenkeel.merge_snapshots(ray.get([actor.state.remote() for actor in actors]))
    print(evenkeel.Tracker.from_bytes(merged).counters)


if __name__ == "__main__":
    main(sys.argv[1])
