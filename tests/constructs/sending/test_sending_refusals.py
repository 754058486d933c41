"""What sending's constructs refuse at synth, and what they warn about."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from synthesis import new_stack

from assemblies import ROOT
from cdk_mailroom import ConfigurationError, EventPublishing
from cdk_mailroom.sending import (
    ContactList,
    EmailTemplate,
    SendingIdentity,
    SmtpCredentials,
    runtime_code,
)

DMARC = "v=DMARC1; p=none; rua=mailto:dmarc@example.com"


def write(folder: Path, files: dict[str, str]) -> Path:
    """Fill a template's folder."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_missing_code_is_refused(tmp_path):
    """Both problems are reported together."""
    with pytest.raises(ConfigurationError) as refusal:
        runtime_code(tmp_path / "none", requirements=tmp_path / "none.txt")
    assert "folder is" in str(refusal.value)
    assert "requirements is" in str(refusal.value)


@pytest.mark.parametrize(
    ("region", "warned"),
    [("eu-south-1", True), ("ca-west-1", True), ("eu-west-1", False), (None, False)],
)
def test_a_region_without_smtp_endpoint_is_a_warning_with_the_remedy(region, warned):
    """AWS adds endpoints over time, so it can be acknowledged."""
    credentials = SmtpCredentials(new_stack(region=region), "Smtp", identities=["example.com"])
    found = [str(one.data) for one in credentials.node.metadata]
    assert len(found) == warned
    assert all("send through the API" in text and region in text for text in found)


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"text.txt": "x", "sample.json": "{}"}, "add subject.txt, and text.txt"),
        ({"subject.txt": "x", "sample.json": "{}"}, "text.txt or body.html"),
        ({"subject.txt": "x", "text.txt": "x"}, "add sample.json"),
        ({"subject.txt": "x", "text.txt": "x", "sample.json": "{"}, "it is not JSON"),
        ({"subject.txt": "x", "text.txt": "x", "sample.json": "[]"}, "one JSON object"),
        (
            {"subject.txt": "x", "text.txt": "{{name}}", "sample.json": "{}"},
            "text.txt is '{{name}}': add 'name' to sample.json",
        ),
        (
            {"subject.txt": "x", "text.txt": "x", "sample.json": '{"old": 1}'},
            "sample.json is 'old': remove it: no part of the template uses it",
        ),
        (
            {"subject.txt": "x", "text.txt": "x" * 500_000, "sample.json": "{}"},
            "500001 bytes",
        ),
    ],
)
def test_a_template_that_would_fail_later_is_refused_at_synth(tmp_path, files, complaint):
    """SES would report it one mail at a time."""
    with pytest.raises(ConfigurationError) as refusal:
        EmailTemplate(new_stack(), "Letter", folder=write(tmp_path, files))
    assert complaint in str(refusal.value)


def zone(stack):
    """Return a zone that exists."""
    return route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z1", zone_name="example.com"
    )


@pytest.mark.parametrize(
    ("options", "complaints"),
    [
        ({}, ["domain is None"]),
        ({"domain": "example.com", "address": "a@example.com"}, ["not both"]),
        ({"domain": "localhost"}, ["domain is 'localhost'"]),
        ({"address": "nobody"}, ["address is 'nobody'"]),
        ({"domain": "example.com", "reject_without_mx": True}, ["without a mail_from_domain"]),
        (
            {"domain": "example.com", "mail_from_domain": "b.example.net"},
            ["use a subdomain of example.com"],
        ),
        (
            {"domain": "example.com", "dmarc": "p=none"},
            ["dmarc is 'p=none'", "without a hosted_zone"],
        ),
        ({"address": "a@example.com", "dmarc": DMARC}, ["no effect on the identity of an address"]),
    ],
)
def test_a_contradiction_is_refused(options, complaints):
    """All problems of one call are reported together."""
    with pytest.raises(ConfigurationError) as refusal:
        SendingIdentity(new_stack(), "Identity", **options)
    for complaint in complaints:
        assert complaint in str(refusal.value)


def test_two_configuration_sets_are_refused():
    """Neither of them should win by chance."""
    stack = new_stack()
    with pytest.raises(ConfigurationError, match="publishing has one already"):
        SendingIdentity(
            stack,
            "Identity",
            domain="example.com",
            publishing=EventPublishing(stack, "Outbound"),
            configuration_set=ses.ConfigurationSet(stack, "Set"),
        )


def test_tokens_are_not_judged():
    """The value of a parameter is unknown at synth."""
    stack = new_stack()
    text = CfnParameter(stack, "Text").value_as_string
    assert SendingIdentity(
        stack, "Identity", domain=text, hosted_zone=zone(stack), mail_from_domain=text, dmarc=text
    )


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"identities": []}, "at least one identity"),
        ({"identities": "example.com"}, "pass a list"),
        ({"identities": ["example.com"], "from_address": "x"}, "from_address is 'x'"),
        ({"identities": ["example.com"], "rotation": ""}, "rotation is ''"),
    ],
)
def test_credentials_without_identities_are_refused(options, complaint):
    """They would be credentials for everything, or for nothing at all."""
    with pytest.raises(ConfigurationError, match=complaint):
        SmtpCredentials(new_stack(), "Smtp", **options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"topics": {}}, "is 0: pass 1 to 20"),
        ({"topics": {str(n): "x" for n in range(21)}}, "is 21: pass 1 to 20"),
        ({"topics": {"A": "a"}, "opted_in": ["B"]}, "opted_in is 'B'"),
    ],
)
def test_a_contact_list_that_ses_would_refuse_is_refused_at_synth(options, complaint):
    """At synth rather than half-way through a deployment."""
    with pytest.raises(ConfigurationError, match=complaint):
        ContactList(new_stack(), "Readers", contact_list_name="Readers", **options)


@pytest.mark.parametrize(
    ("refused", "corrected"),
    [
        (
            lambda stack: SendingIdentity(stack, "X"),
            lambda stack: SendingIdentity(stack, "X", domain="example.com"),
        ),
        (
            lambda stack: SmtpCredentials(stack, "X", identities=[]),
            lambda stack: SmtpCredentials(stack, "X", identities=["example.com"]),
        ),
        (
            lambda stack: ContactList(stack, "X", contact_list_name="a", topics={}),
            lambda stack: ContactList(stack, "X", contact_list_name="a", topics={"A": "a"}),
        ),
        (
            lambda stack: EmailTemplate(stack, "X", folder="nowhere"),
            lambda stack: EmailTemplate(stack, "X", folder=ROOT / "examples/newsletter/letter"),
        ),
    ],
)
def test_a_refused_construct_leaves_room_for_the_corrected_one(refused, corrected):
    """Both have the same id."""
    stack = new_stack()
    with pytest.raises(ConfigurationError):
        refused(stack)
    assert not stack.node.children
    assert corrected(stack).node.path == "Stack/X"


def test_a_from_address_must_belong_to_the_identity():
    """SES would refuse every mail."""
    stack = new_stack()
    identity = SendingIdentity(stack, "Identity", domain="example.com")
    role = iam.Role(stack, "Role", assumed_by=iam.AccountPrincipal("111122223333"))
    with pytest.raises(ConfigurationError, match=r"from_address is 'a@example\.net': pass an addr"):
        identity.grant_send(role, from_address="a@example.net")
    with pytest.raises(ConfigurationError, match="templates is 'Welcome': pass a list"):
        identity.grant_send(role, templates="Welcome")
    outbound = EventPublishing(stack, "Outbound", identities=["example.com"])
    for sender in (identity, outbound):
        with pytest.raises(ConfigurationError, match="omit it with bulk=True"):
            sender.grant_send(role, from_address="a@example.com", bulk=True)
    for named in (["example.com"], [identity]):
        with pytest.raises(ConfigurationError, match=r"from_address is 'a@example\.net'"):
            SmtpCredentials(stack, "Smtp", identities=named, from_address="a@example.net")
    theirs = ses.EmailIdentity.from_email_identity_name(stack, "Theirs", "example.net")
    assert SmtpCredentials(
        stack, "Smtp", identities=[identity, theirs], from_address="a@example.net"
    )


@pytest.mark.parametrize("name", ["a b", "", "ü"])
def test_a_template_name_that_ses_would_refuse_is_refused(name):
    """Visible ASCII characters only."""
    with pytest.raises(ConfigurationError, match=r"template_name is .*: use 1 to 256"):
        EmailTemplate(
            new_stack(), "Letter", folder=ROOT / "examples/newsletter/letter", template_name=name
        )
