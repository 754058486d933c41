"""A second evaluation of conditions and policies, written from the documentation alone.

It is slow and knows no reasons: it only says yes or no, from a mail described in plain values.
"""

import fnmatch
import ipaddress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Mail:
    """What a test knows about a mail."""

    recipient: str
    sender: str = "jane@example.net"
    helo: str = "mx.example.net"
    ip: str = "203.0.113.9"
    tls: str | None = None
    size: int = 0
    spf: str = "PASS"
    dkim: str = "PASS"
    dmarc_fails: bool = False
    dmarc_policy: str = "none"
    subject: list[str] = field(default_factory=list)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    fields: dict[str, list[str]] = field(default_factory=dict)
    certificate: dict[str, list[str]] = field(default_factory=dict)
    addons: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)


def texts(evaluate: dict[str, Any], mail: Mail) -> list[str]:
    if "MimeHeaderAttribute" in evaluate:
        return mail.fields.get(evaluate["MimeHeaderAttribute"], [])
    if "ClientCertificateAttribute" in evaluate:
        return mail.certificate.get(evaluate["ClientCertificateAttribute"], [])
    if "Analysis" in evaluate:
        key = f"{evaluate['Analysis']['Analyzer']}.{evaluate['Analysis']['ResultField']}"
        return [mail.addons[key]] if key in mail.addons else []
    return attribute(evaluate["Attribute"], mail)


def attribute(name: str, mail: Mail) -> list[str]:
    if name == "RECIPIENT":
        return [mail.recipient]
    if name == "MAIL_FROM":
        return [mail.sender]
    if name == "HELO":
        return [mail.helo]
    if name == "SUBJECT":
        return mail.subject
    return mail.addresses.get(name, [])


def string(expression: dict[str, Any], mail: Mail) -> bool:
    hits = 0
    for have in texts(expression["Evaluate"], mail):
        for want in expression["Values"]:
            a, b = have.lower(), want.lower()
            if expression["Operator"] in ("EQUALS", "NOT_EQUALS"):
                hits += a == b
            elif expression["Operator"] == "STARTS_WITH":
                hits += a[: len(b)] == b
            elif expression["Operator"] == "ENDS_WITH":
                hits += a[len(a) - len(b) :] == b if len(a) >= len(b) else False
            else:
                hits += a.find(b) >= 0
    return hits == 0 if expression["Operator"] == "NOT_EQUALS" else hits > 0


def address(expression: dict[str, Any], mail: Mail) -> bool:
    packed = ipaddress.ip_address(mail.ip)
    inside = False
    for cidr in expression["Values"]:
        network = ipaddress.ip_network(cidr)
        if network.version == packed.version:
            inside = inside or int(network[0]) <= int(packed) <= int(network[-1])
    return inside if expression["Operator"] == "CIDR_MATCHES" else not inside


def number(expression: dict[str, Any], mail: Mail) -> bool:
    difference = mail.size - expression["Value"]
    return {
        "EQUALS": difference == 0,
        "NOT_EQUALS": difference != 0,
        "LESS_THAN": difference < 0,
        "GREATER_THAN": difference > 0,
        "LESS_THAN_OR_EQUAL": difference <= 0,
        "GREATER_THAN_OR_EQUAL": difference >= 0,
    }[expression["Operator"]]


def protocol(expression: dict[str, Any], mail: Mail) -> bool:
    if mail.tls is None:
        return False
    have = {"TLSv1.2": 12, "TLSv1.3": 13}[mail.tls]
    want = {"TLS1_2": 12, "TLS1_3": 13}[expression["Value"]]
    return have == want if expression["Operator"] == "IS" else have >= want


def among(have: str, expression: dict[str, Any]) -> bool:
    return (have in expression["Values"]) == (expression["Operator"] == "EQUALS")


def boolean(expression: dict[str, Any], mail: Mail, *, at_recipient: bool) -> bool:
    evaluate = expression["Evaluate"]
    if "Analysis" in evaluate:
        if at_recipient and ipaddress.ip_address(mail.ip).version == 6:
            return False
        found = texts(evaluate, mail)
        passed = evaluate["Analysis"]["ResultField"] == "isPassed"
        true = found[0].lower() == "true" if found else passed
    elif "IsInAddressList" in evaluate:
        members = mail.lists[evaluate["IsInAddressList"]["AddressLists"][0]]
        have = attribute(evaluate["IsInAddressList"]["Attribute"], mail)
        # None of the addresses that the tests draw has two at signs or a bracket.
        true = any(fnmatch.fnmatchcase(a.lower(), m.lower()) for a in have for m in members)
    elif evaluate["Attribute"] == "TLS":
        true = mail.tls is not None
    elif evaluate["Attribute"] == "READ_RECEIPT_REQUESTED":
        true = "Disposition-Notification-To" in mail.fields
    else:
        true = False
    return true if expression["Operator"] == "IS_TRUE" else not true


def holds(condition: dict[str, Any], mail: Mail, *, at_recipient: bool = False) -> bool:
    [(kind, expression)] = condition.items()
    if kind == "BooleanExpression":
        return boolean(expression, mail, at_recipient=at_recipient)
    if kind == "VerdictExpression":
        evaluate = expression["Evaluate"]
        if "Analysis" in evaluate:
            found = texts(evaluate, mail)
            return among(found[0].upper() if found else "PASS", expression)
        return among(mail.spf if evaluate["Attribute"] == "SPF" else mail.dkim, expression)
    if kind == "DmarcExpression":
        return among(mail.dmarc_policy.upper() if mail.dmarc_fails else "NONE", expression)
    return {
        "StringExpression": string,
        "NumberExpression": number,
        "IpExpression": address,
        "Ipv6Expression": address,
        "TlsExpression": protocol,
    }[kind](expression, mail)


def admits(policy: dict[str, Any], mail: Mail) -> bool:
    for action in ("DENY", "ALLOW"):
        for statement in policy["PolicyStatements"]:
            all_hold = all(holds(each, mail, at_recipient=True) for each in statement["Conditions"])
            if statement["Action"] == action and all_hold:
                return action == "ALLOW"
    return policy["DefaultAction"] == "ALLOW"


def applies(rule: dict[str, Any], mail: Mail) -> bool:
    wanted = [holds(each, mail) for each in rule["Conditions"]]
    unwanted = [holds(each, mail) for each in rule["Unless"]]
    return False not in wanted and True not in unwanted
