"""Finds and reads the DynamoDB table in which an app records its sending events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailroom_cli.errors import CommandError

if TYPE_CHECKING:
    from mailroom_cli.account import Account

TAG = "mailroom:event-table"
"""The tag that marks an event table."""
OUTPUT = "EventTable"
"""What the key of a stack output that names an event table contains."""


def find(account: Account) -> tuple[str, str]:
    """Find the event table of an account, by a stack output or else by its tag.

    Args:
        account: Where to look.

    Returns:
        The table's name, and by what it was found.

    Raises:
        CommandError: There is none, or more than one.
    """
    pages = account.client("cloudformation").get_paginator("describe_stacks").paginate()
    outputs = {
        output["OutputValue"]: f"output {output['OutputKey']} of stack {stack['StackName']}"
        for page in pages
        for stack in page["Stacks"]
        for output in stack.get("Outputs", [])
        # An ARN is another output about the same table.
        if OUTPUT in output["OutputKey"] and ":" not in output["OutputValue"]
    }
    candidates = outputs or _tagged(account.client("dynamodb"))
    if not candidates:
        raise CommandError(
            f"{account.where} has no event table: no stack has an output *{OUTPUT}*, and no table "
            f"has the tag {TAG}",
            remedy="pass --table NAME",
        )
    if len(candidates) > 1:
        listed = ", ".join(f"{name} ({reason})" for name, reason in sorted(candidates.items()))
        raise CommandError(
            f"{account.where} has {len(candidates)} event tables: {listed}",
            remedy="pass one of them with --table NAME",
        )
    return next(iter(candidates.items()))


def read(dynamodb: Any, table: str, message_id: str) -> list[dict[str, Any]]:
    """Return all items of a message, in plain values.

    Args:
        dynamodb: A boto3 client.
        table: The event table's name.
        message_id: The whole message id.
    """
    from boto3.dynamodb.types import TypeDeserializer

    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="message_id = :id",
        ExpressionAttributeValues={":id": {"S": message_id}},
    )
    deserialize = TypeDeserializer().deserialize

    def plain(value: Any) -> Any:
        try:
            return deserialize(value)
        except (ArithmeticError, TypeError, ValueError):
            # Other tools may write what boto3 does not read, such as a number of 40 digits.
            return value

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
