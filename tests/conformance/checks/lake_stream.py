"""Firehose: its role, its first minute, and what SES writes to it."""

from __future__ import annotations

import json
from typing import Any

from conformance.check import Json, Need, check
from conformance.events import observed
from conformance.permissions import BUCKET, FUNCTION, ROLE
from conformance.place import Place

STREAM = (
    *BUCKET,
    *ROLE,
    "firehose:CreateDeliveryStream",
    "firehose:DeleteDeliveryStream",
    "firehose:DescribeDeliveryStream",
    "iam:UpdateAssumeRolePolicy",
)
SET = (
    "ses:CreateConfigurationSet",
    "ses:CreateConfigurationSetEventDestination",
    "ses:DeleteConfigurationSet",
)
MADE = "a bucket, a delivery stream, its role"


class Stream:
    """A delivery stream that writes to a bucket within a minute; a function may transform."""

    def __init__(self, place: Place, *, transformed_by: str = "") -> None:
        self.place, self.name, self.bucket = place, place.name("stream"), place.bucket()
        arn = f"arn:aws:s3:::{self.bucket}"
        granted = {"Effect": "Allow", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
        called = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": transformed_by}
        role = place.role("firehose.amazonaws.com", granted, *([called] if transformed_by else []))
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "firehose.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": place.account}},
        }
        place.client("iam").update_assume_role_policy(
            RoleName=role.rpartition("/")[2],
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        firehose = place.client("firehose")
        place.cleanup.add(
            f"delivery stream {self.name}",
            firehose.delete_delivery_stream,
            DeliveryStreamName=self.name,
        )
        destination: dict[str, Any] = {
            "RoleARN": role,
            "BucketARN": arn,
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        }
        if transformed_by:
            parameter = {"ParameterName": "LambdaArn", "ParameterValue": transformed_by}
            processor = {"Type": "Lambda", "Parameters": [parameter]}
            destination["ProcessingConfiguration"] = {"Enabled": True, "Processors": [processor]}
        given = {
            "DeliveryStreamName": self.name,
            "DeliveryStreamType": "DirectPut",
            "ExtendedS3DestinationConfiguration": destination,
        }
        self.created = place.until(
            lambda: place.error(firehose.create_delivery_stream, **given),
            lambda answer: answer == "accepted" or "ssume" not in answer,
            seconds=120,
        )
        place.until(self._active, seconds=180)

    @property
    def arn(self) -> str:
        """The ARN of the stream."""
        place = self.place
        return f"arn:aws:firehose:{place.region}:{place.account}:deliverystream/{self.name}"

    def delivered(self) -> list[bytes]:
        """The objects in the bucket, once there is one."""
        place = self.place
        keys = place.until(lambda: place.keys(self.bucket), seconds=240)
        return [place.read(self.bucket, key) for key in keys]

    def _active(self) -> bool:
        found = self.place.client("firehose").describe_delivery_stream(DeliveryStreamName=self.name)
        return bool(found["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE")


def _destination(place: Place, stream: Stream) -> tuple[str, list[str]]:
    """A configuration set that publishes to the stream, and what SES refused it with before."""
    ses, name = place.client("sesv2"), place.name("set")
    place.cleanup.add(
        f"configuration set {name}", ses.delete_configuration_set, ConfigurationSetName=name
    )
    ses.create_configuration_set(ConfigurationSetName=name)
    granted = {
        "Effect": "Allow",
        "Action": "firehose:PutRecordBatch",
        "Resource": stream.arn,
    }
    given = {
        "ConfigurationSetName": name,
        "EventDestinationName": "stream",
        "EventDestination": {
            "Enabled": True,
            "MatchingEventTypes": ["SEND"],
            "KinesisFirehoseDestination": {
                "DeliveryStreamArn": stream.arn,
                # Made right before it is named, as a first deployment does it.
                "IamRoleArn": place.role("ses.amazonaws.com", granted),
            },
        },
    }
    refusals: list[str] = []

    def accepted() -> bool:
        answer = place.error(ses.create_configuration_set_event_destination, **given)
        if answer != "accepted" and answer not in refusals:
            refusals.append(answer)
        return bool(answer == "accepted")

    place.until(accepted, seconds=180)
    return name, refusals


@check(
    "Firehose passes the account id as `sts:ExternalId`",
    actions=(*STREAM, "firehose:PutRecord"),
    creates=MADE,
    dollars=0.01,
    minutes=4,
    expects={"created": "accepted", "delivered": True},
)
def external_id(place: Place) -> Json:
    """Create a stream whose role asks for the account id as external id, and put a record."""
    stream = Stream(place)
    place.client("firehose").put_record(
        DeliveryStreamName=stream.name, Record={"Data": b'{"a": 1}\n'}
    )
    return {"created": stream.created, "delivered": stream.delivered() == [b'{"a": 1}\n']}


@check(
    "A new IAM role is known everywhere after a minute",
    actions=(*STREAM, *SET),
    creates=f"{MADE}, a configuration set, a role for SES",
    dollars=0.01,
    minutes=5,
)
def first_minute(place: Place) -> Json:
    """Name a role that is a moment old in an event destination: what is it refused with?"""
    _, refusals = _destination(place, Stream(place))
    return {"refused with": refusals}


@check(
    "SES appends a newline to each record",
    actions=(*STREAM, *SET, "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates=f"{MADE}, a configuration set, a role for SES",
    dollars=0.01,
    minutes=6,
    expects={"ends with a newline": True},
)
def record(place: Place) -> Json:
    """Publish events to a stream without a transformation, and read what is delivered."""
    stream = Stream(place)
    name, _ = _destination(place, stream)
    # A role that is a moment old is not known everywhere.
    place.pause(30)
    for _ in range(2):
        place.send_email(ConfigurationSetName=name)
    content = b"".join(stream.delivered())
    lines = content.splitlines()
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return {
        "ends with a newline": content.endswith(b"\n"),
        "events on a line": sorted({event["eventType"] for event in events}),
    }


TRANSFORM = """
tell(event)
kept = [
    {"recordId": one["recordId"], "result": "Ok", "data": one["data"]} for one in event["records"]
]
return {"records": kept}
"""


@check(
    "The event of a transformation",
    actions=(*STREAM, *FUNCTION, "firehose:PutRecord"),
    creates=f"{MADE}, a function",
    dollars=0.01,
    minutes=5,
)
def transformation(place: Place) -> Json:
    """Put a record to a stream with a transformation, and read the function's event."""
    function = place.function(TRANSFORM, invoked_by="")
    stream = Stream(place, transformed_by=function.arn)
    place.mask(stream.name, "stream")
    record = {"Data": b"Hello World"}
    place.client("firehose").put_record(DeliveryStreamName=stream.name, Record=record)
    found = []
    for told in place.told(function, seconds=240):
        for one in told["records"]:
            place.mask(one["recordId"], "record id")
        found.append(observed(told))
    stream.delivered()
    return found


FORK = """
import os
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.write(writer, b"from the child")
    os._exit(7)
os.close(writer)
told = os.read(reader, 100).decode()
_, status = os.waitpid(child, 0)
tell({"through the pipe": told, "exit status": os.waitstatus_to_exitcode(status)})
"""
EATER = """
import os
child = os.fork()
if child == 0:
    eaten = []
    while True:
        eaten.append(bytearray(16 * 1024 * 1024))
_, status = os.waitpid(child, 0)
tell({"exit status of the child": os.waitstatus_to_exitcode(status)})
"""


@check(
    "A Lambda function may fork",
    actions=(*FUNCTION, "lambda:InvokeFunction"),
    creates="a function, its role, a queue",
    minutes=1,
    expects=[{"through the pipe": "from the child", "exit status": 7}],
)
def fork(place: Place) -> Json:
    """Fork in a function, and read from the child through a pipe."""
    function = place.function(FORK, invoked_by="")
    place.client("lambda").invoke(FunctionName=function.name)
    return place.told(function)


@check(
    "What Lambda does when a child uses up the function's memory",
    actions=(*FUNCTION, "lambda:InvokeFunction"),
    creates="a function, its role, a queue",
    minutes=2,
    here="functions of the local AWS have no limit of memory",
)
def memory_of_a_child(place: Place) -> Json:
    """Let a child fill the memory of a function of 128 MB: who is ended?"""
    function = place.function(EATER, invoked_by="")
    answer = place.client("lambda").invoke(FunctionName=function.name)
    error = json.loads(answer["Payload"].read() or b"null") if "FunctionError" in answer else None
    return {
        "the function": (error or {}).get("errorType", "went on"),
        "told": place.told(function, seconds=10) if error is None else [],
    }
