"""WorkMail's decisions on rules and answers, without a server."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mailroom_local.workmail.answers import (
    MAX_EVENT_BYTES,
    check_content,
    flow_event,
    read_answer,
)
from mailroom_local.workmail.directory import Directory
from mailroom_local.workmail.model import INBOUND, OUTBOUND, Fate, Flow, Refused, WrongAnswer
from mailroom_local.workmail.rules import best, check_rule, specificity, taken

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:any"
FALLBACK = Fate("DROP")


def rule(direction: str = INBOUND, **fields: Any) -> dict[str, Any]:
    """An asynchronous rule for all senders and recipients."""
    origin = "OriginRuleCondition" if direction == INBOUND else "SenderRuleCondition"
    return {
        "Name": "r",
        "Condition": {
            origin: {"Patterns": fields.get("senders", ["*"])},
            "DestinationRuleCondition": {"Patterns": fields.get("destinations", ["*"])},
        },
        "Action": fields.get("action", {f"{direction}LambdaAction": {"Arn": FUNCTION}}),
    }


def synchronous(direction: str = INBOUND, **parameters: Any) -> dict[str, Any]:
    """The action of a synchronous rule."""
    asked = {"RetryPeriodMinutes": 5, "FallbackAction": {"BounceAction": {}}, **parameters}
    return {f"{direction}LambdaAction": {"Arn": FUNCTION, "SynchronousLambdaParameters": asked}}


def flow(raw: bytes, **fields: Any) -> Flow:
    """A message that comes into an organization."""
    made = Directory(home=("000000000000", "us-east-1"))
    made.add({"OrganizationId": f"m-{0:032x}", "Domains": ["Office.example"], "Users": []})
    known: dict[str, Any] = {
        "id": "id",
        "organization": made.all()[0],
        "direction": INBOUND,
        "raw": raw,
        "mail_from": "bounces@x.example",
        "rcpt_tos": ["ann@office.example"],
    }
    return Flow(**{**known, **fields})


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("*", "a@x.org", 0),
        ("*.x.org", "a@b.x.org", 1),
        ("*.x.org", "a@x.org", -1),
        ("x.org", "A@X.org", 2),
        ("x.org", "a@b.x.org", -1),
        ("a@x.org", "A@x.org", 3),
    ],
)
def test_a_longer_pattern_is_more_specific(pattern: str, address: str, expected: int) -> None:
    """An address, a domain, its subdomains, everything."""
    assert specificity(pattern, address) == expected


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"actions": [{"action": {"type": "DEFAULT"}, "allRecipients": "true"}]},
        {"actions": [{"action": {"type": "DROP"}, "recipients": ["a"]}] * 11},
        {"actions": [{"action": {"type": "MOVE_TO_JUNK"}, "allRecipients": True}]},
        {"actions": [], "padding": "x" * (256 * 1024)},
        {"actions": [{"action": {"type": []}, "allRecipients": True}]},
        {"actions": [{"action": {"type": "BOUNCE", "parameters": [1]}, "allRecipients": True}]},
        {"actions": [{"action": {"type": "BOUNCE", "parameters": {"bounceMessage": 1}}}]},
    ],
)
def test_an_invalid_answer_is_ignored(answer: Any) -> None:
    """So the function is invoked again."""
    with pytest.raises(WrongAnswer):
        read_answer(json.dumps(answer).encode(), OUTBOUND, ["a"], fallback=Fate("DEFAULT"))


def test_the_most_specific_pattern_wins() -> None:
    """Whatever the order; -1 without a match."""
    assert best(["x.org", "a@x.org", "*"], "a@x.org") == 3
    assert best(["y.org"], "a@x.org") == -1
    assert best([], "a@x.org") == -1


def test_a_rule_matches_by_sender_and_recipient() -> None:
    """Only the recipients that match are its own."""
    only = rule(senders=["x.org"], destinations=["a@y.org"])
    assert taken(only, INBOUND, "s@x.org", ["a@y.org", "b@y.org"]) == ["a@y.org"]
    assert taken(only, INBOUND, "s@z.org", ["a@y.org"]) == []
    assert taken(only, OUTBOUND, "s@x.org", ["a@y.org"]) == []


@pytest.mark.parametrize("direction", [INBOUND, OUTBOUND])
@pytest.mark.parametrize("minutes", [0, 240])
def test_a_rule_as_documented_is_accepted(direction: str, minutes: int) -> None:
    """Asynchronous with patterns, synchronous for all recipients."""
    check_rule(rule(direction, destinations=["y.org"]), direction, [])
    action = synchronous(direction, RetryPeriodMinutes=minutes)
    check_rule(rule(direction, senders=["*.x.org"] * 250, action=action), direction, [])


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda: "rule", "Name"),
        (lambda: {"Name": "r"}, "both sides"),
        (lambda: rule(destinations=[]), "both sides"),
        (lambda: rule(senders=["a+b@x.org"]), "not a pattern"),
        (lambda: rule(destinations=["@x.org"]), "not a pattern"),
        (lambda: rule(senders=["x.org"] * 251), "250"),
        (lambda: rule(action={"InboundLambdaAction": {}}), "one InboundLambdaAction"),
        (lambda: rule(action={"DropAction": {}, **synchronous()}), "one InboundLambdaAction"),
        (lambda: rule(destinations=["x.org"], action=synchronous()), "destination"),
        (lambda: rule(action=synchronous(RetryPeriodMinutes=241)), "0 to 240"),
        (lambda: rule(action=synchronous(RetryPeriodMinutes=-1)), "0 to 240"),
        (lambda: rule(action=synchronous(RetryPeriodMinutes=True)), "0 to 240"),
        (lambda: rule(action=synchronous(FallbackAction={})), "FallbackAction"),
        (lambda: rule(action=synchronous(FallbackAction={"DefaultAction": {}})), "FallbackAction"),
    ],
)
def test_a_rule_against_the_documentation_is_refused(wrong: Callable[[], Any], reason: str) -> None:
    """With the field that is wrong."""
    with pytest.raises(Refused, match=reason):
        check_rule(wrong(), INBOUND, [])


def test_an_organization_has_at_most_1000_sender_patterns() -> None:
    """In all its rules of a direction together."""
    others = [rule(senders=["x.org"] * 250) for _ in range(4)]
    check_rule(rule(senders=["x.org"] * 250), INBOUND, others[:3])
    with pytest.raises(Refused, match="1,000") as error:
        check_rule(rule(), INBOUND, others)
    assert error.value.code == "LimitExceededException"


def test_an_event_names_the_sender_and_the_subject() -> None:
    """The Sender field before the From field; the subject decoded and at most 256 characters."""
    raw = (
        b"From: Ann <ann@x.example>\r\nSender: Desk <desk@x.example>\r\n"
        b"Subject: =?utf-8?q?caf=C3=A9?= " + b"x" * 300 + b"\r\n\r\nHi"
    )
    event = flow_event(flow(raw), ["ann@office.example"], "invocation")
    assert event["sender"] == {"address": "desk@x.example"}
    assert event["subject"].startswith("caf\u00e9 x")
    assert len(event["subject"]) == 256
    assert event["envelope"]["mailFrom"] == {"address": "bounces@x.example"}
    assert event["envelope"]["recipients"] == [{"address": "ann@office.example"}]
    assert (event["flowDirection"], event["invocationId"]) == ("INBOUND", "invocation")
    assert not event["truncated"]


def test_an_event_without_fields_lacks_them() -> None:
    """Neither sender nor subject is made up."""
    event = flow_event(flow(b"X: y\r\n\r\nHi"), [], "i")
    assert not {"sender", "subject"} & event.keys()


def test_an_event_of_too_many_recipients_is_truncated() -> None:
    """At 128 KB."""
    many = [f"{number:0200}@x.example" for number in range(1000)]
    event = flow_event(flow(b"X: y\r\n\r\nHi"), many, "i")
    assert event["truncated"]
    size = len(json.dumps(event))
    assert MAX_EVENT_BYTES - 300 < size <= MAX_EVENT_BYTES


def decided(*actions: dict[str, Any], direction: str = INBOUND) -> dict[str, Fate]:
    """What an answer decides for ann and bob."""
    answer = json.dumps({"actions": actions}).encode()
    return read_answer(answer, direction, ["Ann@o.example", "bob@o.example"], fallback=FALLBACK)


def test_a_named_recipient_gets_one_action_and_the_rest_another() -> None:
    """In any case of letters; addresses that are no recipients are added."""
    bounce = {"type": "BOUNCE", "parameters": {"bounceMessage": "No."}}
    fates = decided(
        {"action": {"type": "DEFAULT"}, "allRecipients": True},
        {"action": bounce, "recipients": ["ann@O.example", "carol@o.example"]},
    )
    assert fates == {
        "Ann@o.example": Fate("BOUNCE", "No."),
        "bob@o.example": Fate("DEFAULT"),
        "carol@o.example": Fate("BOUNCE", "No.", added=True),
    }
    assert not fates["Ann@o.example"].added


def test_an_unnamed_recipient_gets_the_fallback() -> None:
    """Even if the answer names others."""
    fates = decided({"action": {"type": "DEFAULT"}, "recipients": ["bob@o.example"]})
    assert fates["Ann@o.example"] == FALLBACK
    assert decided() == dict.fromkeys(fates, FALLBACK)


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        ([{"action": {"type": "DROP"}, "allRecipients": True}] * 2, "two actions"),
        ([{"action": {"type": "DROP"}, "recipients": ["a", "A"]}], "in two actions"),
        ([{"action": {"type": "DROP"}, "recipients": "a"}], "not a list"),
        ([{"action": {"type": "DROP"}, "recipients": [1]}], "not a list"),
        ([{"type": "DROP"}], "is missing"),
        (["DROP"], "is missing"),
        (
            [{"action": {"type": "DROP"}, "recipients": [f"{n}@x.org" for n in range(501)]}],
            "501 recipients",
        ),
    ],
)
def test_the_error_for_a_wrong_answer_says_what_is_wrong(actions: Any, reason: str) -> None:
    """For the journal."""
    with pytest.raises(WrongAnswer, match=reason):
        decided(*actions, direction=OUTBOUND)


def test_ten_actions_and_500_outbound_recipients_are_allowed() -> None:
    """The limits themselves."""
    drop = {"type": "DROP"}
    decided(*[{"action": drop, "recipients": [f"{n}@x.org"]} for n in range(10)])
    named = [f"{n}@x.org" for n in range(500)]
    assert len(decided({"action": drop, "recipients": named}, direction=OUTBOUND)) == 502


@pytest.mark.parametrize(
    "content", [b"x" * 1001, b"", b"\r\nHi", b"Content-Type: multipart/mixed\r\n\r\nx"]
)
def test_content_that_is_not_a_message_is_refused(content: bytes) -> None:
    """A line over 1,000 characters, no header, a broken MIME structure."""
    with pytest.raises(Refused) as error:
        check_content(content)
    assert error.value.code == "MessageRejected"


def test_a_well_formed_message_is_accepted() -> None:
    """With lines of 1,000 characters at most."""
    check_content(b"Subject: Hi\r\n\r\n" + b"x" * 998 + b"\r\n")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"OrganizationId": "m-1"}, "32 hexadecimal digits"),
        ({"Users": ["a@other.example"]}, "none of the domains"),
        ({"OrganizationId": f"m-{9:032x}"}, "already that of"),
    ],
)
def test_a_malformed_organization_id_is_refused(wrong: dict[str, Any], reason: str) -> None:
    """By its id, its users or the domains of another."""
    directory = Directory(home=("000000000000", "us-east-1"))
    data = {"OrganizationId": f"m-{1:032x}", "Domains": ["x.example"], "Users": ["A@X.example"]}
    directory.add(data)
    with pytest.raises(Refused, match=reason):
        directory.add({**data, **wrong})
    assert directory.holder("anyone@X.Example") is directory.all()[0]
    assert directory.holder("anyone@sub.x.example") is None
