"""Data frames of other libraries, each known by the module that its type comes from: none is imported before one of its objects comes
in.

| file | containers |
|---|---|
| `pandas.py` | Series, DataFrame, Index and arrays of pandas |
| `polars.py` | Series, DataFrame and expressions of polars |
| `arrow.py` | arrays and tables of pyarrow, and whatever exports Arrow's PyCapsules |
| `parts.py` | frames, column by column |
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from .._containers import KEY_UNPACKERS, TIME_UNPACKERS, UNPACKERS, Keys, Unpacked, _as_it_is
from .parts import Block

_FAMILIES = {"pandas": "pandas", "polars": "polars", "pyarrow": "arrow"}
_KNOWN: dict[type, Any] = {}


def _family(x: object) -> Any:
    """The module here that knows an object of this type; None for what is none of a frame."""
    kind = type(x)
    if kind not in _KNOWN:
        roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
        name = next((_FAMILIES[root] for root in roots if root in _FAMILIES), None)
        if name is None and (hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__arrow_c_array__")):
            name = "arrow"
        _KNOWN[kind] = None if name is None else import_module(f".{name}", __name__)
    return _KNOWN[kind]


def _unpack(x: object, name: str) -> Unpacked | None:
    if type(x) is Block:
        return Unpacked(x, _as_it_is)  # type: ignore[arg-type]
    family = _family(x)
    return None if family is None else family.unpack(x, name)


def _unpack_keys(keys: object, name: str) -> Keys | None:
    if isinstance(keys, Keys):
        return keys
    family = _family(keys)
    return None if family is None else family.unpack_keys(keys, name)


def _unpack_times(times: object) -> NDArray[Any] | None:
    family = _family(times)
    return None if family is None else family.unpack_times(times)


UNPACKERS.append(_unpack)
KEY_UNPACKERS.append(_unpack_keys)
TIME_UNPACKERS.append(_unpack_times)
