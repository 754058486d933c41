"""What receipt rules do with a mail."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from typing import Any

from conformance.actions import invoke, received, store, stored
from conformance.check import RECEIVING, Json, Need, check
from conformance.permissions import BUCKET, FUNCTION, RULE, TOPIC
from conformance.place import Place

_MAIL = 0.001  # dollars for some received mails, objects and messages


def _field_names(raw: bytes) -> list[str]:
    header = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    return re.findall(r"(?m)^([^\s:]+):", header)


@check(
    "What SES does after a synchronous function fails or exceeds 30 s",
    actions=(*RULE, *FUNCTION, *BUCKET),
    needs=RECEIVING,
    creates="a rule with a function and a bucket",
    dollars=_MAIL,
    minutes=5,
)
def synchronous_function_raises(place: Place) -> Generator[float, None, Json]:
    """Let a synchronous function raise, and see what happens to the action behind it."""
    function, bucket, to = (
        place.function("tell(1)\nraise OSError('on purpose')"),
        place.bucket(),
        (place.address()),
    )
    place.rule(invoke(function.arn), store(bucket), to=to)
    place.accepted(to)
    place.told(function)
    yield place.later(240, locally=1)
    # One was taken before.
    tries = 1 + len(place.told(function, count=9, seconds=1))
    return {"calls of the function": tries, "next action ran": bool(stored(place, bucket))}


@check(
    "What SES does after a synchronous function fails or exceeds 30 s",
    actions=(*RULE, *FUNCTION, *BUCKET),
    needs=RECEIVING,
    creates="a rule with a function that sleeps for 33 s, and a bucket",
    dollars=_MAIL,
    minutes=6,
)
def synchronous_function_hangs(place: Place) -> Generator[float, None, Json]:
    """Let a synchronous function sleep for 33 s, and see what happens to the action behind it."""
    function = place.function("tell(1)\ntime.sleep(33)", timeout=60)
    bucket, to = place.bucket(), place.address()
    place.rule(invoke(function.arn), store(bucket), to=to)
    place.accepted(to)
    place.told(function)
    early = bool(stored(place, bucket))
    yield place.later(300, locally=35)
    tries = 1 + len(place.told(function, count=9, seconds=1))
    return {
        "calls of the function": tries,
        "next action ran at once": early,
        "next action ran in the end": bool(stored(place, bucket)),
    }


@check(
    "SES's 30 s include the function's cold start",
    actions=(*RULE, *FUNCTION, *BUCKET),
    needs=RECEIVING,
    creates="a rule with a function that takes 8 s to import and 25 s to run, and a bucket",
    dollars=_MAIL,
    minutes=2,
)
def cold_start_counts(place: Place) -> Generator[float, None, Json]:
    """Import for 8 s, run for 25 s, answer STOP_RULE_SET: is the answer still heard?"""
    function = place.function(
        "time.sleep(25)\nreturn {'disposition': 'STOP_RULE_SET'}",
        before="time.sleep(8)",
        timeout=60,
    )
    bucket, to = place.bucket(), place.address()
    place.rule(invoke(function.arn), store(bucket), to=to)
    place.accepted(to)
    yield place.later(90, locally=36)
    return {"answer after 33 s came too late": bool(stored(place, bucket))}


@check(
    "`PublishFailure` and `PublishExpired` have the dimension",
    actions=(
        *RULE, *BUCKET, "s3:DeleteBucketPolicy", "cloudwatch:ListMetrics"
    ),
    needs=RECEIVING,
    creates="a rule whose bucket SES may not write to any more",
    dollars=_MAIL,
    minutes=16,
    expects={"dimensions of PublishFailure": [["RuleName"], ["RuleSetName"]]},
    here="the local AWS counts no metrics of SES",
)  # fmt: skip
def dimensions_of_failures(place: Place) -> Generator[float, None, Json]:
    """Take SES's permission for a bucket away, send a mail, list the metric after 15 minutes."""
    bucket, to = place.bucket(), place.address()
    rule = place.rule(store(bucket), to=to)
    place.client("s3").delete_bucket_policy(Bucket=bucket)
    place.accepted(to)
    yield place.later(900)
    found = place.client("cloudwatch").list_metrics(
        Namespace="AWS/SES", MetricName="PublishFailure"
    )
    own = {rule, place.site.active_rule_set()}
    dimensions = sorted(
        sorted(each["Name"] for each in metric["Dimensions"])
        for metric in found["Metrics"]
        if own & {each["Value"] for each in metric["Dimensions"]}
    )
    return {"dimensions of PublishFailure": dimensions}


@check(
    "A failing action does not keep the next actions from running",
    actions=(*RULE, *BUCKET, *TOPIC),
    needs=RECEIVING,
    creates="a rule with a bucket that is deleted before the mail comes, and a topic",
    dollars=_MAIL,
    minutes=5,
)
def failing_action(place: Place) -> Generator[float, None, Json]:
    """Delete the bucket of a rule's first action, send a mail, and watch the second action."""
    bucket, to = place.bucket(), place.address()
    topic, queue = place.topic()
    place.rule(store(bucket), {"SNSAction": {"TopicArn": topic}}, to=to)
    for key in place.keys(bucket):
        place.client("s3").delete_object(Bucket=bucket, Key=key)
    place.client("s3").delete_bucket(Bucket=bucket)
    place.until(lambda: place.taken(queue))
    place.accepted(to)
    found = place.until(lambda: place.taken(queue))
    yield place.later(240)
    return {"next action ran": len(found), "and again later": len(place.taken(queue))}


@check(
    "SES writes an object `AMAZON_SES_SETUP_NOTIFICATION`",
    actions=(*RULE, *BUCKET),
    needs=(Need.ACTIVATION,),
    creates="a rule and a bucket",
)
def setup_notification(place: Place) -> Json:
    """Create a rule with an S3 action, and list the bucket."""
    bucket = place.bucket()
    place.rule(store(bucket, "mail"), to=place.address())
    keys = place.until(lambda: place.keys(bucket))
    return {"objects": keys, "words in it": "Amazon" in place.read(bucket, keys[0]).decode()}


@check(
    "SES joins the prefix and the message id with `/` unless",
    actions=(*RULE, *BUCKET),
    needs=RECEIVING,
    creates="a rule with three S3 actions, and a bucket",
    dollars=_MAIL,
    minutes=1,
)
def prefix(place: Place) -> Json:
    """Store a mail with three prefixes, and list the bucket."""
    bucket, to = place.bucket(), place.address()
    place.rule(*(store(bucket, each) for each in ("", "mail", "sales/")), to=to)
    message_id = place.accepted(to)
    keys = place.until(lambda: stored(place, bucket), lambda found: len(found) >= 3)
    return {"keys": sorted(key.replace(message_id, "ID") for key in keys)}


@check(
    "The record of a failed asynchronous invocation",
    actions=(
        *FUNCTION, "lambda:PutFunctionEventInvokeConfig", "lambda:InvokeFunction"
    ),
    creates="a function that raises, and two queues",
    dollars=_MAIL,
    minutes=1,
    expects={"condition": "RetriesExhausted"},
)  # fmt: skip
def failed_invocation(place: Place) -> Json:
    """Let an asynchronous call fail, and read the record in the on-failure queue."""
    records = place.queue()
    statement = {
        "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": place.queue_arn(records)
    }  # fmt: skip
    function = place.function("raise OSError('on purpose')", statements=[statement])
    functions = place.client("lambda")
    # Lambda looks whether the role may, which is not known everywhere at once.
    answer = place.until(
        lambda: place.error(
            functions.put_function_event_invoke_config,
            FunctionName=function.name,
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": place.queue_arn(records)}},
        ),
        lambda answer: answer == "accepted",
        seconds=90,
    )
    if answer != "accepted":
        raise RuntimeError(answer)
    functions.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"a": 1}')
    (body,) = place.until(lambda: place.taken(records), seconds=120)
    record = json.loads(body)
    return {
        "fields": sorted(record),
        "condition": record["requestContext"]["condition"],
        "fields of the error": sorted(record["responsePayload"]),
    }


@check(
    "A topic that a rule names is greeted",
    actions=(*RULE, *TOPIC),
    needs=(Need.ACTIVATION,),
    creates="a rule, a topic and its queue",
    minutes=0.5,
)
def greeting(place: Place) -> Json:
    """Create a rule that names a topic twice, and read what the topic publishes."""
    topic, queue = place.topic()
    place.rule(*[{"SNSAction": {"TopicArn": topic}}] * 2, to=place.address())
    bodies = place.until(lambda: place.taken(queue))
    place.pause(20)
    envelopes = [json.loads(body) for body in [*bodies, *place.taken(queue)]]
    return {
        "greetings": len(envelopes),
        "subject": envelopes[0].get("Subject"),
        "text": envelopes[0]["Message"],
    }


@check(
    "A notification names the encoding `UTF8`",
    actions=(*RULE, *TOPIC),
    needs=RECEIVING,
    creates="a rule with two SNS actions, two topics and their queues",
    dollars=_MAIL,
    minutes=0.5,
)
def encodings(place: Place) -> Json:
    """Receive a mail through an SNS action of each encoding."""
    to, found = place.address(), {}
    queues, actions = {}, []
    for encoding in ("UTF-8", "Base64"):
        topic, queues[encoding] = place.topic()
        actions.append({"SNSAction": {"TopicArn": topic, "Encoding": encoding}})
    place.rule(*actions, to=to)
    place.accepted(to)
    for encoding, queue in queues.items():
        notification = _notification(place, queue)
        action = notification["receipt"]["action"]
        found[encoding] = {
            "fields of the action": sorted(action),
            "encoding": action["encoding"],
            "content is readable": "Hello" in notification["content"],
        }
    return found


def _notification(place: Place, queue: str) -> dict[str, Any]:
    """The notification of a mail; what greets the topic comes before it."""
    found: list[dict[str, Any]] = []

    def read() -> list[dict[str, Any]]:
        for body in place.taken(queue):
            envelope = json.loads(body)
            if envelope.get("Subject") == "Amazon SES Email Receipt Notification":
                found.append(json.loads(envelope["Message"]))
        return found

    return place.until(read)[0]


@check(
    "SQS, SNS, EventBridge and Step Functions take 240,000 bytes",
    actions=(*TOPIC, "sns:Publish"),
    creates="a topic and its queue",
    dollars=_MAIL,
    minutes=0.5,
    expects={"240,000 bytes": "accepted", "reached the queue": True},
)
def wrapped_size(place: Place) -> Json:
    """Publish 240,000 quotation marks to a topic whose queue gets whole envelopes."""
    topic, queue = place.topic()
    answer = place.error(place.client("sns").publish, TopicArn=topic, Message='"' * 240_000)
    bodies = place.until(lambda: place.taken(queue))
    return {
        "240,000 bytes": answer,
        "reached the queue": bool(bodies),
        "bytes there": len(bodies[0]) // 100_000 * 100_000 if bodies else 0,
    }


@check(
    "`X-SES-DKIM-SIGNATURE` follows `X-SES-RECEIPT`",
    actions=(*RULE, *BUCKET),
    needs=RECEIVING,
    creates="two rules and two buckets",
    dollars=_MAIL,
    minutes=0.5,
)
def added_fields(place: Place) -> Json:
    """Receive a mail by a rule that scans and by one that does not; which fields are added?"""
    found = {}
    for scan in (True, False):
        bucket, to = place.bucket(), place.address()
        place.rule(store(bucket), to=to, ScanEnabled=scan)
        place.accepted(to)
        names = _field_names(received(place, bucket))
        added = names[: names.index("From")]
        found["with a scan" if scan else "without a scan"] = added
    verdicts = [name for name in found["without a scan"] if name.endswith("-Verdict")]
    return {**found, "verdict fields without a scan": verdicts}


@check(
    "Mail of more than 150 KB for a topic bounces",
    actions=(*RULE, *TOPIC),
    needs=RECEIVING,
    creates="a rule, a topic and its queue",
    dollars=_MAIL,
    minutes=1,
    expects={"notifications": 0},
)
def too_large_for_a_topic(place: Place) -> Json:
    """Send a mail of 200 KB to a rule with an SNS action."""
    to = place.address()
    topic, queue = place.topic()
    place.rule({"SNSAction": {"TopicArn": topic}}, to=to)
    place.until(lambda: place.taken(queue))
    reply = place.deliver(to, body=(b"x" * 76 + b"\r\n") * 2_600)
    place.pause(30)
    return {"reply": reply.json, "notifications": len(place.taken(queue))}
