"""Whole columns: a robust `ewm().mean()` of an array, of each of its channels, or of groups of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from . import _containers, _core, _rule, _times
from ._rule import HalfLife, Preset, Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

X = TypeVar("X")
#: Numbers that come out as an array of float64.
Numbers = "Sequence[float] | NDArray[np.integer[Any] | np.bool_]"


class Memory(TypedDict, total=False):
    """How fast the past is forgotten, and which samples are one series: the keywords of all functions on columns."""

    half_life: HalfLife | None
    span: float | None
    com: float | None
    alpha: float | None
    times: Any
    groups: Any
    axis: int


class RobustOptions(Memory, total=False):
    """The keywords of `robust_mean`."""

    preset: Literal["robust", "mean"]
    resolution: Resolution
    patience: int | None
    clip: float | None
    reject: tuple[float, float] | Literal[False] | None
    scale_clip: float | None


class CleanedOptions(Memory, total=False):
    """The keywords of `cleaned_ema`."""

    resolution: Resolution
    patience: int | None
    reject: float | None


class Place(TypedDict, total=False):
    """An array for the locations."""

    out: NDArray[Any] | None


class RobustInto(RobustOptions, Place, total=False):
    """The keywords of `robust_mean`, of arrays."""


class CleanedInto(CleanedOptions, Place, total=False):
    """The keywords of `cleaned_ema`, of arrays."""


class MemoryInto(Memory, Place, total=False):
    """The keywords of `ema`, of arrays."""


class TrackOptions(Memory, total=False):
    """The keywords of `track`."""

    preset: Preset
    resolution: Resolution
    patience: int | None
    clip: float | None
    reject: Any
    scale_clip: float | None


class Tracked(NamedTuple):
    """What is known of each sample: four columns of the shape and kind of the samples."""

    location: Any
    """The running mean after the sample; NaN before the first. It stays where a sample is missing."""
    scale: Any
    """The running mean size of the residuals after the sample; NaN before the first, and for `preset="ema"`."""
    score: Any
    """The sample's residual over the scale before it; NaN where it is missing or one of the first five."""
    outlier: Any
    """Whether the sample was an outlier: beyond 8 scales with `preset="clean"`, else beyond 4."""


def _run(rule: _core.Rule, x: Any, times: Any, groups: Any, axis: int, everything: bool, out: Any = None) -> Any:
    """Runs a rule over a container, and returns the results as what came in."""
    if out is not None:
        for name, array in (("out", out), ("x", x)):
            if type(array) is not np.ndarray:
                raise TypeError(f"out is for arrays of numpy, and {name} is a {type(array).__name__}: leave out away")
    found: Any = _containers.unpack(x)
    if not isinstance(found, _containers.Unpacked):

        def one(x: Any, times: Any, groups: Any, axis: int) -> Any:
            return _run(rule, x, times, groups, axis, everything)

        results = found.run(one, times, groups, axis, everything)
        return Tracked(*results) if everything and isinstance(results, list) else results
    values, wrap = found
    if times is None and groups is None and type(axis) is int and axis == 0 and not rule.in_time:
        results = _core.column(rule, values, 0, None, None, 0, everything, out)
    else:
        axis, moments, channels, count = _arguments(rule, values, times, groups, axis)
        results = _core.column(rule, values, axis, moments, channels, count, everything, out)
    if everything:
        return Tracked(*(wrap(result) for result in results))
    return wrap(results)


def _arguments(rule: _core.Rule, values: NDArray[Any], times: Any, groups: Any, axis: int) -> tuple[int, Any, Any, int]:
    """The axis, times and groups as the core takes them."""
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
        raise TypeError(f"axis must be an integer, not {type(axis).__name__}")
    if not -values.ndim <= axis < values.ndim:
        raise ValueError(f"axis must be below the {values.ndim} of x, not {axis}")
    if rule.in_time and times is None:
        raise ValueError("times are needed, because half_life is a time: give one for each sample")
    if times is not None:
        if not rule.in_time:
            raise ValueError('times have no meaning without a half_life that is a time, such as half_life="5m"')
        times = _times.moments(_containers.unpack_times(times))
    channels, count = None, 0
    if groups is not None:
        if values.ndim != 1:
            raise ValueError("groups need an x of one dimension: a key for each of its samples")
        channels, categories = _containers.unpack_keys(groups, "groups")
        count = len(categories)
    return axis % values.ndim, times, channels, count


@overload
def robust_mean(x: Sequence[float] | NDArray[np.integer[Any] | np.bool_], **options: Unpack[RobustInto]) -> NDArray[np.float64]: ...
@overload
def robust_mean(x: X, **options: Unpack[RobustInto]) -> X: ...
def robust_mean(
    x: Any,
    *,
    half_life: HalfLife | None = None,
    span: float | None = None,
    com: float | None = None,
    alpha: float | None = None,
    times: Any = None,
    groups: Any = None,
    axis: int = 0,
    preset: Literal["robust", "mean"] = "robust",
    resolution: Resolution = "auto",
    patience: int | None = None,
    clip: float | None = None,
    reject: tuple[float, float] | Literal[False] | None = None,
    scale_clip: float | None = None,
    out: NDArray[Any] | None = None,
) -> Any:
    """The robust running mean of a column: the centre of a signal of which a good part may be wrong.

    Each sample `u` is judged by the location and the scale before it, clipped, and averaged::

        r         = u - location
        psi       = r                                   up to 2.5 scales
                    2.5 scales, falling to 0            from 3.5 to 6.5 scales, and 0 beyond (Hampel 1974)
        location' = location + gain psi                 gain = max(alpha, 1 / samples so far)
        scale'    = scale + gain (min(|r|, 2 scale) - scale)

    After twelve samples beyond four scales (`patience`; ordinary ones in between count back) the estimate starts anew where
    they are. The first five samples are a running median.

    Parameters
    ----------
    x
        Samples, oldest first: an array of one dimension, or of two, whose time goes along `axis` and whose channels along the
        other; or a list. NaN is missing, an infinity is an outlier. float32 is computed in float32, all else in float64.
    half_life, span, com, alpha
        The memory, by exactly one of these, as in pandas' `ewm`: `alpha = 1 - 2**(-1/half_life) = 2/(span + 1) = 1/(1 + com)`.
        `half_life` is a number of samples or, with `times`, a time: `"5m"`, a `datetime.timedelta`, a `numpy.timedelta64`.
    times
        The time of each sample, in order: datetime64 or timedelta64 of any unit, or a list of datetimes. Then the gain of a
        sample is that of the time since the one before, `1 - 2**(-dt/half_life)`.
    groups
        A key for each sample, strings or integers: each group is a series of its own. A missing key is an error.
    axis
        The axis of an array of two dimensions along which time goes.
    preset
        `"robust"`, or `"mean"` for a wider reach that stays closer to the mean of skewed signals.
    resolution
        The step in which the signal is recorded, below half of which no scale falls: `"auto"` learns it from the samples (1,
        0.1 and so on to 1e-6, or none), None is a continuous signal, a number the step.
    patience
        The number of samples far out, from 1 to 63, after which the estimate starts anew. 12 by default.
    clip, reject, scale_clip
        In scales: beyond which a residual is clipped; where the taper begins and where it ends (`False` for Huber's psi, which
        rejects nothing); what one sample may add to the scale. By default 2.5, (3.5, 6.5) and 2, with `"mean"` 4, (6, 12) and 2.
    out
        An array for the locations, which is then what is returned: of the shape, order of memory and type of what would be, such as
        `numpy.empty_like(x)`, and sharing no memory with `x`. Only where `x` is an array of numpy. A fresh array is memory that the
        system has to clear first, which takes a pass over many channels a fifth of its time.

    Returns
    -------
    The location after each sample, as what came in: an array of the shape and order of `x`, float32 if `x` is, else float64. It
    stays where a sample is missing, and is NaN before the first.

    Raises
    ------
    ValueError, TypeError
        An argument is none that is described here; the message names it.

    Source: Huber (1964) for the clipped mean, Hampel (1974) for the psi; the scale and the start are this project's, see
    `RobustMean` in the documentation of the Rust library, which computes the same bits.

    Examples
    --------
    >>> import evenkeel, numpy as np
    >>> x = np.array([10.0, 10.25, 9.75, 10.5, 9.5, 1e9, 10.25, 11.0])
    >>> evenkeel.robust_mean(x, half_life=60, resolution=None).round(3)
    array([10.   , 10.   , 10.   , 10.   , 10.   , 10.   , 10.125, 10.417])
    """
    rule = _rule.make(_robust(preset), half_life, span, com, alpha, resolution, patience, clip, reject, scale_clip)
    return _run(rule, x, times, groups, axis, False, out)


def _robust(preset: str) -> str:
    if not isinstance(preset, str) or preset not in ("robust", "mean"):
        raise ValueError(f'preset must be "robust" or "mean", not {preset!r}: cleaned_ema and ema are functions of their own')
    return preset


@overload
def cleaned_ema(x: Sequence[float] | NDArray[np.integer[Any] | np.bool_], **options: Unpack[CleanedInto]) -> NDArray[np.float64]: ...
@overload
def cleaned_ema(x: X, **options: Unpack[CleanedInto]) -> X: ...
def cleaned_ema(
    x: Any,
    *,
    half_life: HalfLife | None = None,
    span: float | None = None,
    com: float | None = None,
    alpha: float | None = None,
    times: Any = None,
    groups: Any = None,
    axis: int = 0,
    resolution: Resolution = "auto",
    patience: int | None = None,
    reject: float | None = None,
    out: NDArray[Any] | None = None,
) -> Any:
    """The plain exponential average of a column as if its spikes had not been there: the mean of telemetry, tail and all.

    A robust judge follows the series. A sample beyond 8 of its scales (`reject`) is replaced by its location, and all others
    are averaged as they are::

        average' = average + gain (u' - average)        u' = u, or the judge's location; gain = max(alpha, 1 / samples so far)

    The first five samples are a running median. After ten samples far out (`patience`) the judge starts anew where they are, and
    the average is given back what it had left out.

    Parameters and errors are those of `robust_mean`; `reject` is the number of scales beyond which a sample is replaced, 8 by
    default, and `patience` is 10 by default.

    Source: Martin and Thomson, *Robust-resistant spectrum estimation*, Proceedings of the IEEE 70 (1982).

    Examples
    --------
    >>> import evenkeel
    >>> evenkeel.cleaned_ema([20, 21, 20, 22, 21, 21, 9000, 20], half_life=60).round(2)
    array([20.  , 20.  , 20.  , 20.  , 21.  , 21.  , 21.  , 20.83])
    """
    rule = _rule.make("clean", half_life, span, com, alpha, resolution, patience, None, reject)
    return _run(rule, x, times, groups, axis, False, out)


@overload
def ema(x: Sequence[float] | NDArray[np.integer[Any] | np.bool_], **options: Unpack[MemoryInto]) -> NDArray[np.float64]: ...
@overload
def ema(x: X, **options: Unpack[MemoryInto]) -> X: ...
def ema(
    x: Any,
    *,
    half_life: HalfLife | None = None,
    span: float | None = None,
    com: float | None = None,
    alpha: float | None = None,
    times: Any = None,
    groups: Any = None,
    axis: int = 0,
    out: NDArray[Any] | None = None,
) -> Any:
    """The plain exponential average of a column, for comparison: pandas' `ewm(..., adjust=True, ignore_na=True).mean()`.

    With the weights `w = (1 - alpha)**k` of the sample `k` samples back::

        location = sum(w u) / sum(w)

    Missing samples count for nothing, not even as a gap: `ignore_na=True` in pandas, which by default counts them. An infinity
    counts as half the largest float. There is no other protection: this is the average that one spike owns.

    Parameters and errors are those of `robust_mean`.

    Examples
    --------
    >>> import evenkeel
    >>> evenkeel.ema([1, float("nan"), 3], alpha=0.5).round(4)
    array([1.    , 1.    , 2.3333])
    """
    rule = _rule.make("ema", half_life, span, com, alpha)
    return _run(rule, x, times, groups, axis, False, out)


def track(
    x: Any,
    *,
    half_life: HalfLife | None = None,
    span: float | None = None,
    com: float | None = None,
    alpha: float | None = None,
    times: Any = None,
    groups: Any = None,
    axis: int = 0,
    preset: Preset = "clean",
    resolution: Resolution = "auto",
    patience: int | None = None,
    clip: float | None = None,
    reject: Any = None,
    scale_clip: float | None = None,
) -> Tracked:
    """Location, scale, score and outlier for each sample of a column: what the program's `evenkeel track` writes.

    Parameters and errors are those of `robust_mean`; `preset` is `"clean"` for `cleaned_ema`, `"robust"` or `"mean"` for
    `robust_mean`, `"ema"` for `ema`, which has no scale.

    Returns
    -------
    A named tuple of four columns, each as what came in: `location`, `scale`, `score` and `outlier`. A missing sample leaves
    location and scale as they are; its score is NaN, and it is no outlier.

    Examples
    --------
    >>> import evenkeel
    >>> seen = evenkeel.track([20, 21, 20, 22, 21, 21, 9000, 20], half_life=60)
    >>> seen.outlier
    array([False, False, False, False, False, False,  True, False])
    >>> float(seen.score[6])
    4489.5
    """
    rule = _rule.make(preset, half_life, span, com, alpha, resolution, patience, clip, reject, scale_clip)
    tracked: Tracked = _run(rule, x, times, groups, axis, True)
    return tracked
