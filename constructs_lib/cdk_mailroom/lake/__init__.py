"""Keep every sending event where SQL can query it: Firehose, S3, Glue and Athena."""

from cdk_mailroom.lake.athena import named_queries
from cdk_mailroom.lake.lake import EventLake
from cdk_mailroom.lake.options import LakeBuffer, LakeFormat, LakeQueries, LakeStorage

__all__ = ["EventLake", "LakeBuffer", "LakeFormat", "LakeQueries", "LakeStorage", "named_queries"]
