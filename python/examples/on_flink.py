"""Robust means of a keyed stream on Flink: `python on_flink.py SAMPLES ESTIMATES CHECKPOINTS`.

SAMPLES is a file of lines `KEY,TIME,SAMPLE`, times in milliseconds; ESTIMATES becomes a folder of lines `KEY,TIME,SAMPLE,LOCATION`,
in the files that are finished, whose names begin with `part-`. Kill it, run it again, and it goes on from the last checkpoint in
CHECKPOINTS: in the end ESTIMATES holds each line once, with the bits of one `evenkeel.Tracker` that saw everything.

The state of a key is what `OneSeries.save` returns, under a hundred bytes. Flink keeps the order in which one reader of a source
sends the samples of a key, and no other: so all samples of a key lie in one file here, or in one partition of a topic, oldest first.
One that is older than the last of its key is refused, as by a `Tracker`, and its line has the location as it stands.

There is no buffer that waits for a watermark: in Flink 2.3 some timers of a Python function are gone after recoveries, and what waits
for them never comes out (`findings/flink-python-timers-get-lost.sh`).
"""

import sys
from pathlib import Path

import evenkeel
import numpy as np
from pyflink.common import Configuration, Types, WatermarkStrategy
from pyflink.common.serialization import Encoder
from pyflink.datastream import KeyedProcessFunction, StreamExecutionEnvironment
from pyflink.datastream.connectors.file_system import FileSink, FileSource, RollingPolicy, StreamFormat
from pyflink.datastream.state import ValueStateDescriptor

MEMORY = {"half_life": "5m", "preset": "robust"}


class RobustMean(KeyedProcessFunction):
    """The location of each key after each of its samples `(key, time, sample)`."""

    def __init__(self, **memory):
        self.memory = memory

    def open(self, runtime_context):
        self.series = evenkeel.OneSeries(**self.memory)
        self.saved = runtime_context.get_state(ValueStateDescriptor("series", Types.PRIMITIVE_ARRAY(Types.BYTE())))

    def process_element(self, value, ctx):
        key, time, sample = value
        self.series.restore(self.saved.value())
        seen = self.series.update(np.array([sample]), np.array([time], dtype="datetime64[ms]"))
        self.saved.update(self.series.save())
        yield f"{key},{time},{sample!r},{seen.location.item()!r}"


def parse(line):
    key, time, sample = line.rsplit(",", 2)
    return key, int(time), float(sample)


def last_checkpoint(folder):
    """The youngest checkpoint that was finished, by whichever job, or None."""
    found = list(Path(folder).glob("*/chk-*/_metadata"))
    return max(found, key=lambda file: file.stat().st_mtime_ns).parent if found else None


def environment(checkpoints, resume):
    settings = {
        "python.executable": sys.executable,  # else it is the first `python` of the path
        "execution.checkpointing.interval": "500 ms",
        "execution.checkpointing.dir": Path(checkpoints).absolute().as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "100",
        "restart-strategy.fixed-delay.delay": "100 ms",
    }
    if resume:
        settings["execution.state-recovery.path"] = resume.absolute().as_uri()
    made = Configuration()
    for name, value in settings.items():
        made.set_string(name, value)
    return StreamExecutionEnvironment.get_execution_environment(made)


def estimate(samples, estimates, checkpoints, parallelism=2):
    """Runs the job until all samples have their line, from the last checkpoint on if there is one."""
    env = environment(checkpoints, last_checkpoint(checkpoints))
    env.set_parallelism(parallelism)
    source = FileSource.for_record_stream_format(StreamFormat.text_line_format(), str(Path(samples).absolute())).build()
    sink = FileSink.for_row_format(str(Path(estimates).absolute()), Encoder.simple_string_encoder("UTF-8"))
    (
        env.from_source(source, WatermarkStrategy.no_watermarks(), "samples")
        .map(parse, Types.TUPLE([Types.STRING(), Types.LONG(), Types.DOUBLE()]))
        .key_by(lambda sample: sample[0], Types.STRING())
        .process(RobustMean(**MEMORY), Types.STRING())
        .sink_to(sink.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy()).build())
    )
    env.execute("robust means")


if __name__ == "__main__":
    estimate(*sys.argv[1:])
    lines = [line for part in Path(sys.argv[2]).rglob("part-*") for line in part.read_text().splitlines()]
    print(f"{len(lines)} lines, such as {lines[-1]}")
