#!/usr/bin/env python3
"""Makes the small tables of the tests as pandas, fastparquet, polars and pyarrow write them.

    pip install pyarrow==26.0.1 pandas==3.1.1 fastparquet==2026.9.0 polars==2.1.0
    python3 cli/tests/parquet/make_tables.py
"""

import datetime as dt
import pathlib

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent

# An index of moments without a name, behind the data; one of numbers; and none that is a column.
moments = pd.date_range("2024-05-01", periods=3, freq="1min", tz="UTC")
frame = pd.DataFrame({"cpu": [1.0, 2.0, 4.0]}, index=moments)
frame.to_parquet(HERE / "index_time.parquet")
frame.to_feather(HERE / "index_time.feather")
frame.reset_index(drop=True).iloc[[2, 0, 1]].to_parquet(HERE / "index_number.parquet")
frame.reset_index(drop=True).iloc[[2, 0, 1]].rename_axis("key").to_parquet(HERE / "index_named.parquet")
frame.reset_index(drop=True).to_parquet(HERE / "index_range.parquet")

# A table without rows, which has no group of them.
frame.reset_index(drop=True).iloc[:0].to_parquet(HERE / "no_rows.parquet", engine="fastparquet")

# Durations are durations only in the schema that Arrow adds; the rest is what nobody follows.
durations = [dt.timedelta(milliseconds=1500), None, dt.timedelta(days=-1, milliseconds=1)]
columns = {
    "took": pa.array(durations, pa.duration("us")),
    "cpu": pa.array([1.0, 2.0, 4.0]),
    "up": pa.array([True, False, None]),
    "at": pa.array([dt.time(1, 2, 3)] * 3, pa.time64("us")),
    "list": pa.array([[1.0]] * 3),
    "none": pa.nulls(3),
    "key": pa.array([b"\xff"] * 3),
}
pq.write_table(pa.table(columns), HERE / "durations.parquet", compression="brotli")

# Moments that nanoseconds do not reach, in 96 bits.
far = [dt.datetime(1500, 1, 1), dt.datetime(2024, 1, 1, 1, 1, 1, 5), dt.datetime(9999, 12, 30, 23, 59, 59), None]
far = pa.table({"t": pa.array(far, pa.timestamp("us")), "v": [1.0, 2.0, 3.0, 4.0]})
pq.write_table(far, HERE / "int96_far.parquet", use_deprecated_int96_timestamps=True)

# Arrow: text in every way, packed in both ways, as a file and as a stream.
hosts = ["north", "south", None, "north"]
texts = {
    "host": pa.array(hosts).dictionary_encode(),
    "large": pa.array(hosts, pa.large_string()),
    "view": pa.array(hosts, pa.string_view()),
    "v": pa.array([1.0, 2.0, None, 4.0]),
    "d": pa.array([1, 2, 3, None], pa.decimal64(9, 2)),
}
texts = pa.table(texts)
pf.write_feather(texts, HERE / "texts_lz4.feather", compression="lz4", chunksize=3)
pf.write_feather(texts, HERE / "texts_zstd.arrow", compression="zstd")
with pa.ipc.new_stream(HERE / "texts.arrows", texts.schema) as stream:
    stream.write_table(texts, max_chunksize=3)
polars = pl.DataFrame({"host": ["north", "south", None, "north"], "v": [1.0, 2.0, None, 4.0]})
polars.with_columns(large=pl.col("host").cast(pl.Categorical)).write_ipc(HERE / "polars.arrow", compression="zstd")
