"""The bundled behaviours of received mail: their options, settings and permissions."""

from __future__ import annotations

import json

from synthesis import ACCOUNT, REGION, Template

SES = f"arn:aws:ses:{REGION}:{ACCOUNT}"
QUEUE = "<Inbound/DeadLetterQueue.Arn>"


def function(rule, place="Handler"):
    """Return the path of a rule's function."""
    return f"Inbound/{rule}/{place}/Function"


def test_forward_sends_as_the_rules_recipient_by_default(template):
    """The address itself, or forward@ its domain."""
    environment = template.environment(function("Forward"))
    assert environment["MAILROOM_FORWARD_FROM"] == "forward@example.com"
    assert json.loads(environment["MAILROOM_FORWARD_TO"]) == ["a@example.net", "b@example.net"]
    assert "MAILROOM_FORWARD_UNSCANNED" not in environment


def test_each_option_of_forward_reaches_the_runtime(template):
    """from_address=, subject_prefix=, configuration_set_name=, forward_unscanned=."""
    environment = template.environment(function("ForwardMore"))
    assert environment["MAILROOM_FORWARD_FROM"] == "relay@example.org"
    assert environment["MAILROOM_FORWARD_SUBJECT_PREFIX"] == "[fwd] "
    assert environment["MAILROOM_CONFIGURATION_SET"] == "events"
    assert environment["MAILROOM_FORWARD_UNSCANNED"] == "1"
    assert template.at(function("ForwardMore"))["MemorySize"] == 2048


def test_forward_may_send_as_its_sender_only(template):
    """Sending is limited to the identity and, by condition, to the one address."""
    sending = [
        one
        for one in template.statements(function("ForwardMore"))
        if "ses:SendEmail" in one["Action"]
    ]
    assert sending == [
        {
            "Action": ["ses:SendEmail", "ses:SendRawEmail"],
            "Condition": {"StringEquals": {"ses:FromAddress": "relay@example.org"}},
            "Effect": "Allow",
            "Resource": [
                f"{SES}:configuration-set/events",
                f"{SES}:identity/example.org",
                f"{SES}:identity/relay@example.org",
            ],
        }
    ]


def test_forward_may_only_read_mark_and_send(template):
    """The rule's mail, marks against forwarding twice, the sending, queue and log."""
    marks = template.environment(function("Forward"))["MAILROOM_MARK_PREFIX"]
    assert allowed(template, function("Forward")) == {
        ("s3:GetObject", "<Inbound/Bucket.Arn>/Forward/*"),
        ("s3:PutObject", f"<Inbound/Bucket.Arn>/{marks}*"),
        ("s3:ListBucket", "<Inbound/Bucket.Arn>"),
        *(
            (action, f"{SES}:identity/{identity}")
            for action in ("ses:SendEmail", "ses:SendRawEmail")
            for identity in ("forward@example.com", "example.com")
        ),
        *queue_and_log("Forward"),
    }


def test_auto_reply_sends_as_no_reply_of_the_rules_domain_by_default(template):
    """The rule's first recipient, or no-reply@ its domain; answered again after seven days."""
    environment = template.environment(function("Reply"))
    assert environment["MAILROOM_REPLY_FROM"] == "no-reply@example.com"
    assert environment["MAILROOM_REPLY_TEXT"] == "Thank you."
    assert environment["MAILROOM_REPLY_WINDOW_SECONDS"] == str(7 * 24 * 3600)
    assert environment["MAILROOM_REPLY_TABLE"] == "<Inbound/Reply/Handler/Answered>"


def test_each_option_of_auto_reply_reaches_the_runtime(template):
    """html=, subject=, from_address=, window=, configuration_set_name=."""
    environment = template.environment(function("ReplyMore"))
    assert environment["MAILROOM_REPLY_HTML"] == "<p>Thank you.</p>"
    assert environment["MAILROOM_REPLY_SUBJECT"] == "We got it"
    assert environment["MAILROOM_REPLY_FROM"] == "help@example.org"
    assert environment["MAILROOM_REPLY_WINDOW_SECONDS"] == "86400"
    assert environment["MAILROOM_CONFIGURATION_SET"] == "events"


def test_auto_reply_may_claim_and_send_but_not_read_mail(template):
    """It knows enough from the header fields."""
    assert allowed(template, function("Reply")) == {
        ("dynamodb:PutItem", "<Inbound/Reply/Handler/Answered.Arn>"),
        ("dynamodb:DeleteItem", "<Inbound/Reply/Handler/Answered.Arn>"),
        *(
            (action, f"{SES}:identity/{identity}")
            for action in ("ses:SendEmail", "ses:SendRawEmail")
            for identity in ("no-reply@example.com", "example.com")
        ),
        *queue_and_log("Reply"),
    }


def test_entries_of_the_reply_table_expire(template):
    """It is encrypted, costs nothing while unused, and goes with the stack."""
    table = template.resources["Inbound/Reply/Handler/Answered"]
    assert table["Properties"]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionPolicy"] == "Delete"


def test_attachments_are_saved_beside_the_mail_by_default(template):
    """The mail bucket, below attachments/."""
    environment = template.environment(function("Save"))
    assert environment["MAILROOM_ATTACHMENTS_BUCKET"] == "<Inbound/Bucket>"
    assert environment["MAILROOM_ATTACHMENTS_PREFIX"] == "attachments/"


def test_each_option_of_save_attachments_reaches_the_runtime(template):
    """bucket=, prefix=, max_bytes=, max_count=."""
    environment = template.environment(function("SaveMore"))
    assert environment["MAILROOM_ATTACHMENTS_BUCKET"] == "<Files>"
    assert environment["MAILROOM_ATTACHMENTS_PREFIX"] == "files/"
    assert environment["MAILROOM_ATTACHMENTS_MAX_BYTES"] == "1000"
    assert environment["MAILROOM_ATTACHMENTS_MAX_COUNT"] == "3"


def test_save_attachments_may_write_below_its_prefix_and_read_its_rule(template):
    """It can neither overwrite mail nor read what it saved."""
    assert allowed(template, function("SaveMore")) == {
        ("s3:GetObject", "<Inbound/Bucket.Arn>/SaveMore/*"),
        ("s3:PutObject", "<Files.Arn>/files/*"),
        *queue_and_log("SaveMore"),
    }


def test_the_spam_gate_stops_spam_and_viruses_by_default(template):
    """While SES waits, and failing open."""
    environment = template.environment(function("Spam"))
    assert json.loads(environment["MAILROOM_REJECT"]) == {
        "spam": {"FAIL": "STOP_RULE_SET"},
        "virus": {"FAIL": "STOP_RULE_SET"},
    }
    assert environment["MAILROOM_ON_ERROR"] == "continue"
    assert template.actions("Spam")[-1]["LambdaAction"]["InvocationType"] == "RequestResponse"


def test_each_option_of_the_spam_gate_reaches_the_runtime(template):
    """verdicts=, on_error=, memory_size=."""
    environment = template.environment(function("SpamMore"))
    assert json.loads(environment["MAILROOM_REJECT"]) == {
        "spf": {"FAIL": "STOP_RULE", "GRAY": "CONTINUE"}
    }
    assert environment["MAILROOM_ON_ERROR"] == "raise"
    assert template.at(function("SpamMore"))["MemorySize"] == 128


def test_the_spam_gate_may_only_report_failures(template):
    """It decides by what the event says."""
    assert allowed(template, function("Spam")) == queue_and_log("Spam")


def allowed(template: Template, path: str) -> set[tuple[str, str]]:
    """Return each action that the function at *path* is allowed, with its resource."""
    statements = template.statements(path)
    assert {one["Effect"] for one in statements} == {"Allow"}
    return {
        (action, resource)
        for one in statements
        for action in _list(one["Action"])
        for resource in _list(one["Resource"])
        if resource != "<AWS::NoValue>"
    }


def queue_and_log(rule: str) -> set[tuple[str, str]]:
    """Return what every handler may do: hand over what failed, and write its own log."""
    return {
        ("sqs:SendMessage", QUEUE),
        *(
            (f"logs:{action}", f"<Inbound/{rule}/Handler/Logs.Arn>")
            for action in ("CreateLogStream", "PutLogEvents")
        ),
    }


def _list(value):
    return [value] if isinstance(value, str) else value
