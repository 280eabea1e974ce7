"""The pages of `docs/` are right: their examples run, and their tables say what others do."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import evenkeel

FOLDER = Path(__file__).parents[1] / "docs"
PAGES = sorted(FOLDER.glob("*.md"))
for library in ("pandas", "polars", "pyarrow", "duckdb", "datafusion"):
    pytest.importorskip(library)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page):
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried and not failed


def test_the_table_of_missing_values():
    import duckdb
    import pandas as pd
    import polars as pl

    def median(series):
        frame = pl.DataFrame({"i": [0, 1, 2], "x": series})
        assert frame.height == 3
        return [row[0] for row in duckdb.sql("SELECT median(x) OVER (ORDER BY i) FROM frame").fetchall()]

    rule = {"alpha": 0.5, "resolution": None}
    ours = {
        "`evenkeel.ema`": lambda s: evenkeel.ema(s, alpha=0.5),
        "`evenkeel.robust_mean`, `cleaned_ema`": lambda s: evenkeel.robust_mean(s, **rule),
        "pandas `ewm().mean()`": lambda s: pd.Series(s.to_list(), dtype=float).ewm(alpha=0.5).mean(),
        "pandas `ewm(ignore_na=True).mean()`": lambda s: pd.Series(s.to_list(), dtype=float).ewm(alpha=0.5, ignore_na=True).mean(),
        "polars `ewm_mean(ignore_nulls=False)`": lambda s: s.ewm_mean(alpha=0.5, ignore_nulls=False),
        "polars `ewm_mean(ignore_nulls=True)`": lambda s: s.ewm_mean(alpha=0.5, ignore_nulls=True),
        "pandas `rolling(3, 1).median()`": lambda s: pd.Series(s.to_list(), dtype=float).rolling(3, 1).median(),
        "polars `rolling_median(3, min_samples=1)`": lambda s: s.rolling_median(3, min_samples=1),
        "DuckDB `median(x) OVER (ORDER BY i)`": median,
    }
    series = [pl.Series("x", [1.0, middle, 3.0]) for middle in (np.nan, None, np.inf)]
    assert evenkeel.cleaned_ema(series[2], **rule).to_list() == evenkeel.robust_mean(series[2], **rule).to_list()
    rows = re.findall(r"^\| (.+) \| (1, .+) \| (1, .+) \| (1, .+) \|$", (FOLDER / "MISSING.md").read_text(), re.MULTILINE)
    assert [row[0] for row in rows] == list(ours)
    for name, *cells in rows:
        for x, cell in zip(series, cells, strict=True):
            found = list(ours[name](x))
            for value, text in zip(found, cell.split(", "), strict=True):
                assert (
                    value is None
                    if text == "-"
                    else float(f"{value:.1g}" if "e" in text else f"{value:.2f}") == pytest.approx(float(text), nan_ok=True)
                ), (name, cell, found)
