"""A program as users write it, for mypy: what comes in comes out."""

import numpy as np
from numpy.typing import NDArray

import evenkeel

doubles: NDArray[np.float64] = np.array([20.0, 21.0, 20.5, 9000.0])
singles: NDArray[np.float32] = doubles.astype(np.float32)

location: NDArray[np.float64] = evenkeel.robust_mean(doubles, half_life=60)
in_single: NDArray[np.float32] = evenkeel.cleaned_ema(singles, span=9, resolution=0.5)
of_list: NDArray[np.float64] = evenkeel.ema([1, 2.5, 3], alpha=0.1)
of_counts: NDArray[np.float64] = evenkeel.ema(np.array([1, 2, 3]), alpha=0.1)
in_time: NDArray[np.float64] = evenkeel.robust_mean(
    doubles, half_life="5m", times=np.arange(4).astype("datetime64[s]"), groups=["a", "b", "a", "b"]
)
seen: evenkeel.Tracked = evenkeel.track(doubles, half_life=60, preset="robust")

tracker = evenkeel.Tracker(half_life=60, max_idle=10_000, max_series=1000, overflow="evict")
update: evenkeel.Update = tracker.update("cpu", 42.0)
score: float = update.score
tracker.update_batch(["cpu", "disk"], [42.0, 5.0])
series: evenkeel.Series | None = tracker.get("cpu")
again: evenkeel.Tracker = evenkeel.Tracker.from_bytes(tracker.to_bytes())

bank = evenkeel.Bank(4, half_life=60, dtype=np.float32)
bank.update_rows(singles.reshape(1, -1))
mean = evenkeel.OnlineMean(half_life=60)
mean.update(doubles)
last: float = mean.location

weights: NDArray[np.float64] = evenkeel.LossGuard(half_life=1600).weigh(doubles)
factor: float = evenkeel.GradientGuard(half_life=50).observe(1.0)
