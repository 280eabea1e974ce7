#!/usr/bin/env bash
# opentelemetry-sdk 1.45.2, the SDK of OpenTelemetry for Python: `MetricsData.to_json`, and so `ConsoleMetricExporter`, prints
# `resource_metrics`, `scope_metrics`, `data_points` and `time_unix_nano`, and is no OTLP.
#
# Guess: with the names of the messages of OTLP, and enumerations by their numbers, it is the JSON of the protocol, in the spelling of
# its .proto files, and whatever reads OTLP reads it.
# Seen: attributes are an object where the protocol has a list of keys and values; the points stand in `data`, whatever their kind, so
# that a gauge is told from a sum by the members beside them alone; and a value is `value`, not `as_int` or `as_double`.
# `json_format.Parse` of protobuf refuses the attributes, and with `ignore_unknown_fields` and attributes taken out it reads a
# request whose metrics have no samples, without a word.
# Cure: `encode_metrics` of opentelemetry-exporter-otlp-proto-common and `json_format.MessageToJson`, or an exporter of OTLP.
#
# Exits 0 while this holds and 1 if it has changed. Needs Python 3.10 or later with venv, and PyPI; works in a temporary folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-common==1.45.2
cat > show.py <<'PYTHON'
import json

from google.protobuf import json_format
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
MeterProvider([reader]).get_meter("shop").create_counter("jobs").add(5, {"queue": "a"})
data = reader.get_metrics_data()


def samples(text):
    """The values in a request of OTLP."""
    request = json_format.Parse(text, ExportMetricsServiceRequest(), ignore_unknown_fields=True)
    metrics = [metric for of in request.resource_metrics for scope in of.scope_metrics for metric in scope.metrics]
    return [(metric.name, metric.WhichOneof("data"), [point.as_int for point in metric.sum.data_points]) for metric in metrics]


try:
    print("as it is:", samples(data.to_json()))
except json_format.ParseError:
    print("as it is: refused")
bare = json.loads(data.to_json(), object_hook=lambda found: {name: value for name, value in found.items() if name != "attributes"})
print("without attributes:", samples(json.dumps(bare)))
print("by encode_metrics:", samples(json_format.MessageToJson(encode_metrics(data))))
PYTHON
venv/bin/python show.py > seen
cat > expected <<'TEXT'
as it is: refused
without attributes: [('jobs', None, [])]
by encode_metrics: [('jobs', 'sum', [5])]
TEXT
cat seen
diff expected seen || exit 1
