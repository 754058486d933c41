"""AWS for measurements: real boto3 clients make, sign and read every call, and none leaves."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

SETTINGS = {
    "AWS_ACCESS_KEY_ID": "measured",
    "AWS_SECRET_ACCESS_KEY": "measured",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}
_JSON = {
    "SendEmail": {"MessageId": "0100"},
    "PutEvents": {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]},
    "StartExecution": {"executionArn": "arn:aws:states:::execution", "startDate": 0},
    "SendMessage": {"MessageId": "1"},
}
_PUBLISHED = (
    b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)
_LISTED = b"<ListBucketResult></ListBucketResult>"


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._content


class _Stored(FileIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.readall()


class Pretend:
    """Answers every call as if it had succeeded, and counts them.

    Args:
        stored: The file that S3 returns for every object.
    """

    def __init__(self, stored: Path | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self._stored = stored

    def start(self) -> None:
        """Let every client that boto3 makes from now on ask this one."""
        import boto3
        import botocore.session

        os.environ.update(SETTINGS)
        session = botocore.session.get_session()
        session.register("before-send", self._answer)
        boto3.setup_default_session(botocore_session=session)

    def _answer(self, request: Any, event_name: str, **_: object) -> Any:
        from botocore.awsrequest import AWSResponse

        service, operation = event_name.split(".")[1:3]
        self.calls[f"{service}:{operation}"] += 1
        if operation == "GetObject" and self._stored is not None:
            raw: Any = _Stored(self._stored)
            headers = {"Content-Length": str(self._stored.stat().st_size)}
            return AWSResponse(request.url, 200, headers, raw)
        content = {"Publish": _PUBLISHED, "ListObjectsV2": _LISTED, "PutObject": b""}.get(operation)
        if content is None:
            content = json.dumps(_JSON.get(operation, {})).encode()
        return AWSResponse(request.url, 200, {"Content-Type": "application/json"}, _Body(content))
