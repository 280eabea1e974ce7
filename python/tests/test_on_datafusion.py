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


def test_times_with_a_zone_are_cast_to_utc():
    # In the hour that comes twice, too.
    times = np.datetime64("2026-10-25T00:00", "s") + np.arange(0, 7200, 60)
    values = np.random.default_rng(1).normal(40, 2, len(times)).round(1)
    ctx = on_datafusion.datafusion.SessionContext()
    evenkeel.datafusion.register(ctx)
    table = pa.table({"t": pa.array(times).cast(pa.timestamp("ms", "Europe/Berlin")), "x": values})
    ctx.register_record_batches("samples", [table.to_batches()])
    found = ctx.sql("SELECT robust_mean_by(x, CAST(t AS TIMESTAMP), '5m') OVER (ORDER BY t) AS mean FROM samples ORDER BY t")
    assert_same(found.to_arrow_table()["mean"].to_numpy(), evenkeel.robust_mean(values, half_life="5m", times=times))
