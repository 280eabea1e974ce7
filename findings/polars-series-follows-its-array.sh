#!/usr/bin/env bash
# polars 2.1.0: a Series made of a numpy array is the array's memory, and changes when the array is written to afterwards.
#
# Guess: a Series cannot be changed from outside, so making one of a writable array copies it, as pandas 3 does; or it does not matter
# which constructor is called.
# Seen: `pl.Series(array)` and `pl.DataFrame({"x": array})` of floats or integers copy nothing: a buffer that is filled anew for
# every batch, which is how acquisition loops are written, changes all the Series that were made of it before, and their sums. A flag
# that the values are sorted stays, and `max` is that of the values before. Of an array of two dimensions the layout decides:
# `pl.DataFrame` copies one by rows (C) and shares one by columns (F).
# Cure: hand over a copy where the array lives on: `pl.Series(array.copy())`. What shares is fast: nothing need be copied where the
# array is not written to again.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python 3.11 or later with venv, and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet polars==2.1.0 pandas==3.1.1 numpy==2.4.6
cat > show.py <<'PYTHON'
import numpy as np
import pandas as pd
import polars as pl


def after_write(make, array):
    made = make(array)
    array[(0,) * array.ndim] = 99
    return made


def first(frame):
    return frame.to_series(0).to_list()[0]


print("polars Series:           ", after_write(pl.Series, np.arange(4.0)).to_list()[0])
print("polars Series, integers: ", after_write(pl.Series, np.arange(4)).to_list()[0])
print("polars frame of a dict:  ", first(after_write(lambda x: pl.DataFrame({"x": x}), np.arange(4.0))))
square = np.arange(4.0).reshape(2, 2)
print("polars frame by rows:    ", first(after_write(pl.DataFrame, square.copy(order="C"))))
print("polars frame by columns: ", first(after_write(pl.DataFrame, square.copy(order="F"))))
print("pandas Series:           ", after_write(pd.Series, np.arange(4.0)).iloc[0])
kept = after_write(lambda x: pl.Series(x).set_sorted(), np.arange(4.0))
print("flagged as sorted:       ", kept.to_list(), "and its maximum", kept.max())
PYTHON
venv/bin/python show.py > seen
cat > expected <<'TEXT'
polars Series:            99.0
polars Series, integers:  99
polars frame of a dict:   99.0
polars frame by rows:     0.0
polars frame by columns:  99.0
pandas Series:            0.0
flagged as sorted:        [99.0, 1.0, 2.0, 3.0] and its maximum 3.0
TEXT
cat seen
diff expected seen || exit 1
