"""Reads what was sent to an OpenTelemetry collector, with OpenTelemetry's own package, and prints it as JSON.

    otlp_decode.py traces|metrics FILE       the body of one request
    otlp_decode.py mlflow URL TRACE          the names of the spans an MLflow server keeps of a trace

Ids are printed in hexadecimal digits, as in OTLP's JSON.
"""

import base64
import json
import sys

IDS = ("traceId", "spanId", "parentSpanId")


def in_hex(value):
    if isinstance(value, list):
        return [in_hex(one) for one in value]
    if isinstance(value, dict):
        return {key: base64.b64decode(one).hex() if key in IDS else in_hex(one) for key, one in value.items()}
    return value


def decode(kind, path):
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}[kind]()
    with open(path, "rb") as body:
        request.ParseFromString(body.read())
    return in_hex(MessageToDict(request))


def kept_by_mlflow(url, trace):
    import mlflow

    kept = mlflow.MlflowClient(url).get_trace("tr-" + trace)
    return [span.name for span in kept.data.spans]


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    json.dump(kept_by_mlflow(*rest) if kind == "mlflow" else decode(kind, *rest), sys.stdout)
