"""Limits of Mail Manager, with their pages. None of them can be raised."""

from __future__ import annotations

from typing import Final

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html, "Mail Manager quotas"
RULES_PER_RULE_SET: Final = 40
ACTIONS_PER_RULE: Final = 10
CONDITIONS_PER_RULE: Final = 10
SENDING_ACTIONS_PER_RULE_SET: Final = 10
"""Relay and Send together."""
STATEMENTS_PER_POLICY: Final = 20
CONDITIONS_PER_STATEMENT: Final = 10
MESSAGE_BYTES: Final = 40 * 1024 * 1024
"""The largest message, with its header."""

# https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_Types.html
RULE_NAME: Final = r"[A-Za-z0-9_.-]{1,32}"
POINT_NAME: Final = r"[A-Za-z0-9_-]{3,63}"
VALUES_PER_CONDITION: Final = 10
VALUE_CHARACTERS: Final = 4096
CONDITION_HEADER: Final = r"X-[A-Za-z0-9-]{1,256}"
RESULT_FIELD: Final = r"(addon\.)?[\sA-Za-z0-9_]{1,250}"
ADDED_HEADER: Final = r"[Xx]-[A-Za-z0-9-]{1,62}"
ADDED_HEADER_CHARACTERS: Final = 128
NEW_RECIPIENTS: Final = 100
RETRY_MINUTES: Final = range(2161)
BUCKET_NAME_CHARACTERS: Final = 62
PREFIX_CHARACTERS: Final = 62
TRUST_STORE_CHARACTERS: Final = 500_000
RELAY_SERVER: Final = r"[A-Za-z0-9.-]{1,100}"
ENDPOINT_ID: Final = r"vpce-[A-Za-z0-9]{17}"

REGIONS: Final = frozenset(
    {
        "af-south-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-south-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-southeast-3",
        "ap-southeast-5",
        "ca-central-1",
        "ca-west-1",
        "eu-central-1",
        "eu-central-2",
        "eu-north-1",
        "eu-south-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eusc-de-east-1",
        "il-central-1",
        "me-central-1",
        "me-south-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-gov-east-1",
        "us-gov-west-1",
        "us-west-1",
        "us-west-2",
    }
)
"""Where CloudFormation has the types of Mail Manager. The list grows."""

WRITABLE_ADDRESS: Final = r"[0-9A-Za-z@+.-]{1,254}"
"""What CloudFormation takes as an address; the API also takes ``_``."""
