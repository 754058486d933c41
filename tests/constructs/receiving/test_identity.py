"""A hosted zone: verified identity, DKIM records, MX record."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_route53 as route53
from synthesis import Template, new_app, new_stack

from cdk_mailroom import InboundMail


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """One stack for each kind of zone."""
    app = new_app()
    stacks = {
        name: new_stack(app, name.title()) for name in ("public", "imported", "subdomain", "token")
    }
    InboundMail(
        stacks["public"],
        "Inbound",
        activation="none",
        hosted_zone=route53.PublicHostedZone(stacks["public"], "Zone", zone_name="example.com"),
    )
    for name in ("imported", "subdomain", "token"):
        stack = stacks[name]
        zone = route53.HostedZone.from_hosted_zone_attributes(
            stack, "Zone", hosted_zone_id="Z1", zone_name="example.com"
        )
        domain = {
            "imported": None,
            "subdomain": "mail.example.com",
            "token": CfnParameter(stack, "Domain").value_as_string if name == "token" else None,
        }[name]
        InboundMail(stack, "Inbound", activation="none", hosted_zone=zone, domain=domain)
    return {name: Template(stack) for name, stack in stacks.items()}


def records(template, kind):
    """Return the records of a type."""
    return [one for one in template.of("AWS::Route53::RecordSet").values() if one["Type"] == kind]


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("public", "example.com"),
        ("imported", "example.com"),
        ("subdomain", "mail.example.com"),
        ("token", "<Domain>"),
    ],
)
def test_the_domain_becomes_an_identity(templates, name, domain):
    """The zone itself, or the subdomain that was asked for."""
    [identity] = templates[name].of("AWS::SES::EmailIdentity").values()
    assert identity["EmailIdentity"] == domain


@pytest.mark.parametrize("name", ["public", "imported", "subdomain", "token"])
def test_three_dkim_records_prove_it(templates, name):
    """SES signs with three keys; each record's name and value come from the identity."""
    dkim = records(templates[name], "CNAME")
    assert [(one["Name"], one["ResourceRecords"]) for one in dkim] == [
        (
            f"<Inbound/Identity/Identity.DkimDNSTokenName{n}>",
            [f"<Inbound/Identity/Identity.DkimDNSTokenValue{n}>"],
        )
        for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("public", "example.com."),
        ("imported", "example.com."),
        ("subdomain", "mail.example.com."),
        ("token", "<Domain>."),
    ],
)
def test_mail_for_the_domain_is_sent_to_ses(templates, name, record):
    """One MX record, for the domain and no other, to the region's receiving host."""
    [mx] = records(templates[name], "MX")
    assert mx["Name"] == record
    assert mx["ResourceRecords"] == ["10 inbound-smtp.eu-west-1.amazonaws.com"]


@pytest.mark.parametrize("name", ["imported", "subdomain"])
def test_records_go_into_the_given_zone(templates, name):
    """Imported or not."""
    assert {
        one["HostedZoneId"] for one in templates[name].of("AWS::Route53::RecordSet").values()
    } == {"Z1"}


def test_a_zone_name_may_end_in_a_dot(stack):
    """DNS writes it so, and it is the same zone."""
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z1", zone_name="example.com."
    )
    InboundMail(stack, "Inbound", hosted_zone=zone, domain="mail.example.com")
    [mx] = records(Template(stack), "MX")
    assert mx["Name"] == "mail.example.com."


def test_without_a_zone_there_is_no_identity(stack):
    """Whoever keeps DNS elsewhere verifies there."""
    InboundMail(stack, "Inbound")
    template = Template(stack)
    assert not template.of("AWS::SES::EmailIdentity")
    assert not template.of("AWS::Route53::RecordSet")
