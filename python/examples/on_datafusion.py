"""Robust means in SQL over files, by DataFusion on all cores: `python on_datafusion.py [FILES...]`.

Each file is Parquet or CSV with columns `host`, `t` and `x`; without one, some are made to try it with. `PARTITION BY` shares the
series out over the cores, and `ORDER BY t, x` makes the order of samples of one time certain. The bits are those of one
`evenkeel.Tracker` that took the samples of each series in this order. A query holds the samples of a whole series in memory, and
nothing is kept from one query to the next: for streams, keep a `Tracker`.
"""

import sys
import tempfile
from pathlib import Path

import datafusion
import evenkeel.datafusion
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MEANS = """
SELECT host, t, x, robust_mean(x, 60) OVER series AS mean, track(x, 60) OVER series AS seen
FROM samples WINDOW series AS (PARTITION BY host ORDER BY t, x)
"""
WORST = """
SELECT host, count(*) AS samples, sum(CASE WHEN seen['outlier'] THEN 1 ELSE 0 END) AS outliers, last_value(mean ORDER BY t, x) AS mean
FROM means GROUP BY host ORDER BY outliers DESC, host LIMIT 5
"""


def means(files, cores=4):
    """A frame of all samples with their means, over files of one kind."""
    config = datafusion.SessionConfig().with_target_partitions(cores).with_repartition_file_min_size(0)
    ctx = datafusion.SessionContext(config)
    evenkeel.datafusion.register(ctx)
    names = [str(file) for file in files]
    frames = [ctx.read_csv(name) if name.endswith(".csv") else ctx.read_parquet(name) for name in names]
    for other in frames[1:]:
        frames[0] = frames[0].union(other)
    ctx.register_view("samples", frames[0])
    return ctx, ctx.sql(MEANS)


def samples(folder, files=3, rows=20_000, hosts=50):
    """Files to try it with."""
    rng = np.random.default_rng(1)
    for n in range(files):
        times = np.datetime64("2024-05-01", "ms") + rng.integers(0, 86_400_000, rows).astype("m8[ms]")
        x = np.where(rng.random(rows) < 0.02, 9000, np.round(rng.normal(40, 2, rows), 1))
        table = pa.table({"host": [f"host{n}" for n in rng.integers(0, hosts, rows)], "t": times, "x": x})
        pq.write_table(table, Path(folder) / f"{n}.parquet")
    return sorted(Path(folder).glob("*.parquet"))


def main(files):
    ctx, frame = means(files)
    ctx.register_view("means", frame)
    ctx.sql(WORST).show()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(sys.argv[1:] or samples(folder))
