"""What frames cost beside bare arrays, and beside what their libraries have themselves: best times of one run, in turns.

python benches/frames.py"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import datafusion
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import evenkeel
import evenkeel.datafusion
import evenkeel.pandas
import evenkeel.polars


def race(title: str, turns: int, **calls: Callable[[], object]) -> None:
    """Prints the best time of each call, and the ratio to the first."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(turns):
        for name, call in calls.items():
            gc.collect()
            begin = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - begin)
    print(title)
    first = next(iter(best.values()))
    for name, seconds in best.items():
        print(f"    {name:24} {seconds * 1e3:9.2f} ms {seconds / first:8.2f}")


def column() -> None:
    x = np.random.default_rng(1).normal(size=1_000_000)
    holes = np.where(np.random.default_rng(2).random(len(x)) < 0.1, np.nan, x)
    rule = {"half_life": 60}
    race(
        "a column of 1e6, robust_mean",
        7,
        numpy=lambda: evenkeel.robust_mean(x, **rule),
        numpy_nan=lambda: evenkeel.robust_mean(holes, **rule),
        pandas=lambda s=pd.Series(x): evenkeel.robust_mean(s, **rule),
        pandas_nan=lambda s=pd.Series(holes): evenkeel.robust_mean(s, **rule),
        pandas_nulls=lambda s=pd.Series(holes).astype("Float64"): evenkeel.robust_mean(s, **rule),
        polars=lambda s=pl.Series(x): evenkeel.robust_mean(s, **rule),
        polars_nulls=lambda s=pl.Series(holes, nan_to_null=True): evenkeel.robust_mean(s, **rule),
        polars_lazy=lambda f=pl.LazyFrame({"x": x}): f.select(pl.col("x").evenkeel.robust_mean(**rule)).collect(),
        polars_streaming=lambda f=pl.LazyFrame({"x": x}): f.select(pl.col("x").evenkeel.robust_mean(**rule)).collect(
            engine="streaming"
        ),
        arrow=lambda s=pa.array(x): evenkeel.robust_mean(s, **rule),
        arrow_nulls=lambda s=pa.array(holes, from_pandas=True): evenkeel.robust_mean(s, **rule),
        pandas_ewm=lambda s=pd.Series(x): s.ewm(halflife=60).mean(),
        polars_ewm_mean=lambda s=pl.Series(x): s.ewm_mean(half_life=60),
        pandas_rolling_median=lambda s=pd.Series(x[:100_000]): s.rolling(199).median(),
    )
    print("    (the rolling median of the first tenth)")


def frame() -> None:
    x = np.random.default_rng(2).normal(size=(10_000, 1_000))
    names = [str(at) for at in range(1_000)]
    apart = {name: column.copy() for name, column in zip(names, x.T, strict=True)}
    out = np.empty_like(x, order="F")
    race(
        "10,000 rows of 1,000 columns, robust_mean",
        15,
        numpy=lambda y=np.asfortranarray(x): evenkeel.robust_mean(y, half_life=60),
        numpy_out=lambda y=np.asfortranarray(x): evenkeel.robust_mean(y, half_life=60, out=out),
        pandas=lambda f=pd.DataFrame(x): evenkeel.robust_mean(f, half_life=60),
        polars=lambda f=pl.DataFrame(apart): evenkeel.robust_mean(f, half_life=60),
        polars_expression=lambda f=pl.DataFrame(apart): f.select(pl.all().evenkeel.robust_mean(half_life=60)),
        arrow=lambda f=pa.table(apart): evenkeel.robust_mean(f, half_life=60),
        polars_ewm_mean=lambda f=pl.DataFrame(apart): f.select(pl.all().ewm_mean(half_life=60)),
        pandas_ewm=lambda f=pd.DataFrame(x): f.ewm(halflife=60).mean(),
        fresh_array=lambda: np.full_like(out, 1.0),
        array_there=lambda: out.fill(1.0),
        copy_into_it=lambda y=np.asfortranarray(x): np.copyto(out, y),
    )


def groups(count: int) -> None:
    rng = np.random.default_rng(3)
    x, keys = rng.normal(size=1_000_000), rng.integers(0, count, 1_000_000)
    names = np.array([f"host{key}" for key in range(count)], dtype=object)[keys]
    f = pd.DataFrame({"x": x, "host": names})
    p = pl.DataFrame({"x": x, "host": pl.Series(names.tolist())})
    c = p.with_columns(pl.col("host").cast(pl.Categorical))
    a = pa.table({"x": x, "host": pa.array(names).dictionary_encode()})
    of = {"half_life": 60}
    race(
        f"1e6 rows of {count} keys in any order, robust_mean",
        3,
        numpy_codes=lambda: evenkeel.robust_mean(x, groups=keys, **of),
        pandas=lambda: f["x"].evenkeel.robust_mean(groups=f["host"], **of),
        pandas_category=lambda k=f["host"].astype("category"): f["x"].evenkeel.robust_mean(groups=k, **of),
        pandas_transform=lambda: f.groupby("host")["x"].transform(lambda s: s.evenkeel.robust_mean(**of)),
        polars_groups=lambda: p.select(pl.col("x").evenkeel.robust_mean(groups="host", **of)),
        polars_over=lambda: p.select(pl.col("x").evenkeel.robust_mean(**of).over("host")),
        polars_categories=lambda: c.select(pl.col("x").evenkeel.robust_mean(groups="host", **of)),
        arrow_dictionary=lambda: evenkeel.robust_mean(a["x"], groups=a["host"], **of),
        pandas_groupby_ewm=lambda: f.groupby("host")["x"].ewm(halflife=60).mean(),
        polars_ewm_mean_over=lambda: p.select(pl.col("x").ewm_mean(half_life=60).over("host")),
    )


def windows() -> None:
    rng = np.random.default_rng(4)
    table = pa.table({"x": rng.normal(size=1_000_000), "t": range(1_000_000), "host": rng.integers(0, 200, 1_000_000)})
    context = datafusion.SessionContext()
    context.register_record_batches("s", [table.to_batches(max_chunksize=8192)])
    evenkeel.datafusion.register(context)

    def query(call: str) -> Callable[[], object]:
        return lambda: context.sql(f"SELECT {call} OVER (PARTITION BY host ORDER BY t) AS y FROM s").to_arrow_table()

    race(
        "DataFusion, 1e6 rows of 200 partitions",
        3,
        robust_mean=query("robust_mean(x, 60)"),
        track=query("track(x, 60)"),
        first_value=query("first_value(x)"),
        avg=query("avg(x)"),
    )


if __name__ == "__main__":
    print(f"pandas {pd.__version__}, polars {pl.__version__}, pyarrow {pa.__version__}, datafusion {datafusion.__version__}")
    column()
    frame()
    groups(1_000)
    windows()
