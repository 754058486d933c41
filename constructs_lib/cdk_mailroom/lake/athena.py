"""What queries the lake: the workgroup, the saved queries, and the permission to run them."""

from __future__ import annotations

from importlib import resources
from typing import Final

from aws_cdk import Size
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_mailroom._asked import stack_of
from cdk_mailroom._objects import objects_arn
from cdk_mailroom._reviewed import reviewed_grant
from cdk_mailroom.lake.options import mebibytes
from cdk_mailroom.lake.table import catalog_arns
from mailroom.lake import WORKGROUP_DESCRIPTION

__all__ = ["grant_query", "make_queries", "make_workgroup", "named_queries"]

_MEBIBYTE: Final = 1024 * 1024

# What an analyst does in a workgroup, and what the console calls besides.
_ATHENA_ACTIONS: Final = (
    "athena:BatchGetNamedQuery",
    "athena:BatchGetQueryExecution",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetQueryResultsStream",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)


def named_queries() -> dict[str, str]:
    """Return the saved queries by the names of their files in ``queries/``.

    Athena and DuckDB both run them; DuckDB has ``approx_percentile`` under another name::

        CREATE MACRO approx_percentile(value, part) AS approx_quantile(value, part)
    """
    folder = resources.files("cdk_mailroom.lake").joinpath("queries")
    return {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda one: one.name)
        if file.name.endswith(".sql")
    }


def make_workgroup(
    scope: Construct, *, name: str, bucket: s3.IBucket, result_prefix: str, scan_limit: Size
) -> athena.CfnWorkGroup:
    """Return a workgroup whose settings no query can override."""
    group = athena.CfnWorkGroup
    key = bucket.encryption_key
    return group(
        scope,
        "Workgroup",
        name=name,
        description=WORKGROUP_DESCRIPTION,
        # Otherwise a stack could not be deleted once a query had run.
        recursive_delete_option=True,
        work_group_configuration=group.WorkGroupConfigurationProperty(
            enforce_work_group_configuration=True,
            publish_cloud_watch_metrics_enabled=True,
            bytes_scanned_cutoff_per_query=int(mebibytes(scan_limit)) * _MEBIBYTE,
            engine_version=group.EngineVersionProperty(
                selected_engine_version="Athena engine version 3"
            ),
            result_configuration=group.ResultConfigurationProperty(
                output_location=bucket.s3_url_for_object(result_prefix),
                expected_bucket_owner=bucket.env.account,
                encryption_configuration=group.EncryptionConfigurationProperty(
                    encryption_option="SSE_S3" if key is None else "SSE_KMS",
                    kms_key=None if key is None else key.key_arn,
                ),
            ),
        ),
    )


def make_queries(
    scope: Construct, *, workgroup: athena.CfnWorkGroup, database_name: str, table: glue.CfnTable
) -> dict[str, athena.CfnNamedQuery]:
    """Return the saved queries by the names of their files."""
    made = {}
    for name, sql in named_queries().items():
        made[name] = athena.CfnNamedQuery(
            scope,
            "".join(word.capitalize() for word in name.split("_")),
            name=name,
            description=_description(sql),
            database=database_name,
            work_group=workgroup.ref,
            query_string=sql,
        )
        made[name].node.add_dependency(table)
    return made


def grant_query(
    grantee: iam.IGrantable,
    *,
    scope: Construct,
    workgroup_name: str,
    database_name: str,
    bucket: s3.IBucket,
    prefix: str,
    result_prefix: str,
) -> iam.Grant:
    """Let *grantee* query the table in the workgroup and read the results."""

    def allow(actions: list[str], arns: list[str], **conditions: object) -> iam.Grant:
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=actions,
            resource_arns=arns,
            conditions={"StringLike": conditions} if conditions else None,
        )

    workgroup_arn = stack_of(scope).format_arn(
        service="athena", resource="workgroup", resource_name=workgroup_name
    )
    events, results = objects_arn(bucket, prefix), objects_arn(bucket, result_prefix)
    grant = allow(list(_ATHENA_ACTIONS), [workgroup_arn])
    for other in (
        allow(
            ["glue:GetDatabase", "glue:GetPartition", "glue:GetPartitions", "glue:GetTable"],
            catalog_arns(scope, database_name),
        ),
        allow(["s3:GetObject"], [events]),
        allow(
            [
                "s3:AbortMultipartUpload",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            [results],
        ),
        allow(["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [bucket.bucket_arn]),
        allow(
            ["s3:ListBucket"],
            [bucket.bucket_arn],
            **{"s3:prefix": [f"{prefix}*", f"{result_prefix}*"]},
        ),
    ):
        grant = grant.combine(other)
    for objects in (events, results):
        reviewed_grant(
            grantee,
            objects,
            "objects for one purpose, whose names Firehose and Athena generate",
        )
    key = bucket.encryption_key
    if key is None:
        return grant
    return grant.combine(key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey"))


def _description(sql: str) -> str:
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    title, *rest = lines
    return f"{title}. {' '.join(rest)}"
