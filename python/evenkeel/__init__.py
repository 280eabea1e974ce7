"""The running mean of signals that cannot be trusted: robust location and scale of columns, of series that come and go, and of
what a training produces.

| you have | use |
|---|---|
| a column, or an array of channels | `robust_mean`, `cleaned_ema`, `ema`; `track` for scales, scores and outliers too |
| a column with a key for each row | the same, with `groups=` |
| samples at any distance in time | the same, with `half_life="5m"` and `times=` |
"""

import os as _os

from . import _core
from ._core import LateSampleError, SnapshotError, TooManySeriesError
from .columns import Tracked, cleaned_ema, ema, robust_mean, track

__all__ = [
    "LateSampleError",
    "SnapshotError",
    "TooManySeriesError",
    "Tracked",
    "cleaned_ema",
    "ema",
    "robust_mean",
    "track",
]

# A fork copies one thread: its child must not wait for the others.
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_core.forked)
