"""What each action of a rule does, with real buckets, topics and functions behind it."""

import base64
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mailroom_local import MessageRecord

# Leaves its event where a test can read it.
KEEP = (
    "import boto3; boto3.client('s3').put_object("
    "Bucket='{bucket}', Key='event', Body=json.dumps(event))"
)


def invoke(arn: str, *, synchronous: bool = False, **fields: str) -> dict[str, Any]:
    """A Lambda action."""
    kind = "RequestResponse" if synchronous else "Event"
    return {"LambdaAction": {"FunctionArn": arn, "InvocationType": kind, **fields}}


def add_header(name: str, value: str) -> dict[str, Any]:
    """An AddHeader action."""
    return {"AddHeaderAction": {"HeaderName": name, "HeaderValue": value}}


def path(record: MessageRecord) -> list[tuple[str, str, str]]:
    """Rule, kind and outcome of each action."""
    return [(action.rule, action.kind, action.outcome) for action in record.actions]


def eventually(read: Any, *, seconds: float = 10.0) -> Any:
    """The value, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := read():
                return found
        except Exception:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_s3_stores_the_message_under_its_id(account: Any, active: str) -> None:
    """Prefix and message id are the key; the message keeps every byte."""
    bucket = account.bucket()
    action = {"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": "in/"}}
    account.rule(active, action, Recipients=["example.com"], ScanEnabled=True)
    record = account.send(body=b".dot\r\n\xff\xfe\r\n")
    stored = account.read(bucket, f"in/{record.message_id}")
    assert stored.startswith(b"Return-Path: <jane@example.net>\r\nReceived: from ")
    assert b"\r\nX-SES-Spam-Verdict: PASS\r\n" in stored
    assert stored.endswith(b"\r\n\r\n.dot\r\n\xff\xfe\r\n")
    assert record.actions[0].detail["objectKey"] == f"in/{record.message_id}"


def test_s3_with_a_key_stores_ciphertext(account: Any, active: str) -> None:
    """Client-side encryption: only who may use the key can read the mail."""
    bucket = account.bucket()
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = account.kms.create_key(Policy=json.dumps({"Statement": [statement]}))["KeyMetadata"]
    action = {"S3Action": {"BucketName": bucket, "KmsKeyArn": key["Arn"]}}
    account.rule(active, action, Recipients=["example.com"])
    record = account.send(body=b"secret\r\n")
    stored = account.s3.get_object(Bucket=bucket, Key=record.message_id)
    body, metadata = stored["Body"].read(), stored["Metadata"]
    assert b"secret" not in body
    plain = account.kms.decrypt(
        CiphertextBlob=base64.b64decode(metadata["x-amz-key-v2"]),
        EncryptionContext=json.loads(metadata["x-amz-matdesc"]),
    )["Plaintext"]
    iv = base64.b64decode(metadata["x-amz-iv"])
    assert AESGCM(plain).decrypt(iv, body, None).endswith(b"secret\r\n")


def test_an_asynchronous_function_gets_the_event(account: Any, active: str) -> None:
    """The invocation is accepted; nothing waits for the function."""
    bucket = account.bucket()
    arn = account.function(KEEP.format(bucket=bucket))
    account.rule(active, invoke(arn), Recipients=["support@example.com"], ScanEnabled=True)
    record = account.send(to=["support@example.com"])
    told = json.loads(eventually(lambda: account.read(bucket, "event")))["Records"][0]
    assert (told["eventSource"], told["eventVersion"]) == ("aws:ses", "1.0")
    assert told["ses"]["mail"]["messageId"] == record.message_id
    assert told["ses"]["receipt"]["recipients"] == ["support@example.com"]
    assert told["ses"]["receipt"]["action"] == {
        "type": "Lambda",
        "functionArn": arn,
        "invocationType": "Event",
    }
    assert record.actions[0].outcome == "accepted"


@pytest.mark.parametrize(
    ("body", "outcome", "expected"),
    [
        ("return {'disposition': 'CONTINUE'}", "CONTINUE", ["gate", "gate", "next"]),
        ("return {'disposition': 'STOP_RULE'}", "STOP_RULE", ["gate", "next"]),
        ("return {'disposition': 'STOP_RULE_SET'}", "STOP_RULE_SET", ["gate"]),
        ("return 'STOP_RULE_SET'", "CONTINUE", ["gate", "gate", "next"]),
        ("raise ValueError('oops')", "failed", ["gate", "gate", "next"]),
    ],
)
def test_a_synchronous_function_decides_what_follows(
    account: Any, active: str, body: str, outcome: str, expected: list[str]
) -> None:
    """STOP_RULE ends the rule, STOP_RULE_SET ends all; anything else lets the mail through."""
    gate = invoke(account.function(body), synchronous=True)
    header = add_header("X-A", "b")
    account.rule(active, gate, header, Name="gate", Recipients=["example.com"])
    account.rule(active, header, Name="next", Recipients=["example.com"])
    record = account.send()
    assert [action.rule for action in record.actions] == expected
    assert record.actions[0].outcome == outcome
    assert record.stopped_by == ("gate" if outcome == "STOP_RULE_SET" else None)


def test_the_error_of_a_function_is_in_the_journal(account: Any, active: str) -> None:
    """SES fails open, so the error must be visible."""
    gate = invoke(account.function("raise ValueError('oops')"), synchronous=True)
    account.rule(active, gate, Recipients=["example.com"])
    assert "oops" in account.send().actions[0].detail["error"]


def test_an_added_header_is_seen_by_later_actions_and_rules(account: Any, active: str) -> None:
    """And not by those before it."""
    bucket = account.bucket()

    def store(prefix: str) -> dict[str, Any]:
        return {"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": prefix}}

    header = add_header("X-Team", "printers")
    # SES adds the slash where the prefix does not end with one.
    account.rule(active, store("before"), header, store("after"), Recipients=["example.com"])
    account.rule(active, store("later/"), Recipients=["example.com"])
    record = account.send()
    seen = {
        prefix: b"\r\nX-Team: printers\r\n" in account.read(bucket, prefix + record.message_id)
        for prefix in ("before/", "after/", "later/")
    }
    assert seen == {"before/": False, "after/": True, "later/": True}


def test_stop_ends_the_rule_set(account: Any, active: str) -> None:
    """The rules behind it are not reached."""
    account.rule(active, {"StopAction": {"Scope": "RuleSet"}}, Name="s", Recipients=["example.com"])
    account.rule(active, add_header("X-A", "b"), Name="t", Recipients=["example.com"])
    record = account.send()
    assert path(record) == [("s", "Stop", "STOP_RULE_SET")]
    assert record.stopped_by == "s"


def test_bounce_sends_a_notification_to_the_envelope_sender(account: Any, active: str) -> None:
    """Code and text are those of the action; the journal shows both."""
    account.aws.verify_identity("mailer-daemon@example.com")
    bounce = {
        "SmtpReplyCode": "550",
        "StatusCode": "5.1.1",
        "Message": "Mailbox does not exist",
        "Sender": "mailer-daemon@example.com",
    }
    account.rule(active, {"BounceAction": bounce}, Recipients=["example.com"])
    record = account.send(mail_from="bounces@example.net")
    (action,) = record.actions
    assert (action.kind, action.outcome) == ("Bounce", "done")
    assert action.detail["smtpReplyCode"] == "550"
    assert action.detail["message"] == "Mailbox does not exist"
    sent = account.aws.sent()[-1]
    assert sent["To"] == ["bounces@example.net"]
    assert sent["BouncedRecipients"] == ["support@example.com"]
    assert sent["OriginalMessageId"] == record.message_id


def test_nothing_is_bounced_to_the_null_sender(account: Any, active: str) -> None:
    """RFC 5321, 6.1: otherwise two systems could bounce to each other forever."""
    bounce = {"SmtpReplyCode": "550", "Message": "No", "Sender": "a@sending.example"}
    account.rule(active, {"BounceAction": bounce}, Recipients=["example.com"])
    before = len(account.aws.sent())
    assert account.send(mail_from="").actions[0].outcome == "skipped"
    assert len(account.aws.sent()) == before


def test_bounce_from_an_unverified_sender_fails(account: Any, active: str) -> None:
    """SES sends only from verified identities, also when one has been deleted since."""
    account.aws.verify_identity("a@formerly.example")
    bounce = {"SmtpReplyCode": "550", "Message": "No", "Sender": "a@formerly.example"}
    account.rule(active, {"BounceAction": bounce}, Recipients=["example.com"])
    account.ses.delete_identity(Identity="a@formerly.example")
    (action,) = account.send().actions
    assert action.outcome == "failed"
    assert "MessageRejected" in action.detail["error"]


def test_send_bounce_requires_a_received_message(account: Any) -> None:
    """For others SES has no address to send to."""
    account.aws.verify_identity("mailer-daemon@example.com")
    with pytest.raises(account.ses.exceptions.MessageRejected):
        account.ses.send_bounce(
            OriginalMessageId="unknown",
            BounceSender="mailer-daemon@example.com",
            BouncedRecipientInfoList=[
                {"Recipient": "a@example.com", "BounceType": "ContentRejected"}
            ],
        )


@pytest.mark.parametrize("encoding", ["UTF-8", "Base64"])
def test_sns_publishes_the_whole_message(account: Any, active: str, encoding: str) -> None:
    """With its content in the encoding that the action names."""
    topic, queue = account.topic()
    action = {"SNSAction": {"TopicArn": topic, "Encoding": encoding}}
    account.rule(active, action, Recipients=["example.com"])
    told_as = {"UTF-8": "UTF8", "Base64": "BASE64"}[encoding]
    record = account.send(body="Grüße\r\n".encode())
    (told,) = account.received(queue)
    content = told["content"]
    raw = base64.b64decode(content) if encoding == "Base64" else content.encode()
    assert told["notificationType"] == "Received"
    assert told["mail"]["messageId"] == record.message_id
    assert told["receipt"]["action"] == {"type": "SNS", "topicArn": topic, "encoding": told_as}
    assert raw.endswith("Grüße\r\n".encode())


def test_a_message_over_150_kb_bounces_instead_of_going_to_sns(account: Any, active: str) -> None:
    """It does not fit into a notification; later actions run nevertheless."""
    topic, queue = account.topic()
    action = {"SNSAction": {"TopicArn": topic}}
    account.rule(active, action, add_header("X-A", "b"), Recipients=["example.com"])
    record = account.send(body=(b"x" * 78 + b"\r\n") * 2000)
    assert [action.outcome for action in record.actions] == ["bounced", "done"]
    assert record.actions[0].detail["bounceTo"] == "jane@example.net"
    assert account.received(queue) == []


def test_every_action_can_notify_a_topic(account: Any, active: str) -> None:
    """Without the content, and after the action has been carried out."""
    topic, queue = account.topic()
    bucket = account.bucket()
    action = {"S3Action": {"BucketName": bucket, "TopicArn": topic}}
    account.rule(active, action, Recipients=["example.com"])
    record = account.send()
    (told,) = account.received(queue)
    assert "content" not in told
    assert told["receipt"]["action"] == {
        "type": "S3",
        "topicArn": topic,
        "bucketName": bucket,
        "objectKey": record.message_id,
    }


def test_workmail_and_connect_are_only_recorded(account: Any, active: str) -> None:
    """Neither exists here; the journal shows that they were reached."""
    organization = f"arn:aws:workmail:us-east-1:{account.id}:organization/m-{'0' * 32}"
    instance = f"arn:aws:connect:us-east-1:{account.id}:instance/{'0' * 8}"
    role = f"arn:aws:iam::{account.id}:role/any"
    account.rule(
        active,
        {"WorkmailAction": {"OrganizationArn": organization}},
        {"ConnectAction": {"InstanceARN": instance, "IAMRoleARN": role}},
        Name="r",
        Recipients=["example.com"],
    )
    assert path(account.send()) == [("r", "WorkMail", "recorded"), ("r", "Connect", "recorded")]


def test_an_action_that_fails_does_not_stop_the_others(account: Any, active: str) -> None:
    """The bucket was deleted after the rule had been made."""
    bucket = account.bucket()
    action = {"S3Action": {"BucketName": bucket}}
    account.rule(active, action, add_header("X-A", "b"), Recipients=["example.com"])
    account.s3.delete_object(Bucket=bucket, Key="AMAZON_SES_SETUP_NOTIFICATION")
    account.s3.delete_bucket(Bucket=bucket)
    record = account.send()
    assert [action.outcome for action in record.actions] == ["failed", "done"]
    assert "NoSuchBucket" in record.actions[0].detail["error"]


def test_rules_see_only_their_own_recipients(account: Any, active: str) -> None:
    """One message to two addresses, one rule for each, and one for both."""
    for name, recipients in (
        ("support", ["support@example.com"]),
        ("sales", ["sales@example.com"]),
        ("all", ["example.com"]),
    ):
        account.rule(active, add_header("X-A", "b"), Name=name, Recipients=recipients)
    both = ["support@example.com", "sales@example.com"]
    record = account.send(to=both)
    assert [(rule.name, rule.recipients) for rule in record.rules] == [
        ("support", both[:1]),
        ("sales", both[1:]),
        ("all", both),
    ]


def test_a_failing_asynchronous_function_is_retried_and_then_given_up(
    account: Any, active: str
) -> None:
    """Two more attempts, then the on-failure destination gets the event."""
    arn = account.function("print('attempt'); raise ValueError('oops')")
    queue = account.sqs.create_queue(QueueName=account.name("failures"))["QueueUrl"]
    account.functions.put_function_event_invoke_config(
        FunctionName=arn,
        DestinationConfig={
            "OnFailure": {
                "Destination": f"arn:aws:sqs:{account.region}:{account.id}:"
                f"{queue.rpartition('/')[2]}"
            }
        },
    )
    account.rule(active, invoke(arn), Recipients=["example.com"])
    record = account.send()
    (given_up,) = eventually(lambda: account.received(queue))
    event = given_up["requestPayload"]["Records"][0]["ses"]
    assert event["mail"]["messageId"] == record.message_id
    logs = account.aws.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{arn.rpartition(':')[2]}"
    )
    assert [entry["message"] for entry in logs["events"]].count("attempt") == 3
