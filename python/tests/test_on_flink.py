"""`examples/on_flink.py`, whose workers and whose whole job are killed: each estimate once, with the bits of one `Tracker`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from engines import EXAMPLES, MEMORY, fleet, in_order, kill, only_loopback, processes

import evenkeel

pytest.importorskip("pyflink")


def finished(folder):
    """The lines of the files that are finished."""
    return [line for part in Path(folder).rglob("part-*") for line in part.read_text().splitlines()]


def test_each_estimate_once(tmp_path):
    only_loopback()
    keys, times, values = fleet(100_000)
    # Samples come up to five seconds later than younger ones, within the bound of the example.
    late = np.argsort(times + np.random.default_rng(2).integers(0, 5000, len(times)).astype("m8[ms]"), kind="stable")
    moments = times.astype(int).tolist()
    with (tmp_path / "samples").open("w") as file:
        file.writelines(f"{keys[at]},{moments[at]},{float(values[at])!r}\n" for at in late)

    # Functions in processes of their own, as on a cluster; a job on one machine would run them in that of its client.
    environ = os.environ | {"_python_worker_execution_mode": "process", "TMPDIR": str(tmp_path)}
    estimates, checkpoints = tmp_path / "estimates", tmp_path / "checkpoints"
    command = [sys.executable, EXAMPLES / "on_flink.py", tmp_path / "samples", estimates, checkpoints]
    plan = ["worker", "job", "worker", "worker", "job", None]
    killed, at_kill = {"worker": 0, "job": 0}, []
    rng = np.random.default_rng(4)
    with (tmp_path / "log").open("wb") as log:

        def begin():
            return subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)

        job = begin()
        try:
            for whom in plan:
                before, patience = len(finished(estimates)), time.monotonic() + 60
                # The next kill comes when there are results of what came after the last.
                while whom and job.poll() is None and len(finished(estimates)) == before:
                    assert time.monotonic() < patience, (tmp_path / "log").read_text()[-3000:]
                    time.sleep(0.05)
                time.sleep(rng.uniform(0, 0.5))
                if whom is None or job.poll() is not None:
                    break
                at_kill.append(len(finished(estimates)))
                if whom == "worker":
                    killed["worker"] += kill(processes("pyflink.fn_execution.beam.beam_boot", str(tmp_path))[:1])
                else:
                    os.killpg(job.pid, signal.SIGKILL)
                    job.wait()
                    killed["job"] += 1
                    job = begin()
            assert job.wait(timeout=300) == 0, (tmp_path / "log").read_text()[-3000:]
        finally:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()
    print(killed, at_kill)
    assert killed["worker"] >= 2 and killed["job"] >= 2
    # What was finished when it was killed was not made again: it went on from a checkpoint.
    assert 0 < at_kill[1] < at_kill[-1] < len(keys)

    tracker = evenkeel.Tracker(**MEMORY)
    order = in_order(keys, times, values)
    seen = tracker.observe_batch(keys[order], values[order], times[order])
    expected = [
        f"{keys[at]},{moments[at]},{float(values[at])!r},{location!r}" for at, location in zip(order, seen.location.tolist(), strict=True)
    ]
    found = finished(estimates)
    assert len(found) == len(expected) and sorted(found) == sorted(expected)
