"""Copy each mail into a bucket, together with its event.

Settings, as JSON in ``MAILROOM_FLOW_SETTINGS``
    ``bucket``
        Name of the bucket. ``prefix``: put before every key, unchanged. Default: none.

Permissions
    Reading messages; ``s3:PutObject`` on ``bucket/prefix*``, and ``kms:GenerateDataKey`` and
    ``kms:Decrypt`` (large mail is uploaded in parts) if the bucket has a customer key.

Objects
    ``<prefix><inbound or outbound>/<message id>.eml``, then ``….json``, the event: once it exists,
    both do. A repetition writes the same objects.

Errors of S3 propagate: in a synchronous rule, WorkMail asks again and the mail waits, until the
rule's fallback applies; in an asynchronous rule, the mail is delivered and the event waits in the
failure queue, while WorkMail keeps the message for 24 hours only.
"""

from __future__ import annotations

import json
import os

from mailroom import _runtime
from mailroom.handlers.workmail import _settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mailroom.workmail import FlowMail

__all__ = ["on_flow"]


def _init() -> dict[str, Any]:
    found = _settings.settings("bucket")
    _runtime.client("s3")  # at init, when Lambda gives a whole core
    return found


_found = _init() if "MAILROOM_FLOW_SETTINGS" in os.environ else None


def on_flow(mail: FlowMail) -> None:
    """Copy *mail* to the bucket."""
    global _found
    settings = _found = _found or _init()
    from boto3.s3.transfer import TransferConfig

    bucket = settings["bucket"]
    key = f"{settings.get('prefix', '')}{mail.direction.lower()}/{mail.message_id}"
    s3 = _runtime.client("s3")
    with mail.open() as stream:
        s3.upload_fileobj(
            stream,
            bucket,
            f"{key}.eml",
            ExtraArgs={"ContentType": "message/rfc822"},
            Config=TransferConfig(use_threads=False),
        )
    event = json.dumps(dict(mail.raw), sort_keys=True).encode()
    s3.put_object(Bucket=bucket, Key=f"{key}.json", Body=event, ContentType="application/json")
