"""The Glue database and the table ``events``, whose partitions Athena computes."""

from __future__ import annotations

from datetime import date
from typing import Final

from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_mailroom._asked import stack_of
from cdk_mailroom.lake.options import LakeFormat
from mailroom.lake import EVENT_TYPES, PARTITIONS, columns

__all__ = ["TABLE", "catalog_arns", "make_table"]

TABLE: Final = "events"
"""The name of the table, which the saved queries use."""

# By format: input format, output format, SerDe and its parameters.
_STORAGE: Final = {
    LakeFormat.PARQUET: (
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        {"serialization.format": "1"},
    ),
    LakeFormat.JSON: (
        "org.apache.hadoop.mapred.TextInputFormat",
        "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "org.openx.data.jsonserde.JsonSerDe",
        # A truncated line must not fail the query.
        {"ignore.malformed.json": "true"},
    ),
}


def make_table(
    scope: Construct,
    *,
    database_name: str,
    bucket: s3.IBucket,
    prefix: str,
    format_: LakeFormat,
    first_day: date | None,
    kept_days: int | None,
) -> glue.CfnTable:
    """Return the table, in a new database; no crawler is needed."""
    stack = stack_of(scope)
    database = glue.CfnDatabase(
        scope,
        "Database",
        catalog_id=stack.account,
        database_input=glue.CfnDatabase.DatabaseInputProperty(
            name=database_name, description="Sending events published by SES"
        ),
    )
    location = bucket.s3_url_for_object(prefix)
    # https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
    parameters = {
        "EXTERNAL": "TRUE",
        "classification": str(format_),
        "projection.enabled": "true",
        "projection.event_type.type": "enum",
        "projection.event_type.values": ",".join(EVENT_TYPES),
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": _days(first_day, kept_days),
        "projection.day.interval": "1",
        "projection.day.interval.unit": "DAYS",
        "storage.location.template": f"{location}event_type=${{event_type}}/day=${{day}}/",
    }
    input_format, output_format, library, library_parameters = _STORAGE[format_]
    table = glue.CfnTable(
        scope,
        "Table",
        catalog_id=stack.account,
        database_name=database_name,
        table_input=glue.CfnTable.TableInputProperty(
            name=TABLE,
            description="One row for each event; its columns are mailroom.lake.SCHEMA",
            table_type="EXTERNAL_TABLE",
            parameters=parameters,
            partition_keys=[
                glue.CfnTable.ColumnProperty(name=name, type="string") for name in PARTITIONS
            ],
            storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                location=location,
                columns=[
                    glue.CfnTable.ColumnProperty(
                        name=column["Name"], type=column["Type"], comment=column.get("Comment")
                    )
                    for column in columns()
                ],
                compressed=True,
                input_format=input_format,
                output_format=output_format,
                serde_info=glue.CfnTable.SerdeInfoProperty(
                    serialization_library=library, parameters=library_parameters
                ),
            ),
        ),
    )
    table.node.add_dependency(database)
    return table


def catalog_arns(scope: Construct, database_name: str) -> list[str]:
    """Return the ARNs that Glue checks before it shows the table."""
    stack = stack_of(scope)
    return [
        stack.format_arn(service="glue", resource="catalog"),
        stack.format_arn(service="glue", resource="database", resource_name=database_name),
        stack.format_arn(
            service="glue", resource="table", resource_name=f"{database_name}/{TABLE}"
        ),
    ]


def _days(first_day: date | None, kept_days: int | None) -> str:
    # A query looks for objects of each day of the range, so the range is as short as it can be.
    if first_day is not None:
        start = first_day.isoformat()
    elif kept_days:
        start = f"NOW-{kept_days + 1}DAYS"
    else:
        start = "2026-01-01"
    # Clocks differ, and an event's time is not Athena's.
    return f"{start},NOW+1DAYS"
