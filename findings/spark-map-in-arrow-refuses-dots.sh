#!/usr/bin/env bash
# pyspark 4.3.0: `mapInArrow` fails on a DataFrame that has a column with a dot in its name, whatever the function does with it.
#
# Guess: the function gets Arrow's batches of all columns, by place and by their names, and no name is looked up before: a column `cpu.usage`
# comes through like any other.
# Seen: UNRESOLVED_COLUMN when the query is made. `mapInArrow` (and `mapInPandas`, `transformWithState`) looks its own columns up again, one by
# one, by `df[name]`, which takes the dot for a member of a struct; the message proposes the column that is there. `select("*")` has no
# trouble with the same frame.
# Cure: `df.toDF("c0", "c1", ...)` before; the schema that is given for the result may have the names again, dots and all.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python 3.11 or later, Java 17 and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pyspark==4.3.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > dots.py <<'PYTHON'
import os
import sys
import warnings

warnings.simplefilter("ignore")
os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
import pyarrow as pa
import pyspark
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession


def same(batches):
    yield from batches


def named(batches):
    for batch in batches:
        yield pa.RecordBatch.from_arrays(batch.columns, names=["host", "cpu.usage"])


builder = SparkSession.builder.master("local[1]")
for name, value in {
    "ui.enabled": "false",
    "ui.showConsoleProgress": "false",
    "driver.host": "127.0.0.1",
    "driver.bindAddress": "127.0.0.1",
}.items():
    builder = builder.config(f"spark.{name}", value)
session = builder.getOrCreate()
print("pyspark", pyspark.__version__)
df = session.createDataFrame([("a", 1.5)], "host string, `cpu.usage` double")
print("select:", df.select("*").collect())
try:
    print("mapInArrow:", df.mapInArrow(same, df.schema).collect())
except AnalysisException as error:
    print("mapInArrow:", error.getCondition())
print("after toDF:", df.toDF("c0", "c1").mapInArrow(named, df.schema).collect())
PYTHON
venv/bin/python dots.py > seen 2> errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
pyspark 4.3.0
select: [Row(host='a', cpu.usage=1.5)]
mapInArrow: UNRESOLVED_COLUMN.WITH_SUGGESTION
after toDF: [Row(host='a', cpu.usage=1.5)]
TEXT
cat seen
diff expected seen || exit 1
