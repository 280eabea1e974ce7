#!/usr/bin/env bash
# pyspark 4.3.0: in the frames of `transformWithStateInPandas` columns have other names, and a null of one key changes the numbers of
# another.
#
# Guess: `handleInputRows(key, rows, ...)` gets frames of the columns of the schema, as the function of `applyInPandas` does: by name, and with
# dtypes that depend on what the key itself has.
# Seen: the rows of an Arrow batch, of all its keys, become named tuples (`pandas.DataFrame.itertuples`), and these become a frame
# for each key. A name that is none for an attribute (`class`, `disk used`, `_x`) is `_1`, `_2`, ... by its place. A column of int64 that is
# null in a row of any key in the batch is float64 for all of them: 9007199254740993 of key "a" is 9007199254740992 as long as key "b"
# comes with a null. `applyInPandas` has the names, and the number.
# Cure: `transformWithState`, which hands over rows; or names such as c0, c1 (`toDF`), and numbers as text or without nulls.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python 3.11 or later, Java 17 and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pyspark==4.3.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6 protobuf==7.36.2
cat > frames.py <<'PYTHON'
import os
import sys
import warnings

warnings.simplefilter("ignore")
os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
import pandas as pd
import pyspark
from pyspark.sql import SparkSession
from pyspark.sql.streaming import StatefulProcessor


def described(frame):
    return pd.DataFrame({"seen": [f"{list(frame.columns)} {[str(kind) for kind in frame.dtypes]} {frame.iloc[:, 2].tolist()}"]})


class Processor(StatefulProcessor):
    def init(self, handle):
        pass

    def handleInputRows(self, key, rows, timerValues):
        for frame in rows:
            yield described(frame)

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
rows = [("a", 1, 2**53 + 1, 1.0), ("b", 1, None, 1.0)]
df = session.createDataFrame(rows, "host string, class long, `disk used` long, _x double").groupBy("host")
print("with state:")
for row in df.transformWithStateInPandas(Processor(), "seen string", "Append", "None").sort("seen").collect():
    print("   ", row.seen)
print("without:")
for row in df.applyInPandas(described, "seen string").sort("seen").collect():
    print("   ", row.seen)
PYTHON
venv/bin/python frames.py > seen 2> errors || { cat errors; exit 1; }
cat > expected <<'TEXT'
pyspark 4.3.0
with state:
    ['host', '_1', '_2', '_3'] ['str', 'int64', 'float64', 'float64'] [9007199254740992.0]
    ['host', '_1', '_2', '_3'] ['str', 'int64', 'float64', 'float64'] [nan]
without:
    ['host', 'class', 'disk used', '_x'] ['str', 'int64', 'float64', 'float64'] [nan]
    ['host', 'class', 'disk used', '_x'] ['str', 'int64', 'int64', 'float64'] [9007199254740993]
TEXT
cat seen
diff expected seen || exit 1
