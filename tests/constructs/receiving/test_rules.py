"""Rules: order, options, catch-all, filters."""

from __future__ import annotations

import pytest
from synthesis import FOLDER, Template, synthesized

from cdk_mailroom import EVERY_RECIPIENT, InboundMail, PythonHandler, actions


@pytest.fixture(scope="module")
def template() -> Template:
    """Four rules and two filters."""

    def build(stack):
        inbound = InboundMail(stack, "Inbound")
        inbound.add_rule(
            "First",
            recipients=["a@example.com", "example.org", ".example.net"],
            before=[actions.AddHeader(name="X-One", value="1")],
            handler=PythonHandler(FOLDER, "app:on_mail"),
            after=[actions.AddHeader(name="X-Two", value="2"), actions.Stop()],
        )
        inbound.add_rule(
            "Second",
            recipients=["b@example.com"],
            store=False,
            after=[actions.Stop()],
            rule_name="second-rule",
            enabled=False,
            scan=False,
            require_tls=False,
        )
        inbound.add_rule(
            "Third",
            recipients=["c@example.com"],
            store=actions.S3(bucket=inbound.bucket, prefix="elsewhere/"),
        )
        inbound.add_rule(
            "Rest", recipients=EVERY_RECIPIENT, handler=PythonHandler(FOLDER, "app:on_mail")
        )
        inbound.add_ip_filter("Blocked", cidr="203.0.113.0/24")
        inbound.add_ip_filter("Welcome", cidr="203.0.113.7", allow=True)

    return synthesized(build)


def test_rules_run_in_the_order_in_which_they_are_added(template):
    """Each rule names the one before it; without that, SES would put it first."""
    after = {
        path.split("/")[1]: rule.get("After")
        for path, rule in template.of("AWS::SES::ReceiptRule").items()
    }
    assert after == {
        "First": None,
        "Second": "<Inbound/First/Rule>",
        "Third": "<Inbound/Second/Rule>",
        "Rest": "<Inbound/Third/Rule>",
    }


def test_actions_run_in_the_order_before_store_handler_after(template):
    """Mail is stored before the handler runs, so the handler can read it."""
    kinds = [next(iter(action)) for action in template.actions("First")]
    assert kinds == ["AddHeaderAction", "S3Action", "LambdaAction", "AddHeaderAction", "StopAction"]
    headers = [
        one["AddHeaderAction"]["HeaderName"]
        for one in template.actions("First")
        if "AddHeaderAction" in one
    ]
    assert headers == ["X-One", "X-Two"]


def test_recipients_are_handed_on_as_given(template):
    """Address, domain, and subdomains."""
    assert template.rule("First")["Recipients"] == ["a@example.com", "example.org", ".example.net"]


def test_a_rule_scans_and_requires_tls_by_default(template):
    """SES's own defaults are off and optional."""
    rule = template.rule("First")
    assert (rule["Enabled"], rule["ScanEnabled"], rule["TlsPolicy"]) == (True, True, "Require")
    assert "Name" not in rule


def test_a_rule_can_be_disabled_unscanned_without_tls_and_named(template):
    """enabled=, scan=, require_tls=, rule_name=."""
    rule = template.rule("Second")
    assert (rule["Enabled"], rule["ScanEnabled"], rule["TlsPolicy"]) == (False, False, "Optional")
    assert rule["Name"] == "second-rule"


def test_mail_is_stored_below_the_rules_id(template):
    """One prefix a rule, so that a reader can be given one rule's mail."""
    s3 = next(one["S3Action"] for one in template.actions("First") if "S3Action" in one)
    assert s3 == {"BucketName": "<Inbound/Bucket>", "ObjectKeyPrefix": "First/"}


def test_storing_can_be_switched_off(template):
    """store=False keeps no copy."""
    assert template.actions("Second") == [{"StopAction": {"Scope": "RuleSet"}}]


def test_mail_can_be_stored_elsewhere(template):
    """store=actions.S3(…) says where."""
    [action] = template.actions("Third")
    assert action["S3Action"]["ObjectKeyPrefix"] == "elsewhere/"


def test_a_catch_all_rule_names_no_recipient(template):
    """For SES, no recipients means all of them."""
    assert "Recipients" not in template.rule("Rest")


def test_filters_block_unless_told_to_allow(template):
    """cidr= and allow=."""
    filters = {
        path.split("/")[1]: one["Filter"]["IpFilter"]
        for path, one in template.of("AWS::SES::ReceiptFilter").items()
    }
    assert filters == {
        "Blocked": {"Cidr": "203.0.113.0/24", "Policy": "Block"},
        "Welcome": {"Cidr": "203.0.113.7", "Policy": "Allow"},
    }
