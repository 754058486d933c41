"""What a receipt rule does: each of SES's receipt actions, with the permissions that it needs.

`InboundMail.add_rule` takes these before or after its handler, and takes the receipt actions of
``aws_cdk.aws_ses_actions`` just as well; most are re-exported here. Three have a counterpart of
our own: `S3` (adds an IAM role and a source ARN), `Sns` (adds the grants) and `InvokeFunction`
(adds a source ARN).

To add an action, subclass `ReceiptAction`: create what it needs below ``scope``, grant what it
needs, and return a `BoundAction`.
"""

from aws_cdk.aws_ses_actions import AddHeader, Bounce, BounceTemplate, EmailEncoding, Stop, WorkMail

from cdk_mailroom.actions.base import (
    BoundAction,
    NativeAction,
    ReceiptAction,
    ReceiptContext,
    RuleContext,
    RuleFacts,
    RuleKind,
    StoredMail,
)
from cdk_mailroom.actions.invoke_function import InvokeFunction
from cdk_mailroom.actions.s3 import S3
from cdk_mailroom.actions.sns import Sns

__all__ = [
    "S3",
    "UNKNOWN_FAILURE",
    "AddHeader",
    "Bounce",
    "BounceTemplate",
    "BoundAction",
    "EmailEncoding",
    "InvokeFunction",
    "NativeAction",
    "ReceiptAction",
    "ReceiptContext",
    "RuleContext",
    "RuleFacts",
    "RuleKind",
    "Sns",
    "Stop",
    "StoredMail",
    "WorkMail",
]

UNKNOWN_FAILURE = BounceTemplate(
    message="Unknown failure", smtp_reply_code="550", status_code="5.0.0"
)
"""The one of SES's bounce templates that `BounceTemplate` lacks."""
