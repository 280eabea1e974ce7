"""The running mean of signals that cannot be trusted: robust location and scale of columns, of series that come and go, and of
what a training produces.

| you have | use |
|---|---|
| a column, or an array of channels | `robust_mean`, `cleaned_ema`, `ema`; `track` for scales, scores and outliers too |
| a column with a key for each row | the same, with `groups=` |
| samples at any distance in time | the same, with `half_life="5m"` and `times=` |
| one series that goes on | `OnlineMean` |
| rows of many channels that go on | `Bank` |
| named series that come and go | `Tracker` |
| series whose states a stream engine holds | `OneSeries` |
| the losses of a batch, of which some labels are wrong | `LossGuard` |
| gradients with a spike now and then | `GradientGuard`, `GradientGuards` |
| a training in PyTorch | the guards over tensors, and an optimiser: `evenkeel.torch` |
"""

import os as _os

from . import _core, _frames
from ._core import LateSampleError, SnapshotError, TooManySeriesError
from .bank import Bank, OnlineMean
from .columns import Tracked, cleaned_ema, ema, robust_mean, track
from .guards import GradientGuard, GradientGuards, LossGuard, Suspect
from .one import OneSeries, key_hash, merge_snapshots, split_snapshot
from .tracker import Counters, Series, SnapshotInfo, Tracker, Update, snapshot_info

__all__ = [
    "Bank",
    "Counters",
    "GradientGuard",
    "GradientGuards",
    "LateSampleError",
    "LossGuard",
    "OneSeries",
    "OnlineMean",
    "Series",
    "SnapshotError",
    "SnapshotInfo",
    "Suspect",
    "TooManySeriesError",
    "Tracked",
    "Tracker",
    "Update",
    "cleaned_ema",
    "ema",
    "key_hash",
    "merge_snapshots",
    "robust_mean",
    "snapshot_info",
    "split_snapshot",
    "track",
]

# A fork copies one thread: its child must not wait for the others.
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_core.forked)
