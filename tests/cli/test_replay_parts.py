"""The parts of `mailroom replay`: sources, targets, selection, and the progress that is shown."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom import lake
from mailroom.testing import sending_event_payload
from mailroom_cli import replay
from mailroom_cli.errors import UsageError


class Functions:
    """A Lambda client that gives these answers and records the invocations."""

    def __init__(self, *answers: tuple[Any, str | None]) -> None:
        self.answers = list(answers)
        self.invocations: list[Any] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        self.invocations.append(json.loads(Payload))
        said, error = self.answers.pop(0)
        answer = {"Payload": io.BytesIO(json.dumps(said).encode())}
        return {**answer, "FunctionError": error} if error else answer


def test_a_function_gets_records_as_its_queue_sends_them() -> None:
    said = {"batchItemFailures": [{"itemIdentifier": "replay-1"}]}
    functions = Functions((said, None), ({"errorMessage": "boom"}, "Unhandled"), (None, None))
    goal = replay.ToFunction(functions, "Handler")
    texts = ['{"a": 1}', '{"a": 2}']
    assert goal.send(texts) == [None, "the function reported a failure"]
    assert all("boom" in str(reason) for reason in goal.send(texts))
    assert goal.send(texts) == [None, None]
    record = functions.invocations[0]["Records"][0]
    assert record == {
        "messageId": "replay-0",
        "receiptHandle": "replay",
        "body": texts[0],
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


def test_a_queue_names_the_entries_of_a_batch_that_it_rejected() -> None:

    class Partial:
        def send_message_batch(self, **request: Any) -> Any:
            return {
                "Successful": [{"Id": "2"}, {"Id": "0"}],
                "Failed": [{"Id": "1", "Code": "InternalError", "Message": "later"}],
            }

    answer = replay.ToQueue(Partial(), "url").send(["a", "b", "c", "d"])
    assert answer == [None, "InternalError: later", None, "the queue gave no reason"]


def test_a_stream_says_which_record_it_did_not_take() -> None:

    class Firehose:
        def put_record_batch(self, **request: Any) -> Any:
            assert all(one["Data"].endswith(b"\n") for one in request["Records"])
            return {"RequestResponses": [{"RecordId": "1"}, {"ErrorCode": "Slow"}]}

    assert replay.ToStream(Firehose(), "s").send(["a", "b"]) == [None, "Slow: "]


class Clients:
    """Every client of an account with a queue and a function of these names."""

    def __init__(self, *, queue: str = "", function: str = "") -> None:
        self.queue = queue
        self.function = function
        self.asked: list[str] = []

    def __call__(self, service: str) -> "Clients":
        self.asked.append(service)
        return self

    def get_queue_url(self, *, QueueName: str) -> Any:  # noqa: N803
        if QueueName != self.queue:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            raise ClientError({"Error": {"Code": code}}, "GetQueueUrl")
        return {"QueueUrl": f"https://queue/{QueueName}"}

    def get_function(self, *, FunctionName: str) -> Any:  # noqa: N803
        if FunctionName != self.function:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFunction")
        return {}

    def get_paginator(self, operation: str) -> "Clients":
        return self

    def paginate(self, **request: Any) -> list[Any]:
        return []

    def send_message_batch(self, **request: Any) -> Any:
        self.asked.append(request["QueueUrl"])
        return {"Successful": [{"Id": "0"}]}

    def invoke(self, **request: Any) -> Any:
        self.asked.append(request["FunctionName"])
        return {"Payload": io.BytesIO(b"null")}

    def put_record_batch(self, **request: Any) -> Any:
        self.asked.append(request["DeliveryStreamName"])
        return {"RequestResponses": [{}]}


def sent_to(clients: Clients, target: str) -> list[str]:
    plan = replay.plan(clients, source="s3://bucket", target=target, selection=replay.Selection())
    assert plan.target is not None
    assert plan.target.send(["{}"]) == [None]
    return clients.asked[-2:]


@pytest.mark.parametrize(
    ("target", "service", "name"),
    [
        ("https://sqs/1/handlers", "sqs", "https://sqs/1/handlers"),
        ("arn:aws:sqs:us-east-1:1:handlers", "sqs", "https://queue/handlers"),
        ("queue:handlers", "sqs", "https://queue/handlers"),
        (
            "arn:aws:lambda:us-east-1:1:function:f",
            "lambda",
            "arn:aws:lambda:us-east-1:1:function:f",
        ),
        ("function:any", "lambda", "any"),
        ("arn:aws:firehose:us-east-1:1:deliverystream/lake", "firehose", "lake"),
        ("stream:lake", "firehose", "lake"),
    ],
)
def test_a_target_can_be_named_in_many_ways(target: str, service: str, name: str) -> None:
    clients = Clients(queue="handlers")
    asked = sent_to(clients, target)
    assert asked[-1] == name
    assert service in clients.asked


def test_a_bare_name_is_a_queue_or_a_function_of_that_name() -> None:
    assert sent_to(Clients(queue="both"), "both")[-1] == "https://queue/both"
    assert sent_to(Clients(function="both"), "both")[-1] == "both"
    with pytest.raises(UsageError) as raised:
        sent_to(Clients(queue="both", function="both"), "both")
    assert raised.value.message == "'both' is both a queue and a function"
    assert raised.value.remedy == "pass --to queue:both or --to function:both"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *((kind, kind) for kind in lake.EVENT_TYPES),
        ("Rendering Failure", "rendering_failure"),
        ("RenderingFailure", "rendering_failure"),
        ("DeliveryDelay", "delivery_delay"),
        ("BOUNCE", "bounce"),
        ("!", "unknown"),
    ],
)
def test_a_type_may_be_written_as_ses_or_the_lake_writes_it(kind: str, expected: str) -> None:
    assert replay.slug(kind) == expected


class Held:
    """A source of these texts, which are equal shares of it."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.read = 0

    def items(self) -> Any:
        for text in self.texts:
            self.read += 1
            yield replay.Item(text=text, where=str(self.read))

    def finished(self, items: Any) -> None:
        pass

    def close(self) -> None:
        pass

    def done(self) -> tuple[int, int]:
        return self.read, len(self.texts)


@pytest.mark.parametrize(
    ("limit", "shares"), [(None, [0.25, 0.5, 0.75, 1.0, 1.0]), (2, [0.5, 1.0, 1.0])]
)
def test_progress_is_shown_as_a_share_of_the_source_or_of_the_limit(
    limit: int | None, shares: list[float]
) -> None:
    shown: list[tuple[int, float, bool]] = []

    class Meter:
        def show(self, count: int, share: float, *, last: bool = False) -> None:
            shown.append((count, share, last))

    source = Held(*[json.dumps(sending_event_payload("Send"))] * 4)
    plan = replay.Plan(source=source, target=None, selection=replay.Selection())
    replay.Replay(plan, limit=limit, meter=Meter()).run()
    taken = limit or 4
    assert [count for count, _, _ in shown] == [*range(1, taken + 1), taken]
    assert [share for _, share, _ in shown] == shares
    assert [last for _, _, last in shown] == [False] * taken + [True]


def test_a_range_of_days_is_inclusive_and_excludes_undated_events() -> None:
    selection = replay.Selection(first="2026-01-02", last="2026-01-03")
    days = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "unknown"]
    assert [selection.has_day(day) for day in days] == [False, True, True, False, False]
    assert replay.Selection().has_day("unknown")
    assert not replay.Selection(last="2026-01-03").has_day("unknown")
    assert replay.Selection(first="2026-01-02").has_day("2030-01-01")


class Moody:
    """SQS, with these answers to each receive; nothing once they are used up."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.waits: list[int] = []

    def get_queue_attributes(self, **request: Any) -> Any:
        return {"Attributes": {"ApproximateNumberOfMessages": "1"}}

    def receive_message(self, **request: Any) -> Any:
        self.waits.append(request["WaitTimeSeconds"])
        found = self.answers.pop(0) if self.answers else []
        return {
            "Messages": [
                {"MessageId": name, "ReceiptHandle": f"{name}-{len(self.waits)}", "Body": name}
                for name in found
            ]
        }


def test_a_queue_must_look_empty_twice_in_a_row_to_be_taken_for_empty() -> None:
    sqs = Moody([], ["a", "b"], [], ["c"])
    queue = replay.Queue(sqs, "url")
    assert [item.text for item in queue.items()] == ["a", "b", "c"]
    assert sqs.waits == [0, 1, 0, 1, 0, 1]
    assert queue.done() == (3, 3)


def test_messages_that_come_again_are_not_sent_again_and_end_the_queue() -> None:
    sqs = Moody(*[["a", "b"]] * 50)
    assert [item.text for item in replay.Queue(sqs, "url").items()] == ["a", "b"]
    assert len(sqs.waits) < 5
