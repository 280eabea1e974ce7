"""A session of Spark on this machine alone, and the query that the test of streams kills: `python spark_session.py FOLDER`."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
SCHEMA = "row long, host string, t timestamp, x double, `a.b` long"
RULE = {"half_life": "5m", "preset": "robust"}


def session(master="local-cluster[2,1,1024]"):
    """A cluster of two workers, each a process of its own, or whatever else is asked for, that listens on loopback only."""
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "Europe/Berlin",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "97",
        "spark.sql.streaming.stateStore.providerClass": ROCKSDB,
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master(master)
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def stream(spark, folder, **options):
    """A query over the files of a folder, one in each micro-batch, into files, which ends when all have been read."""
    import evenkeel.spark

    samples = spark.readStream.schema(SCHEMA).option("maxFilesPerTrigger", 1).parquet(str(folder / "in"))
    if "max_idle" in options:
        samples = samples.withWatermark("t", "1 second")
    seen = evenkeel.spark.streaming(samples, key="host", value="x", time="t", **RULE, **options)
    writer = seen.writeStream.option("checkpointLocation", str(folder / "checkpoint")).format("parquet")
    return writer.trigger(availableNow=True).start(str(folder / "out"))


if __name__ == "__main__":
    stream(session(), Path(sys.argv[1])).awaitTermination()
