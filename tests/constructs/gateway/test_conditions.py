"""Every attribute with every operator that Mail Manager has for it, and no other."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from aws_cdk import Fn
from synthesis import Template, new_stack, refuses

from cdk_mailroom import MailGateway, gateway
from cdk_mailroom.gateway import (
    Addon,
    Certificate,
    Deny,
    Verdict,
    cc,
    certificate,
    dkim,
    dmarc_policy,
    from_,
    header,
    helo,
    mail_from,
    read_receipt_requested,
    recipient,
    sender,
    size,
    source_ip,
    spf,
    subject,
    tls,
    tls_version,
    tls_wrapped,
    to,
)

LIST_ARN = "arn:aws:ses:eu-west-1:111122223333:mailmanager-address-list/al-1"
ADDON_ARN = "arn:aws:ses:eu-west-1:111122223333:addon-instance/ai-1"


class Blocked:
    """An address list, as far as conditions need one."""

    address_list_arn = LIST_ARN


BLOCKED = Blocked()
SPAMHAUS = Addon(ADDON_ARN, "SPAMHAUS_DBL")
VADE = Addon(ADDON_ARN, "VADE_ADVANCED_EMAIL_SECURITY")
OPERATORS = {
    "is_": "EQUALS",
    "is_not": "NOT_EQUALS",
    "starts_with": "STARTS_WITH",
    "ends_with": "ENDS_WITH",
    "contains": "CONTAINS",
}


class Case(NamedTuple):
    """A condition, and what it is in a rule."""

    condition: gateway.RuleCondition
    expression: str
    expected: dict


def strings(attribute, **evaluate):
    """Return one case for each operator of text."""
    return [
        Case(
            getattr(attribute, method)("a@b.example", "c@d.example"),
            "StringExpression",
            {
                "Evaluate": evaluate,
                "Operator": operator,
                "Values": ["a@b.example", "c@d.example"],
            },
        )
        for method, operator in OPERATORS.items()
    ]


def booleans(attribute, **evaluate):
    """Return one case for each operator of what is so or not."""
    return [
        Case(
            getattr(attribute, method),
            "BooleanExpression",
            {"Evaluate": evaluate, "Operator": method.upper()},
        )
        for method in ("is_true", "is_false")
    ]


def lists(attribute, name):
    """Return one case for each operator of address lists."""
    evaluate = {"IsInAddressList": {"Attribute": name, "AddressLists": [LIST_ARN]}}
    return [
        Case(
            getattr(attribute, method)(BLOCKED),
            "BooleanExpression",
            {"Evaluate": evaluate, "Operator": operator},
        )
        for method, operator in (("in_list", "IS_TRUE"), ("not_in_list", "IS_FALSE"))
    ]


def several(attribute, expression, values, evaluate):
    """Return one case for each operator of words."""
    return [
        Case(
            getattr(attribute, method)(*values),
            expression,
            {**evaluate, "Operator": OPERATORS[method], "Values": [str(one) for one in values]},
        )
        for method in ("is_", "is_not")
    ]


def numbers():
    """Return one case for each operator of numbers."""
    found = {
        "GREATER_THAN": size > 1,
        "GREATER_THAN_OR_EQUAL": size >= 1,
        "LESS_THAN": size < 1,
        "LESS_THAN_OR_EQUAL": size <= 1,
        "EQUALS": size.is_(1),
        "NOT_EQUALS": size.is_not(1),
    }
    return [
        Case(
            condition,
            "NumberExpression",
            {"Evaluate": {"Attribute": "MESSAGE_SIZE"}, "Operator": operator, "Value": 1},
        )
        for operator, condition in found.items()
    ]


def ranges():
    """Return one case for each operator of addresses on the internet."""
    return [
        Case(
            getattr(source_ip, method)("192.0.2.0/24", "203.0.113.9", "2001:DB8::/32"),
            "IpExpression",
            {
                "Evaluate": {"Attribute": "SOURCE_IP"},
                "Operator": operator,
                "Values": ["192.0.2.0/24", "203.0.113.9/32", "2001:db8::/32"],
            },
        )
        for method, operator in (("in_range", "CIDR_MATCHES"), ("not_in_range", "NOT_CIDR_MATCHES"))
    ]


ADDRESSES = {
    "RECIPIENT": recipient,
    "MAIL_FROM": mail_from,
    "SENDER": sender,
    "FROM": from_,
    "TO": to,
    "CC": cc,
}
ANALYSIS = {"Analyzer": ADDON_ARN, "ResultField": "isPassed"}
CASES = [
    *(case for name, one in ADDRESSES.items() for case in strings(one, Attribute=name)),
    *(case for name, one in ADDRESSES.items() for case in lists(one, name)),
    *strings(helo, Attribute="HELO"),
    *strings(subject, Attribute="SUBJECT"),
    *strings(header("X-Spam"), MimeHeaderAttribute="X-Spam"),
    *(
        case
        for part in Certificate
        for case in strings(certificate(part), ClientCertificateAttribute=str(part))[:1]
    ),
    *strings(VADE.string("isPassed"), Analysis=ANALYSIS),
    *booleans(VADE.boolean("isPassed"), Analysis=ANALYSIS),
    *booleans(tls, Attribute="TLS"),
    *booleans(tls_wrapped, Attribute="TLS_WRAPPED"),
    *booleans(read_receipt_requested, Attribute="READ_RECEIPT_REQUESTED"),
    *numbers(),
    *ranges(),
    *several(spf, "VerdictExpression", list(Verdict), {"Evaluate": {"Attribute": "SPF"}}),
    *several(dkim, "VerdictExpression", ["PASS"], {"Evaluate": {"Attribute": "DKIM"}}),
    *several(
        VADE.verdict("isPassed"),
        "VerdictExpression",
        ["FAIL"],
        {"Evaluate": {"Analysis": ANALYSIS}},
    ),
    *several(dmarc_policy, "DmarcExpression", ["NONE", "QUARANTINE", "REJECT"], {}),
]


@pytest.fixture(scope="module")
def written() -> list[dict]:
    """Every case, in rules of ten each."""
    stack = new_stack()
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    for start in range(0, len(CASES), 10):
        gate.add_rule(
            f"Rule{start}",
            when=[case.condition for case in CASES[start : start + 10]],
            after=[gateway.actions.Drop()],
            store=False,
        )
    rules = Template(stack).at("Gateway/RuleSet")["Rules"]
    return [one for rule in rules for one in rule["Conditions"]]


@pytest.fixture(scope="module")
def gate() -> MailGateway:
    """A gateway that refuses what it is given, of which nothing is left."""
    return MailGateway(new_stack(), "Gateway", recipients=["@example.com"])


def test_every_condition_is_written_as_mail_manager_has_it(written):
    """Exactly one key each, and values as they were given."""
    assert written == [{case.expression: case.expected} for case in CASES]


def test_every_condition_of_the_specification_can_be_made():
    """Nothing that a rule can decide by is left out."""
    made = {(case.expression, json.dumps(case.expected.get("Evaluate"))) for case in CASES}
    attributes = {
        evaluate["Attribute"]
        for _, text in made
        if (evaluate := json.loads(text)) and "Attribute" in evaluate
    }
    assert attributes == {
        *("MAIL_FROM", "HELO", "RECIPIENT", "SENDER", "FROM", "SUBJECT", "TO", "CC"),
        *("MESSAGE_SIZE", "SOURCE_IP", "SPF", "DKIM"),
        *("READ_RECEIPT_REQUESTED", "TLS", "TLS_WRAPPED"),
    }


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: recipient.is_(), ("0", "1 to 10")),
        (lambda: recipient.is_(*["a@b.example"] * 11), ("11", "1 to 10")),
        (lambda: recipient.is_(["a@b.example"]), ("not as a list",)),
        (lambda: recipient.is_("example.com"), ("ends_with('@example.com')",)),
        (lambda: recipient.contains(""), ("1 to 4096",)),
        (lambda: subject.contains("a" * 4097), ("1 to 4096",)),
        (lambda: subject.contains(5), ("is 5", "strings")),
        (lambda: header("Subject").is_("a"), ("'Subject'", "X-Spam")),
        (lambda: header("x-spam").is_("a"), ("'x-spam'", "capital X")),
        (lambda: certificate("O").is_("a"), ("'O'", "SAN_DNS_NAME")),
        (lambda: dkim.is_("FAILED"), ("'FAILED'", "PROCESSING_FAILED")),
        (lambda: dkim.is_(), ("0", "1 to 10")),
        (lambda: dmarc_policy.is_("PASS"), ("'PASS'", "QUARANTINE")),
        (lambda: size > "1 MB", ("'1 MB'", "whole number")),
        (lambda: size > -1, ("-1", "whole number")),
        (lambda: size > 1.5, ("1.5", "whole number")),
        (lambda: size > True, ("True", "whole number")),
        (lambda: source_ip.in_range("192.0.2.1/24"), ("'192.0.2.1/24'", "range")),
        (lambda: source_ip.in_range("example.com"), ("'example.com'", "range")),
        (lambda: source_ip.in_range(), ("0", "1 to 10")),
        (lambda: recipient.in_list("al-1"), ("'al-1'", "AddressList")),
        (lambda: SPAMHAUS.boolean("is-listed").is_true, ("'is-listed'", "letters")),
        (lambda: tls_version.at_least("TLS1_2"), ("at_least", "TrafficPolicy", "tls.is_true")),
        (lambda: True, ("True", "pass a condition")),
    ],
)
@pytest.mark.parametrize("argument", ["when", "unless"])
def test_a_condition_that_mail_manager_refuses_is_refused(gate, make, words, argument):
    """With the argument, the condition as it is written, and what to write."""
    with refuses(f"{argument}[0]", *words):
        gate.add_rule("Rule", **{argument: [make()]}, after=[gateway.actions.Drop()])


def test_a_condition_alone_is_refused(gate):
    """A list of one looks like one of several."""
    with refuses("when is", "a list of conditions"):
        gate.add_rule("Rule", when=tls.is_true, after=[gateway.actions.Drop()])


def test_eleven_conditions_are_refused(gate):
    """Ten for when, and ten for unless."""
    with refuses("len(unless) is 11", "10"):
        gate.add_rule("Rule", unless=[size > 1] * 11, after=[gateway.actions.Drop()])


@pytest.mark.parametrize(
    "combine",
    [
        lambda: 1_000 < size < 2_000,
        lambda: tls.is_true and spf.is_("PASS"),
        lambda: tls.is_true or spf.is_("PASS"),
        lambda: not tls.is_true,
    ],
)
def test_conditions_are_not_combined_by_python(combine):
    """It would silently leave one of them out."""
    with pytest.raises(TypeError, match=r"list several conditions"):
        combine()


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (subject.contains("a"), ("subject.contains('a')", "when= or unless=")),
        (size > 1, ("size > 1", "when= or unless=")),
        (spf.is_("FAIL"), ("spf.is_('FAIL')", "recipient, source_ip")),
        (mail_from.in_list(BLOCKED), ("mail_from.in_list(…)", "recipient, source_ip")),
        (VADE.boolean("isPassed").is_false, ("isPassed", "VADE", "in a rule")),
        (source_ip.in_range("192.0.2.0/24", "2001:db8::/32"), ("IPv4", "two statements")),
        (tls_version.at_least("TLS1_3"), ("minimum_tls", "Allow")),
        (tls_version.is_("TLS1_1"), ("TLS1_1", "TLS1_2")),
    ],
)
def test_a_condition_that_a_traffic_policy_cannot_have_is_refused(stack, condition, words):
    """It decides before the message is there."""
    with refuses("traffic.statements[0]", *words):
        MailGateway(
            stack,
            "Gateway",
            recipients=["@example.com"],
            traffic=gateway.TrafficPolicy(statements=[Deny([condition])]),
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda: size < float("inf"),
        lambda: size.is_(float("nan")),
        lambda: dkim.is_(Fn.split(",", Fn.import_value("Verdicts"))),
    ],
    ids=["infinite", "not a number", "list that only CloudFormation knows"],
)
def test_values_that_jsii_does_not_take_are_refused_by_name(make):
    gate = MailGateway(new_stack(), "Gateway", recipients=["@example.com"])
    with refuses("when[0]", "pass a whole number" if "size" in make().text else "each by itself"):
        gate.add_rule("Rule", when=[make()])
