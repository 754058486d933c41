"""What people do on the page: write, send again, let events happen, replay dead letters."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from mailroom.ses import EventType

TEN = [kind for kind in EventType if kind is not EventType.SUBSCRIPTION]


@pytest.fixture(scope="module")
def rules(account: Any) -> Iterator[str]:
    """A rule set that takes the mail of example.com."""
    name = account.rule_set()
    account.ses.set_active_receipt_rule_set(RuleSetName=name)
    account.rule(name, Recipients=["example.com"], ScanEnabled=True)
    yield name
    account.ses.set_active_receipt_rule_set()


@pytest.fixture(scope="module")
def published(account: Any) -> str:
    """A configuration set that publishes events."""
    name: str = account.configuration_set("SEND")[0]
    return name


def written(**fields: Any) -> dict[str, Any]:
    given = {
        "direction": "receive",
        "from": "Jane Doe <jane@example.net>",
        "to": ["support@example.com"],
        "subject": "Möbel",
        "text": "Hi",
    }
    return {**given, **fields}


def test_a_message_is_written_and_received(page: Any, account: Any, rules: str) -> None:
    content = base64.b64encode(b"%PDF").decode()
    answer = page.post(
        "/compose",
        written(
            cc=["sales@example.com"],
            html="<p>Hi</p>",
            headers=[{"name": "X-Ticket", "value": "7"}],
            attachments=[{"name": "a.pdf", "type": "application/pdf", "content": content}],
            verdicts={"spam": "FAIL", "spf": "GRAY"},
            client_address="203.0.113.9",
        ),
    ).json
    account.aws.wait(answer["key"])
    found = page.message(answer["key"])
    assert answer["reply"] == f"250 OK {answer['key']}"
    assert (found["mail_from"], found["from_name"]) == ("jane@example.net", "Jane Doe")
    assert found["rcpt_tos"] == ["support@example.com", "sales@example.com"]
    assert (found["subject"], found["text"].strip(), found["html"]) == ("Möbel", "Hi", True)
    assert (found["verdicts"]["spam"], found["verdicts"]["spf"]) == ("FAIL", "GRAY")
    assert (found["tls"], found["client_address"]) == (True, "203.0.113.9")
    assert [one["name"] for one in found["attachments"]] == ["a.pdf"]
    assert {"X-Ticket", "Date", "Message-ID"} <= {field["name"] for field in found["headers"]}


def test_recipients_that_are_refused_are_named(page: Any, rules: str) -> None:
    answer = page.post("/compose", written(to=["support@example.com", "no@example.org"])).json
    assert [one["address"] for one in answer["refused"]] == ["no@example.org"]
    assert answer["refused"][0]["reply"].startswith("550 ")


def test_a_message_is_written_and_sent(page: Any, account: Any, published: str) -> None:
    answer = page.post(
        "/compose",
        {
            "direction": "send",
            "from": "sender@sending.example",
            "to": ["reader@example.net"],
            "subject": "News",
            "html": '<a href="https://example.com/news">News</a>',
            "headers": [{"name": "X-Ticket", "value": "7"}],
            "attachments": [{"name": "a.txt", "type": "text/plain", "content": "SGk="}],
            "configuration_set": published,
            "tags": {"campaign": "may"},
        },
    ).json
    account.story(answer["key"], count=1)
    found = page.message(answer["key"])
    assert (found["kind"], found["operation"]) == ("sent", "SendEmail")
    assert (found["configuration_set"], found["tags"]) == (published, {"campaign": "may"})
    assert [one["name"] for one in found["attachments"]] == ["a.txt"]
    assert found["links"][0]["url"] == "https://example.com/news"


def test_what_ses_refuses_has_its_words_and_its_story(page: Any) -> None:
    answer = page.post("/compose", written(**{"direction": "send", "from": "a@unverified.example"}))
    assert answer.status == 422
    assert "MessageRejected" in answer.json["error"]
    assert page.message(answer.json["key"])["status"] == "refused"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"direction": "up"}, "direction"),
        ({"to": []}, "to"),
        ({"to": "a@b.example"}, "to"),
        ({"to": ["nobody"]}, "to"),
        ({"from": "nobody"}, "from"),
        ({"attachments": [{"name": "a", "content": "?"}]}, "attachments"),
        ({"verdicts": {"spam": "MAYBE"}}, "verdicts.spam"),
        ({"headers": [{"name": "X-A", "value": "b\r\nBcc: c@d.example"}]}, "the message"),
        ({"configuration_set": "x"}, "configuration_set"),
        ({"direction": "send", "verdicts": {"spam": "FAIL"}}, "verdicts"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(
    page: Any, rules: str, fields: dict[str, Any], named: str
) -> None:
    answer = page.post("/compose", written(**fields))
    assert (answer.status, answer.json["error"].startswith(named)) == (400, True), answer.json


def test_an_eml_is_received_byte_for_byte(page: Any, account: Any, rules: str) -> None:
    raw = b"From: a@b.example\r\nTo: support@example.com\r\nSubject: \xfcber\r\n\r\n\xff\r\n"
    answer = page.post("/upload", raw=raw, direction="receive").json
    assert account.aws.raw(answer["key"]) == raw
    assert page.message(answer["key"])["mail_from"] == "a@b.example"


def test_an_eml_is_sent_to_whom_one_likes(page: Any, account: Any) -> None:
    raw = b"From: sender@sending.example\r\nTo: x@y.example\r\nSubject: Hi\r\n\r\nHi\r\n"
    answer = page.post("/upload", raw=raw, direction="send", to="r@example.net").json
    assert page.message(answer["key"])["rcpt_tos"] == ["r@example.net"]


def test_an_eml_without_recipients_is_refused(page: Any) -> None:
    answer = page.post("/upload", raw=b"Subject: x\r\n\r\n", direction="receive")
    assert (answer.status, answer.json["error"][:2]) == (400, "to")


def test_received_mail_is_received_again(page: Any, account: Any, rules: str) -> None:
    first = page.post("/compose", written(client_address="203.0.113.9", tls=False)).json["key"]
    again = page.post(f"/messages/{first}/again").json["key"]
    one, other = page.message(first), page.message(again)
    assert again != first
    assert account.aws.raw(again) == account.aws.raw(first)
    for field in ("mail_from", "rcpt_tos", "tls", "client_address"):
        assert one[field] == other[field]


@pytest.mark.parametrize("by", ["api", "smtp"])
def test_sent_mail_is_sent_again_as_it_was(page: Any, account: Any, by: str) -> None:
    """Not as its recipients got it, whose links are tracked already."""
    name, _ = account.configuration_set("CLICK")
    html = '<a href="https://example.com/x">x</a>'
    if by == "api":
        first = account.mail(
            html=html, ConfigurationSetName=name, EmailTags=[{"Name": "campaign", "Value": "may"}]
        )
    else:
        raw = (
            b"From: sender@sending.example\r\nTo: r@example.net\r\nSubject: x\r\n"
            b"X-SES-CONFIGURATION-SET: " + name.encode() + b"\r\n"
            b"X-SES-MESSAGE-TAGS: campaign=may\r\nContent-Type: text/html\r\n\r\n" + html.encode()
        )
        first = account.aws.submit(
            raw, mail_from="sender@sending.example", rcpt_tos=["r@example.net"]
        ).message_id
    again = page.post(f"/messages/{first}/again").json["key"]
    found = page.message(again)
    assert (found["configuration_set"], found["tags"]) == (name, {"campaign": "may"})
    assert [link["tracked"] for link in found["links"]] == [True]
    raw = account.aws.raw(again)
    assert raw.count(b"/_mailroom/mail/") == account.aws.raw(first).count(b"/_mailroom/mail/")
    assert found["operation"] == page.message(first)["operation"]


def test_a_refused_message_cannot_be_sent_again(page: Any) -> None:
    refused = page.post("/compose", written(to=["no@example.org"])).json["key"]
    assert page.post(f"/messages/{refused}/again").status == 404


@pytest.mark.parametrize("kind", TEN)
def test_each_event_happens_to_a_sent_message(
    page: Any, account: Any, published: str, kind: EventType
) -> None:
    sent = account.mail(html='<a href="https://example.com">x</a>', ConfigurationSetName=published)
    account.story(sent, count=2)
    answer = page.post(
        f"/messages/{sent}/events", {"event": kind.value, "link": "https://x.example"}
    )
    (event,) = answer.json["events"]
    assert event["kind"] == event["payload"]["eventType"] == kind.value
    assert account.aws.message(sent).events[-1].payload == event["payload"]


def test_somebody_unsubscribes(page: Any, account: Any, published: str) -> None:
    contacts = account.name("list")
    account.v2.create_contact_list(ContactListName=contacts)
    account.v2.create_contact(ContactListName=contacts, EmailAddress="reader@example.net")
    sent = account.mail(
        ConfigurationSetName=published, ListManagementOptions={"ContactListName": contacts}
    )
    (event,) = page.post(f"/messages/{sent}/events", {"event": "Subscription"}).json["events"]
    assert event["payload"]["subscription"]["newTopicPreferences"]["unsubscribeAll"] is True
    contact = account.v2.get_contact(ContactListName=contacts, EmailAddress="reader@example.net")
    assert contact["UnsubscribeAll"]
    # SES allows one list.
    account.v2.delete_contact_list(ContactListName=contacts)


def test_a_bounce_is_of_the_chosen_type(page: Any, account: Any, published: str) -> None:
    sent = account.mail(to=["a@example.net", "b@example.net"], ConfigurationSetName=published)
    answer = page.post(
        f"/messages/{sent}/events",
        {
            "event": "Bounce",
            "recipient": "b@example.net",
            "bounce_type": "Transient",
            "bounce_subtype": "MailboxFull",
        },
    )
    (event,) = answer.json["events"]
    bounce = event["payload"]["bounce"]
    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Transient", "MailboxFull")
    assert event["recipient"] == "b@example.net"


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"event": "Explosion"}, 400, "event is 'Explosion': pass one of Bounce,"),
        ({"event": "Bounce", "bounce_type": "Hard"}, 400, "bounce_type is 'Hard': pass one of"),
        ({"event": "Bounce", "recipient": "z@example.net"}, 400, "recipient is 'z@example.net'"),
        ({"event": "Click"}, 409, "the message has no tracked links"),
        ({"event": "Subscription"}, 409, "it was sent without a contact list"),
    ],
)
def test_what_cannot_happen_is_said(
    page: Any, account: Any, published: str, asked: dict[str, str], status: int, words: str
) -> None:
    sent = account.mail(ConfigurationSetName=published)
    answer = page.post(f"/messages/{sent}/events", asked)
    assert (answer.status, answer.json["error"][: len(words)]) == (status, words)


def test_without_a_configuration_set_there_are_no_events(page: Any, account: Any) -> None:
    answer = page.post(f"/messages/{account.mail()}/events", {"event": "Open"})
    assert answer.status == 409
    assert answer.json["error"].startswith("it was sent without a configuration set")


def test_received_mail_has_no_events(page: Any, rules: str) -> None:
    received = page.post("/compose", written()).json["key"]
    assert page.post(f"/messages/{received}/events", {"event": "Open"}).status == 409


class Dead:
    """A dead-letter queue, and where its messages came from."""

    def __init__(self, account: Any) -> None:
        self.account = account
        self.name = account.name("dead")
        self.url = account.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{account.region}:{account.id}:{self.name}"

    def source(self) -> str:
        url = self.account.sqs.create_queue(
            QueueName=self.account.name("source"),
            Attributes={
                "VisibilityTimeout": "0",
                "RedrivePolicy": json.dumps(
                    {"deadLetterTargetArn": self.arn, "maxReceiveCount": 1}
                ),
            },
        )["QueueUrl"]
        return str(url)

    def listed(self, page: Any) -> Any:
        queues = page.get("/dead-letters").json["queues"]
        return next((found for found in queues if found["arn"] == self.arn), None)


def test_depths_are_counted_without_receiving_a_message(page: Any, account: Any) -> None:
    dead = Dead(account)
    source = dead.source()
    account.sqs.send_message(QueueUrl=source, MessageBody="one")
    for _ in range(2):
        account.sqs.receive_message(QueueUrl=source)
    queues = page.get("/dead-letters", messages="no").json["queues"]
    found = next(one for one in queues if one["arn"] == dead.arn)
    assert found == {"name": dead.name, "arn": dead.arn, "depth": 1}
    [message] = account.sqs.receive_message(
        QueueUrl=dead.url, AttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_dead_letter_goes_back_to_its_queue(page: Any, account: Any) -> None:
    dead = Dead(account)
    source, other = dead.source(), dead.source()
    for body in ("one", "two"):
        account.sqs.send_message(QueueUrl=source, MessageBody=body)
    for _ in range(3):
        account.sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10)
    first, second = dead.listed(page)["messages"]
    assert dead.listed(page)["depth"] == 2
    assert {first["body"], second["body"]} == {"one", "two"}
    answer = page.post("/dead-letters/replay", {"queue": dead.name, "ids": [first["id"], "gone"]})
    assert answer.json["replayed"] == [first["id"]]
    assert [one["id"] for one in answer.json["failed"]] == ["gone"]
    assert account.bodies(source) == [first["body"]]
    assert account.bodies(other, wait=0) == []
    assert [one["id"] for one in dead.listed(page)["messages"]] == [second["id"]]


def test_a_failed_mail_is_given_to_its_function_again(page: Any, account: Any, rules: str) -> None:
    """Once the function has taken it, it leaves the queue."""
    dead = Dead(account)
    code = (
        "import os\ndef on_mail(mail):\n    if not os.environ.get('MENDED'): raise KeyError('x')\n"
    )
    variables = {"MAILROOM_HANDLER": "app:on_mail", "MAILROOM_RULE": "r"}
    arn = account.handler(code, **variables)
    account.functions.put_function_event_invoke_config(
        FunctionName=arn,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": dead.arn}},
    )
    name = account.rule_set()
    account.ses.set_active_receipt_rule_set(RuleSetName=name)
    account.rule(
        name,
        {"LambdaAction": {"FunctionArn": arn, "InvocationType": "Event"}},
        Recipients=["example.com"],
    )
    key = account.send().message_id
    account.aws.wait(key)
    account.ses.set_active_receipt_rule_set(RuleSetName=rules)
    queue = account.aws.wait_until(
        lambda: dead.listed(page), lambda found: found["messages"], seconds=5
    )
    (letter,) = queue["messages"]
    assert (letter["about"], letter["error"]) == (key, "KeyError: 'x'")
    assert letter["function"] == arn.rpartition(":")[2]

    account.functions.update_function_configuration(
        FunctionName=arn, Environment={"Variables": {**variables, "MENDED": "1"}}
    )
    answer = page.post("/dead-letters/replay", {"queue": dead.arn, "ids": [letter["id"]]}).json
    assert answer == {"replayed": [letter["id"]], "failed": []}
    assert dead.listed(page)["messages"] == []
    found = account.aws.wait_until(
        lambda: page.message(key), lambda f: f["status"] == "ok", seconds=5
    )
    calls = found["story"]["rules"][0]["actions"][0]["calls"]
    assert [call["outcome"] for call in calls] == ["failed", "handled"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_dead_event_names_its_message(
    page: Any, account: Any, published: str, wrapped: bool
) -> None:
    """Raw, or as a topic wraps it for a queue."""
    dead = Dead(account)
    dead.source()
    sent = account.mail(ConfigurationSetName=published)
    (event, *_) = account.story(sent, count=1)
    body = json.dumps(event)
    account.sqs.send_message(
        QueueUrl=dead.url,
        MessageBody=json.dumps({"Type": "Notification", "Message": body}) if wrapped else body,
    )
    assert [letter["about"] for letter in dead.listed(page)["messages"]] == [sent]


def test_what_is_not_taken_stays_in_the_queue(page: Any, account: Any) -> None:
    dead = Dead(account)
    arn = account.function()
    account.functions.put_function_event_invoke_config(
        FunctionName=arn, DestinationConfig={"OnFailure": {"Destination": dead.arn}}
    )
    gone = f"{arn.rpartition(':')[0]}:gone"
    record = {"requestContext": {"functionArn": gone}, "requestPayload": {}}
    account.sqs.send_message(QueueUrl=dead.url, MessageBody=json.dumps(record))
    (letter,) = dead.listed(page)["messages"]
    answer = page.post("/dead-letters/replay", {"queue": dead.arn, "ids": [letter["id"]]}).json
    assert answer["replayed"] == []
    assert "ResourceNotFound" in answer["failed"][0]["error"]
    assert [one["id"] for one in dead.listed(page)["messages"]] == [letter["id"]]


def test_a_queue_that_is_no_dead_letter_queue_is_refused(page: Any) -> None:
    answer = page.post("/dead-letters/replay", {"queue": "orders", "ids": ["x"]})
    assert answer.status == 404
    assert answer.json["error"].startswith("queue is 'orders': pass a dead-letter queue:")
