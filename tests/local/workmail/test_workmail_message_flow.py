"""WorkMail's message flow: a synchronous function reads and changes the content."""

import json

import pytest
from botocore.exceptions import ClientError

from local.workmail.organization import DEFAULT, Organization


def replacing(bucket: str) -> str:
    return (
        "import boto3; flow = boto3.client('workmailmessageflow'); "
        "raw = flow.get_raw_message_content(messageId=event['messageId'])"
        "['messageContent'].read(); "
        f"boto3.client('s3').put_object(Bucket='{bucket}', Key='changed/1', "
        "Body=raw.replace(b'Hello', b'Goodbye')); "
        "flow.put_raw_message_content(messageId=event['messageId'], content="
        f"{{'s3Reference': {{'bucket': '{bucket}', 'key': 'changed/1'}}}}); "
        f"return {{'actions': [{DEFAULT}]}}"
    )


def readable(office: Organization) -> str:
    """A bucket that WorkMail may read for this organization."""
    account = office.account
    bucket: str = account.bucket(policy=False)
    scope = f"arn:aws:workmailmessageflow:{account.region}:{account.id}:message/{office.id}/*"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"workmail.{account.region}.amazonaws.com"},
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {
            "Bool": {"aws:SecureTransport": "true"},
            "StringEquals": {"aws:SourceAccount": account.id},
            "ArnLike": {"aws:SourceArn": scope},
        },
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.s3.put_bucket_policy(Bucket=bucket, Policy=document)
    return bucket


def test_a_synchronous_function_changes_the_content(office):
    """By the message flow API, before it answers."""
    office.runs(replacing(readable(office)))
    office.send(office.ann)
    assert b"Goodbye" in office.aws.mailbox(office.ann)[0]["Raw"]


def test_the_message_flow_needs_permission(office):
    """When permissions are enforced, a function reads only what its role lets it."""
    office.runs(replacing(readable(office)), fallback="MoveToJunkAction")
    with office.aws.permissions_enforced():
        record = office.send(office.ann)
    assert "GetRawMessageContent" in record.actions[0].detail["error"]
    assert office.folders(office.ann) == ["junk"]


def test_the_message_flow_permission_names_organization_and_direction(office):
    """The ARN that the construct grants is the one that is asked for."""
    account, bucket = office.account, readable(office)
    rule = office.rule(office.function(replacing(bucket)))
    scope = f"arn:aws:workmailmessageflow:{account.region}:{account.id}:message/{office.id}"
    granted = {
        "workmailmessageflow:*": f"{scope}/incoming/*",
        "s3:PutObject": f"arn:aws:s3:::{bucket}/*",
    }
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": resource}
        for action, resource in granted.items()
    ]
    name = account.name("role")
    role = account.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    account.iam.put_role_policy(RoleName=name, PolicyName="flow", PolicyDocument=document)
    arn = rule["Action"]["InboundLambdaAction"]["Arn"]
    account.functions.update_function_configuration(FunctionName=arn, Role=role)
    office.aws.workmail_rule(office.id, rule, direction="Inbound")
    with office.aws.permissions_enforced():
        record = office.send(office.ann)
    assert record.actions[0].outcome == "DEFAULT"
    assert b"Goodbye" in office.aws.mailbox(office.ann)[0]["Raw"]


def test_a_late_change_is_accepted_and_changes_nothing(office):
    """As on AWS, there is no error."""
    bucket = readable(office)
    record = office.send(office.ann)
    flow = office.aws.client("workmailmessageflow")
    office.account.s3.put_object(Bucket=bucket, Key="late", Body=b"Subject: x\r\n\r\nLate\r\n")
    flow.put_raw_message_content(
        messageId=record.message_id, content={"s3Reference": {"bucket": bucket, "key": "late"}}
    )
    raw = flow.get_raw_message_content(messageId=record.message_id)["messageContent"].read()
    assert b"Hello" in raw
    assert b"Hello" in office.aws.mailbox(office.ann)[0]["Raw"]


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("unknown", "ResourceNotFoundException"),
        ("frozen", "MessageFrozen"),
        ("key", "InvalidContentLocation"),
        ("policy", "InvalidContentLocation"),
        ("line", "MessageRejected"),
    ],
)
def test_the_message_flow_refuses_what_aws_refuses(office, case, code):
    """Each refusal has its own code."""
    bucket = office.account.bucket(policy=False) if case == "policy" else readable(office)
    key = "with.dot" if case == "key" else "content"
    line = b"x" * 1001 if case == "line" else b"x"
    office.account.s3.put_object(Bucket=bucket, Key=key, Body=b"Subject: x\r\n\r\n" + line)
    headers = b"X-Mailroom-WorkMail: frozen\r\n" if case == "frozen" else b""
    record = office.send(office.ann, headers=headers)
    flow = office.aws.client("workmailmessageflow")
    with pytest.raises(ClientError) as error:
        flow.put_raw_message_content(
            messageId="0" if case == "unknown" else record.message_id,
            content={"s3Reference": {"bucket": bucket, "key": key}},
        )
    assert error.value.response["Error"]["Code"] == code
