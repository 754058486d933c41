"""Which rules take a message: pure functions, no server."""

from typing import Any

import pytest

from mailroom_local.receiving import decisions, message


def rule(name: str, *recipients: str, **fields: Any) -> dict[str, Any]:
    """A rule as the API describes it."""
    return {"Name": name, "Enabled": True, "Recipients": list(recipients), **fields}


@pytest.mark.parametrize(
    ("condition", "address", "taken"),
    [
        ("support@example.com", "support@example.com", True),
        ("support@example.com", "Support@EXAMPLE.com", True),
        ("support@example.com", "support+printer@example.com", True),
        ("support+printer@example.com", "support+printer@example.com", True),
        ("support+printer@example.com", "support@example.com", False),
        ("support@example.com", "sales@example.com", False),
        ("support@example.com", "support@mail.example.com", False),
        ("example.com", "anyone@example.com", True),
        ("example.com", "anyone@EXAMPLE.COM", True),
        ("example.com", "anyone@mail.example.com", False),
        ("example.com", "anyone@badexample.com", False),
        (".example.com", "anyone@mail.example.com", True),
        (".example.com", "anyone@a.b.example.com", True),
        (".example.com", "anyone@example.com", False),
        (".example.com", "anyone@badexample.com", False),
    ],
)
def test_a_condition_takes_an_address_a_domain_or_its_subdomains(
    condition: str, address: str, taken: bool
) -> None:
    """Full address with its labels; a domain without subdomains; a leading dot for these only."""
    assert decisions.matches(condition, address) is taken


def test_every_enabled_rule_that_matches_runs_in_order() -> None:
    """One message can be taken by many rules; a disabled rule takes none."""
    rules = [
        rule("second-in-mind", "example.com"),
        rule("off", "example.com", Enabled=False),
        rule("other", "sales@example.com"),
        rule("exact", "support@example.com"),
    ]
    found = decisions.match_rules(rules, ["support@example.com"], identities=["example.com"])
    assert [match.name for match in found] == ["second-in-mind", "exact"]


def test_a_rule_sees_only_the_recipients_that_it_matched() -> None:
    """Other recipients of the same message are hidden from it."""
    recipients = ["support@example.com", "sales@example.com"]
    rules = [rule("sales", "sales@example.com")]
    found = decisions.match_rules(rules, recipients, identities=["example.com"])
    assert [match.recipients for match in found] == [("sales@example.com",)]


@pytest.mark.parametrize(
    ("recipient", "taken"),
    [
        ("anyone@example.com", True),
        ("anyone@mail.example.com", True),
        ("jane@example.org", False),
        ("anyone@badexample.com", False),
    ],
)
@pytest.mark.parametrize("conditions", [(), ("example.com", ".example.com", "example.org")])
def test_rules_take_only_addresses_of_verified_domains(
    recipient: str, taken: bool, conditions: tuple[str, ...]
) -> None:
    """A verified domain counts with its subdomains; a verified address is for sending."""
    identities = ["Example.com", "jane@example.org"]
    rules = [rule("any", *conditions)]
    assert bool(decisions.match_rules(rules, [recipient], identities=identities)) is taken
    refused = decisions.refuse_recipient(rules, recipient, tls=True, identities=identities)
    assert (refused is None) is taken


def test_a_refusal_says_first_that_no_rule_takes_the_recipient() -> None:
    """To verify its domain would not help."""

    def reason(recipient: str) -> str:
        rules = [rule("support", "support@example.com")]
        refused = decisions.refuse_recipient(rules, recipient, tls=True, identities=[])
        assert refused is not None
        return refused.reason

    assert reason("sales@example.com").startswith("no enabled rule ")
    assert reason("support@example.com").endswith("verify it with --identity example.com")


@pytest.mark.parametrize(
    ("client", "admitted"),
    [
        ("203.0.113.9", False),
        ("203.0.113.10", True),
        ("198.51.100.1", True),
        ("2001:db8::1", False),
    ],
)
def test_an_allow_filter_overrides_a_block_filter(client: str, admitted: bool) -> None:
    """Who is in no filter is let in; who is in both is let in too."""
    filters = [
        {"IpFilter": {"Policy": "Block", "Cidr": "203.0.113.0/24"}},
        {"IpFilter": {"Policy": "Allow", "Cidr": "203.0.113.10"}},
        {"IpFilter": {"Policy": "Block", "Cidr": "2001:db8::/32"}},
    ]
    assert decisions.client_admitted(filters, client) is admitted


def test_a_rule_that_requires_tls_refuses_a_recipient_in_plaintext() -> None:
    """Over TLS the same recipient is welcome, and so is one that no such rule takes."""
    rules = [rule("strict", "strict@example.com", TlsPolicy="Require"), rule("lax", "example.com")]

    def answer(recipient: str, *, tls: bool) -> str | None:
        identities = ["example.com"]
        refused = decisions.refuse_recipient(rules, recipient, tls=tls, identities=identities)
        return refused and refused.reply[:9]

    assert answer("strict@example.com", tls=False) == "530 5.7.0"
    assert answer("strict@example.com", tls=True) is None
    assert answer("other@example.com", tls=False) is None


def test_without_an_active_rule_set_nothing_is_received() -> None:
    """SES answers as for an unknown mailbox; the reason is for the journal."""
    refused = decisions.refuse_recipient(None, "a@example.com", tls=True, identities=[])
    assert refused is not None
    assert refused.reply.startswith("550 5.1.1")
    assert refused.reason == "no receipt rule set is active"


def test_a_message_id_looks_like_one_from_ses() -> None:
    """Lower-case letters and digits, and never the same twice."""
    ids = {message.new_message_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(i) == 40 and i.isalnum() and i == i.lower() for i in ids)
