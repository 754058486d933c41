"""The examples: logical ids, templates, and what cdk-nag reports.

After an intended change: ``pytest tests/constructs --snapshot-update``, and read the diff.
"""

from __future__ import annotations

import re

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from example_stacks import Example, check_reasons, findings, normalised
from synthesis import FOLDER, Template, new_app, new_stack
from syrupy.extensions.json import JSONSnapshotExtension

from cdk_mailroom import BUNDLED, EventPublishing, EventType, InboundMail, PythonHandler, _reviewed
from cdk_mailroom.nag import acknowledge

EXAMPLES = {
    "analytics": Example("analytics", "analytics", "Analytics"),
    "gateway": Example("gateway", "office", "Office", {"domain": "example.com"}),
    "helpdesk": Example(
        "helpdesk",
        "help_desk",
        "HelpDesk",
        {"domain": "example.com", "team": ["team@example.net"]},
    ),
    "newsletter": Example("newsletter", "newsletter", "Newsletter", {"domain": "example.com"}),
}


@pytest.fixture(scope="module", params=EXAMPLES)
def template(request) -> Template:
    """One example's template."""
    return Template(EXAMPLES[request.param].build())


def test_an_examples_template_is_as_reviewed(template, snapshot):
    """The diff of the snapshot shows what will change in an account."""
    assert normalised(template.raw) == snapshot(extension_class=JSONSnapshotExtension)


LOGICAL_IDS = {
    "analytics": """
        MailroomPropagationFunctionCFF40512
        MailroomPropagationLogs3208BCC8
        MailroomPropagationRoleDefaultPolicy2A0D818E
        MailroomPropagationRoleEF89F787
        OutboundAlertTopic686DC1D6
        OutboundAlertTopicPolicy3BC7CF5D
        OutboundBounceReviewEA8CB37B
        OutboundBounceWarningE9AA31AA
        OutboundComplaintReviewA0FF29BF
        OutboundComplaintWarningCF110C73
        OutboundConfigurationSet1618B93A
        OutboundLakeBounceReasons12D00CD6
        OutboundLakeBrokenEventAlarm3892161C
        OutboundLakeBucketC167ECCB
        OutboundLakeBucketPolicyD7F69047
        OutboundLakeConversionAlarm4A59F44B
        OutboundLakeDatabase939A0770
        OutboundLakeDeliveryAlarmA60198E4
        OutboundLakeDeliveryLogs85D1ACB5
        OutboundLakeDeliveryLogsDeliveryLog3A31FAC4
        OutboundLakeDeliveryRoleA17758E6
        OutboundLakeDestinationD349913F
        OutboundLakeDuplicates18207243
        OutboundLakeEngagementByTagA1DCFE5B
        OutboundLakeFailingTemplatesEC0B4AE1
        OutboundLakeFreshnessAlarm03130E61
        OutboundLakeLatencyPercentilesEA6729F3
        OutboundLakeMessageStory848AFA93
        OutboundLakePartitionsAlarm2BD048BC
        OutboundLakeRatesByDay4A7E2F57
        OutboundLakeRatesByDomain6ECEE1CB
        OutboundLakeRole7BEB7397
        OutboundLakeRoleKnown5EE26A19
        OutboundLakeStream4AD9B593
        OutboundLakeTable247A02A2
        OutboundLakeThrottledAlarmD35ABC22
        OutboundLakeTransformFunctionCAF08C8F
        OutboundLakeTransformLogsBrokenEvents77E52121
        OutboundLakeTransformLogsC3EBDCA1
        OutboundLakeTransformRole41C264FE
        OutboundLakeTransformRoleDefaultPolicyD793FE75
        OutboundLakeTransformationAlarm8759863E
        OutboundLakeViewWithoutDuplicates834F22F7
        OutboundLakeWorkgroupBBAAD524
        OutboundTopic747947E0
        OutboundTopicPolicy22976C93
    """,
    "gateway": """
        ArchiveDA4CB258
        Blocked8AF4E216
        BlockedMembers22E85947
        BlockedPolicyE9B6BE2E
        MailroomAddressListsFunction429E7859
        MailroomAddressListsLogs106B64EA
        MailroomAddressListsRole902A6C31
        MailroomAddressListsRoleDefaultPolicy6E11F381
        OfficeActionsDelivery129C7425
        OfficeActionsSource635DD28E
        OfficeBucket004FBA97
        OfficeBucketPolicy5FE44119
        OfficeDeadLetterAlarmC6964EA1
        OfficeDeadLetterQueueDC52F144
        OfficeDeadLetterQueuePolicyBF381D96
        OfficeFailedActionsAlarm23C97CE2
        OfficeFailedActionsC9B767A8
        OfficeIngressPointF51C7F24
        OfficeLettersHandlerFunction6375C9DA
        OfficeLettersHandlerFunctionEventInvokeConfig74B52B89
        OfficeLettersHandlerLogsB5E86185
        OfficeLettersHandlerRole9E5C1CC5
        OfficeLettersHandlerRoleDefaultPolicy7598AE72
        OfficeLogDestination61EE86D3
        OfficeLogsCED2686E
        OfficeLogsPolicyResourcePolicy4C249A06
        OfficePasswordAF6353A0
        OfficePasswordKeyF86CC6FA
        OfficePasswordPolicy7979C17B
        OfficeRole2DE8062E
        OfficeRoleDefaultPolicy2CAD13F1
        OfficeRuleSetAB103B22
        OfficeTrafficPolicy20062960
        OutboundAlertTopic686DC1D6
        OutboundAlertTopicPolicy3BC7CF5D
        OutboundBounceReviewEA8CB37B
        OutboundBounceWarningE9AA31AA
        OutboundComplaintReviewA0FF29BF
        OutboundComplaintWarningCF110C73
        OutboundConfigurationSet1618B93A
        OutboundTopic747947E0
        OutboundTopicPolicy22976C93
    """,
    "helpdesk": """
        InboundActivation565205E2
        InboundBucket803B7612
        InboundBucketPolicy0E3F0889
        InboundDeadLetterAlarm07E7533F
        InboundDeadLetterQueue406257A9
        InboundDeadLetterQueuePolicy07CEFEA2
        InboundOrderC07F0B00
        InboundPublishExpiredAlarm38C9167F
        InboundPublishFailureAlarmEAB3F7C1
        InboundRuleSet47196728
        InboundSalesHandlerFunctionAllowSes4E988084
        InboundSalesHandlerFunctionB452E46F
        InboundSalesHandlerFunctionEventInvokeConfig74D67918
        InboundSalesHandlerLogs76A2458F
        InboundSalesHandlerRoleC6FA1C45
        InboundSalesHandlerRoleDefaultPolicy07D16387
        InboundSalesRule1B3D78A1
        InboundSpamGateHandlerFailureAlarmD5AB7BBA
        InboundSpamGateHandlerFunctionAllowSes919C927A
        InboundSpamGateHandlerFunctionF2F404B2
        InboundSpamGateHandlerLogsFB353B3F
        InboundSpamGateHandlerNotKeptAlarm355EA946
        InboundSpamGateHandlerRole0B27DC72
        InboundSpamGateHandlerRoleDefaultPolicy2881B0B3
        InboundSpamGateRule8122E0E1
        InboundSupportAfter1Function8CFFB349
        InboundSupportAfter1FunctionAllowSesAA279EA7
        InboundSupportAfter1FunctionEventInvokeConfigDE4B8D7A
        InboundSupportAfter1LogsF45C3214
        InboundSupportAfter1Role62EFAEC6
        InboundSupportAfter1RoleDefaultPolicyE31F1849
        InboundSupportHandlerFunction24FD4FF3
        InboundSupportHandlerFunctionAllowSesE0F9DBBF
        InboundSupportHandlerFunctionEventInvokeConfig4B046A47
        InboundSupportHandlerLogs8798FE91
        InboundSupportHandlerRole63F496BC
        InboundSupportHandlerRoleDefaultPolicyCBAE39C9
        InboundSupportRuleD7472CE1
        MailroomReceiptRulesFunction41A9B0A6
        MailroomReceiptRulesLogs32562809
        MailroomReceiptRulesRoleDefaultPolicy114737BD
        MailroomReceiptRulesRoleF838CD62
        OutboundAlertTopic686DC1D6
        OutboundAlertTopicPolicy3BC7CF5D
        OutboundBounceReviewEA8CB37B
        OutboundBounceWarningE9AA31AA
        OutboundComplaintReviewA0FF29BF
        OutboundComplaintWarningCF110C73
        OutboundConfigurationSet1618B93A
        OutboundTopic747947E0
        OutboundTopicPolicy22976C93
        ReplyKey0579F7D2
        Tickets83B11BB2
    """,
    "newsletter": """
        Dashboard7A714131
        LetterD2CD08D3
        OutboundAlertTopic686DC1D6
        OutboundAlertTopicPolicy3BC7CF5D
        OutboundBounceAgeAlarm0D11586A
        OutboundBounceDeadLetterAlarmA3789867
        OutboundBounceDeadLetterQueue40FF98BE
        OutboundBounceDeadLetterQueuePolicy54A8AA5A
        OutboundBounceFunction62EFF846
        OutboundBounceIsolationAgeAlarmAD174181
        OutboundBounceIsolationMapping9E51AB33
        OutboundBounceIsolationQueue0623B488
        OutboundBounceIsolationQueuePolicyA04A12AA
        OutboundBounceLogs36C4740E
        OutboundBounceMappingB59896C3
        OutboundBounceQueue24754AC9
        OutboundBounceQueuePolicy1C7A085D
        OutboundBounceReviewEA8CB37B
        OutboundBounceRole2C714B81
        OutboundBounceRoleDefaultPolicy4A6C9A71
        OutboundBounceSubscriptionECC80312
        OutboundBounceWarningE9AA31AA
        OutboundComplaintAgeAlarm4E7923ED
        OutboundComplaintDeadLetterAlarm5DD5CBB1
        OutboundComplaintDeadLetterQueue975D43BF
        OutboundComplaintDeadLetterQueuePolicy811AE4EC
        OutboundComplaintFunctionE9D7BF27
        OutboundComplaintIsolationAgeAlarmA6DB1B99
        OutboundComplaintIsolationMapping36F26C42
        OutboundComplaintIsolationQueue6DA957B8
        OutboundComplaintIsolationQueuePolicyBAD8B02C
        OutboundComplaintLogs632E4F8A
        OutboundComplaintMapping3D3A4692
        OutboundComplaintQueue1F7A5A0C
        OutboundComplaintQueuePolicy46FE27E2
        OutboundComplaintReviewA0FF29BF
        OutboundComplaintRoleDECE5ED8
        OutboundComplaintRoleDefaultPolicy68291A6A
        OutboundComplaintSubscriptionF1C2B948
        OutboundComplaintWarningCF110C73
        OutboundConfigurationSet1618B93A
        OutboundDestinationB7BD63B9
        OutboundEventTable3F5B5876
        OutboundNotificationAlarm7B9DACFE
        OutboundRedriveAlarm61496606
        OutboundSendAgeAlarmFA531FBD
        OutboundSendDeadLetterAlarm56E4C7FE
        OutboundSendDeadLetterQueue02ED379A
        OutboundSendDeadLetterQueuePolicy3B9B6F55
        OutboundSendFunction7FFD54E2
        OutboundSendIsolationAgeAlarm2D6507A1
        OutboundSendIsolationMapping46AEDD51
        OutboundSendIsolationQueueCC52CD69
        OutboundSendIsolationQueuePolicy1B77A967
        OutboundSendLogs1C03D8C2
        OutboundSendMapping85C51323
        OutboundSendQueue8C873FB6
        OutboundSendQueuePolicy67B0814A
        OutboundSendRole04064A24
        OutboundSendRoleDefaultPolicy96393280
        OutboundSendSubscription50DF2434
        OutboundSubscriptionAgeAlarm680D6664
        OutboundSubscriptionDeadLetterAlarm882970A0
        OutboundSubscriptionDeadLetterQueue5A26FF6D
        OutboundSubscriptionDeadLetterQueuePolicy1ADA3F8C
        OutboundSubscriptionF8349BBB
        OutboundSubscriptionFunctionB36750C3
        OutboundSubscriptionIsolationAgeAlarmA39FA425
        OutboundSubscriptionIsolationMapping59331BE1
        OutboundSubscriptionIsolationQueue5D863157
        OutboundSubscriptionIsolationQueuePolicy98F2A2D6
        OutboundSubscriptionLogs3E9F6B13
        OutboundSubscriptionMapping935FA408
        OutboundSubscriptionQueueCC2B4922
        OutboundSubscriptionQueuePolicy2927F85F
        OutboundSubscriptionRole38A74A2F
        OutboundSubscriptionRoleDefaultPolicy3C648305
        OutboundTopic747947E0
        OutboundTopicPolicy22976C93
        ReadersF07297A3
        Send46722DF3
        SendLogsBECBB0F6
        SendServiceRole4DB93B2A
        SendServiceRoleDefaultPolicyBC180BDB
    """,
}


def test_logical_ids_of_an_example_do_not_change(template, request):
    """They are a contract: another id deletes a resource and makes a new one, mail included."""
    name = request.node.callspec.params["template"]
    assert sorted(template.raw["Resources"]) == LOGICAL_IDS[name].split()


@pytest.mark.parametrize("name", EXAMPLES)
def test_cdk_nag_reports_nothing_in_an_example(name):
    """AwsSolutions, with the reasons of the library and of the example's ``nag.py``."""
    assert findings(cdk.App.of(EXAMPLES[name].build(reviewed=True))) == ""


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_acknowledges_nothing_that_is_not_found(name):
    """Each of its reasons is needed: without them, exactly these findings are left."""
    check_reasons(EXAMPLES[name])


def test_a_path_without_a_construct_cannot_be_acknowledged():
    """Otherwise a typo would leave the finding without an explanation."""
    with pytest.raises(KeyError, match="no construct 'Inbound/Buckte' below 'HelpDesk'"):
        acknowledge(EXAMPLES["helpdesk"].build(), {"Inbound/Buckte": {"AwsSolutions-S1": "typo"}})


def test_a_customer_key_adds_no_findings():
    """The library answers for what the key adds."""
    app = new_app()
    stack = new_stack(app)
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    inbound = InboundMail(stack, "Inbound", encryption_key=key)
    for rule, synchronous in (("Support", False), ("Gate", True)):
        inbound.add_rule(
            rule,
            recipients=[f"{rule.lower()}@example.com"],
            handler=PythonHandler(
                FOLDER, "app:on_mail", synchronous=synchronous, remember_handled=True
            ),
        )
    text = findings(app)
    assert set(re.findall(r"AwsSolutions::(AwsSolutions-[^']*)'", text)) == {"AwsSolutions-S1"}


def test_customer_keys_add_no_findings_in_events():
    """Keys of queues, table and alert topic add wildcards, each of which is answered for."""
    app = new_app()
    stack = new_stack(app)
    keys = [kms.Key(stack, f"Key{number}", enable_key_rotation=True) for number in range(2)]
    out = EventPublishing(
        stack,
        "Out",
        encryption_key=keys[0],
        alert_topic=sns.Topic(stack, "Alerts", master_key=keys[1], enforce_ssl=True),
    )
    out.on(EventType.BOUNCE)
    out.on(EventType.COMPLAINT, BUNDLED, PythonHandler(FOLDER, "app:on_mail"))
    out.on([EventType.REJECT, EventType.OPEN])
    out.grant_send(out.on(EventType.SEND, PythonHandler(FOLDER, "app:on_mail")).function)
    assert findings(app) == ""


def test_findings_on_the_apps_own_resources_are_not_acknowledged():
    """A wildcard of the app's own, in the role of one of our functions, is still found."""
    app = new_app()
    stack = new_stack(app)
    rule = InboundMail(stack, "Inbound").add_rule(
        "Support", recipients=["a@example.com"], handler=PythonHandler(FOLDER, "app:on_mail")
    )
    rule.function.add_to_role_policy(iam.PolicyStatement(actions=["dynamodb:*"], resources=["*"]))
    text = findings(app)
    assert "AwsSolutions-IAM5[Action::dynamodb:*]" in text
    assert "AwsSolutions-IAM5[Resource::*]" in text


def test_an_acknowledged_finding_is_where_cdk_nag_2_reads_it(monkeypatch):
    """It reads the metadata of resources, and only one version of it can be installed."""
    monkeypatch.setattr(_reviewed, "_nag", lambda: "2.38.2")
    template = Template(EXAMPLES["helpdesk"].build(reviewed=True))

    def suppressed(path):
        metadata = template.resources[path]["Metadata"]["cdk_nag"]["rules_to_suppress"]
        return {(one["id"], *one.get("applies_to", [])) for one in metadata}

    assert suppressed("Inbound/Bucket") == {("AwsSolutions-S1",)}
    assert suppressed("Inbound/DeadLetterQueue") == {("AwsSolutions-SQS3",)}
    assert (
        "AwsSolutions-IAM5",
        "Resource::<InboundBucket803B7612.Arn>/Support/*",
    ) in suppressed("Inbound/Support/Handler/Role/DefaultPolicy")
