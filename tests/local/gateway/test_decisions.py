"""What traffic policies and rules decide, and why they say they do."""

from typing import Any

import pytest

from local.gateway.messages import message
from mailroom_local.gateway import policy, rules
from mailroom_local.gateway.conditions import evaluate
from mailroom_local.gateway.facts import AddressList, Facts
from mailroom_local.gateway.message import Client, addon_results, addons_of


def facts(raw: bytes | None = None, **fields: Any) -> Facts:
    client = Client(**{"address": "203.0.113.9", "name": "mx.example.net", **fields})
    made = None if raw is None else message(raw, client=client)
    return Facts(
        client=client,
        message=made,
        addons=addons_of(made.headers()) if made else {},
        members=lambda arn: ["blocked@example.com", "*@spam.example"],
        addon_name=lambda arn: "SPAMHAUS_DBL",
    )


def recipient(operator: str, *values: str) -> dict[str, Any]:
    return {
        "StringExpression": {
            "Evaluate": {"Attribute": "RECIPIENT"},
            "Operator": operator,
            "Values": list(values),
        }
    }


def subject(operator: str, *values: str) -> dict[str, Any]:
    found = recipient(operator, *values)
    found["StringExpression"]["Evaluate"] = {"Attribute": "SUBJECT"}
    return found


def sender_ip(operator: str, *values: str) -> dict[str, Any]:
    return {
        "IpExpression": {
            "Evaluate": {"Attribute": "SENDER_IP"},
            "Operator": operator,
            "Values": list(values),
        }
    }


OWN = {"Action": "ALLOW", "Conditions": [recipient("ENDS_WITH", "@example.com")]}
BLOCKED = {"Action": "DENY", "Conditions": [sender_ip("CIDR_MATCHES", "203.0.113.0/24")]}


def test_a_deny_statement_comes_first_wherever_it_stands() -> None:
    chosen = {"DefaultAction": "DENY", "PolicyStatements": [OWN, BLOCKED]}
    decision = policy.decide(chosen, facts(), "a@example.com")
    assert not decision.accepted
    assert decision.because == (
        "statement 2 (DENY): SENDER_IP CIDR_MATCHES 203.0.113.0/24 holds (203.0.113.9)"
    )


def test_the_default_action_says_which_statements_did_not_match_and_why() -> None:
    chosen = {"DefaultAction": "DENY", "PolicyStatements": [OWN]}
    decision = policy.decide(chosen, facts(), "a@example.org")
    assert not decision.accepted
    assert decision.because == (
        "the default action is DENY; statement 1 (ALLOW): "
        "RECIPIENT ENDS_WITH @example.com does not hold (a@example.org)"
    )


def test_a_decision_is_in_the_form_of_the_published_log() -> None:
    chosen = {"DefaultAction": "DENY", "PolicyStatements": [OWN]}
    assert policy.decide(chosen, facts(), "a@example.org").record() == {
        "recipient": "a@example.org",
        "traffic_policy_evaluation": [
            {
                "action": "ALLOW",
                "conditions": [
                    {
                        "expression": {
                            "attribute": "RECIPIENT",
                            "operator": "ENDS_WITH",
                            "value": ["@example.com"],
                        },
                        "expressionResult": False,
                    }
                ],
                "policyStatementMatched": False,
            },
            {
                "action": "DENY",
                "policyStatementMatched": True,
                "type": "DefaultAction",
                "scope": "Recipient",
            },
        ],
        "traffic_policy_verdict": "REJECT",
        "because": (
            "the default action is DENY; statement 1 (ALLOW): "
            "RECIPIENT ENDS_WITH @example.com does not hold (a@example.org)"
        ),
    }


def test_a_policy_without_statements_is_its_default_action() -> None:
    assert policy.decide({"DefaultAction": "ALLOW"}, facts(), "a@example.org").accepted


@pytest.mark.parametrize(("size", "refused"), [(1000, False), (1001, True)])
def test_a_policy_refuses_only_what_is_larger_than_it_allows(size: int, refused: bool) -> None:
    step = policy.too_large({"MaxMessageSizeBytes": 1000}, size)
    assert (step is not None) is refused
    assert policy.too_large({}, size) is None


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("MINIMUM_TLS_VERSION", [False, True, True]), ("IS", [False, True, False])],
)
def test_a_tls_version_is_at_least_or_exactly_one(operator: str, expected: list[bool]) -> None:
    condition = {
        "TlsExpression": {
            "Evaluate": {"Attribute": "TLS_PROTOCOL"},
            "Operator": operator,
            "Value": "TLS1_2",
        }
    }
    protocols = (None, "TLSv1.2", "TLSv1.3")
    found = [facts(tls_protocol=protocol) for protocol in protocols]
    assert [evaluate(condition, one, "a@example.com").holds for one in found] == expected


def test_an_ipv4_address_inside_ipv6_is_one_of_ipv4() -> None:
    condition = sender_ip("CIDR_MATCHES", "192.0.2.0/24")
    assert evaluate(condition, facts(address="::ffff:192.0.2.1"), "a@example.com").holds


def test_an_addon_that_nobody_rehearses_finds_nothing() -> None:
    asked = {"Analysis": {"Analyzer": "arn:x/ai-1", "ResultField": "isListed"}}
    condition = {"BooleanExpression": {"Evaluate": asked, "Operator": "IS_TRUE"}}
    assert not evaluate(condition, facts(), "a@example.com").holds
    listed = facts(addons=addon_results("SPAMHAUS_DBL.isListed:true"))
    assert evaluate(condition, listed, "a@example.com").holds


def test_addons_do_not_check_mail_over_ipv6() -> None:
    asked = {"Analysis": {"Analyzer": "arn:x/ai-1", "ResultField": "isListed"}}
    pretended = addon_results("SPAMHAUS_DBL.isListed:true")
    conditions = [
        *({"BooleanExpression": {"Operator": one}} for one in ("IS_TRUE", "IS_FALSE")),
        *(
            {"StringExpression": {"Operator": one, "Values": ["true"]}}
            for one in ("EQUALS", "NOT_EQUALS")
        ),
    ]
    for condition in conditions:
        for expression in condition.values():
            expression["Evaluate"] = asked  # type: ignore[assignment]
        over_ipv6 = facts(address="2001:db8::1", addons=pretended)
        result = evaluate(condition, over_ipv6, "a@example.com")
        assert not result.holds
        assert "add-ons do not check mail over IPv6" in result.text()
    over_ipv4 = facts(address="::ffff:192.0.2.1", addons=pretended)
    assert evaluate(conditions[0], over_ipv4, "a@example.com").holds


def test_a_result_that_depends_on_letter_case_says_so() -> None:
    result = evaluate(recipient("EQUALS", "Support@Example.com"), facts(), "support@example.com")
    assert result.holds
    assert result.note == "letter case is ignored here; on AWS it is not documented"


@pytest.mark.parametrize(
    ("address", "listed"),
    [
        ("blocked@example.com", True),
        ("Blocked@Example.com", True),
        ("anyone@spam.example", True),
        ("anyone@mail.spam.example", False),
        ("unblocked@example.com", False),
    ],
)
def test_an_address_list_knows_addresses_and_patterns(address: str, listed: bool) -> None:
    assert (address in AddressList(["blocked@example.com", "*@spam.example"])) is listed


def test_a_pattern_for_subdomains_does_not_take_the_domain() -> None:
    members = AddressList(["postmaster@*.example.com"])
    assert "postmaster@mail.example.com" in members
    assert "postmaster@example.com" not in members


def match(rule: dict[str, Any], *recipients: str, raw: bytes = b"Subject: Hello\r\n\r\n") -> Any:
    return rules.match({"Name": "rule", **rule}, 1, facts(raw), recipients)


def test_a_rule_applies_to_each_recipient_by_itself() -> None:
    rule = {"Conditions": [recipient("STARTS_WITH", "sales@", "support@")]}
    found = match(rule, "sales@example.com", "info@example.com", "support@example.com")
    assert found.recipients == ("sales@example.com", "support@example.com")
    condition = "condition 1: RECIPIENT STARTS_WITH sales@, support@"
    assert [reason["text"] for reason in found.because] == [
        f"{condition} holds (sales@example.com, support@example.com)",
        f"{condition} does not hold (info@example.com)",
    ]


def test_a_rule_without_conditions_applies() -> None:
    found = match({}, "a@example.com")
    assert found.recipients == ("a@example.com",)
    assert found.because[0]["text"] == "the rule has no conditions"


def test_an_exception_says_that_it_kept_the_rule_away() -> None:
    rule = {
        "Conditions": [subject("CONTAINS", "hello")],
        "Unless": [recipient("EQUALS", "b@example.com")],
    }
    found = match(rule, "a@example.com", "b@example.com")
    assert found.recipients == ("a@example.com",)
    assert found.because[1]["text"] == (
        "unless 1: RECIPIENT EQUALS b@example.com holds (b@example.com)"
    )


def test_the_last_condition_that_was_evaluated_decides() -> None:
    """The conditions behind one that does not hold are not looked at."""
    rule = {"Conditions": [subject("EQUALS", "x"), subject("EQUALS", "Hello")]}
    [reason] = match(rule, "a@example.com").because
    assert [step["number"] for step in reason["conditions"]] == [1]


def test_a_header_that_is_not_there_equals_nothing() -> None:
    rule = {"Conditions": [subject("NOT_EQUALS", "x")]}
    assert match(rule, "a@example.com", raw=b"From: a@b.example\r\n\r\n").recipients
    [reason] = match({"Conditions": [subject("EQUALS", "x")]}, "a@example.com", raw=b"\r\n").because
    assert reason["text"] == "condition 1: SUBJECT EQUALS x does not hold (there is none)"


def test_a_subject_is_compared_as_people_read_it() -> None:
    raw = b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n"
    assert match(
        {"Conditions": [subject("EQUALS", "Gr\u00fc\u00dfe")]}, "a@b.example", raw=raw
    ).recipients


def test_a_condition_on_from_compares_the_address_without_its_name() -> None:
    condition = subject("EQUALS", "jane@example.net")
    condition["StringExpression"]["Evaluate"] = {"Attribute": "FROM"}
    raw = b'From: "Doe, Jane" <jane@example.net>\r\n\r\n'
    assert match({"Conditions": [condition]}, "a@b.example", raw=raw).recipients


def test_a_policy_of_dmarc_counts_only_for_mail_that_fails() -> None:
    condition = {"DmarcExpression": {"Operator": "EQUALS", "Values": ["REJECT"]}}
    passes = b"X-Mailroom-Verdict: dmarc=PASS; dmarcPolicy=reject\r\n\r\n"
    fails = b"X-Mailroom-Verdict: dmarc=FAIL; dmarcPolicy=reject\r\n\r\n"
    assert not match({"Conditions": [condition]}, "a@b.example", raw=passes).recipients
    assert match({"Conditions": [condition]}, "a@b.example", raw=fails).recipients
