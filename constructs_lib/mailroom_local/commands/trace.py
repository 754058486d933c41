"""Tell the story of a sent message from an event table, here or in a real account."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from mailroom_local import timeline
from mailroom_local.errors import MailroomError, NotRunning
from mailroom_local.local import LocalAws
from mailroom_local.terminal import coloured, say

TAG = "mailroom:event-table"
_OUTPUT = "EventTable"
_FOUND_BY_NAME = "given"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "message_id", help="as SES gave it; in the local AWS the beginning of it is enough"
    )
    parser.add_argument(
        "--table",
        metavar="NAME",
        help=f"the event table (default: the one that a stack's output *{_OUTPUT}* or the tag "
        f"{TAG} names)",
    )
    parser.add_argument("--json", action="store_true", help="as a JSON document")
    parser.add_argument(
        "--aws", action="store_true", help="in a real account, with your usual credentials"
    )
    parser.add_argument("--region", help="of the real account (default: the one configured)")


def run(options: argparse.Namespace) -> int:
    """Print the timeline; the status is 1 when the table has nothing of the message."""
    if options.region and not options.aws:
        raise MailroomError(
            "--region is for a real account", remedy="add --aws, or leave out --region"
        )
    message_id = options.message_id
    if options.aws:
        # The overloads of boto3-stubs need a literal service name.
        factory: Any = boto3.Session(region_name=options.region).client
        client: Callable[[str], Any] = factory
        where = "the account of your credentials"
    else:
        aws = _local(options.state)
        client, message_id = aws.client, _whole(aws, message_id)
        where = "the local AWS"
    try:
        table, reason = (
            (options.table, _FOUND_BY_NAME) if options.table else find_table(client, where)
        )
        found = timeline.entries(read(client("dynamodb"), table, message_id))
    except (ClientError, BotoCoreError) as error:
        raise MailroomError(
            f"the event table cannot be read: {error}",
            remedy="check the credentials, the region and --table",
        ) from error
    if reason != _FOUND_BY_NAME:
        say(f"reading {table} ({reason})", stream=sys.stderr)
    if not found:
        say(f"{table} has no event of {message_id}", stream=sys.stderr)
        return 1
    if options.json:
        say(timeline.as_json(message_id, found))
    else:
        say(timeline.table(message_id, found, colour=coloured(sys.stdout)))
    return 0


def find_table(client: Callable[[str], Any], where: str) -> tuple[str, str]:
    """The event table of an account, and by what it was found."""
    pages = client("cloudformation").get_paginator("describe_stacks").paginate()
    outputs = {
        output["OutputValue"]: f"output {output['OutputKey']} of stack {stack['StackName']}"
        for page in pages
        for stack in page["Stacks"]
        for output in stack.get("Outputs", [])
        if _OUTPUT in output["OutputKey"] and ":" not in output["OutputValue"]
    }
    candidates = outputs or _tagged(client("dynamodb"))
    if not candidates:
        raise MailroomError(
            f"{where} has no event table: no stack has an output *{_OUTPUT}*, and no table the "
            f"tag {TAG}",
            remedy="name the table with --table NAME",
        )
    if len(candidates) > 1:
        listed = ", ".join(f"{name} ({reason})" for name, reason in sorted(candidates.items()))
        raise MailroomError(
            f"{where} has {len(candidates)} event tables: {listed}",
            remedy="name one of them with --table NAME",
        )
    return next(iter(candidates.items()))


def read(dynamodb: Any, table: str, message_id: str) -> list[dict[str, Any]]:
    """All items of a message, in plain values."""
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="message_id = :id",
        ExpressionAttributeValues={":id": {"S": message_id}},
    )
    plain = TypeDeserializer().deserialize
    return [
        {name: plain(value) for name, value in item.items()}
        for page in pages
        for item in page["Items"]
    ]


def _tagged(dynamodb: Any) -> dict[str, str]:
    found = {}
    for page in dynamodb.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
            tags = dynamodb.list_tags_of_resource(ResourceArn=arn).get("Tags", [])
            if any(tag["Key"] == TAG for tag in tags):
                found[name] = f"tag {TAG}"
    return found


def _local(state: str | None) -> LocalAws:
    try:
        return LocalAws.attach(state=state)
    except NotRunning as error:
        raise NotRunning(
            str(error.args[0]), remedy=f"{error.remedy}; a real account is read with --aws"
        ) from error


def _whole(aws: LocalAws, message_id: str) -> str:
    known = {
        message.message_id
        for message in aws.messages(handlers=False)
        if message.outgoing and message.message_id and message.message_id.startswith(message_id)
    }
    if len(known) > 1:
        raise MailroomError(
            f"{len(known)} messages have an id that begins with {message_id!r}",
            remedy="`mailroom log` lists the messages and their ids",
        )
    return known.pop() if known else message_id
