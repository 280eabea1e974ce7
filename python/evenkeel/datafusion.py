"""Window functions for DataFusion: robust running means in SQL.

    >>> import datafusion, evenkeel.datafusion, pyarrow
    >>> ctx = datafusion.SessionContext()
    >>> evenkeel.datafusion.register(ctx)
    >>> table = pyarrow.table({"host": ["a", "b"] * 4, "t": range(8), "x": [20.0, 5, 21, 5, 20, 5, 22, 5]})
    >>> ctx.register_record_batches("samples", [table.to_batches()])
    >>> rows = ctx.sql("SELECT t, robust_mean(x, 60) OVER (PARTITION BY host ORDER BY t) AS mean FROM samples ORDER BY t")
    >>> rows.to_pydict()["mean"]
    [20.0, 5.0, 20.0, 5.0, 20.0, 5.0, 20.0, 5.0]

`ORDER BY` is the order of the samples; without it, rows come as they happen to. A frame such as `ROWS 10 PRECEDING` has no meaning
here and is not looked at: the memory is the half-life. Samples of any type of numbers are computed in float64."""

from __future__ import annotations

from typing import Any

import datafusion
import pyarrow as pa
import pyarrow.compute as pc
from datafusion.user_defined import WindowEvaluator

from . import columns

__all__ = ["register", "udwf"]

_FUNCTIONS: dict[str, Any] = {
    "robust_mean": columns.robust_mean,
    "cleaned_ema": columns.cleaned_ema,
    "ema": columns.ema,
    "track": columns.track,
}
_TRACKED = pa.struct([("location", pa.float64()), ("scale", pa.float64()), ("score", pa.float64()), ("outlier", pa.bool_())])
_TIMES = pa.timestamp("ns")


class _Evaluator(WindowEvaluator):
    """A function over one partition, whose arguments are `x`, or `x` and times, and at the end the half-life unless it is known."""

    def __init__(self, function: str, in_time: bool, options: dict[str, Any] | None) -> None:
        self._function = function
        self._in_time = in_time
        self._options = options

    def evaluate_all(self, values: list[Any], num_rows: int) -> Any:
        """The results for all rows of a partition."""
        options = {"half_life": _constant(values[-1])} if self._options is None else dict(self._options)
        if self._in_time:
            options["times"] = values[1]
        found = _FUNCTIONS[self._function](values[0], **options)
        return pa.StructArray.from_arrays(list(found), fields=list(_TRACKED)) if self._function == "track" else found


def _constant(column: Any) -> Any:
    ends = pc.min_max(column).as_py()
    if column.null_count or ends["min"] != ends["max"]:
        raise ValueError("half_life must be the same for all rows")
    return ends["min"]


def udwf(function: str = "robust_mean", *, in_time: bool = False, name: str | None = None, **options: Any) -> Any:
    """A window function of DataFusion with a rule of its own, for `SessionContext.register_udwf` and for expressions.

    Parameters
    ----------
    function
        `"robust_mean"`, `"cleaned_ema"`, `"ema"`, or `"track"`, which returns a struct of location, scale, score and outlier.
    in_time
        Whether the arguments are `(x, t)`, with a timestamp for each sample, instead of `(x)`.
    name
        The name in SQL; by default that of the function.
    **options
        The keywords of the function of `evenkeel` of that name, but for `times`, `groups` and `axis`: the partition is the group.

    Raises
    ------
    ValueError, TypeError
        A keyword is none of the function; the message names it.

    Examples
    --------
    >>> import datafusion, evenkeel.datafusion
    >>> from datafusion import col
    >>> from datafusion.expr import Window
    >>> smooth = evenkeel.datafusion.udwf("cleaned_ema", half_life=60)
    >>> frame = datafusion.SessionContext().from_pydict({"t": [0, 1, 2], "x": [20.0, 21.0, 22.0]})
    >>> frame.select(smooth(col("x")).over(Window(order_by=[col("t")])).alias("mean")).to_pydict()
    {'mean': [20.0, 20.0, 21.0]}
    """
    if function not in _FUNCTIONS:
        raise ValueError(f"function must be one of {', '.join(_FUNCTIONS)}, not {function!r}")
    for not_here in ("times", "groups", "axis"):
        if not_here in options:
            raise TypeError(f"{not_here} is no keyword of a window function: PARTITION BY makes the groups, in_time the times")
    # What is wrong with them is said now.
    nothing = pa.array([], pa.float64())
    _Evaluator(function, in_time, options).evaluate_all([nothing, pa.array([], _TIMES)], 0)
    return _made(function, name or function, in_time, options)


def register(ctx: Any, prefix: str = "") -> None:
    """Registers the window functions `robust_mean(x, half_life)`, `cleaned_ema(x, half_life)`, `ema(x, half_life)` and
    `track(x, half_life)`, whose half-life is a number of samples, and for half-lives in time `robust_mean_by(x, t, '5m')` and so on.
    There `t` is a timestamp without a zone or a date; of one with a zone `CAST(t AS TIMESTAMP)` makes it, in UTC.

    Parameters
    ----------
    ctx
        A `datafusion.SessionContext`.
    prefix
        What the names begin with, where another function has one of them.
    """
    for function in _FUNCTIONS:
        ctx.register_udwf(_made(function, prefix + function, False, None))
        ctx.register_udwf(_made(function, f"{prefix}{function}_by", True, None))


def _made(function: str, name: str, in_time: bool, options: dict[str, Any] | None) -> Any:
    arguments = [pa.float64(), *([_TIMES] if in_time else [])]
    if options is None:
        arguments.append(pa.string() if in_time else pa.float64())
    result = _TRACKED if function == "track" else pa.float64()
    return datafusion.udwf(lambda: _Evaluator(function, in_time, options), arguments, result, "immutable", name)
