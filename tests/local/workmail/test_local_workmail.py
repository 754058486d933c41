"""Local WorkMail: mail in flow passes an organization's rules, and their answers are obeyed."""

import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest

from local.workmail.organization import DEFAULT, Organization
from mailroom_local.control.errors import MailroomError


def elsewhere(office, *, account, region):
    """A rule of an organization, whose function is in another account or region and drops mail."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        answer = {"actions": [{"action": {"type": "DROP"}, "allRecipients": True}]}
        entries.writestr("index.py", f"def handler(event, context):\n    return {answer}\n")
    functions = office.aws.client("lambda", account=account, region=region)
    name = office.account.name("function")
    arn = functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{account}:role/any",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName=name,
        StatementId="workmail",
        Action="lambda:InvokeFunction",
        Principal=f"workmail.{region}.amazonaws.com",
        SourceArn=f"arn:aws:workmail:{region}:{account}:organization/{office.id}",
    )
    return office.rule(arn)


def test_an_organization_is_in_the_account_and_region_of_its_functions(office):
    """Such as those that an app is pinned to; its events are logged there, too."""
    place = {"account": "111111111111", "region": "eu-west-1"}
    rule = elsewhere(office, **place)
    office.aws.workmail_rule(office.id, rule, direction="Inbound")
    record = office.send(office.ann)
    assert [action.outcome for action in record.actions] == ["DROP", "dropped"]
    assert f":eu-west-1:111111111111:organization/{office.id}" in str(record.actions[0].detail)
    groups = office.aws.client("logs", **place).describe_log_groups()["logGroups"]
    assert f"/aws/workmail/events/{office.id}" in [group["logGroupName"] for group in groups]


def test_an_organization_does_not_invoke_functions_of_another_region(account):
    office = Organization(account, region=account.region)
    rule = elsewhere(office, account=account.id, region="eu-west-1")
    office.aws.workmail_rule(office.id, rule, direction="Inbound")
    record = office.send(office.ann)
    assert [action.outcome for action in record.actions] == ["failed", "BOUNCE", "bounced"]
    assert "no permission to invoke" in record.actions[0].detail["error"]


def test_mail_without_rules_is_delivered(office):
    """A recipient in an organization's domain needs no receipt rule."""
    record = office.send()
    assert office.folders(office.ann) == office.folders(office.bob) == ["inbox"]
    assert b"Hello" in office.aws.mailbox(office.ann)[0]["Raw"]
    assert [(one.kind, one.outcome) for one in record.actions] == [("Flow", "inbox")]


def test_an_unknown_user_is_bounced(office):
    """The domain accepts the mail, but the mailbox does not exist."""
    nobody = f"nobody@{office.domain}"
    assert list(office.bounced(office.send(nobody))) == [nobody]


def test_receipt_rules_take_the_other_recipients(office, active):
    """A message for both goes both ways, and has the id that SES gives it."""
    bucket = office.account.bucket()
    office.account.rule(
        active, {"S3Action": {"BucketName": bucket}}, Recipients=["support@example.com"]
    )
    record = office.send(office.ann, "support@example.com")
    assert record.rcpt_tos == ["support@example.com"]
    assert office.account.read(bucket, str(record.message_id))
    assert office.aws.wait_until(
        lambda: office.folders(office.ann), lambda found: found == ["inbox"], seconds=5
    )


def test_a_named_recipient_wins_over_all_recipients(office):
    """Everybody else has what is for all."""
    name = office.answers(DEFAULT, '{"action": {"type": "DROP"}, "recipients": ["ANN"]}')
    record = office.send()
    assert office.folders(office.ann) == []
    assert office.folders(office.bob) == ["inbox"]
    assert [rule.name for rule in record.rules] == [name]
    assert record.actions[0].kind == "Lambda"
    assert record.actions[0].outcome == "DEFAULT, DROP"


def test_a_bounce_contains_the_functions_message(office):
    """To the sender, for that recipient alone."""
    bounce = '{"type": "BOUNCE", "parameters": {"bounceMessage": "No."}}'
    office.answers(DEFAULT, f'{{"action": {bounce}, "recipients": ["BOB"]}}')
    assert office.bounced(office.send()) == {office.bob: "No."}
    assert office.folders(office.ann) == ["inbox"]


def test_mail_can_be_moved_to_junk_or_bypass_the_spam_check(office):
    """One is moved to junk; one bypasses the check that would have moved it."""
    office.answers(
        '{"action": {"type": "MOVE_TO_JUNK"}, "recipients": ["ANN"]}',
        '{"action": {"type": "BYPASS_SPAM_CHECK"}, "recipients": ["BOB"]}',
    )
    office.send(headers=b"X-Mailroom-Verdict: spam=FAIL\r\n")
    assert (office.folders(office.ann), office.folders(office.bob)) == (["junk"], ["inbox"])


def test_unnamed_recipients_get_the_fallback(office):
    """So a function has to answer for all."""
    office.answers(
        '{"action": {"type": "DEFAULT"}, "recipients": ["ANN"]}', fallback="MoveToJunkAction"
    )
    office.send()
    assert (office.folders(office.ann), office.folders(office.bob)) == (["inbox"], ["junk"])


def test_added_recipients_get_a_blind_copy(office):
    """An address that the mail was not sent to, of the same organization."""
    office.answers(
        DEFAULT, '{"action": {"type": "DEFAULT"}, "recipients": ["BOB", "eve@example.net"]}'
    )
    record = office.send(office.ann)
    assert [one["Bcc"] for one in office.aws.mailbox(office.bob)] == [True]
    assert ("skipped", "eve@example.net") in [
        (one.outcome, one.detail.get("recipients")) for one in record.actions
    ]


def test_no_retry_goes_straight_to_the_fallback(office):
    """A timeout of 0 minutes."""
    office.runs('raise RuntimeError("broken")', minutes=0)
    record = office.send(office.ann)
    assert list(office.bounced(record)) == [office.ann]
    assert [one.kind for one in record.actions] == ["Lambda", "Fallback", "Flow"]


def test_a_retry_has_the_same_invocation_id(office):
    """The function fails once; what it was asked is in its answer."""
    bucket = office.account.bucket()
    body = (
        f"import boto3; s3 = boto3.client('s3'); "
        f"old = s3.list_objects_v2(Bucket='{bucket}').get('KeyCount'); "
        f"s3.put_object(Bucket='{bucket}', Key=event['invocationId'] + '/' + str(old)); "
        f"return {{'actions': [{DEFAULT}]}} if old else 1 / 0"
    )
    office.runs(body, minutes=10)
    record = office.send(office.ann)
    keys = [one["Key"] for one in office.account.s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert office.folders(office.ann) == ["inbox"]
    assert [one.outcome for one in record.actions] == ["failed", "DEFAULT", "inbox"]
    assert len(keys) == 2
    assert len({key.partition("/")[0] for key in keys}) == 1


def test_the_retry_period_ends(account):
    """A minute is a second, or what the organization says."""
    office = Organization(account, seconds_per_minute=0.1)
    function = office.function("return 'nonsense'")
    # Its first start may take longer than the period.
    account.functions.invoke(FunctionName=function)
    rule = office.rule(function, minutes=5, fallback="DropAction")
    office.aws.workmail_rule(office.id, rule, direction="Inbound")
    record = office.send(office.ann)
    attempts = [one for one in record.actions if one.kind == "Lambda"]
    assert len(attempts) > 1
    assert office.folders(office.ann) == []


def test_an_answer_after_the_timeout_is_ignored(account):
    """A function that takes longer than it may has not answered."""
    office = Organization(account, answer_seconds=0.5)
    office.runs("time.sleep(2)", minutes=0, fallback="NormalDeliveryAction")
    record = office.send(office.ann)
    assert "no answer within 0.5 seconds" in record.actions[0].detail["error"]
    assert office.folders(office.ann) == ["inbox"]


def test_the_permission_names_the_organization(office):
    """A function that another organization may invoke is not invoked."""
    other = office.arn[:-32] + "f" * 32
    rule = office.rule(office.function(f"return {{'actions': [{DEFAULT}]}}", source=other))
    office.aws.workmail_rule(office.id, rule, direction="Inbound")
    record = office.send(office.ann)
    assert "no permission" in record.actions[0].detail["error"]
    assert list(office.bounced(record)) == [office.ann]


def test_an_asynchronous_function_changes_nothing(office):
    """Whatever it answers."""
    office.answers('{"action": {"type": "DROP"}, "allRecipients": True}', minutes=None)
    record = office.send(office.ann)
    assert office.folders(office.ann) == ["inbox"]
    assert (record.actions[0].kind, record.actions[0].outcome) == ("Lambda", "accepted")


def test_the_most_specific_rule_is_applied(office):
    """By its pattern for the sender."""
    office.answers('{"action": {"type": "DROP"}, "allRecipients": True}')
    office.answers(DEFAULT, senders="example.net")
    office.send(office.ann, mail_from="jane@example.net")
    office.send(office.ann, mail_from="jane@example.org")
    assert office.folders(office.ann) == ["inbox"]


def test_outbound_mail_passes_outbound_rules(office):
    """What a user submits; it leaves by SES as far as the rule lets it."""
    office.answers(
        DEFAULT,
        '{"action": {"type": "DROP"}, "recipients": ["no@example.net"]}',
        direction="Outbound",
    )
    record = office.submit("yes@example.net", "no@example.net", office.bob)
    sent = [one for one in record.actions if one.outcome == "sent"]
    assert [one.detail["recipients"] for one in sent] == ["yes@example.net"]
    assert sent[0].detail["sentMessageId"] in [one["MessageId"] for one in office.aws.sent()]
    assert office.folders(office.bob) == ["inbox"]


def test_rule_applied_is_logged(office):
    """Where a check after deployment looks for it."""
    name = office.answers(DEFAULT)
    office.send(office.ann)
    logs, organizations = office.aws.client("logs"), office.aws.client("workmail")
    found = organizations.describe_email_monitoring_configuration(OrganizationId=office.id)
    group = found["LogGroupArn"].split(":")[6]
    assert group == f"/aws/workmail/events/{office.id}"
    events = logs.filter_log_events(logGroupName=group)["events"]
    told = [json.loads(one["message"])["event"] for one in events]
    assert [(one["eventName"], one["ruleName"]) for one in told] == [("RULE_APPLIED", name)]


def test_a_stacks_outputs_become_rules(office):
    """The outputs that are rules, for the organization that may invoke their function."""
    rule = office.rule(office.function(f"return {{'actions': [{DEFAULT}]}}"))
    stack = office.account.name("stack")
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Rule": {"Value": json.dumps(rule)}, "Other": {"Value": "text"}},
    }
    office.account.cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
    office.account.settled(stack)
    for _ in range(2):
        assert office.aws.workmail_rules_from_stack(stack) == [rule["Name"]]
    assert office.aws.workmail_rules(office.id, direction="Inbound") == [rule["Name"]]


def test_the_unpublished_operations_manage_rules(office):
    """Create, Describe, Update, List and Delete, and the errors of each."""
    rule = office.rule("arn:aws:lambda:us-east-1:000000000000:function:any")

    def call(operation: str, **body: Any) -> Any:
        request = urllib.request.Request(
            office.aws.server.endpoint,
            data=json.dumps({"OrganizationId": office.id, **body}).encode(),
            headers={"X-Amz-Target": f"WorkMailService.{operation}"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)["__type"]

    assert call("CreateInboundMailFlowRule", Rule=rule) == {}
    assert call("CreateInboundMailFlowRule", Rule=rule) == "NameAvailabilityException"
    assert call("DescribeInboundMailFlowRule", RuleName=rule["Name"]) == {"Rule": rule}
    assert call("UpdateInboundMailFlowRule", Rule=rule) == {}
    assert call("ListOutboundMailFlowRules") == {"OutboundMailFlowRuleSummaries": []}
    assert call("DeleteInboundMailFlowRule", RuleName=rule["Name"]) == {}
    assert call("DeleteInboundMailFlowRule", RuleName="x") == "EntityNotFoundException"
    assert call("ListInboundMailFlowRules", OrganizationId="x") == "OrganizationNotFoundException"


def test_a_rule_that_the_documentation_contradicts_is_refused(office):
    """A label is not a pattern."""
    rule = office.rule("arn:aws:lambda:us-east-1:000000000000:function:any", senders="a+b@x.org")
    with pytest.raises(MailroomError, match="not a pattern"):
        office.aws.workmail_rule(office.id, rule, direction="Inbound")
