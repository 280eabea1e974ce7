#!/usr/bin/env bash
# pyspark 4.3.0: `transformWithState` makes one group of two timestamps, where clocks are put back between them.
#
# Guess: a timestamp of Spark is a moment, so two of them that are an hour apart are two keys, each with a state of its own, as
# `groupBy` alone has them.
# Seen: the worker compares keys as Python's datetimes, in the session's time zone. Two of them in the hour that comes twice in a
# night of autumn are equal, for Python leaves `fold` out of account: if their rows come one behind the other, both go to the state of the
# first, without a word. `groupBy(...).count()` finds two groups.
# Cure: group by the number, `unix_micros(t)`, or take a session time zone that does not go back, such as UTC.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python 3.11 or later, Java 17 and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pyspark==4.3.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6 protobuf==7.36.2 tzdata==2026.2
cat > moments.py <<'PYTHON'
import os
import sys
import warnings

warnings.simplefilter("ignore")
os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
import pyspark
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql.streaming import StatefulProcessor


class Counts(StatefulProcessor):
    def init(self, handle):
        pass

    def handleInputRows(self, key, rows, timerValues):
        yield Row(rows=len(list(rows)))

    def close(self):
        pass


builder = SparkSession.builder.master("local[1]")
for name, value in {
    "ui.enabled": "false",
    "ui.showConsoleProgress": "false",
    "driver.host": "127.0.0.1",
    "driver.bindAddress": "127.0.0.1",
    "sql.shuffle.partitions": "1",
    "sql.streaming.stateStore.providerClass": "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
}.items():
    builder = builder.config(f"spark.{name}", value)
session = builder.getOrCreate()
print("pyspark", pyspark.__version__)
# Half past two in Berlin on 27 October 2024, before the clocks are put back and after.
moments = session.range(2).select((sql.col("id") * 3600 + 1729989000).cast("timestamp").alias("t"))
for zone in "Europe/Berlin", "UTC":
    session.conf.set("spark.sql.session.timeZone", zone)
    print(zone)
    for row in moments.orderBy("t").select(sql.date_format("t", "yyyy-MM-dd HH:mm xxx").alias("text")).collect():
        print("   ", row.text)
    print("    groups:", moments.groupBy("t").count().count())
    states = moments.groupBy("t").transformWithState(Counts(), "rows long", "Append", "None").collect()
    print("    groups with state:", len(states), "of rows:", sorted(row.rows for row in states))
PYTHON
venv/bin/python moments.py > seen 2> errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
pyspark 4.3.0
Europe/Berlin
    2024-10-27 02:30 +02:00
    2024-10-27 02:30 +01:00
    groups: 2
    groups with state: 1 of rows: [2]
UTC
    2024-10-27 00:30 +00:00
    2024-10-27 01:30 +00:00
    groups: 2
    groups with state: 2 of rows: [1, 1]
TEXT
cat seen
diff expected seen || exit 1
