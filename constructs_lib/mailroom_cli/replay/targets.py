"""Where a replay sends events to: a queue, a function or a Firehose stream."""

from __future__ import annotations

import json
from typing import Any, Protocol


class Target(Protocol):
    """Where events go to."""

    def send(self, texts: list[str]) -> list[str | None]:
        """Send one batch, once.

        Args:
            texts: The events, at most ten.

        Returns:
            For each event ``None``, or why it was not accepted.
        """
        ...


class ToQueue:
    """The queue of a handler.

    Args:
        sqs: A boto3 client.
        url: The queue's URL.
    """

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self.url = url

    def send(self, texts: list[str]) -> list[str | None]:
        """Send one batch."""
        answer = self._sqs.send_message_batch(
            QueueUrl=self.url,
            Entries=[{"Id": str(place), "MessageBody": text} for place, text in enumerate(texts)],
        )
        accepted = {int(entry["Id"]) for entry in answer.get("Successful", [])}
        reasons = {
            int(entry["Id"]): f"{entry.get('Code')}: {entry.get('Message', '')}"
            for entry in answer.get("Failed", [])
        }
        return [
            None if place in accepted else reasons.get(place, "the queue gave no reason")
            for place in range(len(texts))
        ]


class ToFunction:
    """A handler itself, invoked as its queue would.

    Args:
        functions: A boto3 client of Lambda.
        name: The function's name or ARN.
    """

    def __init__(self, functions: Any, name: str) -> None:
        self._functions = functions
        self._name = name

    def send(self, texts: list[str]) -> list[str | None]:
        """Invoke the function with one batch; it reports which of its events failed."""
        invocation = {
            "Records": [
                {
                    "messageId": f"replay-{place}",
                    "receiptHandle": "replay",
                    "body": text,
                    "attributes": {"ApproximateReceiveCount": "1"},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                }
                for place, text in enumerate(texts)
            ]
        }
        answer = self._functions.invoke(
            FunctionName=self._name, Payload=json.dumps(invocation).encode()
        )
        payload = answer["Payload"].read()
        if answer.get("FunctionError"):
            reason = f"the function failed: {payload.decode('utf-8', 'replace')[:200]}"
            return [reason] * len(texts)
        try:
            report = json.loads(payload or b"null")
        except ValueError:
            report = None
        failures = report.get("batchItemFailures") if isinstance(report, dict) else None
        failed = {one.get("itemIdentifier") for one in failures or [] if isinstance(one, dict)}
        return [
            "the function reported a failure" if f"replay-{place}" in failed else None
            for place in range(len(texts))
        ]


class ToStream:
    """A Firehose stream, so that events reach the lake that could not be delivered before.

    Args:
        firehose: A boto3 client.
        name: The stream's name.
    """

    def __init__(self, firehose: Any, name: str) -> None:
        self._firehose = firehose
        self._name = name

    def send(self, texts: list[str]) -> list[str | None]:
        """Put one batch; each record ends in a newline, as SES's own do."""
        answer = self._firehose.put_record_batch(
            DeliveryStreamName=self._name,
            Records=[{"Data": text.encode() + b"\n"} for text in texts],
        )
        return [
            f"{one['ErrorCode']}: {one.get('ErrorMessage', '')}" if one.get("ErrorCode") else None
            for one in answer["RequestResponses"]
        ]
