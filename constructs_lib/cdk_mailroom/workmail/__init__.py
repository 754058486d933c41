"""Amazon WorkMail's email flow rules: what can be deployed of them.

**WorkMail takes no new customers since 2026-04-30, and ends on 2027-03-31.** Begin nothing new
here; for mail that must be looked at after that day see ``docs/leaving-workmail.md``: the same
function then decides behind an SES receipt rule. To remove this capability, delete every file and
folder whose name contains ``workmail``.

WorkMail has no public operation for the rules themselves, and so CloudFormation cannot create them.
`EmailFlowRule` creates everything that a rule needs and states exactly what the rule must be, for
a person at the console; `ExperimentalFlowRule` calls the operations that AWS has not published.

https://docs.aws.amazon.com/workmail/latest/adminguide/email-flows.html
https://docs.aws.amazon.com/workmail/latest/adminguide/lambda.html
"""

from cdk_mailroom.workmail.behaviours import (
    BlockSensitive,
    Disclaimer,
    ExternalBanner,
    FlowMetrics,
    Journal,
    RestrictRecipients,
    SensitivePattern,
    StopAction,
    StripAttachments,
    UnreadableAction,
)
from cdk_mailroom.workmail.experimental import ExperimentalFlowRule
from cdk_mailroom.workmail.handler import FlowHandler
from cdk_mailroom.workmail.modes import Asynchronous, Fallback, FlowDirection, Synchronous
from cdk_mailroom.workmail.rule import EmailFlowRule

__all__ = [
    "Asynchronous",
    "BlockSensitive",
    "Disclaimer",
    "EmailFlowRule",
    "ExperimentalFlowRule",
    "ExternalBanner",
    "Fallback",
    "FlowDirection",
    "FlowHandler",
    "FlowMetrics",
    "Journal",
    "RestrictRecipients",
    "SensitivePattern",
    "StopAction",
    "StripAttachments",
    "Synchronous",
    "UnreadableAction",
]
