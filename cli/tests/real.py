"""Makes real.csv: one series and three values of each file in real/, as pandas, the json module and a few lines by hand read it.

Needs pandas. `python3 real.py > real.csv`; nothing here calls evenkeel.
"""

import csv
import io
import json
import re
import sys
from pathlib import Path

import pandas

REAL = Path(__file__).parent / "real"


def text(name):
    return (REAL / name).read_text()


def table(name, time, value, rows=None, **options):
    """A column of a table, all of it text to begin with, so that times stay as they are written."""
    source = io.StringIO(rows) if rows is not None else REAL / name
    frame = pandas.read_csv(source, dtype=str, keep_default_na=False, skipinitialspace=True, **options)
    times = frame[time] if isinstance(time, str) else frame[time[0]] + " " + frame[time[1]]
    return list(zip(times, frame[value]))


def numbered(rows):
    """Values of rows that have no time."""
    return [(str(number), value) for number, value in enumerate(rows, 1)]


def blanks(name, header, columns, time, value):
    """Lines of as many words as there are columns, below the header."""
    lines = [line.split() for line in text(name).splitlines()[header + 1 :]]
    return [(line[time], line[value]) for line in lines if len(line) == columns and "Average:" not in line[0]]


def objects(name, time, value):
    """A member of objects, one per line, by a path; numbers stay as they are written."""
    found = []
    for line in text(name).splitlines():
        if not line.startswith("{"):
            continue
        item = json.loads(line, parse_float=str, parse_int=str)
        one, other = item, item
        for part in time.split("/"):
            one = one.get(part) if isinstance(one, dict) else None
        for part in value.split("/"):
            other = other.get(part) if isinstance(other, dict) else None
        if one is not None and isinstance(other, str):
            found.append((one, other))
    return found


def exposition(name, metric, labels):
    """Samples of one series in the text format of Prometheus: labels as they are written."""
    pattern = re.compile(r"^" + re.escape(metric + labels) + r" (\S+)(?: (\d+))?$", re.M)
    return [(time, value) for value, time in pattern.findall(text(name))]


def sections(name, header, time, value):
    """The rows of a file of sadf between its comments, of the tables that begin so."""
    found, names = [], None
    for line in text(name).splitlines():
        if line.startswith("#"):
            names = line[2:].removesuffix("[...]").split(";")
        elif "RESTART" not in line and names and header in names:
            row = dict(zip(names, line.split(";")))
            found.append((row[time], row[value]))
    return found


def lines(name):
    return text(name).splitlines()


netdata = json.loads(text("netdata.json"), parse_float=str, parse_int=str)
matrix = json.loads(text("prom_range.json"), parse_float=str, parse_int=str)["data"]["result"][0]["values"]
dool = "\n".join(lines("dool.csv")[5:])
dstat = "\n".join(lines("dstat.csv")[5:])
dstat_t = "\n".join(line for line in lines("dstat_t.csv")[5:] if line.count(",") == 8)
flux = [line for line in lines("hand_annotated.csv") if line.startswith(",,")]
vmstat = [line.split() for line in lines("vmstat_tn.txt")[2:]]
dump = re.findall(r"} (\S+) (\d+)$", text("promtool_dump_load.txt"), re.M)
usage = 'cpu,host=web1 usage'

sysstat = json.loads(text("sadf_j.json"), parse_float=str)["sysstat"]["hosts"][0]
SERIES = {
    "ab.csv": ("Time in ms", numbered(pandas.read_csv(REAL / "ab.csv", dtype=str)["Time in ms"])),
    "ab.tsv": ("ttime", table("ab.tsv", "starttime", "ttime", sep="\t")),
    "arr1.json": ("cpu", [("2024-05-01T10:00:00Z", "1"), ("2024-05-01T10:01:00Z", "2")]),
    "collectd_if_octets.csv": ("rx", table("collectd_if_octets.csv", "epoch", "rx")),
    "collectd_sock.txt": ("shortterm", [("", line.split("=")[1]) for line in lines("collectd_sock.txt") if line.startswith("shortterm")]),
    "clickhouse_compact.json": ("cpu", [(row[0], row[2]) for row in json.loads(text("clickhouse_compact.json"), parse_float=str, parse_int=str)["data"]]),
    "collectd_load.csv": ("midterm", table("collectd_load.csv", "epoch", "midterm")),
    "desc.csv": ("user", table("desc.csv", "time", "user")[::-1]),
    "dool.csv": ("writ", table("", "time", "writ", dool)),
    "dstat.csv": ("csw", numbered(pandas.read_csv(io.StringIO(dstat), dtype=str)["csw"])),
    "dstat_t.csv": ("5m", table("", "time", "5m", dstat_t)),
    "glances.csv": ("mem.used", table("glances.csv", "timestamp", "mem.used")),
    "hand_annotated.csv": (usage, [(row.split(",")[5], row.split(",")[6]) for row in flux if "web1" in row]),
    "hand_influx2_noann.csv": (usage, [(r.split(",")[5], r.split(",")[6]) for r in lines("hand_influx2_noann.csv") if "web1" in r]),
    "hand_graphite.txt": ("servers.web1.load", [tuple(reversed(line.split()[1:])) for line in lines("hand_graphite.txt") if "web1" in line]),
    "hand_journal.ndjson": ("CPU_USAGE_NSEC", objects("hand_journal.ndjson", "__REALTIME_TIMESTAMP", "CPU_USAGE_NSEC")),
    "hand_k6.csv": ("metric_value", table("hand_k6.csv", "timestamp", "metric_value")),
    "hand_k6.ndjson": ("data.value", objects("hand_k6.ndjson", "data/time", "data/value")),
    "hand_nvidia_index.csv": ("power.draw [W]", [(t, v.removesuffix(" W")) for t, v in table("hand_nvidia_index.csv", "timestamp", "power.draw [W]")]),
    "hand_nvidia_nounits.csv": ("utilization.gpu [%]", table("hand_nvidia_nounits.csv", "timestamp", "utilization.gpu [%]")),
    "hey.csv": ("offset", numbered(pandas.read_csv(REAL / "hey.csv", dtype=str)["offset"])),
    "hyperfine.csv": ("mean", table("hyperfine.csv", "command", "mean")),
    "influx1_all.csv": ("usage", table("influx1_all.csv", "time", "usage")),
    "influx1_empty.csv": ("mean", table("influx1_empty.csv", "time", "mean")),
    "influx1_http.csv": ("usage", table("influx1_http.csv", "time", "usage")),
    "jc_mpstat.ndjson": ("percent_usr", objects("jc_mpstat.ndjson", "time", "percent_usr")),
    "jc_vmstat.ndjson": ("free_mem", objects("jc_vmstat.ndjson", "timestamp", "free_mem")),
    "locust_slow_start.csv": ("99%", table("locust_slow_start.csv", "Timestamp", "99%")),
    "mqtt_j.ndjson": ("payload", [(t, v) for t, v in objects("mqtt_j.ndjson", "tst", "payload") if "{" not in v]),
    "netdata.csv": ("nice", table("netdata.csv", "time", "nice")[::-1]),
    "netdata.json": ("nice", [(row[0], row[8]) for row in netdata["data"]][::-1]),
    "node_exporter.prom": ('node_cpu_seconds_total{cpu="0",mode="idle"}', [("", v) for _, v in exposition("node_exporter.prom", "node_cpu_seconds_total", '{cpu="0",mode="idle"}')]),
    "pandas.csv": ("cpu", table("pandas.csv", "Unnamed: 0", "cpu")),
    "pandas.ndjson": ("cpu", objects("pandas.ndjson", "index", "cpu")),
    "perf.json": ("counter-value", objects("perf.json", "interval", "counter-value")),
    "pidstat_H.txt": ("%usr", blanks("pidstat_H.txt", 2, 10, 0, 3)),
    "pidstat_h.txt": ("VSZ", blanks("pidstat_h.txt", 2, 15, 0, 11)),
    "pino.ndjson": ("ms", objects("pino.ndjson", "time", "ms")),
    "pmrep.csv": ("mem.freemem", table("pmrep.csv", "Time", "mem.freemem")),
    "pmrep_stdout.txt": ("k.a.c.user", blanks("pmrep_stdout.txt", 2, 5, 0, 4)),
    "prom_federate.txt": ('node_load1{instance="127.0.0.1:19100",job="node"}', exposition("prom_federate.txt", "node_load1", '{instance="127.0.0.1:19100",job="node"}')),
    "prom_range.json": ('node_load1{instance="127.0.0.1:19100",job="node"}', [(time, value) for time, value in matrix]),
    "promtool_dump_load.txt": ('node_load1{instance="127.0.0.1:19100",job="node"}', [(time, value) for value, time in dump]),
    "psql.csv": ("xact_commit", table("psql.csv", "t", "xact_commit")),
    "psql.txt": ("xact_commit", [tuple(cell.strip() for cell in line.split(" | ")[::2]) for line in lines("psql.txt") if line.startswith(" 2026")]),
    "psrecord.csv": ("mem_real", table("psrecord.csv", "elapsed_time", "mem_real")),
    "psrecord.txt": ("Virtual (MB)", blanks("psrecord.txt", 0, 4, 0, 3)),
    "pyclient.prom": ('jobs_total{q="a"}', [("", v) for _, v in exposition("pyclient.prom", "jobs_total", '{q="a"}')]),
    "pyjsonlogger.ndjson": ("ms", objects("pyjsonlogger.ndjson", "asctime", "ms")),
    "r_write_table.txt": ("x", [(" ".join(line.split()[1:3]), line.split()[4]) for line in lines("r_write_table.txt")[1:]]),
    "rrd_fetch.txt": ("in", [(time.rstrip(":"), value) for time, value in blanks("rrd_fetch.txt", 0, 3, 0, 2)]),
    "rrd_xport.json": ("temp", [(str(1795818300 + 60 * n), row[0]) for n, row in enumerate(json.loads(text("rrd_xport.json"), parse_float=str)["data"])]),
    "sadf_d.txt": ("%user", sections("sadf_d.txt", "%user", "timestamp", "%user")),
    "sadf_dh.txt": ("%user", sections("sadf_dh.txt", "%user", "timestamp", "%user")),
    "sadf_dU.txt": ("%user", sections("sadf_dU.txt", "%user", "timestamp", "%user")),
    "sadf_d_ur.txt": ("kbmemfree", sections("sadf_d_ur.txt", "kbmemfree", "timestamp", "kbmemfree")),
    "sar_u.txt": ("%user", [row for row in blanks("sar_u.txt", 2, 8, 0, 2) if row[1] != "%user"]),
    "sqlite_markdown.txt": ("cpu", [(line.split("|")[1], line.split("|")[3].strip()) for line in lines("sqlite_markdown.txt")[2:]]),
    "two_cols.csv": ("cpu", table("two_cols.csv", ("Date", "Time"), "cpu")),
    "vmstat_tn.txt": ("free", [(" ".join(line[17:19]), line[3]) for line in vmstat]),
    "whisper.json": ("value", [(str(1795818720 + 60 * n), value) for n, value in enumerate(json.loads(text("whisper.json"), parse_float=str)["values"]) if value]),
    "whisper_header.csv": ("temp", table("whisper_header.csv", "time", "temp")),
    "winston.ndjson": ("ms", objects("winston.ndjson", "timestamp", "ms")),
}

# Series of files that need an option: names of columns, or the place of the records.
WITH = {
    "fl_iops.1.log": ("iops", [(line.split(", ")[0], line.split(", ")[1]) for line in lines("fl_iops.1.log")]),
    "hand_graphite_render.csv": ("servers.web1.load", [tuple(line.split(",")[1:]) for line in lines("hand_graphite_render.csv") if "web1" in line]),
    "iperf_s.csv": ("bytes", [(line.split(",")[0], line.split(",")[7]) for line in lines("iperf_s.csv")]),
    "mprof.dat": ("mem", [tuple(reversed(line.split()[1:])) for line in lines("mprof.dat")[1:]]),
    "mqtt_F.csv": ("room/temp", [tuple(line.split(",")[::2]) for line in lines("mqtt_F.csv") if "temp" in line]),
    "sadf_j.json": ("nice", [(" ".join(list(at["timestamp"].values())[:2]), at["cpu-load"][0]["nice"]) for at in sysstat["statistics"]]),
    "perf.csv": ("task-clock", [(line.split(",")[0].strip(), line.split(",")[1]) for line in lines("perf.csv") if "task-clock" in line]),
}


def is_number(value):
    try:
        return float(value) == float(value)
    except ValueError:
        return False


out = csv.writer(sys.stdout, lineterminator="\n")
out.writerow(["file", "series", "time", "value"])
for name, (series, samples) in sorted((SERIES | WITH).items()):
    there = [(time, value) for time, value in samples if is_number(value)]
    if not there:
        sys.exit(f"{name}: {series} has no values")
    for index in sorted({0, len(there) // 2, len(there) - 1}):
        time, value = there[index]
        out.writerow([name, series, time.strip(), repr(float(value))])
