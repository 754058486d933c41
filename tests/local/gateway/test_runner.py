"""What the actions of a gateway's rules do, in order, and what happens when one fails."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.conftest import SENDER
from local.gateway.conftest import Emulator, Gate
from mailroom_local import LocalAws
from mailroom_local.control import journal
from mailroom_local.gateway.logs import action_name

ROLE = "arn:aws:iam::000000000000:role/gateway"
DROP = {"Drop": {}}


@pytest.fixture(scope="module")
def _gate(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    gate = Gate(tmp_path_factory.mktemp("gate"), endpoint=aws.server.endpoint)
    yield gate
    gate.close()


@pytest.fixture
def gate(_gate: Gate) -> Gate:
    """A server whose actions act in the account of the local AWS."""
    _gate.emulator.__dict__.update(vars(Emulator()))
    return _gate


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of RetryTimeMinutes takes 20 ms."""
    monkeypatch.setenv("MAILROOM_GATEWAY_MINUTE_SECONDS", "0.02")


def rule(*actions: Any, name: str = "rule", when: str | None = None) -> dict[str, Any]:
    """A rule; ``when`` is the only recipient that it applies to."""
    made: dict[str, Any] = {"Name": name, "Actions": list(actions)}
    if when:
        condition = {
            "Evaluate": {"Attribute": "RECIPIENT"},
            "Operator": "EQUALS",
            "Values": [when],
        }
        made["Conditions"] = [{"StringExpression": condition}]
    return made


def header(name: str, value: str = "yes") -> dict[str, Any]:
    return {"AddHeader": {"HeaderName": name, "HeaderValue": value}}


def invoke(arn: str, kind: str = "REQUEST_RESPONSE", **fields: Any) -> dict[str, Any]:
    given = {"FunctionArn": arn, "InvocationType": kind, "RoleArn": ROLE, **fields}
    return {"InvokeLambda": given}


def ran(story: Any) -> list[tuple[str, str, str]]:
    return [(action.rule, action.kind, action.outcome) for action in story.actions]


def test_all_rules_run_in_order_and_those_that_do_not_apply_say_why(gate: Any) -> None:
    rules = [
        rule(header("X-First"), name="first"),
        rule(header("X-Never"), name="other", when="sales@example.com"),
        rule(header("X-Last"), name="last"),
    ]
    story = gate.send(gate.point(rules=rules))
    assert ran(story) == [("first", "AddHeader", "done"), ("last", "AddHeader", "done")]
    assert [(one.name, one.recipients) for one in story.rules] == [
        ("first", ["support@example.com"]),
        ("other", []),
        ("last", ["support@example.com"]),
    ]
    assert story.rules[1].because == [
        "condition 1: RECIPIENT EQUALS sales@example.com does not hold (support@example.com)"
    ]


def test_a_dropped_recipient_meets_no_other_rule(gate: Any) -> None:
    rules = [rule(DROP, header("X-Behind"), when="a@example.com"), rule(header("X"), name="last")]
    story = gate.send(gate.point(rules=rules), to=["a@example.com", "b@example.com"])
    assert ran(story) == [("rule", "Drop", "dropped"), ("last", "AddHeader", "done")]
    assert story.rules[1].recipients == ["b@example.com"]


def test_when_everyone_is_dropped_the_rest_of_the_rules_is_not_tried(gate: Any) -> None:
    story = gate.send(gate.point(rules=[rule(DROP), rule(header("X"), name="last")]))
    assert [one.name for one in story.rules] == ["rule"]


def test_replaced_recipients_are_those_of_later_actions_and_rules(gate: Any) -> None:
    replace = {"ReplaceRecipient": {"ReplaceWith": ["team@example.com", "b@example.com"]}}
    rules = [
        rule(replace, {"Archive": {"TargetArchive": "a-1"}}, when="a@example.com"),
        rule(header("X"), name="last"),
    ]
    story = gate.send(gate.point(rules=rules), to=["a@example.com", "b@example.com"])
    [kept] = gate.emulator.archived
    assert kept["rcpt_tos"] == ["team@example.com", "b@example.com"]
    assert story.rules[1].recipients == ["team@example.com", "b@example.com"]


def test_an_added_header_is_seen_by_later_conditions_and_in_later_copies(gate: Any) -> None:
    condition = {
        "Evaluate": {"MimeHeaderAttribute": "X-Kind"},
        "Operator": "EQUALS",
        "Values": ["invoice"],
    }
    rules = [
        rule({"Archive": {"TargetArchive": "a-1"}}, header("X-Kind", "invoice"), name="mark"),
        {
            "Name": "marked",
            "Conditions": [{"StringExpression": condition}],
            "Actions": [{"Archive": {"TargetArchive": "a-1"}}],
        },
    ]
    gate.send(gate.point(rules=rules))
    before, after = gate.emulator.archived
    assert b"X-Kind" not in before["raw"]
    assert after["raw"].startswith(b"X-Kind: invoice\r\nReceived: from mx.example.net")


def test_a_message_is_written_to_the_bucket_by_its_id(gate: Any, account: Any) -> None:
    bucket = account.bucket()
    write = {"WriteToS3": {"RoleArn": ROLE, "S3Bucket": bucket, "S3Prefix": "support/"}}
    story = gate.send(gate.point(rules=[rule(write)]), b"Subject: Hello\r\n\r\nHi\r\n")
    stored = account.read(bucket, f"support/{story.message_id}")
    assert stored.endswith(b"Subject: Hello\r\n\r\nHi\r\n")
    assert gate.emulator.asked == [
        ("s3:PutObject", f"arn:aws:s3:::{bucket}/support/{story.message_id}"),
        ("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
    ]


def test_a_role_without_the_permission_is_a_failure_of_the_action(gate: Any, account: Any) -> None:
    gate.emulator.refusal = "role gateway does not allow s3:PutObject"
    bucket = account.bucket()
    write = {"WriteToS3": {"RoleArn": ROLE, "S3Bucket": bucket}}
    story = gate.send(gate.point(rules=[rule(write, header("X"))]))
    assert ran(story)[0] == ("rule", "WriteToS3", "failed")
    assert story.actions[0].detail["error"] == "role gateway does not allow s3:PutObject"
    assert account.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(("policy", "behind"), [("CONTINUE", True), (None, True), ("DROP", False)])
def test_the_failure_policy_decides_whether_the_recipients_go_on(
    gate: Any, policy: str | None, behind: bool
) -> None:
    archive = {"TargetArchive": "a-none", **({"ActionFailurePolicy": policy} if policy else {})}
    rules = [
        rule({"Archive": archive}, header("X"), when="a@example.com"),
        rule(header("X"), name="last"),
    ]
    story = gate.send(gate.point(rules=rules), to=["a@example.com", "b@example.com"])
    assert ran(story)[0] == ("rule", "Archive", "failed")
    assert (("rule", "AddHeader", "done") in ran(story)) is behind
    assert ("a@example.com" in story.rules[1].recipients) is behind
    assert "b@example.com" in story.rules[1].recipients


def test_a_function_gets_the_event_of_receiving_without_spam_and_virus(
    gate: Any, account: Any
) -> None:
    arn = account.function("raise ValueError(json.dumps(event))")
    raw = b"From: Jane <jane@example.net>\r\nTo: x@example.com\r\nSubject: Hello\r\n\r\nHi\r\n"
    point = gate.point(rules=[rule(invoke(arn), when="a@example.com")])
    story = gate.send(point, raw, to=["a@example.com", "b@example.com"])
    failure = json.loads(story.actions[0].detail["error"])
    [record] = json.loads(failure["errorMessage"])["Records"]
    mail, receipt = record["ses"]["mail"], record["ses"]["receipt"]
    assert (record["eventSource"], record["eventVersion"]) == ("aws:ses", "1.0")
    assert mail["messageId"] == story.message_id
    assert mail["source"] == "jane@example.net"
    assert mail["commonHeaders"]["from"] == ["Jane <jane@example.net>"]
    assert receipt["recipients"] == ["a@example.com"]
    assert receipt["spfVerdict"] == {"status": "PASS"}
    assert {"spamVerdict", "virusVerdict"}.isdisjoint(receipt)
    assert receipt["action"] == {
        "type": "Lambda",
        "functionArn": arn,
        "invocationType": "RequestResponse",
    }


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ("CONTINUE", ["InvokeLambda", "AddHeader", "AddHeader"]),
        ("STOP_RULE", ["InvokeLambda", "AddHeader"]),
        ("STOP_RULE_SET", ["InvokeLambda"]),
    ],
)
def test_a_synchronous_function_decides_how_it_goes_on(
    gate: Any, account: Any, disposition: str, expected: list[str]
) -> None:
    arn = account.function(f"return {{'disposition': '{disposition}'}}")
    rules = [rule(invoke(arn), header("X")), rule(header("X"), name="last")]
    story = gate.send(gate.point(rules=rules))
    assert [action.kind for action in story.actions] == expected
    assert story.stopped_by == ("rule" if disposition == "STOP_RULE_SET" else None)


def test_an_asynchronous_function_is_invoked_and_its_answer_has_no_effect(
    gate: Any, account: Any
) -> None:
    arn = account.function("return {'disposition': 'STOP_RULE_SET'}")
    story = gate.send(gate.point(rules=[rule(invoke(arn, "EVENT"), header("X"))]))
    assert ran(story) == [("rule", "InvokeLambda", "accepted"), ("rule", "AddHeader", "done")]


def test_a_failed_function_is_called_again_until_it_succeeds(
    gate: Any, account: Any, fast: None, tmp_path: Path
) -> None:
    called = tmp_path / "called"
    arn = account.function(
        f"import pathlib; called = pathlib.Path('{called}')\n"
        "    if not called.exists(): called.touch(); raise ValueError('not yet')"
    )
    rules = [rule(invoke(arn, RetryTimeMinutes=60), header("X"))]
    story = gate.send(gate.point(rules=rules))
    assert [action.outcome for action in story.actions] == [*("retrying", "CONTINUE", "done")]
    assert "not yet" in story.actions[0].detail["error"]
    statuses = [one["action_metadata"]["action_status"] for one in rule_logs(gate)]
    assert statuses == ["IN_PROGRESS", "SUCCESS", "SUCCESS"]


def rule_logs(gate: Any) -> list[dict[str, Any]]:
    return [one for one in gate.logs("APPLICATION_LOGS") if "rule_name" in one]


def test_a_function_that_fails_for_the_whole_retry_time_is_a_failure(
    gate: Any, account: Any, fast: None
) -> None:
    """Another try follows after 1 minute; the next would come after 2 more."""
    arn = account.function("raise ValueError('never')")
    action = invoke(arn, RetryTimeMinutes=2, ActionFailurePolicy="DROP")
    story = gate.send(gate.point(rules=[rule(action), rule(header("X"), name="last")]))
    assert [one.outcome for one in story.actions] == ["retrying", "failed"]
    assert story.actions[-1].detail["dropped"]
    assert [one.name for one in story.rules] == ["rule"]


def test_without_a_retry_time_a_function_is_called_once(gate: Any, account: Any) -> None:
    arn = account.function("raise ValueError('never')")
    story = gate.send(gate.point(rules=[rule(invoke(arn), header("X"))]))
    assert ran(story) == [("rule", "InvokeLambda", "failed"), ("rule", "AddHeader", "done")]


def test_a_message_that_waits_for_a_retry_when_the_server_stops_says_so(
    make_gate: Callable[..., Gate], account: Any
) -> None:
    arn = account.function("raise ValueError('never')")
    gate = make_gate(account.aws.server.endpoint)
    point = gate.point(rules=[rule(invoke(arn, RetryTimeMinutes=60))])
    story = gate.send(point, finished=False)
    account.aws.wait_until(lambda: gate.stories()[0].actions, lambda found: bool(found), seconds=10)
    gate.close()
    story = gate.stories()[0]
    assert story.finished
    assert story.problems == [
        "not finished: a function was to be called again when the local AWS was stopped"
    ]


@pytest.mark.parametrize("encoding", ["UTF-8", "BASE64", None])
def test_a_topic_gets_the_content(gate: Any, account: Any, encoding: str | None) -> None:
    topic, queue = account.topic()
    publish = {"TopicArn": topic, "RoleArn": ROLE}
    if encoding:
        publish["Encoding"] = encoding
    gate.send(
        gate.point(rules=[rule({"PublishToSns": publish})]), b"Subject: x\r\n\r\nH\xc3\xa9\r\n"
    )
    [told] = account.received(queue)
    content = told["content"]
    if encoding == "BASE64":
        content = base64.b64decode(content).decode()
    assert content.endswith("Subject: x\r\n\r\nH\u00e9\r\n")
    assert told["notificationType"] == "Received"
    assert told["receipt"]["recipients"] == ["support@example.com"]


def test_a_topic_may_get_the_headers_alone(gate: Any, account: Any) -> None:
    topic, queue = account.topic()
    publish = {"TopicArn": topic, "RoleArn": ROLE, "PayloadType": "HEADERS"}
    raw = b"Subject: x\r\nX-Long: " + b"a" * 50_000 + b"\r\n\r\nHi\r\n"
    gate.send(gate.point(rules=[rule({"PublishToSns": publish})]), raw)
    [told] = account.received(queue)
    assert "content" not in told
    assert not told["mail"]["headersTruncated"]


def test_send_sends_to_the_matched_recipients_by_ses(gate: Any, account: Any) -> None:
    send = {"Send": {"RoleArn": ROLE}}
    raw = f"From: {SENDER}\r\nTo: list@example.com\r\nSubject: Hello\r\n\r\nHi\r\n".encode()
    many = [f"user{number}@example.net" for number in range(60)]
    story = gate.send(gate.point(rules=[rule(send)]), raw, to=many)
    ids = story.actions[0].detail["sentAs"].split(", ")
    assert len(ids) == 2
    sent = {each["MessageId"]: each for each in account.aws.sent()}
    assert [one for each in ids for one in sent[each]["DeliveredTo"]] == many


def test_a_sender_that_is_not_verified_is_a_failure_of_send(gate: Any) -> None:
    raw = b"From: jane@unverified.example\r\n\r\nHi\r\n"
    story = gate.send(gate.point(rules=[rule({"Send": {"RoleArn": ROLE}})]), raw)
    assert ran(story) == [("rule", "Send", "failed")]
    assert "not verified" in story.actions[0].detail["error"]


def test_a_relayed_message_is_in_the_journal_with_its_server(gate: Any) -> None:
    gate.emulator.relays["r-1"] = {"ServerName": "mail.example.com", "ServerPort": 587}
    relay = {"Relay": {"Relay": "r-1", "MailFrom": "PRESERVE"}}
    story = gate.send(gate.point(rules=[rule(relay)]), to=["a@example.com", "b@unverified.example"])
    detail = story.actions[0].detail
    assert detail["server"] == "mail.example.com:587"
    assert detail["notRelayed"] == "not of a verified identity: b@unverified.example"
    [relayed] = journal.find(gate.path, detail["relayedAs"])
    assert (relayed.operation, relayed.relayed_to) == ("Relay", "mail.example.com:587")
    assert (relayed.mail_from, relayed.rcpt_tos) == ("jane@example.net", ["a@example.com"])


def test_a_relay_may_replace_the_sender(gate: Any) -> None:
    gate.emulator.relays["r-1"] = {"ServerName": "mail.example.com", "ServerPort": 587}
    relay = {"Relay": {"Relay": "r-1", "MailFrom": "REPLACE"}}
    story = gate.send(gate.point(rules=[rule(relay)]))
    [relayed] = journal.find(gate.path, story.actions[0].detail["relayedAs"])
    assert relayed.mail_from.endswith("@us-east-1.amazonses.com")


@pytest.mark.parametrize("kind", ["Relay", "Archive"])
def test_a_target_that_is_gone_is_a_failure(gate: Any, kind: str) -> None:
    fields = {"Relay": {"Relay": "r-gone"}, "Archive": {"TargetArchive": "a-gone"}}[kind]
    story = gate.send(gate.point(rules=[rule({kind: fields})]))
    assert ran(story) == [("rule", kind, "failed")]
    [log] = rule_logs(gate)
    assert log["action_metadata"]["action_status"] == "FAILURE"
    assert "gone" in log["action_metadata"]["action_failure"]


def test_q_business_is_recorded(gate: Any) -> None:
    fields = {"ApplicationId": "a" * 36, "IndexId": "i" * 36, "RoleArn": ROLE}
    story = gate.send(gate.point(rules=[rule({"DeliverToQBusiness": fields})]))
    assert ran(story) == [("rule", "DeliverToQBusiness", "recorded")]


def test_the_log_of_the_rule_set_has_each_action_and_each_rule_that_did_not_match(
    gate: Any,
) -> None:
    rules = [
        rule(header("X"), DROP, name="first", when="a@example.com"),
        rule(header("X"), name="second", when="c@example.com"),
    ]
    gate.send(gate.point(rules=rules), to=["a@example.com", "b@example.com"])
    shown = [
        (
            log["rule_index"],
            log["recipients_matched"],
            log.get("action_metadata", {}).get("action_name"),
            log.get("action_metadata", {}).get("action_index"),
        )
        for log in rule_logs(gate)
    ]
    assert shown == [
        (1, ["a@example.com"], "ADD_HEADER", 1),
        (1, ["a@example.com"], "DROP", 2),
        (2, [], None, None),
    ]


@pytest.mark.parametrize("action", ["WriteToS3", "DeliverToQBusiness", "PublishToSns"])
def test_names_of_actions_in_the_log_are_those_of_aws(action: str) -> None:
    expected = {
        "WriteToS3": "WRITE_TO_S3",
        "DeliverToQBusiness": "DELIVER_TO_Q_BUSINESS",
        "PublishToSns": "PUBLISH_TO_SNS",
    }
    assert action_name(action) == expected[action]


def test_an_action_that_the_local_aws_does_not_know_takes_nothing_else_with_it(gate: Any) -> None:
    story = gate.send(gate.point(rules=[rule({"Sing": {}}, header("X"))]))
    assert ran(story) == [("rule", "Sing", "failed"), ("rule", "AddHeader", "done")]


def test_a_condition_that_cannot_be_evaluated_is_in_the_story(gate: Any) -> None:
    broken = {"Name": "broken", "Conditions": [{"NewExpression": {}}], "Actions": [DROP]}
    story = gate.send(gate.point(rules=[broken]))
    assert story.finished
    assert "NewExpression" in story.problems[0]


class Mailboxes:
    """The mailboxes of two users."""

    def __init__(self) -> None:
        self.received: list[list[str]] = []

    def receives(self, address: str) -> bool:
        return address in ("jane@example.com", "joe@example.com")

    def receive(self, raw: bytes, *, mail_from: str, rcpt_tos: Any, tls: bool) -> str:
        self.received.append(list(rcpt_tos))
        return "delivered"


DELIVER = {
    "DeliverToMailbox": {
        "MailboxArn": "arn:aws:workmail:us-east-1:000000000000:organization/m-1",
        "RoleArn": ROLE,
    }
}


def test_mail_is_delivered_to_the_mailboxes_that_there_are(make_gate: Callable[..., Gate]) -> None:
    mailboxes = Mailboxes()
    gate = make_gate(mailboxes=[mailboxes])
    point = gate.point(rules=[rule(DELIVER)])
    story = gate.send(point, to=["jane@example.com", "nobody@example.com", "joe@example.com"])
    assert mailboxes.received == [["jane@example.com", "joe@example.com"]]
    assert story.actions[0].detail["error"] == (
        "no mailbox of the organization has nobody@example.com"
    )


def test_without_mailboxes_a_delivery_is_only_recorded(gate: Any) -> None:
    assert ran(gate.send(gate.point(rules=[rule(DELIVER)]))) == [
        ("rule", "DeliverToMailbox", "recorded")
    ]
