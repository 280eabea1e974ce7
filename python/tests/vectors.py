"""The vectors that the project's executable specifications have made, and comparisons to the bit."""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[2] / "tests"
WORDS = {"NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}


@lru_cache
def vectors(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def numbers(row: list[Any], dtype: Any = np.float64) -> Any:
    return np.array([WORDS.get(value, value) if isinstance(value, str) else value for value in row], dtype=dtype)


def assert_same(found: Any, expected: Any) -> None:
    """Asserts equal bits; every NaN is one."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape, (found.dtype, found.shape, expected.dtype, expected.shape)
    if found.dtype == bool:
        np.testing.assert_array_equal(found, expected)
        return
    word = np.uint32 if found.dtype == np.float32 else np.uint64
    bits = [np.where(np.isnan(x), np.array(np.nan, x.dtype), x).view(word) for x in (found, expected)]
    differs = np.flatnonzero(bits[0] != bits[1])
    assert not differs.size, f"{differs.size} differ, the first at {differs[0]}: {found.flat[differs[0]]!r}, not {expected.flat[differs[0]]!r}"
