"""Robust running means in Spark: of DataFrames, and of streams whose states Spark holds.

    >>> import evenkeel.spark
    >>> from pyspark.sql import SparkSession
    >>> session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    >>> rows = [("a" if n % 2 else "b", n, [5.0, 20.0, 5.0, 21.0][n % 4]) for n in range(8)]
    >>> df = session.createDataFrame(rows, "host string, n long, x double")
    >>> mean = evenkeel.spark.robust_mean(df, key="host", value="x", time="n", half_life=60)
    >>> [(row.host, row.n, row.location) for row in mean.collect()][:4]
    [('a', 1, 20.0), ('a', 3, 20.0), ('a', 5, 20.0), ('a', 7, 20.0)]

Spark promises no order within a key, and every sample here needs its `time`, by which those of a key are sorted, and where two
times are equal by value: the bits of a result do not depend on the order of the rows, the number of partitions or the size of a batch, but
for the sign of a zero where 0 and -0 have the same time.
They are those of one `Tracker` that has neither `max_idle` nor `max_series` (the clock of a `Tracker` is of all its series, and no machine
of many sees them all). Samples of any type of numbers are computed in float64. Null and NaN are missing samples; a null key or time is an
error, as everywhere in this package: `df.where("host IS NOT NULL")` leaves such rows out.

evenkeel has to be installed on every worker, for the Python that `PYSPARK_PYTHON` names, with pyarrow and, for `streaming`, protobuf.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as sql
from pyspark.sql import types as kinds
from pyspark.sql.streaming.stateful_processor import StatefulProcessor

from . import _times
from ._containers import REMEDY
from ._frames.arrow import numbers, result, unpack_times
from .columns import _robust
from .one import OneSeries

if TYPE_CHECKING:
    from ._rule import HalfLife, Resolution

__all__ = ["cleaned_ema", "robust_mean", "streaming"]

#: What is said of each sample.
Output = Literal["location", "scale", "score", "outlier"]

_OUTPUTS = {"location": kinds.DoubleType(), "scale": kinds.DoubleType(), "score": kinds.DoubleType(), "outlier": kinds.BooleanType()}
_MOMENTS = (kinds.TimestampType, kinds.TimestampNTZType, kinds.DateType, kinds.DayTimeIntervalType)
_KEYS = (kinds.StringType, kinds.IntegralType, kinds.BooleanType, kinds.DecimalType, kinds.DateType, kinds.TimestampType)
_PLAIN = "UTF8_BINARY"
_PROVIDER = "spark.sql.streaming.stateStore.providerClass"
_ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
_MILLISECOND = 1_000_000


def robust_mean(
    df: DataFrame,
    *,
    key: str | Sequence[str],
    value: str,
    time: str,
    half_life: HalfLife | None = None,
    span: float | None = None,
    com: float | None = None,
    alpha: float | None = None,
    preset: Literal["robust", "mean"] = "robust",
    resolution: Resolution = "auto",
    patience: int | None = None,
    clip: float | None = None,
    reject: tuple[float, float] | Literal[False] | None = None,
    scale_clip: float | None = None,
    outputs: Sequence[Output] = ("location", "scale", "score"),
    prefix: str = "",
) -> DataFrame:
    """The robust running mean of each series of a DataFrame, by `evenkeel.robust_mean`, whose documentation has the equations.

    One shuffle by key, one sort within the partitions, one pass; a series is held nowhere as a whole.

    Parameters
    ----------
    df
        A DataFrame that is no stream, with a row for each sample.
    key
        The column that names the series, or several that do so together: of strings, integers, booleans, decimals, dates or
        timestamps.
    value
        The column of the samples: numbers or booleans.
    time
        The column that orders the samples of a series. With a `half_life` that is a time it is of timestamps, dates or day-time
        intervals, else it may be of numbers, too, such as those of lines.
    half_life, span, com, alpha, preset, resolution, patience, clip, reject, scale_clip
        As in `evenkeel.robust_mean`.
    outputs
        The columns that are added, of `"location"`, `"scale"`, `"score"` and `"outlier"`; `evenkeel.Tracked` says what they are.
    prefix
        What their names begin with, where the DataFrame has one of these names.

    Returns
    -------
    The rows of `df` with these columns behind its own, sorted by key and time within each partition. Null stands where an array would
    have NaN: location and scale before the first sample of a series, the score of a missing sample and of the first five.

    Raises
    ------
    ValueError, TypeError
        An argument is none that is described here, or a column is missing or of another type; the message names it. A null key or time
        is found when the rows are: Spark then raises a `PythonException` that says so.

    Examples
    --------
    >>> import evenkeel.spark
    >>> from pyspark.sql import SparkSession
    >>> session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    >>> rows = [("a", n, x) for n, x in enumerate([20.0, 21.0, 20.0, 22.0, 21.0, 21.0, 9e3])]
    >>> df = session.createDataFrame(rows, "k string, n int, x double")
    >>> seen = evenkeel.spark.robust_mean(df, key="k", value="x", time="n", half_life=60, outputs=["location", "outlier"], prefix="x_")
    >>> seen.tail(1)
    [Row(k='a', n=6, x=9000.0, x_location=21.0, x_outlier=True)]
    """
    series = OneSeries(
        half_life=half_life,
        span=span,
        com=com,
        alpha=alpha,
        preset=_robust(preset),  # type: ignore[arg-type]
        resolution=resolution,
        patience=patience,
        clip=clip,
        reject=reject,
        scale_clip=scale_clip,
    )
    return _batch(df, key, value, time, series, outputs, prefix)


def cleaned_ema(
    df: DataFrame,
    *,
    key: str | Sequence[str],
    value: str,
    time: str,
    half_life: HalfLife | None = None,
    span: float | None = None,
    com: float | None = None,
    alpha: float | None = None,
    resolution: Resolution = "auto",
    patience: int | None = None,
    reject: float | None = None,
    outputs: Sequence[Output] = ("location", "scale", "score"),
    prefix: str = "",
) -> DataFrame:
    """The plain average of each series of a DataFrame as if its spikes had not been there, by `evenkeel.cleaned_ema`.

    Parameters, result and errors are those of `robust_mean`; `patience` and `reject` are those of `evenkeel.cleaned_ema`.
    """
    series = OneSeries(
        half_life=half_life, span=span, com=com, alpha=alpha, preset="clean", resolution=resolution, patience=patience, reject=reject
    )
    return _batch(df, key, value, time, series, outputs, prefix)


def streaming(
    df: DataFrame,
    *,
    key: str | Sequence[str],
    value: str,
    time: str,
    half_life: HalfLife | None = None,
    span: float | None = None,
    com: float | None = None,
    alpha: float | None = None,
    preset: Literal["clean", "robust", "mean"] = "clean",
    resolution: Resolution = "auto",
    patience: int | None = None,
    clip: float | None = None,
    reject: Any = None,
    scale_clip: float | None = None,
    max_idle: HalfLife | None = None,
    outputs: Sequence[Output] = ("location", "scale", "score"),
    prefix: str = "",
) -> DataFrame:
    """The running estimates of each series of a stream, whose states Spark holds: 78 or 102 bytes a series beside the key, and with
    `max_idle` 8 more.

    Every sample comes out once, in the micro-batch it came in. After a crash a query that has a checkpoint goes on from the last
    micro-batch that was committed, with the same bits, and a sink that commits with it, such as that of files, has every sample exactly once.

    **Order.** The samples that a series has in a micro-batch are sorted by time, and by value where times are equal. Across micro-batches
    Spark promises no order: a sample that is older than the last one of an earlier micro-batch is late. It is refused as a `Tracker`
    refuses it, and comes out with the location and the scale that stand and a score of null. Where the micro-batches come in the order of
    time, the bits are those of one `Tracker`, whatever their size, the number of partitions and of crashes.

    **max_idle.** A series whose next sample, missing or not, comes more than `max_idle` after the last one begins anew, and its state is
    removed when the watermark has passed that moment. That is a rule for each series, so that results do not depend on how rows came in
    micro-batches; a `Tracker` goes by the clock of all its series, and its results with `max_idle` are others. It needs
    `df.withWatermark(time, ...)`, and Spark drops samples that are older than the watermark, which begins at 1970, before they get here,
    without a word (`numRowsDroppedByWatermark` in `StreamingQuery.lastProgress` counts them). Without `max_idle` no state is ever
    removed, nothing is dropped, and a watermark has no effect.

    Parameters
    ----------
    df
        A stream with a row for each sample. With a DataFrame that is no stream, all rows are one micro-batch, and `max_idle` needs no
        watermark.
    key
        The column that names the series, or several that do so together.
    value
        The column of the samples: numbers or booleans.
    time
        The column of their times: timestamps, of which Spark has microseconds, or dates.
    half_life, span, com, alpha, preset, resolution, patience, clip, reject, scale_clip
        As in `evenkeel.Tracker`.
    max_idle
        The longest that a series may be without a sample, a time such as `"1d"`. By default none is removed.
    outputs, prefix
        As in `robust_mean`.

    Returns
    -------
    A stream of the columns of `df` and the added ones, for the output modes append and update. The number of its state's partitions
    is that of `spark.sql.shuffle.partitions` when its checkpoint is made. A query that goes on from a checkpoint must have the same rule,
    key columns of the same types, and `max_idle` if and only if it had one, of any length; other columns may be others. The stream has no
    watermark, and after one of `df` Spark lets it have none: windows over it are those of a query of their own, over what this one has
    written.

    Raises
    ------
    ValueError, TypeError
        As in `robust_mean`; or the session does not keep states in RocksDB, as it must for this operator, or there are timestamps and its
        time zone is none that Python knows.

    Examples
    --------
    >>> import evenkeel.spark
    >>> def start(session):
    ...     session.conf.set(
    ...         "spark.sql.streaming.stateStore.providerClass",
    ...         "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
    ...     )
    ...     files = session.readStream.schema("host string, t timestamp, x double").parquet("samples")
    ...     samples = files.withWatermark("t", "10 minutes")
    ...     seen = evenkeel.spark.streaming(samples, key="host", value="x", time="t", half_life="5m", max_idle="1d")
    ...     return seen.writeStream.option("checkpointLocation", "checkpoint").format("parquet").start("seen")
    """
    series = OneSeries(
        half_life=half_life,
        span=span,
        com=com,
        alpha=alpha,
        preset=preset,
        resolution=resolution,
        patience=patience,
        clip=clip,
        reject=reject,
        scale_clip=scale_clip,
    )
    plan = _Plan.of(df, key, value, time, series, outputs, prefix, needs_moments=True)
    idle = None if max_idle is None else _idle(max_idle)
    # What is no stream has no watermark, and no state to remove.
    expires = idle is not None and df.isStreaming
    if expires and "spark.watermarkDelayMs" not in df.schema[time].metadata:
        named = time if time.isidentifier() else f"`{time.replace('`', '``')}`"
        raise ValueError(f'max_idle needs a watermark on {time!r}: give df.withWatermark({named!r}, "10 minutes"), with your own delay')
    provider = df.sparkSession.conf.get(_PROVIDER)
    if provider != _ROCKSDB:
        raise ValueError(f"the state store must be RocksDB, not {provider}: session.conf.set({_PROVIDER!r}, {_ROCKSDB!r})")
    zone = df.sparkSession.conf.get("spark.sql.session.timeZone")
    if any(isinstance(field.dataType, kinds.TimestampType) for field in df.schema) and not _is_known(zone):
        raise ValueError(
            f"the session's time zone, {zone}, is none that Python knows: set spark.sql.session.timeZone to one that it does, such as UTC"
        )
    # Moments by their number: Spark's worker compares keys as Python's objects, of which two are equal in an hour that comes twice.
    moments = [at for at in plan.keys if isinstance(plan.schema[at].dataType, kinds.TimestampType)]
    rows = _numbered(df).withColumns({f"k{at}": sql.unix_micros(f"c{at}") for at in moments})
    grouped = rows.groupBy(*(f"k{at}" if at in moments else f"c{at}" for at in plan.keys))
    mode = "EventTime" if expires else "None"
    return plan.named(grouped.transformWithState(_Processor(plan, idle, expires), plan.schema, "Append", mode))


def _is_known(zone: Any) -> bool:
    """Whether Python can make times of this zone, as Spark's worker does of those in a row."""
    try:
        pa.scalar(0, pa.timestamp("us", zone)).as_py()
    except (LookupError, ValueError):  # ZoneInfoNotFoundError is the former
        return False
    return True


def _idle(value: Any) -> int:
    if not _times.is_duration(value):
        raise TypeError(f'max_idle must be a time, such as "1d", not {type(value).__name__}')
    nanoseconds = _times.duration(value, "max_idle")
    if nanoseconds <= 0:
        raise ValueError(f"max_idle must be longer than nothing, not {value!r}")
    return nanoseconds


def _numbered(df: DataFrame) -> DataFrame:
    """The same rows with columns `c0`, `c1`, ...: `mapInArrow` and `transformWithState` fail on names with a dot, and on a name that two
    columns have."""
    return df.toDF(*(f"c{at}" for at in range(len(df.columns))))


def _batch(
    df: DataFrame, key: str | Sequence[str], value: str, time: str, series: OneSeries, outputs: Sequence[Output], prefix: str
) -> DataFrame:
    if isinstance(df, DataFrame) and df.isStreaming:
        raise ValueError("df is a stream, whose series go on: use evenkeel.spark.streaming")
    plan = _Plan.of(df, key, value, time, series, outputs, prefix, needs_moments=series._core.rule.in_time)
    keys = [f"c{at}" for at in plan.keys]
    # The value makes the order of equal times one; missing ones are last, null as NaN.
    order: list[Any] = [*keys, f"c{plan.time}", sql.col(f"c{plan.value}").asc_nulls_last()]
    return plan.named(_numbered(df).repartition(*keys).sortWithinPartitions(*order).mapInArrow(plan.run, plan.schema))


class _Plan(NamedTuple):
    """What is done with which columns, as it travels to the workers."""

    series: OneSeries
    keys: tuple[int, ...]
    value: int
    time: int
    has_moments: bool
    outputs: tuple[str, ...]
    columns: tuple[str, ...]
    #: Of the result, whose columns are numbered, too.
    schema: kinds.StructType

    @classmethod
    def of(
        cls,
        df: DataFrame,
        key: str | Sequence[str],
        value: str,
        time: str,
        series: OneSeries,
        outputs: Sequence[Output],
        prefix: str,
        needs_moments: bool,
    ) -> _Plan:
        if not isinstance(df, DataFrame):
            raise TypeError(f"df must be a DataFrame of Spark, not {type(df).__module__}.{type(df).__name__}")
        fields = df.schema.fields
        columns = [field.name for field in fields]

        def place(name: Any, argument: str, allowed: tuple[Any, ...], what: str) -> int:
            if not isinstance(name, str):
                raise TypeError(f"{argument} must be the name of a column, not {type(name).__name__}")
            if name not in columns:
                raise ValueError(f"{argument} must be the name of a column of df, not {name!r}: there are {', '.join(columns)}")
            if columns.count(name) > 1:
                raise ValueError(f"{argument} must be the name of one column of df, and {name!r} is that of {columns.count(name)}")
            kind = fields[columns.index(name)].dataType
            if not isinstance(kind, allowed):
                raise TypeError(f"{argument} must be a column of {what}, and {name!r} is of type {kind.simpleString()}: cast it first")
            return columns.index(name)

        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a string, not {type(prefix).__name__}")
        if not isinstance(outputs, (str, list, tuple)):
            raise TypeError(f"outputs must be a list of names, not {type(outputs).__name__}")
        if not isinstance(key, (str, list, tuple)):
            raise TypeError(f"key must be the name of a column or a list of them, not {type(key).__name__}")
        names = [key] if isinstance(key, str) else list(key)
        if not names:
            raise ValueError("key must name at least one column")
        keys = tuple(place(name, "key", _KEYS, "strings, integers, booleans, decimals, dates or timestamps") for name in names)
        for at in keys:
            if getattr(fields[at].dataType, "collation", _PLAIN) != _PLAIN:
                raise TypeError(
                    f"key must be of plain strings, and {columns[at]!r} has a collation, by which different ones are equal: make "
                    f"them the same first, such as lower({columns[at]})"
                )
        numeric = (kinds.NumericType, kinds.BooleanType)
        at_value = place(value, "value", numeric, "numbers")
        if needs_moments:
            at_time = place(time, "time", _MOMENTS, "timestamps, dates or day-time intervals")
        else:
            at_time = place(time, "time", (*_MOMENTS, kinds.NumericType), "times or numbers")
        chosen = (outputs,) if isinstance(outputs, str) else tuple(outputs)
        for output in chosen:
            if not isinstance(output, str) or output not in _OUTPUTS or chosen.count(output) > 1:
                raise ValueError(f"outputs must be some of {', '.join(_OUTPUTS)}, each once, not {output!r}")
        added = [prefix + output for output in chosen]
        for name in added:
            if name.lower() in (column.lower() for column in columns):
                raise ValueError(f"df has a column {name!r} already: give a prefix for what is added, or rename it")
        # Without what Spark knows of columns, such as their watermark, which are no longer the same.
        types = [(field.dataType, field.nullable) for field in fields] + [(_OUTPUTS[output], True) for output in chosen]
        schema = kinds.StructType([kinds.StructField(f"c{at}", *kind) for at, kind in enumerate(types)])
        return cls(series, keys, at_value, at_time, needs_moments, chosen, (*columns, *added), schema)

    def named(self, result: DataFrame) -> DataFrame:
        """The result with its names."""
        return result.toDF(*self.columns)

    def names(self, places: Iterable[int]) -> list[str]:
        """The names of columns."""
        return [self.columns[place] for place in places]

    def run(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows of a partition, sorted by key and time, and what is said of them. A series may be cut by the end of a batch."""
        series, before = self.series.copy(), None
        for batch in batches:
            if not batch.num_rows:
                continue
            key = [batch.column(at) for at in self.keys]
            ends = _ends([_whole(column, name, REMEDY) for column, name in zip(key, self.names(self.keys), strict=True)])
            # Not as Python's objects, of which two moments are equal in an hour that comes twice.
            if before != [column[0] for column in key]:
                series.restore(None)
            before = [column[-1] for column in key]
            moments = self.moments(batch.column(self.time))
            seen = series.update_runs(self.samples(batch.column(self.value)), ends, moments if self.has_moments else None)
            added = [result(getattr(seen, output)) for output in self.outputs]
            yield pa.RecordBatch.from_arrays([*batch.columns, *added], names=self.schema.names)

    def samples(self, column: pa.Array) -> NDArray[np.float64]:
        """Samples as float64, NaN for what is missing."""
        return numbers(column, self.columns[self.value]).astype(np.float64, copy=False)

    def moments(self, column: pa.Array) -> NDArray[Any] | None:
        """Times of samples, none of which is missing; None where they are numbers."""
        name = self.columns[self.time]
        _whole(column, name, "every sample needs its time: leave such rows out")
        return _times.moments(unpack_times(column), name).view("datetime64[ns]") if self.has_moments else None


def _whole(column: pa.Array, name: str, remedy: str) -> pa.Array:
    """A column, in which nothing is missing."""
    if column.null_count:
        raise ValueError(f"{name} is null in a row: {remedy}")
    return column


def _ends(keys: list[pa.Array]) -> NDArray[np.int64]:
    """The places behind the last row of each run of equal keys."""
    rows = len(keys[0])
    differs = np.zeros(rows - 1, dtype=bool)
    for column in keys:
        differs |= pc.not_equal(column.slice(1), column.slice(0, rows - 1)).to_numpy(zero_copy_only=False)
    return np.append(np.flatnonzero(differs) + 1, rows)


class _Processor(StatefulProcessor):
    """The series of a partition, one after the other, whose states Spark holds."""

    def __init__(self, plan: _Plan, idle: int | None, expires: bool) -> None:
        self._plan = plan
        self._idle = idle
        self._expires = expires

    def init(self, handle: Any) -> None:
        self._handle = handle
        # The time of the last row is that of a missing sample, too, which the state of a series does not know.
        self._state = handle.getValueState("series", "state binary" if self._idle is None else "state binary, last long")

    def close(self) -> None:
        pass

    def handleInputRows(self, key: Any, rows: Iterator[Any], timerValues: Any) -> Iterator[Row]:
        plan, series = self._plan, self._plan.series
        taken = list(rows)
        if None in key:
            raise ValueError(f"{plan.names(plan.keys)[key.index(None)]} is null in a row: {REMEDY}")
        columns = list(zip(*taken, strict=True))
        values = plan.samples(pa.array(columns[plan.value]))
        moments: Any = plan.moments(pa.array(columns[plan.time]))
        times = moments.view(np.int64)
        order = np.lexsort((values, times))
        values, times = values[order], times[order]
        known = self._state.get()
        series.restore(None if known is None else known[0])
        # A late one comes after the last one all the same.
        latest = np.maximum.accumulate(times if known is None or self._idle is None else np.append(known[1], times))
        last, ends = int(latest[-1]), np.array([len(times)])
        if self._idle is not None:
            ends = np.append(np.flatnonzero(np.diff(latest) > self._idle) + len(times) - len(latest) + 1, ends)
        seen = series.update_runs(values, ends, times.view("datetime64[ns]"))
        self._state.update((series.save(),) if self._idle is None else (series.save(), last))
        if self._expires and known is None:
            self._handle.registerTimer(self._expiry(last))
        added = [result(getattr(seen, output)).to_pylist() for output in plan.outputs]
        make = Row(*plan.schema.names)
        own = len(plan.columns) - len(plan.outputs)
        for place, *more in zip(order.tolist(), *added, strict=True):
            yield make(*taken[place][:own], *more)

    def handleExpiredTimer(self, key: Any, timerValues: Any, expiredTimerInfo: Any) -> Iterator[Row]:
        expiry = self._expiry(self._state.get()[1])
        if expiry > timerValues.getCurrentWatermarkInMs():
            # There was a row since: a timer is set once for each time that it goes off, not for each row.
            self._handle.registerTimer(expiry)
        else:
            self._state.clear()
        return iter(())

    def _expiry(self, last: int) -> int:
        """The first millisecond at which a row would come after more than the longest idleness."""
        return (last + (self._idle or 0)) // _MILLISECOND + 1
