"""`examples/on_flink.py`, whose workers and whose whole job are killed: each estimate once, with the bits of one `Tracker`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from engines import EXAMPLES, MEMORY, fleet, kill, only_loopback, processes

import evenkeel

pytest.importorskip("pyflink")


def finished(folder):
    """The lines of the files that are finished."""
    return [line for part in Path(folder).rglob("part-*") for line in part.read_text().splitlines()]


def test_each_estimate_once(tmp_path):
    only_loopback()
    keys, times, values = fleet(100_000)
    times[np.random.default_rng(2).random(len(times)) < 0.001] -= np.timedelta64(1, "h")  # late
    keys[::2] = [f"one {n}" for n in range(len(keys[::2]))]  # what is lost of these, no later sample makes up for
    moments = times.astype(int).tolist()
    with (tmp_path / "samples").open("w") as file:
        file.writelines(f"{keys[at]},{moments[at]},{float(values[at])!r}\n" for at in range(len(keys)))

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
                    while not kill(processes("pyflink.fn_execution.beam.beam_boot", str(tmp_path))[:1]):
                        assert time.monotonic() < patience, (tmp_path / "log").read_text()[-3000:]
                    killed["worker"] += 1
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
    assert killed == {"worker": 3, "job": 2}, "it was over before all were killed"
    # What was finished when it was killed was not made again: it went on from a checkpoint.
    assert 0 < at_kill[1] < at_kill[-1] < len(keys)

    tracker = evenkeel.Tracker(**MEMORY)
    seen = tracker.observe_batch(keys, values, times)
    assert tracker.counters.late > 10
    samples = (tmp_path / "samples").read_text().splitlines()
    expected = [f"{sample},{location!r}" for sample, location in zip(samples, seen.location.tolist(), strict=True)]
    assert sorted(finished(estimates)) == sorted(expected)
