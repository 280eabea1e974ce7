"""`examples/on_datafusion.py` over Parquet and CSV: the bits of one `Tracker`."""

import numpy as np
import pytest
from engines import fleet, in_order
from vectors import assert_same

import evenkeel

pytest.importorskip("datafusion")
pa = pytest.importorskip("pyarrow")
import on_datafusion
import pyarrow.csv
import pyarrow.parquet


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_bits_of_one_tracker(tmp_path, kind):
    keys, times, values = fleet(30_000)
    at = np.random.default_rng(3).permutation(len(keys))
    table = pa.table({"host": keys[at], "t": times[at], "x": pa.array(values[at], from_pandas=True)})
    files = [tmp_path / f"{n}.{kind}" for n in range(3)]
    for file, part in zip(files, (table[:1000], table[1000:17_000], table[17_000:]), strict=True):
        (pa.parquet.write_table if kind == "parquet" else pa.csv.write_csv)(part, file)
    _, frame = on_datafusion.means(files, cores=3)
    assert "partitioning=Hash([host" in frame.execution_plan().display_indent()
    found = frame.to_arrow_table()
    tracker = evenkeel.Tracker(half_life=60, preset="robust")
    at = in_order(keys, times, values)
    seen = tracker.observe_batch(keys[at], values[at])
    order = in_order(found["host"].to_numpy(), found["t"].to_numpy(), found["x"].to_numpy())
    assert found["host"].to_numpy()[order].tolist() == keys[at].tolist()
    assert_same(found["mean"].to_numpy()[order], seen.location)


def test_main(tmp_path, capfd):
    on_datafusion.main(on_datafusion.samples(tmp_path, rows=2000))
    assert capfd.readouterr().out.count("| host") == 6
