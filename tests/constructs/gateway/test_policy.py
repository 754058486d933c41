"""The traffic policy: who may send to whom."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter
from synthesis import Template, new_stack, refuses

from cdk_mailroom import MailGateway, gateway
from cdk_mailroom.gateway import (
    ANY_RECIPIENT,
    Addon,
    Allow,
    Deny,
    recipient,
    source_ip,
    tls_version,
)

ADDON_ARN = "arn:aws:ses:eu-west-1:111122223333:addon-instance/ai-1"
LIST_ARN = "arn:aws:ses:eu-west-1:111122223333:mailmanager-address-list/al-1"
SPAMHAUS = Addon(ADDON_ARN, "SPAMHAUS_DBL")


class Blocked:
    """An address list, as far as conditions need one."""

    address_list_arn = LIST_ARN


def add(stack, construct_id, **options):
    """Add a gateway that is right but for *options*."""
    gate = MailGateway(stack, construct_id, **{"recipients": ["@example.com"], **options})
    gate.add_rule("Rule", after=[gateway.actions.Drop()], store=False)


def strings(operator, *values):
    """Return a condition on the recipient."""
    return {
        "StringExpression": {
            "Evaluate": {"Attribute": "RECIPIENT"},
            "Operator": operator,
            "Values": list(values),
        }
    }


def ranges(kind, attribute, *values, operator="CIDR_MATCHES"):
    """Return a condition on the client's address."""
    return {
        kind: {"Evaluate": {"Attribute": attribute}, "Operator": operator, "Values": list(values)}
    }


def least(version):
    """Return a condition on the version of TLS."""
    return {
        "TlsExpression": {
            "Evaluate": {"Attribute": "TLS_PROTOCOL"},
            "Operator": "MINIMUM_TLS_VERSION",
            "Value": version,
        }
    }


OURS = strings("ENDS_WITH", "@example.com")


@pytest.fixture(scope="module")
def policies() -> Template:
    """One gateway for each policy."""
    stack = new_stack()
    add(
        stack,
        "Ranges",
        traffic=gateway.TrafficPolicy(
            deny_from=["192.0.2.0/24", "2001:DB8:0::/32", "203.0.113.9", "::1"],
            max_message_bytes=1_000_000,
        ),
    )
    add(stack, "Tls", traffic=gateway.TrafficPolicy(minimum_tls="TLS1_3"))
    add(stack, "Anyone", recipients=ANY_RECIPIENT)
    add(
        stack,
        "AnyoneTls",
        recipients=ANY_RECIPIENT,
        traffic=gateway.TrafficPolicy(minimum_tls="TLS1_2"),
    )
    add(
        stack,
        "Many",
        recipients=[
            *(f"@{number}.example" for number in range(11)),
            ".example.com",
            "one@example.net",
        ],
    )
    add(
        stack,
        "Statements",
        traffic=gateway.TrafficPolicy(
            minimum_tls="TLS1_2",
            statements=[
                Deny([recipient.in_list(Blocked()), source_ip.not_in_range("2001:db8::/32")]),
                Deny([SPAMHAUS.boolean("isListed").is_true]),
                Deny([SPAMHAUS.string("listedOn").is_("DBL")]),
                Deny([tls_version.is_("TLS1_2")]),
                Allow([recipient.is_("a@example.net"), source_ip.in_range("192.0.2.1")]),
            ],
        ),
    )
    add(
        stack,
        "Unknown",
        recipients=[CfnParameter(stack, "Recipient").value_as_string],
        traffic=gateway.TrafficPolicy(
            statements=[Deny([source_ip.in_range(CfnParameter(stack, "Range").value_as_string)])]
        ),
    )
    return Template(stack)


def statements(policies, name):
    """Return action and conditions of each statement."""
    return [
        (one["Action"], one["Conditions"])
        for one in policies.at(f"{name}/TrafficPolicy")["PolicyStatements"]
    ]


def test_ranges_are_denied_by_their_version(policies):
    """A single address is a range of one, as Mail Manager takes ranges only."""
    assert statements(policies, "Ranges") == [
        ("DENY", [ranges("IpExpression", "SENDER_IP", "192.0.2.0/24", "203.0.113.9/32")]),
        ("DENY", [ranges("Ipv6Expression", "SENDER_IPV6", "2001:db8::/32", "::1/128")]),
        ("ALLOW", [OURS]),
    ]
    assert policies.at("Ranges/TrafficPolicy")["MaxMessageSizeBytes"] == 1_000_000


def test_a_minimum_of_tls_is_part_of_what_is_allowed(policies):
    """A DENY would match later versions too."""
    assert statements(policies, "Tls") == [("ALLOW", [OURS, least("TLS1_3")])]


def test_every_recipient_is_accepted_only_if_that_is_said(policies):
    """With a minimum of TLS, what is below it is still refused."""
    assert policies.at("Anyone/TrafficPolicy")["DefaultAction"] == "ALLOW"
    assert statements(policies, "Anyone") == []
    assert policies.at("AnyoneTls/TrafficPolicy")["DefaultAction"] == "DENY"
    assert statements(policies, "AnyoneTls") == [("ALLOW", [least("TLS1_2")])]


def test_recipients_are_in_statements_of_ten(policies):
    """Statements are alternatives, and so are the values of one condition."""
    first = [f"@{number}.example" for number in range(10)]
    assert statements(policies, "Many") == [
        ("ALLOW", [strings("ENDS_WITH", *first)]),
        ("ALLOW", [strings("ENDS_WITH", "@10.example", ".example.com")]),
        ("ALLOW", [strings("EQUALS", "one@example.net")]),
    ]


def test_statements_have_the_conditions_that_a_policy_can_have(policies):
    """The minimum of TLS is part of each that allows, also of a user's own."""
    addon = {"Analyzer": ADDON_ARN}
    assert statements(policies, "Statements") == [
        (
            "DENY",
            [
                {
                    "BooleanExpression": {
                        "Evaluate": {
                            "IsInAddressList": {
                                "Attribute": "RECIPIENT",
                                "AddressLists": [LIST_ARN],
                            }
                        },
                        "Operator": "IS_TRUE",
                    }
                },
                ranges(
                    "Ipv6Expression", "SENDER_IPV6", "2001:db8::/32", operator="NOT_CIDR_MATCHES"
                ),
            ],
        ),
        (
            "DENY",
            [
                {
                    "BooleanExpression": {
                        "Evaluate": {"Analysis": {**addon, "ResultField": "isListed"}},
                        "Operator": "IS_TRUE",
                    }
                }
            ],
        ),
        (
            "DENY",
            [
                {
                    "StringExpression": {
                        "Evaluate": {"Analysis": {**addon, "ResultField": "listedOn"}},
                        "Operator": "EQUALS",
                        "Values": ["DBL"],
                    }
                }
            ],
        ),
        (
            "DENY",
            [
                {
                    "TlsExpression": {
                        "Evaluate": {"Attribute": "TLS_PROTOCOL"},
                        "Operator": "IS",
                        "Value": "TLS1_2",
                    }
                }
            ],
        ),
        (
            "ALLOW",
            [
                strings("EQUALS", "a@example.net"),
                ranges("IpExpression", "SENDER_IP", "192.0.2.1/32"),
                least("TLS1_2"),
            ],
        ),
        ("ALLOW", [OURS, least("TLS1_2")]),
    ]


def test_what_only_cloudformation_knows_passes(policies):
    """A recipient is the end of an address, and a range one of IPv4."""
    assert statements(policies, "Unknown") == [
        ("DENY", [ranges("IpExpression", "SENDER_IP", "<Range>")]),
        ("ALLOW", [strings("ENDS_WITH", "<Recipient>")]),
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recipients": []}, ("recipients is []", "ANY_RECIPIENT")),
        ({"recipients": "@example.com"}, ("recipients", "pass a list")),
        (
            {
                "recipients": ANY_RECIPIENT,
                "traffic": {"statements": [Allow([recipient.contains("a")])]},
            },
            ("traffic.statements[0] is 'Allow'", "everything is allowed"),
        ),
        ({"recipients": ["example.com"]}, ("recipients[0]", "'@example.com'", "notexample.com")),
        ({"recipients": ["a b@example.com"]}, ("recipients[0]", "bare address")),
        ({"recipients": ["@"]}, ("recipients[0]", "bare address")),
        ({"recipients": [5]}, ("recipients[0] is 5",)),
        ({"recipients": ["@a.example", "@a.example"]}, ("recipients[1]", "duplicate")),
        (
            {"recipients": [f"@{number}.example" for number in range(201)]},
            ("len(traffic.statements) is 21", "20"),
        ),
        ({"traffic": {"deny_from": "192.0.2.0/24"}}, ("traffic.deny_from", "pass a list")),
        ({"traffic": {"deny_from": ["192.0.2.1/24"]}}, ("traffic.deny_from[0]", "range")),
        ({"traffic": {"minimum_tls": "1.2"}}, ("traffic.minimum_tls is '1.2'", "TLS1_2")),
        ({"traffic": {"max_message_bytes": 0}}, ("traffic.max_message_bytes is 0",)),
        ({"traffic": {"max_message_bytes": 50_000_000}}, ("50000000", "41943040")),
        ({"traffic": {"statements": Deny([])}}, ("traffic.statements", "pass a list")),
        (
            {"traffic": {"statements": [Deny([])]}},
            ("traffic.statements[0].when is []", "at least one"),
        ),
        ({"traffic": {"statements": [recipient]}}, ("traffic.statements[0]", "Allow([…])")),
        (
            {"traffic": {"statements": [Deny([recipient.contains("a")] * 11)]}},
            ("len(traffic.statements[0].when) is 11", "10"),
        ),
        (
            {
                "traffic": {
                    "minimum_tls": "TLS1_2",
                    "statements": [Allow([recipient.contains("a")] * 10)],
                }
            },
            ("len(traffic.statements[0].when) is 10", "9"),
        ),
    ],
)
def test_a_policy_that_mail_manager_refuses_is_refused(stack, options, words):
    """And one that would accept other mail than meant."""
    if "traffic" in options:
        options = {**options, "traffic": gateway.TrafficPolicy(**options["traffic"])}
    with refuses(*words):
        add(stack, "Gateway", **options)


def test_a_range_that_only_cloudformation_knows_is_refused(stack):
    """Its version decides on the condition."""
    unknown = CfnParameter(stack, "Range").value_as_string
    with refuses("traffic.deny_from[0]", "Deny([source_ip.in_range(…)])"):
        add(stack, "Gateway", traffic=gateway.TrafficPolicy(deny_from=[unknown]))
