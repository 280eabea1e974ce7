#!/usr/bin/env python3
"""Makes the Parquet files of the tests, and the CSV of the same data, with pyarrow: what another program writes.

    pip install pyarrow
    python3 cli/tests/parquet/make.py
"""

import datetime as dt
import decimal
import pathlib
import random

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
ROWS = 45
random.seed(1)


def holes(values, step):
    return [None if row % step == step - 1 else value for row, value in enumerate(values)]


def whole(low, high, step):
    return holes([low, high] + [random.randint(low, high) for _ in range(ROWS - 2)], step)


start = dt.datetime(2024, 3, 30, 22, 59, 58, 123456)  # a night in which clocks are put forward
moments = [start + row * dt.timedelta(minutes=3, microseconds=7) for row in range(ROWS)]
moments[-1] = dt.datetime(1950, 1, 1, 0, 0, 0, 5)
utc = [moment.replace(tzinfo=dt.timezone.utc) for moment in moments]
floats = [0.1, -0.0, 1e300, 5e-324, float("inf"), float("-inf"), float("nan")]
floats += [random.gauss(50, 3) for _ in range(ROWS - len(floats))]
singles = [min(max(number, -3e4), 3e4) for number in floats]
hosts = holes([["north", "south, by \"east\"", "", "\u00fcber"][row % 4] for row in range(ROWS)], 13)

columns = {
    "zone": pa.array(utc, pa.timestamp("us", "Europe/Berlin")),
    "text": [f"row {row}" for row in range(ROWS)],
    "nested": pa.array([[1.0, 2.0]] * ROWS),
    "record": pa.array([{"a": 1}] * ROWS),
    "i8": pa.array(whole(-128, 127, 7), pa.int8()),
    "i16": pa.array(whole(-(2**15), 2**15 - 1, 8), pa.int16()),
    "i32": pa.array(whole(-(2**31), 2**31 - 1, 9), pa.int32()),
    "i64": pa.array(whole(-(2**63), 2**63 - 1, 10), pa.int64()),
    "u8": pa.array(whole(0, 2**8 - 1, 11), pa.uint8()),
    "u16": pa.array(whole(0, 2**16 - 1, 12), pa.uint16()),
    "u32": pa.array(whole(0, 2**32 - 1, 13), pa.uint32()),
    "u64": pa.array(whole(0, 2**64 - 1, 14), pa.uint64()),
    "f16": pa.array(holes(singles, 7), pa.float16()),
    "f32": pa.array(holes(singles, 8), pa.float32()),
    "f64": pa.array(holes(floats, 9), pa.float64()),
    "d32": pa.array([decimal.Decimal(row) / 8 - 2 for row in range(ROWS)], pa.decimal128(7, 3)),
    "d128": pa.array(holes([decimal.Decimal(n).scaleb(-9) for n in whole(-(10**37), 10**37, 99)], 5), pa.decimal128(38, 9)),
    "d256": pa.array(holes([decimal.Decimal(n).scaleb(-20) for n in whole(-(10**60), 10**60, 99)], 6), pa.decimal256(76, 20)),
    "flag": [row % 3 == 0 for row in range(ROWS)],
    "nothing": pa.nulls(ROWS),
    "full": pa.array([float(row) for row in range(ROWS)], pa.float64()),
    "host": pa.array(hosts).dictionary_encode(),
    "number": pa.array([row % 3 for row in range(ROWS)], pa.int64()),
    "ms": pa.array([moment.replace(microsecond=moment.microsecond // 1000 * 1000) for moment in utc], pa.timestamp("ms", "UTC")),
    "us": pa.array(holes(moments, 7), pa.timestamp("us")),
    "ns": pa.array(utc, pa.timestamp("ns", "UTC")),
    "day": pa.array([moment.date() for moment in moments], pa.date32()),
}


def cell(value):
    """What a careful writer of CSV writes."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        text = value.astimezone(dt.timezone.utc) if value.tzinfo else value
        text = text.replace(tzinfo=None).isoformat(timespec="microseconds").rstrip("0").rstrip(".")
        return text + ("Z" if value.tzinfo else "")
    if isinstance(value, (float, int, decimal.Decimal, dt.date)) and not isinstance(value, bool):
        return "" if value != value else str(value)
    return '"' + str(value).replace('"', '""') + '"'


def values(name):
    column = table[name]
    if name == "ns":  # as Python's own type, which has no nanoseconds
        column = column.cast(pa.timestamp("us", "UTC"))
    if name in ("f16", "f32"):  # as the number that it is, not as the shortest that rounds to it
        column = column.cast(pa.float64())
    return column.to_pylist()


table = pa.table({name: column if isinstance(column, pa.Array) else pa.array(column) for name, column in columns.items()})
readable = [name for name in table.column_names if name not in ("text", "nested", "record", "flag", "nothing")]
lines = [",".join(readable)] + [",".join(map(cell, row)) for row in zip(*map(values, readable))]
(HERE / "types.csv").write_text("\n".join(lines) + "\n")

plain = table.set_column(table.column_names.index("host"), "host", pa.array(hosts))
large = table.set_column(table.column_names.index("host"), "host", pa.array(hosts, pa.large_string()))
view = table.set_column(table.column_names.index("host"), "host", pa.array(hosts, pa.string_view()))
bare = table.set_column(table.column_names.index("host"), "host", pa.array([h and h.encode() for h in hosts], pa.binary()))
deltas = {name: "DELTA_BINARY_PACKED" for name in ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "us", "ns", "day"]}
splits = {name: "BYTE_STREAM_SPLIT" for name in ["f16", "f32", "f64", "full"]}
lengths = {"host": "DELTA_LENGTH_BYTE_ARRAY", "text": "DELTA_BYTE_ARRAY"}
for name, data, options in [
    ("none", table, {"row_group_size": 20}),
    ("snappy", plain, {"use_dictionary": False, "store_schema": False, "store_decimal_as_integer": True}),
    ("zstd", large, {"data_page_version": "2.0", "data_page_size": 64, "write_batch_size": 4}),
    ("gzip", bare, {"version": "1.0", "row_group_size": 23}),
    ("lz4", view, {"use_dictionary": False, "column_encoding": deltas | splits | lengths, "data_page_version": "2.0"}),
]:
    pq.write_table(data, HERE / f"{name}.parquet", compression=name, **options)

# Timestamps as they were written before there were any.
old = pa.table({"when": table["us"], "full": table["full"]})
pq.write_table(old, HERE / "int96.parquet", use_deprecated_int96_timestamps=True)
