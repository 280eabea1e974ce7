"""Arrays and tables of pyarrow, and whatever exports Arrow's PyCapsules: polars without its own module, DuckDB's relations, nanoarrow.

A value below a null is arbitrary and never read; results are null where numpy's would be NaN."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._containers import REMEDY, Keys, Unpacked, floats
from .parts import Frame, end_to_end

try:
    import pyarrow as pa
    import pyarrow.compute as pc
except ImportError as error:
    raise ImportError("objects of Arrow's interface are read by pyarrow, which is not installed: pip install pyarrow") from error


def unpack(x: Any, name: str) -> Unpacked | Frame:
    """Takes an array or a table apart."""
    x = imported(x, name)
    if isinstance(x, (pa.Array, pa.ChunkedArray)):
        return column(x, name)
    # What pandas had for an index is a column of Arrow's like any other, but no signal.
    known: Any = x.schema.pandas_metadata or {}
    index = [label for label in known.get("index_columns", ()) if isinstance(label, str)]
    names = x.schema.names
    columns = [column(x.column(at), f"{name}[{label!r}]") for at, label in enumerate(names) if label not in index]
    if known:
        known["columns"] = [one for one in known["columns"] if one["field_name"] in index]

    def assemble(results: list[Any]) -> Any:
        rest = iter(results)
        arrays = [x.column(at) if label in index else next(rest) for at, label in enumerate(names)]
        return type(x).from_arrays(arrays, names=names, metadata={"pandas": json.dumps(known)} if known else None)

    def together(found: NDArray[Any]) -> Any:
        flat = end_to_end(found)
        if flat is None or index or any(getattr(column, "num_chunks", 1) != 1 for column in x.columns):
            return None
        whole = pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [None, pa.py_buffer(flat)])
        return assemble([whole.slice(at * len(found), len(found)) for at in range(len(columns))])

    return Frame(columns, x.num_rows, assemble, together=together)


def imported(x: Any, name: str) -> Any:
    """An object of any library as one of pyarrow: Array, ChunkedArray, RecordBatch or Table."""
    if isinstance(x, (pa.Array, pa.ChunkedArray, pa.RecordBatch, pa.Table)):
        return x
    try:
        if hasattr(x, "__arrow_c_array__"):
            found = pa.array(x)
            return pa.RecordBatch.from_struct_array(found) if pa.types.is_struct(found.type) else found
        if hasattr(x, "__arrow_c_stream__"):
            found = pa.chunked_array(x)
            return pa.Table.from_struct_array(found) if pa.types.is_struct(found.type) else found
    except pa.ArrowException as error:
        raise TypeError(f"{name} cannot be read by pyarrow: {error}") from error
    raise TypeError(f"{name} must be an array or a table, not a {type(x).__module__}.{type(x).__name__}")


def column(x: Any, name: str) -> Unpacked:
    """Takes a column apart."""
    if isinstance(x, pa.Array):
        return Unpacked(numbers(x, name), result)
    lengths = [len(chunk) for chunk in x.chunks]

    def chunked(results: NDArray[Any]) -> Any:
        whole = result(results)
        starts = np.cumsum([0, *lengths])
        return pa.chunked_array([whole.slice(start, length) for start, length in zip(starts, lengths, strict=False)], type=whole.type)

    parts = [numbers(chunk, name) for chunk in x.chunks] or [numbers(pa.array([], type=x.type), name)]
    return Unpacked(parts[0] if len(parts) == 1 else np.concatenate(parts), chunked)


def numbers(x: Any, name: str) -> NDArray[Any]:
    """float32 or float64 of an array, NaN for what is null: its own memory if it has no nulls."""
    kind = x.type
    if pa.types.is_dictionary(kind):
        x = x.dictionary_decode()
    elif pa.types.is_run_end_encoded(kind):
        x = pc.run_end_decode(x)
    is_float = pa.types.is_floating(x.type)
    if not (
        is_float
        or pa.types.is_integer(x.type)
        or pa.types.is_decimal(x.type)
        or pa.types.is_boolean(x.type)
        or pa.types.is_null(x.type)
    ):
        raise TypeError(f"{name} must be of real numbers, not of Arrow's type {kind}: leave it out, or cast it first")
    if pa.types.is_decimal(x.type):
        # Through text: Arrow's own cast multiplies by a power of ten, and is not the nearest float.
        x = x.cast(pa.string()).cast(pa.float64())
    elif not is_float:
        # Integers beyond 2^53 are rounded, as they are everywhere.
        x = x.cast(pa.float64(), safe=False)
    return floats(x.to_numpy(zero_copy_only=False), name)


def result(results: NDArray[Any]) -> Any:
    """An array of Arrow that shares these numbers, null for NaN."""
    return pa.array(results) if results.dtype.kind == "b" else pa.array(np.ascontiguousarray(results), from_pandas=True)


def unpack_keys(x: Any, name: str) -> Keys:
    """Numbers the keys of a column by their first appearance."""
    x = imported(x, name)
    if not isinstance(x, (pa.Array, pa.ChunkedArray)):
        raise TypeError(f"{name} must be one column, not a table")
    if pa.types.is_run_end_encoded(x.type):
        x = pc.run_end_decode(x)
    chunks = x.chunks if isinstance(x, pa.ChunkedArray) else [x]
    if not pa.types.is_dictionary(x.type):
        return _numbered(chunks, x.type, name)
    # A dictionary may hold a value twice, or a null, and each chunk may have its own.
    codes, keys = _numbered([chunk.dictionary for chunk in chunks], x.type.value_type, name, may_lack=True)
    starts = np.cumsum([0, *(len(chunk.dictionary) for chunk in chunks)])
    parts = [codes[start:][_indices(chunk, name)] for start, chunk in zip(starts, chunks)]
    codes, first = _core.factorize_integers(_complete(np.concatenate(parts), name) if parts else codes)
    return Keys(codes, keys[np.concatenate(parts)[first]] if parts else keys)


def _indices(chunk: Any, name: str) -> NDArray[np.int64]:
    indices: NDArray[np.int64] = chunk.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return _complete(indices, name)


def _numbered(chunks: list[Any], kind: Any, name: str, may_lack: bool = False) -> Keys:
    """Numbers keys of integers or strings; -1 for a null."""
    column = pa.chunked_array(chunks, type=kind)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        is_null = column.is_null().to_numpy()
        wide = pa.uint64() if kind == pa.uint64() else pa.int64()
        integers = column.cast(wide).fill_null(0).to_numpy()
        codes, first = _core.factorize_integers(integers.view(np.int64))
        codes = np.where(is_null, -1, codes)
        keys = integers[first]
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        encoded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
        codes = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        keys = np.array(encoded.dictionary.to_pylist(), dtype=object)
    else:
        raise TypeError(f"{name} must be of strings or integers, not of Arrow's type {kind}")
    return Keys(codes if may_lack else _complete(codes, name), keys)


def _complete(codes: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Numbers of keys, none of which is missing."""
    missing = codes < 0
    if missing.any():
        raise ValueError(f"{name}[{int(missing.argmax())}] is null: {REMEDY}")
    return codes


def unpack_times(x: Any) -> NDArray[Any]:
    """Times as datetime64 or timedelta64 of their own unit; those with a zone are instants of UTC."""
    x = imported(x, "times")
    if not isinstance(x, (pa.Array, pa.ChunkedArray)):
        raise TypeError("times must be one column, not a table")
    kind = x.type
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        name = f"{'datetime64' if pa.types.is_timestamp(kind) else 'timedelta64'}[{kind.unit}]"
    elif pa.types.is_date32(kind):
        name, x = "datetime64[D]", x.cast(pa.int32())
    elif pa.types.is_date64(kind):
        name = "datetime64[ms]"
    else:
        raise TypeError(f"times must be of Arrow's types timestamp, date or duration, whose units are known, not {kind}")
    numbers = (
        x.cast(pa.int64())
        .fill_null(np.iinfo(np.int64).min)
        .to_numpy(**({} if isinstance(x, pa.ChunkedArray) else {"zero_copy_only": False}))
    )
    times: NDArray[Any] = numbers.view(name)
    return times
