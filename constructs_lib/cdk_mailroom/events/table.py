"""The event table: each message's events, by message id and time."""

from __future__ import annotations

from aws_cdk import Tags
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from cdk_mailroom._checks import Problems

__all__ = ["TABLE_ID", "check_table", "make_table"]

TABLE_ID = "EventTable"
"""The id of a new table."""

_KEYS = ["message_id", "at"]


def make_table(scope: Construct, *, key: kms.IKey | None) -> dynamodb.Table:
    """Return a new table, encrypted, with point-in-time recovery."""
    text = dynamodb.AttributeType.STRING
    partition, sort = (dynamodb.Attribute(name=name, type=text) for name in _KEYS)
    table = dynamodb.Table(
        scope,
        TABLE_ID,
        partition_key=partition,
        sort_key=sort,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=(
            dynamodb.TableEncryption.AWS_MANAGED
            if key is None
            else dynamodb.TableEncryption.CUSTOMER_MANAGED
        ),
        encryption_key=key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        time_to_live_attribute="expires_at",
    )
    table.add_global_secondary_index(
        index_name="recipient",
        partition_key=dynamodb.Attribute(name="recipient", type=text),
        sort_key=sort,
        projection_type=dynamodb.ProjectionType.INCLUDE,
        non_key_attributes=["type", "configuration_set"],
    )
    # `mailroom trace` finds the table by this tag.
    Tags.of(table).add("mailroom:event-table", "true")
    return table


def check_table(problems: Problems, table: dynamodb.ITable | None) -> None:
    """Report a table made in this app whose keys are not the runtime's."""
    if not isinstance(table, dynamodb.Table):
        return
    schema = table.schema()
    keys = [key.name for key in (schema.partition_key, schema.sort_key) if key is not None]
    if keys != _KEYS:
        problems.add(
            "event_table",
            table.node.path,
            f"its keys are {keys}; pass a table with the keys 'message_id' and 'at'",
        )
