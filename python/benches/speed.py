"""How fast the package is beside pandas, polars and the library in Rust: ratios of one run, each the best of a few turns that are
taken in alternation.

    python benches/speed.py [--rust PROGRAM]

PROGRAM is `cargo run --release --example tracker_batch`, of this folder, built. Times do not travel between machines; ratios of one run nearly do."""

from __future__ import annotations

import argparse
import gc
import subprocess
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl

import evenkeel


def seconds(*calls: Callable[[], object], turns: int = 5) -> list[float]:
    """The best time of each call."""
    best = [float("inf")] * len(calls)
    for _ in range(turns):
        for n, call in enumerate(calls):
            gc.collect()
            begin = time.perf_counter()
            call()
            best[n] = min(best[n], time.perf_counter() - begin)
    return best


def line(name: str, ours: float, theirs: float, wanted: str) -> None:
    print(f"{name:70} {ours * 1e3:9.2f} ms beside {theirs * 1e3:9.2f} ms: {theirs / ours:7.2f} times as fast  (wanted: {wanted})")


def one_series() -> None:
    x = np.random.default_rng(1).normal(size=1_000_000)
    series = pd.Series(x)
    for name, call in (
        ("robust_mean", lambda: evenkeel.robust_mean(x, half_life=60)),
        ("cleaned_ema", lambda: evenkeel.cleaned_ema(x, half_life=60)),
        ("ema", lambda: evenkeel.ema(x, half_life=60)),
    ):
        ours, plain = seconds(call, lambda: series.ewm(halflife=60).mean())
        line(f"a column of 1e6, {name}, beside pandas ewm().mean()", ours, plain, ">= 0.67")
        if name == "robust_mean":
            [median] = seconds(lambda: series.rolling(199).median(), turns=2)
            line(f"a column of 1e6, {name}, beside pandas rolling(199).median()", ours, median, ">= 20")


def frame(dtype: type, order: str) -> None:
    x = np.asarray(np.random.default_rng(2).normal(size=(10_000, 1_000)), dtype=dtype, order=order)  # type: ignore[call-overload]
    in_pandas, in_polars = pd.DataFrame(x), pl.from_numpy(x)
    what = f"10,000 rows of 1,000 columns, {np.dtype(dtype)}, order {order}"
    for name in ("robust_mean", "cleaned_ema", "ema"):
        function = getattr(evenkeel, name)
        ours, theirs, others = seconds(
            lambda: function(x, half_life=60),
            lambda: in_polars.select(pl.all().ewm_mean(half_life=60)),
            lambda: in_pandas.ewm(halflife=60).mean(),
            turns=3,
        )
        line(f"{what}, {name}, beside polars ewm_mean", ours, theirs, ">= 5")
        line(f"{what}, {name}, beside pandas ewm", ours, others, ">= 15")
    ours, theirs = seconds(lambda: evenkeel.track(x, half_life=60), lambda: in_polars.select(pl.all().ewm_mean(half_life=60)), turns=3)
    line(f"{what}, track: all four, beside polars ewm_mean", ours, theirs, "no figure")


def small() -> None:
    x = np.random.default_rng(3).normal(size=100)
    for name in ("robust_mean", "cleaned_ema", "ema"):
        function = getattr(evenkeel, name)
        ours, nothing = seconds(
            lambda: [function(x, half_life=60) for _ in range(2000)], lambda: [function(x[:0], half_life=60) for _ in range(2000)]
        )
        print(f"a call of {name} on 100 samples: {ours / 2000 * 1e6:.2f} us, of which {nothing / 2000 * 1e6:.2f} us on none  (wanted: < 5)")


def batch(program: str | None) -> None:
    rng = np.random.default_rng(4)
    names = np.array([f"host{n:05}.example.com" for n in range(10_000)], dtype=object)
    codes = rng.integers(0, 10_000, 1_000_000)
    values = rng.normal(40, 2, 1_000_000)
    keys = names[codes]
    as_list, wide = keys.tolist(), keys.astype("U")
    times = np.datetime64("2024-05-01", "us") + np.arange(1_000_000)

    def fed(keys: object, times: object = None) -> Callable[[], object]:
        def call() -> object:
            tracker = evenkeel.Tracker(half_life=60, preset="robust")
            tracker.update_batch(keys, values, times)
            return tracker

        return call

    def by_codes() -> object:
        tracker = evenkeel.Tracker(half_life=60, preset="robust")
        tracker.update_codes(codes, names, values)
        return tracker

    found = seconds(fed(keys), fed(as_list), fed(wide), by_codes, fed(keys, times))
    rust = None
    if program:
        rust = min(float(subprocess.run([program], capture_output=True, text=True, check=True).stdout) for _ in range(5))
        print(f"Tracker::update_batch in Rust, 1e6 samples of 10,000 keys: {rust * 1e3:.1f} ms")
    for name, ours in zip(("array of str objects", "list of str", "array of dtype U", "codes", "objects with times"), found, strict=True):
        ratio = f", {ours / rust:.2f} times Rust's  (wanted: <= 1.5)" if rust else ""
        print(f"update_batch of 1e6 samples of 10,000 keys, {name}: {ours * 1e3:.1f} ms{ratio}")
    [grouped] = seconds(lambda: evenkeel.robust_mean(values, groups=codes, half_life=60))
    [theirs] = seconds(lambda: pd.Series(values).groupby(codes).ewm(halflife=60).mean(), turns=1)
    line("1e6 samples of 10,000 groups, robust_mean(groups=), beside groupby.ewm", grouped, theirs, "no figure")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rust", metavar="PROGRAM")
    arguments = parser.parse_args()
    one_series()
    small()
    batch(arguments.rust)
    for order in "FC":
        frame(np.float64, order)
    frame(np.float32, "F")
