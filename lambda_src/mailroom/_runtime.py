"""What every entry point shares: settings, boto3 clients, log lines, metrics, the failure queue.

Imports nothing that the Lambda runtime client has not loaded already, because every cold start
pays for it.
"""

from __future__ import annotations

import json
import os
import sys
import time

from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["client", "console", "dead_letter", "log", "metric", "setting", "where"]

_clients: dict[str, Any] = {}


def setting(name: str) -> str:
    """Return the environment variable *name*; raise `NotConfigured` if it is absent or empty."""
    value = os.environ.get(name, "")
    if not value:
        raise NotConfigured(f"environment variable {name} is not set: set it as the construct does")
    return value


def client(service: str) -> Any:
    """Return this process's boto3 client of *service*, made on first use.

    Retries are botocore's *standard* mode with five attempts; the endpoint follows
    ``AWS_ENDPOINT_URL``, so the same code runs against a local AWS.
    """
    if service not in _clients:
        import boto3
        from botocore.config import Config

        config = Config(retries={"mode": "standard", "total_max_attempts": 5})
        _clients[service] = boto3.client(service, config=config)  # type: ignore[call-overload]
    return _clients[service]


def log(level: str, event: str, **fields: Any) -> None:
    """Print one JSON line; fields that are ``None`` are left out."""
    line = {"timestamp": _now(), "level": level, "event": event}
    line.update((name, value) for name, value in fields.items() if value is not None)
    # One write, so that lines of two threads never interleave; ASCII, so that no malformed header
    # makes the write fail, and with it a mail that was handled.
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def metric(name: str, value: float, unit: str = "Count", **dimensions: str) -> None:
    """Print one value of a metric in the namespace ``Mailroom``; needs no permission.

    CloudWatch makes the metric from the line, which is in its embedded metric format:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": "Mailroom",
        "Dimensions": [sorted(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    line = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        **dimensions,
        name: value,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def where(error: BaseException) -> str:
    """Return ``file:line`` of the innermost frame of the user's code, or else of the innermost one.

    It holds no personal data, and the file is relative to the function's folder.
    """
    root = os.environ.get("LAMBDA_TASK_ROOT", "")
    own: list[str] = []
    innermost = "unknown"
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        innermost = f"{os.path.basename(file)}:{trace.tb_lineno}"  # noqa: PTH119 (pathlib costs 3 ms)
        inside = _inside(file, root)
        if inside:
            own.append(f"{inside}:{trace.tb_lineno}")
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        # The file that cannot be compiled has no frame.
        inside = _inside(error.filename, root)
        if inside:
            return f"{inside}:{error.lineno}"
    if own and any(name.endswith(".dist-info") for name in os.listdir(root)):  # noqa: PTH208
        # Requirements are in the same folder. The handler is the outermost frame.
        top = own[0].partition("/")[0].partition(".py:")[0]
        own = [each for each in own if each.startswith((f"{top}/", f"{top}.py:"))]
    return own[-1] if own else innermost


def _inside(file: str, root: str) -> str:
    """Return *file* relative to the function's folder; empty if it is not the user's."""
    if not root or not file.startswith(root + "/"):
        return ""
    inside = file[len(root) + 1 :]
    return "" if inside.startswith("mailroom/") else inside


def console(region: str) -> str:
    """Return the host name of the AWS console in *region*."""
    if region.startswith("us-gov-"):
        return "console.amazonaws-us-gov.com"
    if region.startswith("cn-"):
        return f"{region}.console.amazonaws.cn"
    return f"{region}.console.aws.amazon.com" if region else "console.aws.amazon.com"


def dead_letter(payload: Mapping[str, Any], error: str, text: str, context: Any) -> None:
    """Put *payload* on the failure queue in the shape of a Lambda on-failure destination record.

    Lambda does so itself for asynchronous invocations only; without this, a synchronous one that
    fails would leave no trace of its mail. The record's format:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    record = {
        "version": "1.0",
        "timestamp": _now(),
        "requestContext": {
            "requestId": getattr(context, "aws_request_id", None),
            "functionArn": getattr(context, "invoked_function_arn", None),
            "condition": "HandlerFailed",
            "approximateInvokeCount": 1,
        },
        "requestPayload": payload,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": getattr(context, "function_version", None),
            "functionError": "Handled",
        },
        "responsePayload": {"errorType": error, "errorMessage": text},
    }
    client("sqs").send_message(
        QueueUrl=setting("MAILROOM_FAILURE_QUEUE"), MessageBody=json.dumps(record)
    )


def _now() -> str:
    seconds = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{stamp}.{int(seconds * 1000) % 1000:03d}Z"
