"""A hosted zone: verified identity, DKIM records, MX record."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from synthesis import Template, new_app, new_stack, refuses

from cdk_mailroom import CrossAccountZone, InboundMail, SendingIdentity


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    """One stack for each kind of zone."""
    # An app for each: in one account and region a domain has one identity.
    stacks = {
        name: new_stack(name=name.title()) for name in ("public", "imported", "subdomain", "token")
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
    """With DNS elsewhere, the domain is verified there."""
    InboundMail(stack, "Inbound")
    template = Template(stack)
    assert not template.of("AWS::SES::EmailIdentity")
    assert not template.of("AWS::Route53::RecordSet")


def zone_of(stack, name="example.com", construct_id="Zone"):
    """Return an imported zone."""
    return route53.HostedZone.from_hosted_zone_attributes(
        stack, construct_id, hosted_zone_id="Z1", zone_name=name
    )


@pytest.fixture(scope="module")
def shared() -> dict[str, Template]:
    """One stack for each way to bring an identity, whose domain is sent from too."""
    built = {}
    for name, build in {
        "its own zone": lambda stack: {
            "identity": SendingIdentity(stack, "Sending", hosted_zone=zone_of(stack), dmarc=DMARC)
        },
        "another zone": lambda stack: {
            "identity": SendingIdentity(stack, "Sending", domain="example.com"),
            "hosted_zone": zone_of(stack),
        },
        "aws-cdk-lib": lambda stack: {
            "identity": ses.EmailIdentity(
                stack, "Sending", identity=ses.Identity.domain("example.com")
            ),
            "hosted_zone": zone_of(stack),
        },
        "imported": lambda stack: {
            "identity": ses.EmailIdentity.from_email_identity_name(stack, "Known", "example.com"),
            "hosted_zone": zone_of(stack),
        },
        "no zone": lambda stack: {
            "identity": SendingIdentity(stack, "Sending", domain="example.com")
        },
        "subdomain": lambda stack: {
            "identity": SendingIdentity(stack, "Sending", hosted_zone=zone_of(stack)),
            "domain": "mail.example.com",
        },
    }.items():
        stack = new_stack()
        inbound = InboundMail(stack, "Inbound", **build(stack))
        built[name] = (Template(stack), inbound)
    return built


DMARC = "v=DMARC1; p=none"


@pytest.mark.parametrize("name", ["its own zone", "another zone", "aws-cdk-lib", "no zone"])
def test_a_domain_that_sends_and_receives_has_one_identity(shared, name):
    template, _ = shared[name]
    assert len(template.of("AWS::SES::EmailIdentity")) == 1


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("its own zone", "example.com."),
        ("another zone", "example.com."),
        ("aws-cdk-lib", "example.com."),
        ("imported", "example.com."),
        ("subdomain", "mail.example.com."),
    ],
)
def test_a_given_identity_gets_an_mx_record(shared, name, record):
    template, _ = shared[name]
    [mx] = records(template, "MX")
    assert (mx["Name"], mx["ResourceRecords"]) == (
        record,
        ["10 inbound-smtp.eu-west-1.amazonaws.com"],
    )


def test_without_a_zone_the_mx_record_is_there_to_be_published_elsewhere(shared):
    template, inbound = shared["no zone"]
    assert records(template, "MX") == []
    assert inbound.records == [
        (
            "MxRecord",
            {
                "name": "example.com",
                "type": "MX",
                "value": "10 inbound-smtp.eu-west-1.amazonaws.com",
            },
        )
    ]


def test_a_second_identity_of_the_domain_is_refused_whichever_comes_first(stack):
    """SES has one for each name, so the deployment would fail; both errors say how to share."""
    zone = zone_of(stack)
    InboundMail(stack, "Inbound", hosted_zone=zone)
    with refuses("domain is 'example.com'", "Stack/Inbound/Identity", "identity="):
        SendingIdentity(stack, "Sending", hosted_zone=zone)
    SendingIdentity(stack, "Other", domain="example.net")
    with refuses("hosted_zone is 'example.net'", "Stack/Other", "pass it as identity="):
        InboundMail(stack, "Second", hosted_zone=zone_of(stack, "example.net", "OtherZone"))


def test_an_identity_of_aws_cdk_lib_counts_too(stack):
    ses.EmailIdentity(stack, "Theirs", identity=ses.Identity.domain("Example.com"))
    with refuses("Stack/Theirs is its identity already"):
        SendingIdentity(stack, "Sending", domain="example.com")


def test_two_stacks_of_one_account_and_region_share_identities():
    app = new_app()
    SendingIdentity(new_stack(app, "One"), "Sending", domain="example.com")
    SendingIdentity(new_stack(app, "Elsewhere", region="us-east-1"), "Same", domain="example.com")
    with refuses("One/Sending is its identity already"):
        SendingIdentity(new_stack(app, "Two"), "Sending", domain="example.com")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"domain": "example.net"}, ["domain is 'example.net'", "name the identity example.com"]),
        ({"domain": "badexample.com"}, ["domain is 'badexample.com'", "name the identity"]),
    ],
)
def test_the_domain_belongs_to_the_identity(stack, arguments, words):
    identity = SendingIdentity(stack, "Sending", domain="example.com")
    with refuses(*words):
        InboundMail(stack, "Inbound", identity=identity, **arguments)


def test_an_identity_outside_the_zone_is_refused(stack):
    identity = SendingIdentity(stack, "Sending", domain="example.com")
    with refuses("identity is 'example.com'", "name the zone example.net"):
        InboundMail(stack, "Inbound", identity=identity, hosted_zone=zone_of(stack, "example.net"))


def test_the_identity_of_an_address_receives_nothing(stack):
    identity = SendingIdentity(stack, "Sending", address="a@example.com")
    with refuses("identity is 'a@example.com'", "pass the identity of a domain"):
        InboundMail(stack, "Inbound", identity=identity)


@pytest.mark.parametrize("construct", [InboundMail, SendingIdentity])
def test_a_zone_without_a_name_is_refused_with_the_way_to_import_it(stack, construct):
    zone = route53.HostedZone.from_hosted_zone_id(stack, "Zone", "Z1")
    with refuses("hosted_zone is 'Stack/Zone'", "from_hosted_zone_attributes"):
        construct(stack, "It", hosted_zone=zone)


def test_records_of_a_zone_in_another_account_are_published_by_its_role(stack):
    """The function may assume that role, and nothing else."""
    role = iam.Role.from_role_arn(stack, "ZoneRole", "arn:aws:iam::222222222222:role/zone")
    zone = CrossAccountZone(zone_name="example.com", hosted_zone_id="Z2", role=role)
    InboundMail(stack, "Inbound", hosted_zone=zone)
    template = Template(stack)
    assert not template.of("AWS::Route53::RecordSet")
    published = template.of("Custom::MailroomZoneRecords")
    assert published["Inbound/ZoneRecords/Default"]["Records"] == [
        {
            "Name": "example.com",
            "Type": "MX",
            "Value": "10 inbound-smtp.eu-west-1.amazonaws.com",
        }
    ]
    dkim = published["Inbound/Identity/ZoneRecords/Default"]["Records"]
    assert [one["Type"] for one in dkim] == ["CNAME"] * 3
    for owner in ("Inbound", "Inbound/Identity"):
        policy = template.at(f"{owner}/ZonePolicy")
        assert policy["Roles"] == ["<MailroomZoneRecords/Role>"]
        assert policy["PolicyDocument"]["Statement"] == [
            {
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Resource": "arn:aws:iam::222222222222:role/zone",
            }
        ]
        # Removed after the records, whichever of the two goes first.
        assert f"{owner}/ZonePolicy" in template.needs(f"{owner}/ZoneRecords/Default")
    shared = template.at("MailroomZoneRecords/Role/DefaultPolicy")["PolicyDocument"]
    assert "sts:" not in str(shared)
