"""What the tests of the examples on other engines share: samples of a fleet, what one `Tracker` makes of them, and kills."""

import os
import signal
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

import evenkeel

EXAMPLES = Path(__file__).parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))
MEMORY = {"half_life": "5m", "preset": "robust"}


def fleet(rows, hosts=60, seed=1, begin="2024-05-01"):
    """Keys, times and samples with spikes, gaps, moments that several samples share, a shift of all levels, and a host for each
    thousand samples that has one sample only."""
    rng = np.random.default_rng(seed)
    number = rng.integers(0, hosts, rows)
    keys = np.array([f"host{n}é" for n in range(hosts)], dtype=object)[number]
    keys[::1000] = [f"{begin} {n}" for n in range(len(keys[::1000]))]
    times = np.datetime64(begin, "ms") + np.cumsum(rng.integers(0, 3, rows) * 100).astype("m8[ms]")
    values = np.round(rng.normal(40 + number + 30 * (np.arange(rows) > rows // 2), 2), 1)
    values[rng.random(rows) < 0.02] = 9000
    values[rng.random(rows) < 0.01] = np.nan
    return keys, times, values


def in_order(keys, times, values):
    """Where each sample of a batch comes for an engine that promises no order: by time, of one time the smaller first."""
    return np.lexsort((values, times, keys.astype(str)))


def assert_same_series(snapshot, tracker):
    """A snapshot has the series of a tracker to the bit, and its counters."""
    found = evenkeel.Tracker.from_bytes(snapshot)
    assert found.counters == tracker.counters
    assert sorted(found) == sorted(tracker) and len(found) > 50
    for key in found:
        assert found.save_series(key) == tracker.save_series(key), key


def only_loopback():
    """Skips where there is a network: some engines listen on all of its addresses."""
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        pytest.skip(f"its servers would listen on {others[0]}: .ci/engines-python runs this where there is only loopback")


def processes(name, marker):
    """The processes of a name in which the environment has this text: ours, and nobody else's."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                name in (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                and marker.encode() in (folder / "environ").read_bytes()
            ):
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended
    return found


def kill(pids):
    """Kills processes with SIGKILL and returns how many there were to kill."""
    killed = 0
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            killed += 1
        except ProcessLookupError:
            continue
    return killed
