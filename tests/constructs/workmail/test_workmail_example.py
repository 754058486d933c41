"""The example of WorkMail: logical ids, template, and what cdk-nag reports."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from example_stacks import Example, check_reasons, findings, normalised
from synthesis import Template
from syrupy.extensions.json import JSONSnapshotExtension

EXAMPLE = Example(
    "workmail",
    "compliance",
    "Compliance",
    {"organization_id": "m-" + "0a" * 16, "domain": "example.com"},
)


@pytest.fixture(scope="module")
def template() -> Template:
    """The example's template."""
    return Template(EXAMPLE.build())


def test_the_examples_template_is_as_reviewed(template, snapshot):
    """The diff of the snapshot shows what will change in an account."""
    assert normalised(template.raw) == snapshot(extension_class=JSONSnapshotExtension)


LOGICAL_IDS = """
    InboundBucket803B7612
    InboundBucketPolicy0E3F0889
    InboundFunction337AA678
    InboundFunctionAllowWorkMail3A2F96D5
    InboundLogs06404AD5
    InboundRole4F2AE2F6
    InboundRoleDefaultPolicy2550CDAC
    JournalAE8C44B2
    JournalPolicyFA093FCE
    LegalJournalDeadLetterAlarmCF52A8D9
    LegalJournalDeadLetterQueue1C4B1C72
    LegalJournalDeadLetterQueuePolicy46913B53
    LegalJournalFunction75FAA7DA
    LegalJournalFunctionAllowWorkMail525DB731
    LegalJournalFunctionEventInvokeConfig990296D0
    LegalJournalLogs1D10FE8B
    LegalJournalRoleD7A28331
    LegalJournalRoleDefaultPolicy9FA9FEDB
    MachineMetricsDeadLetterAlarm26636CCD
    MachineMetricsDeadLetterQueueC1C748A8
    MachineMetricsDeadLetterQueuePolicy87529127
    MachineMetricsFunctionA396F04C
    MachineMetricsFunctionAllowWorkMail0B21EEB9
    MachineMetricsFunctionEventInvokeConfig00E0C21F
    MachineMetricsLogs68936B16
    MachineMetricsRole2D9D7772
    MachineMetricsRoleDefaultPolicy98763D42
    OutboundBucketB8911E18
    OutboundBucketPolicy21DA305C
    OutboundFunction477838C6
    OutboundFunctionAllowWorkMail700EE585
    OutboundLogsC7B6CC6F
    OutboundRoleDefaultPolicyB87C32ED
    OutboundRoleE8D1FDD0
"""


def test_logical_ids_of_the_example_do_not_change(template):
    """They are a contract: another id deletes a resource and makes a new one."""
    assert sorted(template.raw["Resources"]) == LOGICAL_IDS.split()


def test_cdk_nag_reports_nothing_in_the_example():
    """AwsSolutions, with the reasons of the library and of the example's ``nag.py``."""
    assert findings(cdk.App.of(EXAMPLE.build(reviewed=True))) == ""


def test_the_example_acknowledges_nothing_that_is_not_found():
    """Each of its reasons is needed: without them, exactly these findings are left."""
    check_reasons(EXAMPLE)
