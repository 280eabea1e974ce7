"""What type checkers know of frames: as much as of the frames themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

import evenkeel
import evenkeel.pandas
import evenkeel.polars
from evenkeel.pandas import Accessor
from evenkeel.polars import Namespace


def smooth(series: pd.Series[float], frame: pd.DataFrame) -> tuple[pd.Series[float], pd.DataFrame, pd.DataFrame]:
    one = evenkeel.robust_mean(series, half_life=60, groups=frame["host"])
    many = evenkeel.cleaned_ema(frame[["x", "y"]], half_life=pd.Timedelta("5m"), times=frame.index)
    return one, many, Accessor(series).track(half_life=60)


def smooth_polars(series: pl.Series, frame: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame, pl.Expr, pl.Expr]:
    mean = evenkeel.robust_mean(pl.col("x"), half_life="5m", times=pl.col("t")).over("host")
    seen = Namespace(pl.col("x")).track(half_life=60, groups="host").struct.field("score")
    return evenkeel.ema(series, span=3), evenkeel.robust_mean(frame, alpha=0.1), mean, seen


def smooth_numbers(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    return evenkeel.robust_mean(samples, com=3.0), evenkeel.robust_mean([1.0, 2.0], half_life=3)
