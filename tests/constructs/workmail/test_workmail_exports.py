"""The names that WorkMail's constructs promise."""

from __future__ import annotations

import cdk_mailroom
from cdk_mailroom import workmail


def test_the_workmail_package_exports_these_names():
    """What describes a rule is in the package too; the behaviours go when WorkMail goes."""
    assert workmail.__all__ == [
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


def test_what_describes_a_rule_is_in_the_package():
    """The behaviours are in the module only."""
    assert set(cdk_mailroom.__all__) & set(workmail.__all__) == {
        "Asynchronous",
        "EmailFlowRule",
        "Fallback",
        "FlowDirection",
        "FlowHandler",
        "Synchronous",
    }
