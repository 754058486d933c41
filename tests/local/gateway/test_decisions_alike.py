"""Traffic policies and rules decide as a plain second evaluation does, whatever they ask."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.gateway import plain_evaluation as plain
from local.gateway.messages import message
from mailroom_local.gateway import policy, rules
from mailroom_local.gateway.facts import Facts
from mailroom_local.gateway.message import Client, Message

LIST = "arn:aws:ses:us-east-1:000000000000:mailmanager-address-list/al-1"
ADDON = "arn:aws:ses:us-east-1:000000000000:addon-instance/ai-1"

# Few and alike, so that they often match each other.
ADDRESSES = st.sampled_from(
    ["a@example.com", "A@Example.com", "aa@example.com", "b@mail.example.com", "a@example.org"]
)
TEXTS = st.sampled_from(["a", "A@", "@example.com", "example", ".com", "b@mail.example.com", "x"])
IPS = st.sampled_from(["192.0.2.1", "192.0.2.200", "203.0.113.9", "2001:db8::1", "2001:db9::1"])
CIDRS = ["192.0.2.0/25", "192.0.2.0/24", "203.0.113.9/32", "0.0.0.0/0"]
CIDRS6 = ["2001:db8::/32", "2001:db9::1/128", "::/0"]
MEMBERS = ["a@example.com", "a*@example.com", "b@*.example.com", "A@EXAMPLE.ORG", "x@example.com"]
VERDICTS = ["PASS", "FAIL", "GRAY", "PROCESSING_FAILED"]


def some(values: list[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


def expression(kind: str, **members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    made = st.fixed_dictionaries(members)
    return made.map(lambda found: {kind: found})


def operators(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


ANALYSES = st.sampled_from(["isPassed", "isListed", "category"]).map(
    lambda name: {"Analysis": {"Analyzer": ADDON, "ResultField": name}}
)
STRING_OPERATORS = operators("EQUALS", "NOT_EQUALS", "STARTS_WITH", "ENDS_WITH", "CONTAINS")
POLICY_CONDITIONS = st.one_of(
    expression(
        "StringExpression",
        Evaluate=st.just({"Attribute": "RECIPIENT"}) | ANALYSES,
        Operator=STRING_OPERATORS,
        Values=st.lists(TEXTS, min_size=1, max_size=3),
    ),
    expression(
        "IpExpression",
        Evaluate=st.just({"Attribute": "SENDER_IP"}),
        Operator=operators("CIDR_MATCHES", "NOT_CIDR_MATCHES"),
        Values=some(CIDRS),
    ),
    expression(
        "Ipv6Expression",
        Evaluate=st.just({"Attribute": "SENDER_IPV6"}),
        Operator=operators("CIDR_MATCHES", "NOT_CIDR_MATCHES"),
        Values=some(CIDRS6),
    ),
    expression(
        "TlsExpression",
        Evaluate=st.just({"Attribute": "TLS_PROTOCOL"}),
        Operator=operators("MINIMUM_TLS_VERSION", "IS"),
        Value=operators("TLS1_2", "TLS1_3"),
    ),
    expression(
        "BooleanExpression",
        Evaluate=ANALYSES
        | st.just({"IsInAddressList": {"Attribute": "RECIPIENT", "AddressLists": [LIST]}}),
        Operator=operators("IS_TRUE", "IS_FALSE"),
    ),
)
RULE_CONDITIONS = st.one_of(
    expression(
        "StringExpression",
        Evaluate=ANALYSES
        | st.sampled_from(
            [
                *(
                    {"Attribute": name}
                    for name in (
                        *("MAIL_FROM", "HELO", "RECIPIENT", "SENDER"),
                        *("FROM", "SUBJECT", "TO", "CC"),
                    )
                ),
                {"MimeHeaderAttribute": "X-Kind"},
                {"ClientCertificateAttribute": "CN"},
                {"ClientCertificateAttribute": "SAN_DNS_NAME"},
            ]
        ),
        Operator=STRING_OPERATORS,
        Values=st.lists(TEXTS, min_size=1, max_size=3),
    ),
    expression(
        "NumberExpression",
        Evaluate=st.just({"Attribute": "MESSAGE_SIZE"}),
        Operator=operators(
            *("EQUALS", "NOT_EQUALS", "LESS_THAN", "GREATER_THAN"),
            *("LESS_THAN_OR_EQUAL", "GREATER_THAN_OR_EQUAL"),
        ),
        Value=st.sampled_from([0.0, 100.0, 150.0, 1000.0]),
    ),
    expression(
        "IpExpression",
        Evaluate=st.just({"Attribute": "SOURCE_IP"}),
        Operator=operators("CIDR_MATCHES", "NOT_CIDR_MATCHES"),
        Values=some(CIDRS + CIDRS6),
    ),
    expression(
        "VerdictExpression",
        Evaluate=st.sampled_from([{"Attribute": "SPF"}, {"Attribute": "DKIM"}]) | ANALYSES,
        Operator=operators("EQUALS", "NOT_EQUALS"),
        Values=some(VERDICTS),
    ),
    expression(
        "DmarcExpression",
        Operator=operators("EQUALS", "NOT_EQUALS"),
        Values=some(["NONE", "QUARANTINE", "REJECT"]),
    ),
    expression(
        "BooleanExpression",
        Evaluate=ANALYSES
        | st.sampled_from(
            [
                *({"Attribute": name} for name in ("READ_RECEIPT_REQUESTED", "TLS", "TLS_WRAPPED")),
                *(
                    {"IsInAddressList": {"Attribute": name, "AddressLists": [LIST]}}
                    for name in ("RECIPIENT", "MAIL_FROM", "SENDER", "FROM", "TO", "CC")
                ),
            ]
        ),
        Operator=operators("IS_TRUE", "IS_FALSE"),
    ),
)


@st.composite
def mails(draw: Any) -> plain.Mail:
    listed = {
        name: draw(st.lists(ADDRESSES, max_size=2)) for name in ("SENDER", "FROM", "TO", "CC")
    }
    fields: dict[str, list[str]] = {}
    if draw(st.booleans()):
        fields["Disposition-Notification-To"] = ["a@example.com"]
    if kinds := draw(st.lists(TEXTS, max_size=2)):
        fields["X-Kind"] = kinds
    addons = {
        f"{ADDON}.{name}": draw(values)
        for name, values in {
            "isListed": st.sampled_from(["true", "False"]),
            "category": st.sampled_from(["a", "x", "FAIL"]),
        }.items()
        if draw(st.booleans())
    }
    return plain.Mail(
        recipient=draw(ADDRESSES),
        sender=draw(ADDRESSES | st.just("")),
        helo=draw(st.sampled_from(["mx.example.com", "A"])),
        ip=draw(IPS),
        tls=draw(st.sampled_from([None, "TLSv1.2", "TLSv1.3"])),
        spf=draw(st.sampled_from(VERDICTS)),
        dkim=draw(st.sampled_from(VERDICTS)),
        dmarc_fails=draw(st.booleans()),
        dmarc_policy=draw(st.sampled_from(["none", "quarantine", "reject"])),
        subject=draw(st.lists(TEXTS, max_size=1)),
        addresses=listed,
        fields=fields,
        certificate={"CN": draw(st.lists(TEXTS, max_size=1)), "SAN_DNS_NAME": ["example.com"]},
        addons=addons,
        lists={LIST: draw(some(MEMBERS))},
    )


def written(mail: plain.Mail) -> bytes:
    """The message that has all this in its header."""
    verdict = "FAIL" if mail.dmarc_fails else "PASS"
    checks = f"spf={mail.spf}; dkim={mail.dkim}; dmarc={verdict}; dmarcPolicy={mail.dmarc_policy}"
    lines = [f"X-Mailroom-Verdict: {checks}", *(f"Subject: {one}" for one in mail.subject)]
    for name, found in mail.addresses.items():
        if found:
            lines.append(f"{name.title()}: " + ", ".join(f"Name <{one}>" for one in found))
    for name, found in mail.fields.items():
        lines += [f"{name}: {value}" for value in found]
    return "\r\n".join([*lines, "", "Hi", ""]).encode()


def facts_of(mail: plain.Mail, made: Message | None = None) -> Facts:
    client = Client(
        address=mail.ip,
        name=mail.helo,
        tls_protocol=mail.tls,
        certificate={name: tuple(values) for name, values in mail.certificate.items()},
        addons={("ADDON", key.rpartition(".")[2]): v for key, v in mail.addons.items()},
    )
    return Facts(
        client=client,
        message=made,
        members=lambda arn: mail.lists[arn],
        addon_name=lambda arn: "ADDON",
    )


STATEMENTS = st.fixed_dictionaries(
    {
        "Action": st.sampled_from(["ALLOW", "DENY"]),
        "Conditions": st.lists(POLICY_CONDITIONS, min_size=1, max_size=3),
    }
)
POLICIES = st.fixed_dictionaries(
    {
        "DefaultAction": st.sampled_from(["ALLOW", "DENY"]),
        "PolicyStatements": st.lists(STATEMENTS, max_size=4),
    }
)


@settings(max_examples=60, deadline=None)
@given(mail=mails(), chosen=POLICIES)
def test_a_policy_decides_as_a_plain_evaluation_does(
    mail: plain.Mail, chosen: dict[str, Any]
) -> None:
    decision = policy.decide(chosen, facts_of(mail), mail.recipient)
    assert decision.accepted is plain.admits(chosen, mail)
    last = decision.evaluation[-1]
    assert last["policyStatementMatched"]
    assert (last["action"] == "ALLOW") is decision.accepted


@settings(max_examples=100, deadline=None)
@given(
    mail=mails(),
    rule=st.fixed_dictionaries(
        {
            "Conditions": st.lists(RULE_CONDITIONS, max_size=3),
            "Unless": st.lists(RULE_CONDITIONS, max_size=2),
        }
    ),
)
def test_a_rule_applies_as_in_a_plain_evaluation(mail: plain.Mail, rule: dict[str, Any]) -> None:
    made = message(written(mail), mail_from=mail.sender, client=facts_of(mail).client)
    mail.size = len(made.raw)
    found = rules.match(rule, 1, facts_of(mail, made), [mail.recipient])
    assert found.recipients == ((mail.recipient,) if plain.applies(rule, mail) else ())
    [reason] = found.because
    assert reason["matched"] is bool(found.recipients)
    assert reason["text"]
