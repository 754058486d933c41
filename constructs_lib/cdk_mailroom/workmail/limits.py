"""WorkMail's limits; they are not in ``_quotas``, so that they go when WorkMail goes."""

from __future__ import annotations

from typing import Final

from mailroom.ses import DOMAIN

__all__ = [
    "BUCKET_NAME",
    "ORGANIZATION_ID",
    "PATTERN",
    "REGIONS",
    "SENDERS_PER_ORGANIZATION",
    "SENDERS_PER_RULE",
    "SYNCHRONOUS_SECONDS",
    "TIMEOUT_MINUTES",
]

# https://docs.aws.amazon.com/general/latest/gr/workmail.html
REGIONS: Final = frozenset({"eu-west-1", "us-east-1", "us-west-2"})

# https://docs.aws.amazon.com/workmail/latest/adminguide/lambda.html
SYNCHRONOUS_SECONDS: Final = 15
TIMEOUT_MINUTES: Final = range(241)

# https://docs.aws.amazon.com/workmail/latest/adminguide/workmail_limits.html
SENDERS_PER_RULE: Final = 250
SENDERS_PER_ORGANIZATION: Final = 1000

ORGANIZATION_ID: Final = r"m-[0-9a-f]{32}"

# https://docs.aws.amazon.com/workmail/latest/adminguide/lambda-content.html
BUCKET_NAME: Final = r"[a-z0-9][a-z0-9-]{2,62}"

# Narrower than SES's addresses: WorkMail allows neither '+' nor '*' in the local part.
PATTERN: Final = rf"\*|(?:\*\.)?{DOMAIN}|[A-Za-z0-9!#$%&'/=?^_`{{|}}~.-]{{1,64}}@{DOMAIN}"
