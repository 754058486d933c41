"""Identities, SMTP credentials, templates and contact lists."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from aws_cdk import SecretValue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from synthesis import Template, cycle, new_stack

from cdk_mailroom import EventPublishing, EventType
from cdk_mailroom.sending import (
    ContactList,
    EmailTemplate,
    OwnKey,
    SendingIdentity,
    SmtpCredentials,
    runtime_code,
)
from cdk_mailroom.sending.templates import variables as variables_of

SES = "arn:aws:ses:eu-west-1:111122223333"
DMARC = "v=DMARC1; p=none; rua=mailto:dmarc@example.com"


@pytest.fixture(scope="module")
def templates(tmp_path_factory) -> dict[str, Template]:
    """One stack for each composition; they only are read."""
    stacks = {
        name: new_stack(name=name.title())
        for name in ("zone", "address", "own", "nozone", "credentials", "text")
    }
    stack = stacks["zone"]
    zone = route53.PublicHostedZone(stack, "Zone", zone_name="example.com")
    outbound = EventPublishing(stack, "Outbound")
    outbound.on(EventType.BOUNCE)
    identity = SendingIdentity(
        stack,
        "Identity",
        hosted_zone=zone,
        mail_from_domain="bounces.example.com",
        reject_without_mx=True,
        dmarc=DMARC,
        publishing=outbound,
    )
    identity.grant_send(function(stack), from_address="news@example.com", templates=["Letter"])
    identity.grant_send(iam.User(stack, "User"), bulk=True)

    SendingIdentity(stacks["address"], "Identity", address="me@example.com")
    SendingIdentity(
        stacks["own"],
        "Identity",
        domain="mail.example.com",
        hosted_zone=route53.HostedZone.from_hosted_zone_attributes(
            stacks["own"], "Zone", hosted_zone_id="Z1", zone_name="example.com"
        ),
        own_key=OwnKey(
            selector="s1",
            private_key=SecretValue.secrets_manager("dkim"),
            public_key="A" * 392,
        ),
    )
    SendingIdentity(stacks["nozone"], "Identity", domain="example.com")

    stack = stacks["credentials"]
    outbound = EventPublishing(stack, "Outbound")
    outbound.on(EventType.BOUNCE)
    for name in ("Smtp", "Second"):
        credentials = SmtpCredentials(
            stack,
            name,
            identities=["example.com"],
            publishing=outbound,
            from_address="app@example.com",
            encryption_key=kms.Key(stack, f"Key{name}"),
            rotation="2026-11",
        )
        credentials.grant_read(function(stack, f"Reader{name}"))
    SmtpCredentials(stack, "Open", identities=["example.com", "me@example.org"])

    folder = tmp_path_factory.mktemp("letter")
    write(
        folder,
        {
            "subject.txt": "News for {{name}}\n",
            "text.txt": "Hi {{name}}",
            "sample.json": '{"name": "Jo"}',
        },
    )
    EmailTemplate(stacks["text"], "Letter", folder=folder)
    ContactList(
        stacks["text"],
        "Readers",
        contact_list_name="Readers",
        topics={"Weekly": "The weekly letter", "Offers": "Offers"},
        opted_in=["Weekly"],
    )
    return {name: Template(stack) for name, stack in stacks.items()}


def function(stack, name="Function"):
    """Return an imported function."""
    return lambda_.Function(
        stack,
        name,
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
    )


def write(folder: Path, files: dict[str, str]) -> Path:
    """Fill a template's folder."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def records(template: Template) -> dict[tuple[str, str], list[str]]:
    """Return values by name and type."""
    return {
        (one["Name"], one["Type"]): one["ResourceRecords"]
        for one in template.of("AWS::Route53::RecordSet").values()
    }


def test_a_hosted_zone_gets_every_record(templates):
    """DKIM, MX and SPF of the MAIL FROM domain, and DMARC."""
    found = records(templates["zone"])
    dkim = {
        (f"<Identity/Identity.DkimDNSTokenName{n}>", "CNAME"): [
            f"<Identity/Identity.DkimDNSTokenValue{n}>"
        ]
        for n in (1, 2, 3)
    }
    assert found == dkim | {
        ("bounces.example.com", "MX"): ["10 feedback-smtp.eu-west-1.amazonses.com"],
        ("bounces.example.com", "TXT"): ['"v=spf1 include:amazonses.com ~all"'],
        ("_dmarc.example.com", "TXT"): [f'"{DMARC}"'],
    }


def test_an_identity_names_the_configuration_set_for_mail_that_names_none(templates):
    """SES then no longer needs to mail bounces to the sender."""
    identity = templates["zone"].at("Identity/Identity")
    assert identity["ConfigurationSetAttributes"] == {
        "ConfigurationSetName": "<Outbound/ConfigurationSet>"
    }
    assert identity["FeedbackAttributes"] == {"EmailForwardingEnabled": False}
    assert identity["MailFromAttributes"] == {
        "MailFromDomain": "bounces.example.com",
        "BehaviorOnMxFailure": "REJECT_MESSAGE",
    }


def test_an_address_identity_has_no_dns_records(templates):
    """SES mails a link to it instead."""
    assert templates["address"].at("Identity/Identity") == {"EmailIdentity": "me@example.com"}
    assert records(templates["address"]) == {}


def test_without_a_zone_nothing_is_published(templates):
    """The construct exposes the records to publish."""
    assert records(templates["nozone"]) == {}
    identity = SendingIdentity(
        new_stack(), "Identity", domain="example.com", mail_from_domain="b.example.com"
    )
    assert [record["type"] for _, record in identity.records] == ["CNAME"] * 3 + ["MX", "TXT"]


def test_a_given_dkim_key_is_used_and_published(templates):
    """Its public half as a TXT record, in strings of at most 255 characters."""
    template = templates["own"]
    assert template.at("Identity/Identity")["DkimSigningAttributes"] == {
        "DomainSigningPrivateKey": "{{resolve:secretsmanager:dkim:SecretString:::}}",
        "DomainSigningSelector": "s1",
    }
    first, rest = "p=" + "A" * 253, "A" * 139
    assert records(template) == {("s1._domainkey.mail.example.com", "TXT"): [f'"{first}" "{rest}"']}


def test_a_sender_may_use_identity_set_and_templates_only(templates):
    """SES asks for all three, and the From address is a condition."""
    template = templates["zone"]
    [statement] = [
        one
        for policy in template.of("AWS::IAM::Policy").values()
        for one in policy["PolicyDocument"]["Statement"]
        if "Function" in str(policy.get("Roles"))
        and "ses:SendEmail" in one["Action"]
        and "Outbound" not in str(policy.get("Roles"))
    ]
    assert statement == {
        "Effect": "Allow",
        "Action": [
            "ses:SendEmail",
            "ses:SendRawEmail",
            "ses:SendTemplatedEmail",
        ],
        "Resource": [
            f"{SES}:identity/example.com",
            f"{SES}:template/Letter",
            f"{SES}:configuration-set/<Outbound/ConfigurationSet>",
        ],
        "Condition": {"StringEquals": {"ses:FromAddress": "news@example.com"}},
    }
    assert template.environment("Function") == {
        "MAILROOM_CONFIGURATION_SET": "<Outbound/ConfigurationSet>"
    }


def test_bulk_mail_is_granted_when_asked_for(templates):
    """With it goes the account's sending rate, by which the sender paces itself."""
    [policy] = [
        one
        for one in templates["zone"].of("AWS::IAM::Policy").values()
        if one.get("Users") == ["<User>"]
    ]
    sending, rate = policy["PolicyDocument"]["Statement"]
    assert {"ses:SendBulkEmail", "ses:SendBulkTemplatedEmail"} < set(sending["Action"])
    assert rate == {"Effect": "Allow", "Action": "ses:GetAccount", "Resource": "*"}


def test_code_with_the_runtime_has_what_it_imports(tmp_path):
    """Your own function can send without a layer and without Docker."""
    (tmp_path / "app.py").write_text("from mailroom.sending import Sender\n")
    with zipfile.ZipFile(runtime_code(tmp_path).path) as archive:
        names = set(archive.namelist())
    assert {"app.py", "mailroom/sending/__init__.py", "mailroom/_runtime.py"} < names
    assert not [name for name in names if name.startswith("mailroom/receiving/")]


def test_smtp_credentials_may_send_raw_mail_and_nothing_else(templates):
    """From one identity, through one configuration set, as one address."""
    template = templates["credentials"]
    [policy] = [
        one
        for one in template.of("AWS::IAM::Policy").values()
        if one.get("Users") == ["<Smtp/User>"]
    ]
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "ses:SendRawEmail",
            "Resource": [
                f"{SES}:identity/example.com",
                f"{SES}:configuration-set/<Outbound/ConfigurationSet>",
            ],
            "Condition": {"StringEquals": {"ses:FromAddress": "app@example.com"}},
        }
    ]


def test_no_secret_is_in_the_template(templates):
    """The key is made at deployment and goes straight into the secret."""
    template = templates["credentials"]
    assert not template.of("AWS::IAM::AccessKey")
    [made] = [path for path in template.of("Custom::SesSmtpCredentials") if "Smtp" in path]
    assert template.at(made) == {
        "ServiceToken": "<MailroomSmtpCredentials/Function.Arn>",
        "ServiceTimeout": "1200",
        "UserName": "<Smtp/User>",
        "SecretArn": "<Smtp/Secret>",
        "Region": "eu-west-1",
        "Rotation": "2026-11",
    }
    assert "Outputs" not in template.raw


def test_smtp_credentials_may_use_every_address_of_their_identities_and_no_other(templates):
    """Unless they are for one address."""
    [policy] = [
        one
        for one in templates["credentials"].of("AWS::IAM::Policy").values()
        if one.get("Users") == ["<Open/User>"]
    ]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Resource"] == [
        f"{SES}:identity/example.com",
        f"{SES}:identity/me@example.org",
    ]
    assert statement["Condition"] == {
        "StringLike": {"ses:FromAddress": ["*@example.com", "*@*.example.com", "me@example.org"]}
    }


def test_keys_are_made_for_these_users_and_secrets_only(templates):
    """In a policy for each, which is deleted after the keys: a shared one would lose them first."""
    template = templates["credentials"]
    assert template.at("Smtp/Policy") == {
        "PolicyName": "SmtpPolicy78A937D4",
        "Roles": ["<MailroomSmtpCredentials/Role>"],
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys"],
                    "Resource": "<Smtp/User.Arn>",
                },
                {
                    "Effect": "Allow",
                    "Action": [
                        "secretsmanager:DescribeSecret",
                        "secretsmanager:PutSecretValue",
                        "secretsmanager:UpdateSecretVersionStage",
                    ],
                    "Resource": "<Smtp/Secret>",
                },
                {
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                    "Resource": "<KeySmtp.Arn>",
                    "Condition": {
                        "StringEquals": {"kms:ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
                    },
                },
            ],
        },
    }
    assert "Smtp/Policy" in template.references["Smtp/Resource/Default"]
    shared = template.at("MailroomSmtpCredentials/Role/DefaultPolicy")["PolicyDocument"]
    assert {one["Resource"] for one in shared["Statement"]} == {
        "<MailroomSmtpCredentials/Logs.Arn>"
    }


@pytest.mark.parametrize("name", ["zone", "credentials"])
def test_no_resource_depends_on_itself(templates, name):
    """A cycle would make the stack impossible to deploy."""
    assert cycle(templates[name].references) == []


def test_a_template_is_read_from_its_files(templates):
    """The subject's line end is the editor's, not the subject's."""
    assert templates["text"].at("Letter") == {
        "Template": {"SubjectPart": "News for {{name}}", "TextPart": "Hi {{name}}"}
    }


def test_a_contact_list_has_its_topics(templates):
    """A contact gets what the list says they get unless they say otherwise."""
    topics = templates["text"].at("Readers")["Topics"]
    assert [(one["TopicName"], one["DefaultSubscriptionStatus"]) for one in topics] == [
        ("Weekly", "OPT_IN"),
        ("Offers", "OPT_OUT"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi {{name}}, {{ name }}", {"name"}),
        ("{{{raw}}} {{address.city}}", {"raw", "address"}),
        ("{{upper name}}", {"name"}),
        ("{{! a comment }}{{amazonSESUnsubscribeUrl}}", set()),
        ("{{#if vip}}{{gift}}{{else}}{{plea}}{{/if}}", {"vip", "gift", "plea"}),
        ("{{#each items}}{{title}} {{this}} {{@index}}{{/each}}{{after}}", {"items", "after"}),
        (
            "{{#each items}}{{../shop}}{{#with maker}}{{../../town}}{{/with}}{{/each}}",
            {"items", "shop", "town"},
        ),
        (
            "{{#unless paid}}{{#each items as |item|}}{{item.x}}{{/each}}{{/unless}}",
            {"paid", "items"},
        ),
        ("{{this.name}} {{items.[0].title}}", {"name", "items"}),
        ("""{{#if true}}{{choose name 'Sir' "Madam" 2.5 @root null}}{{/if}}""", {"name"}),
    ],
)
def test_the_variables_of_a_template_are_found(text, expected):
    """Those that the data must have at the top; inside a block names belong to its value."""
    assert variables_of(text) == expected


def zone(stack):
    """Return a zone that exists."""
    return route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z1", zone_name="example.com"
    )


def test_the_sample_data_is_available_to_tests(tmp_path):
    """A preview renders what was checked."""
    folder = write(
        tmp_path,
        {"subject.txt": "{{a}}", "body.html": "<p>{{a}}", "sample.json": json.dumps({"a": 1})},
    )
    assert EmailTemplate(new_stack(), "Letter", folder=folder).sample == {"a": 1}
