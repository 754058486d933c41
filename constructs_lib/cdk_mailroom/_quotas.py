"""Limits of Lambda, S3, Athena and Firehose, with their pages; SES's are in `mailroom.ses`."""

from __future__ import annotations

from typing import Final

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html, less a 40-character id
PREFIX_BYTES: Final = 900

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_MEMORY_MIB: Final = range(128, 10_241)
LAMBDA_SECONDS: Final = 900
LAMBDA_LAYERS: Final = 5

# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html, without a batch window
LAMBDA_BATCH: Final = range(1, 11)

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
LAMBDA_ENVIRONMENT_NAME: Final = r"[A-Za-z][A-Za-z0-9_]+"
LAMBDA_RESERVED_NAMES: Final = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)

# https://docs.aws.amazon.com/firehose/latest/APIReference/API_BufferingHints.html and, where the
# stream partitions or converts, https://docs.aws.amazon.com/firehose/latest/dev/buffering.html
PARTITIONED_BUFFER_MIB: Final = range(64, 129)
PARTITIONED_BUFFER_SECONDS: Final = range(60, 901)

# https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
TRANSFORMATION_SECONDS: Final = range(1, 301)

# https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html and
# https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfiguration.html
ATHENA_NAME: Final = r"[a-z0-9_]{1,255}"
WORKGROUP_NAME: Final = r"[A-Za-z0-9._-]{1,128}"
SCAN_LIMIT_MIB: Final = range(10, 7_340_033)

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
INFREQUENT_ACCESS_DAYS: Final = 30

# https://docs.aws.amazon.com/general/latest/gr/ses.html, "Email receiving endpoints"; in GovCloud
# there are none. The list grows, so a region that is not here is a warning, not an error.
RECEIVING_REGIONS: Final = frozenset(
    {
        "af-south-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-south-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "il-central-1",
        "me-south-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    }
)

# https://docs.aws.amazon.com/general/latest/gr/ses.html: these have endpoints of the API, and none
# in the table "SMTP endpoints". AWS adds some over time, so such a region is a warning.
REGIONS_WITHOUT_SMTP: Final = frozenset(
    {
        "af-south-1",
        "ap-south-2",
        "ap-southeast-3",
        "ap-southeast-5",
        "ca-west-1",
        "eu-central-2",
        "eu-south-1",
        "il-central-1",
        "me-central-1",
        "me-south-1",
    }
)
