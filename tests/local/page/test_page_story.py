"""The story of a message: why rules matched or not, what was done, what came of it."""

from __future__ import annotations

import json
from typing import Any

REPLYING = """
import boto3
def on_mail(mail):
    print("answering")
    boto3.client("sesv2").send_email(
        FromEmailAddress="sender@sending.example",
        Destination={"ToAddresses": ["jane@example.net"]},
        Content={"Simple": {"Subject": {"Data": "Re: Test"}, "Body": {"Text": {"Data": "Hi"}}}},
    )
"""
FAILING = "def on_mail(mail):\n    print('reading')\n    raise KeyError('ticket')\n"


def rule(story: Any, name: str) -> Any:
    return next(found for found in story["rules"] if found["name"] == name)


def called(arn: str, *, synchronous: bool = False) -> dict[str, Any]:
    kind = "RequestResponse" if synchronous else "Event"
    return {"LambdaAction": {"FunctionArn": arn, "InvocationType": kind}}


def test_each_rule_says_why_it_did_not_match(page: Any, account: Any, active: str) -> None:
    add = {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "b"}}
    off = account.rule(active, add, Recipients=["example.com"], Enabled=False)
    other = account.rule(active, add, Recipients=["example.org", "sales@example.com"])
    every = account.rule(active, add)
    stop = account.rule(active, {"StopAction": {"Scope": "RuleSet"}}, Recipients=["example.com"])
    late = account.rule(active, add, Recipients=["example.com"])
    story = page.story(account.send().message_id)
    assert story["rule_set"] == active
    assert [found["name"] for found in story["rules"]] == [off, other, every, stop, late]
    assert {found["name"]: found["reason"] for found in story["rules"]} == {
        off: "disabled",
        other: "no recipient matches: example.org, sales@example.com",
        every: "no recipient matches: a rule without recipients takes those of verified identities "
        "only",
        stop: "",
        late: f"not reached: rule {stop} stopped the rule set",
    }
    assert rule(story, stop)["matched"]
    assert rule(story, stop)["recipients"] == ["support@example.com"]


def test_the_reasons_are_those_of_the_rules_that_met_the_mail(
    page: Any, account: Any, active: str
) -> None:
    """A rule that has been changed since is explained as it was."""
    taking = account.rule(active, Recipients=["support@example.com"])
    before = account.send().message_id
    account.ses.update_receipt_rule(
        RuleSetName=active,
        Rule={"Name": taking, "Enabled": True, "Recipients": ["new@example.com"], "Actions": []},
    )
    account.rule(active, Recipients=["example.com"])
    after = account.send().message_id
    assert rule(page.story(before), taking)["matched"]
    assert len(page.story(before)["rules"]) == 1
    assert rule(page.story(after), taking)["reason"] == "no recipient matches: new@example.com"


def test_rules_are_written_once_for_all_mail_that_meets_them(account: Any, active: str) -> None:
    account.rule(active, Recipients=["example.com"])
    journal = account.aws.state.journal

    def versions() -> int:
        return sum(line.startswith('{"type":"rules"') for line in journal.read_text().splitlines())

    account.send()
    before = versions()
    for _ in range(5):
        account.send()
    assert versions() == before


def test_a_refused_recipient_is_explained_by_each_rule(
    page: Any, account: Any, active: str
) -> None:
    secure = account.rule(active, Recipients=["example.com"], TlsPolicy="Require")
    off = account.rule(active, Recipients=["example.com"], Enabled=False)
    refused = page.post(
        "/compose",
        {"direction": "receive", "from": "a@b.example", "to": ["x@example.com"], "tls": False},
    )
    assert refused.status == 422, refused.json
    story = page.story(refused.json["key"])
    assert story["refusal"] == {
        "reply": "530 5.7.0 Must issue a STARTTLS command first",
        "reason": f"rule {secure} requires TLS",
    }
    assert [found["reason"] for found in story["rules"]] == [
        "it requires TLS, and the message came without",
        "disabled",
    ]
    assert [found["name"] for found in story["rules"]] == [secure, off]


def test_the_actions_behind_one_that_stops_its_rule_say_so(
    page: Any, account: Any, active: str
) -> None:
    arn = account.function("return {'disposition': 'STOP_RULE'}")
    add = {"AddHeaderAction": {"HeaderName": "X-A", "HeaderValue": "b"}}
    name = account.rule(active, called(arn, synchronous=True), add, Recipients=["example.com"])
    actions = rule(page.story(account.send().message_id), name)["actions"]
    assert [(one["kind"], one["outcome"]) for one in actions] == [
        ("Lambda", "STOP_RULE"),
        ("AddHeader", "not reached"),
    ]
    reason = "not reached: the Lambda action before it stopped the rule"
    assert actions[1]["detail"] == {"reason": reason}


def test_each_action_has_its_outcome_time_and_error(page: Any, account: Any, active: str) -> None:
    bucket = account.bucket()
    name = account.rule(
        active,
        {"S3Action": {"BucketName": bucket, "ObjectKeyPrefix": "in/"}},
        Recipients=["example.com"],
    )
    (stored,) = rule(page.story(account.send().message_id), name)["actions"]
    assert (stored["kind"], stored["outcome"], stored["error"]) == ("S3", "done", None)
    assert stored["detail"]["bucketName"] == bucket
    assert stored["ms"] >= 0
    assert stored["at"].endswith("+00:00")


def test_a_handler_that_fails_is_told_with_its_tries(page: Any, account: Any, active: str) -> None:
    queue = account.sqs.create_queue(QueueName=account.name("dead"))["QueueUrl"]
    arn = account.handler(FAILING, MAILROOM_HANDLER="app:on_mail", MAILROOM_RULE="r")
    target = f"arn:aws:sqs:{account.region}:{account.id}:{queue.rpartition('/')[2]}"
    account.functions.put_function_event_invoke_config(
        FunctionName=arn,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": target}},
    )
    name = account.rule(active, called(arn), Recipients=["example.com"])
    record = account.send()
    assert page.message(record.message_id)["status"] == "pending"
    account.aws.wait(record.message_id)
    calls = rule(page.story(record.message_id), name)["actions"][0]["calls"]
    assert [(call["try"], call["final"]) for call in calls] == [(1, False), (2, True)]
    last = calls[-1]
    assert (last["outcome"], last["failed"]) == ("failed", True)
    assert (last["error"], last["detail"], last["place"]) == ("KeyError", "'ticket'", "app.py:3")
    assert last["output"] == ["reading"]
    assert "Traceback (most recent call last):" in last["traceback"]
    assert any('File "app.py", line 3, in on_mail' in line for line in last["traceback"])
    assert last["dead_letter_queue"] == target.rpartition(":")[2]
    summary = page.message(record.message_id)
    assert (summary["status"], summary["why"].partition(": ")[2]) == (
        "failed",
        "KeyError: 'ticket'",
    )


def test_what_a_handler_sends_is_linked_with_the_mail(page: Any, account: Any, active: str) -> None:
    """By the trace id of the invocation, which botocore sends with each call."""
    arn = account.handler(REPLYING, MAILROOM_HANDLER="app:on_mail", MAILROOM_RULE="r")
    account.rule(active, called(arn), Recipients=["example.com"])
    one, other = (account.send().message_id for _ in range(2))
    for key in (one, other):
        account.aws.wait(key)
    (caused,) = page.story(one)["related"]
    assert (caused["direction"], caused["relation"]) == ("caused", "reply")
    assert caused["subject"] == "Re: Test"
    assert (caused["function"], caused["certain"]) == (arn.rpartition(":")[2], True)
    (cause,) = page.story(caused["key"])["related"]
    assert (cause["key"], cause["direction"]) == (one, "caused_by")
    assert page.story(other)["related"][0]["key"] != caused["key"]


def test_a_bounce_is_linked_with_the_mail(page: Any, account: Any, active: str) -> None:
    account.rule(
        active,
        {
            "BounceAction": {
                "SmtpReplyCode": "550",
                "StatusCode": "5.1.1",
                "Message": "Mailbox does not exist",
                "Sender": "mailer-daemon@sending.example",
            }
        },
        Recipients=["example.com"],
    )
    received = account.send().message_id
    (link,) = page.story(received)["related"]
    assert (link["relation"], link["direction"]) == ("bounce", "caused")
    bounce = page.message(link["key"])
    assert (bounce["kind"], bounce["rcpt_tos"]) == ("sent", ["jane@example.net"])
    assert [part["type"] for part in bounce["tree"]["children"]] == [
        "text/plain",
        "message/delivery-status",
    ]
    assert bounce["story"]["related"][0]["key"] == received


def test_an_answer_by_smtp_is_linked_by_its_fields(page: Any, account: Any, active: str) -> None:
    account.rule(active, Recipients=["example.com"])
    received = account.send(headers=b"Message-ID: <q-1@example.net>\r\n").message_id
    answer = account.aws.submit(
        b"From: sender@sending.example\r\nTo: jane@example.net\r\nSubject: Re: Test\r\n"
        b"In-Reply-To: <q-1@example.net>\r\n\r\nHi\r\n",
        mail_from="sender@sending.example",
        rcpt_tos=["jane@example.net"],
    )
    (link,) = page.story(received)["related"]
    assert (link["key"], link["relation"]) == (answer.message_id, "reply")


def test_a_forwarded_message_is_none_that_replies(page: Any, account: Any, active: str) -> None:
    """It has the Message-ID of the one before in References, as `handlers.Forward` writes it."""
    account.rule(active, Recipients=["example.com"])
    received = account.send(headers=b"Message-ID: <f-1@example.net>\r\n").message_id
    sent = account.aws.submit(
        b"From: sender@sending.example\r\nTo: team@example.net\r\nSubject: Test\r\n"
        b"References: <f-1@example.net>\r\n\r\nHi\r\n",
        mail_from="sender@sending.example",
        rcpt_tos=["team@example.net"],
    )
    (link,) = page.story(received)["related"]
    assert (link["key"], link["relation"]) == (sent.message_id, "forward")


def test_the_verdicts_are_those_of_a_rule_that_scans(page: Any, account: Any, active: str) -> None:
    account.rule(active, Recipients=["example.com"], ScanEnabled=True)
    account.rule(active, Recipients=["example.com"])
    key = account.send(headers=b"X-Mailroom-Verdict: spam=GRAY\r\n").message_id
    verdicts = page.message(key)["verdicts"]
    assert (verdicts["spam"], verdicts["virus"]) == ("GRAY", "PASS")


def test_events_have_payloads_destinations_and_handlers(page: Any, account: Any) -> None:
    name, _ = account.configuration_set("SEND", "BOUNCE")
    account.destination(
        name,
        "BOUNCE",
        enabled=False,
        CloudWatchDestination={
            "DimensionConfigurations": [
                {
                    "DimensionName": "x",
                    "DimensionValueSource": "MESSAGE_TAG",
                    "DefaultDimensionValue": "y",
                }
            ]
        },
    )
    sent = account.mail(to="bounce@simulator.amazonses.com", ConfigurationSetName=name)
    account.story(sent, count=2)
    send, bounce = page.story(sent)["events"]
    assert (send["kind"], bounce["kind"]) == ("Send", "Bounce")
    assert bounce["summary"] == "Permanent, General, smtp; 550 5.1.1 user unknown"
    assert bounce["payload"]["bounce"]["bounceType"] == "Permanent"
    assert [(d["type"], d["outcome"]) for d in bounce["destinations"]] == [("SNS", "published")]
    found = page.message(sent)
    assert (found["status"], found["why"]) == ("failed", "bounced: Permanent, General")
    assert found["events"] == {"Send": 1, "Bounce": 1}
    assert json.dumps(found)
