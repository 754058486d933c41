"""Everything that sends, deployed by the CDK CLI, each way followed to its events' tags."""

import json
import ssl
import uuid
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from mailroom.sending import (
    BulkEntry,
    ListManagement,
    NotSent,
    Sender,
    SmtpSender,
    publishing_headers,
    raw_message,
    smtp_password,
)

SENDER = "office@letters.example"
READER = "jane@customer.example"
SUBSCRIBER = "subscriber@customer.example"
DATA = {"name": "Jane"}
CONTENT = {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hi"}}}

Way = Callable[[Any, dict[str, str]], str]


@pytest.fixture
def app(letters: Any) -> Any:
    return letters


def secret(app: Any) -> dict[str, Any]:
    answer = app.aws.client("secretsmanager").get_secret_value(SecretId=app["Secret"])
    return dict(json.loads(answer["SecretString"]))


def sender(app: Any) -> Sender:
    return Sender(
        configuration_set=app["ConfigurationSet"], from_address=SENDER, client=app.client("sesv2")
    )


def smtp_sender(app: Any, **options: Any) -> SmtpSender:
    """One that reads the secret; only host and port are not SES's own."""
    given = {"secret": app["Secret"], "client": app.aws.client("secretsmanager"), **options}
    certificate = app.aws.state.temporary / "smtp.pem"
    return SmtpSender(
        host="127.0.0.1",
        port=app.aws.submission_port,
        configuration_set=app["ConfigurationSet"],
        from_address=SENDER,
        context=ssl.create_default_context(cafile=certificate),
        **given,
    )


def letter(subject: str = "Hi", *, to: str = READER) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, to, subject
    message.set_content("Hi\n")
    return message


def v1(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in tags.items()]


def v1_simple(app: Any, tags: dict[str, str]) -> str:
    return str(
        app.aws.client("ses").send_email(
            Source=SENDER,
            Destination={"ToAddresses": [READER]},
            Message=CONTENT,
            ConfigurationSetName=app["ConfigurationSet"],
            Tags=v1(tags),
        )["MessageId"]
    )


def v1_raw(app: Any, tags: dict[str, str]) -> str:
    """Configuration set and tags in the header."""
    message = letter()
    for name, value in publishing_headers(app["ConfigurationSet"], tags).items():
        message[name] = value
    raw = raw_message(message)
    return str(app.aws.client("ses").send_raw_email(RawMessage={"Data": raw})["MessageId"])


def v1_template(app: Any, tags: dict[str, str]) -> str:
    return str(
        app.aws.client("ses").send_templated_email(
            Source=SENDER,
            Destination={"ToAddresses": [READER]},
            Template=app["Template"],
            TemplateData=json.dumps(DATA),
            ConfigurationSetName=app["ConfigurationSet"],
            Tags=v1(tags),
        )["MessageId"]
    )


def v1_bulk(app: Any, tags: dict[str, str]) -> str:
    answer = app.aws.client("ses").send_bulk_templated_email(
        Source=SENDER,
        Template=app["Template"],
        DefaultTemplateData=json.dumps(DATA),
        ConfigurationSetName=app["ConfigurationSet"],
        Destinations=[{"Destination": {"ToAddresses": [READER]}, "ReplacementTags": v1(tags)}],
    )
    return str(answer["Status"][0]["MessageId"])


def simple(app: Any, tags: dict[str, str]) -> str:
    return sender(app).send_simple(to=READER, subject="Hi", text="Hi", tags=tags).message_id


def raw(app: Any, tags: dict[str, str]) -> str:
    return sender(app).send(letter(), tags=tags).message_id


def template(app: Any, tags: dict[str, str]) -> str:
    return (
        sender(app)
        .send_template(to=READER, template=app["Template"], data=DATA, tags=tags)
        .message_id
    )


def bulk(app: Any, tags: dict[str, str]) -> str:
    entries = [BulkEntry(READER, data=DATA, tags=tags)]
    result = sender(app).send_bulk(entries, template=app["Template"], data={"name": "all"})
    return str(result.sent[0].message_id)


def smtp(app: Any, tags: dict[str, str]) -> str:
    with smtp_sender(app) as connection:
        return connection.send(letter(), tags=tags).message_id


WAYS: list[Way] = [
    v1_simple,
    v1_raw,
    v1_template,
    v1_bulk,
    simple,
    raw,
    template,
    bulk,
    smtp,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_mail_sent_in_any_way_has_events_with_its_tags(app: Any, way: Way) -> None:
    """In the event table, so through configuration set, topic, queue and function. The function of
    deliveries is the app's own.
    """
    tags = {"campaign": f"spring-{uuid.uuid4().hex[:8]}", "audience": "all"}
    found = app.story(way(app, tags), count=2)
    assert [entry.kind for entry in found] == ["Send", "Delivery"]
    for entry in found:
        assert entry.configuration_set == app["ConfigurationSet"]
        assert {name: entry.tags[name] for name in tags} == {
            name: [value] for name, value in tags.items()
        }


def test_mail_without_a_configuration_set_uses_the_identitys(app: Any) -> None:
    """`SendingIdentity` was given what handles its events."""
    sent = app.aws.client("sesv2").send_email(
        FromEmailAddress=SENDER,
        Destination={"ToAddresses": [READER]},
        Content={"Simple": CONTENT},
    )
    assert app.story(sent["MessageId"], count=2)[0].configuration_set == app["ConfigurationSet"]


def test_a_list_and_its_topic_give_a_one_click_unsubscribe(app: Any) -> None:
    """The list is the one that the app made; addresses that are not opted in get nothing."""
    ses = app.aws.client("sesv2")
    ses.create_contact(
        ContactListName="Readers",
        EmailAddress=SUBSCRIBER,
        TopicPreferences=[{"TopicName": "Weekly", "SubscriptionStatus": "OPT_IN"}],
    )
    managed = ListManagement("Readers", topic="Weekly")
    for send in (sender(app), smtp_sender(app)):
        sent = send.send(letter(to=SUBSCRIBER), list_management=managed)
        raw = next(each["Raw"] for each in app.aws.sent() if each["MessageId"] == sent.message_id)
        assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in raw
    stranger = sender(app).send_simple(
        to="else@customer.example", subject="Hi", text="Hi", list_management=managed
    )
    assert [entry.kind for entry in app.story(stranger.message_id, count=2)] == ["Send", "Bounce"]


def test_the_identity_has_its_dns_records(app: Any) -> None:
    """Three for DKIM, two for the MAIL FROM domain, one for DMARC, plus the zone's own."""
    route53 = app.aws.client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    found = {(record["Type"], record["Name"].rstrip(".")) for record in records}
    tokens = app.aws.client("ses").get_identity_dkim_attributes(Identities=["letters.example"])
    assert sum(name.endswith("._domainkey.letters.example") for _, name in found) == 3
    assert tokens
    assert found > {
        ("MX", "bounces.letters.example"),
        ("TXT", "bounces.letters.example"),
        ("TXT", "_dmarc.letters.example"),
    }


@pytest.mark.parametrize("wrong", ["user", "password"])
def test_wrong_smtp_credentials_are_refused(app: Any, wrong: str) -> None:
    """Whichever of the two is wrong; nothing is sent."""
    known = secret(app)
    given = {"user": known["username"], "password": known["password"]}
    given[wrong] = given[wrong][:-1] + ("A" if given[wrong][-1] != "A" else "B")
    before = len(app.aws.sent())
    with pytest.raises(NotSent, match="535"):
        smtp_sender(app, secret=None, client=None, **given).send(letter())
    assert len(app.aws.sent()) == before


def test_smtp_credentials_may_send_as_their_address_only(app: Any) -> None:
    """SES asks the IAM user behind them for ses:SendRawEmail, as for the API."""
    with app.aws.permissions_enforced(), smtp_sender(app) as connection:
        assert connection.send(letter()).message_id
        other = letter()
        other.replace_header("From", "boss@letters.example")
        with pytest.raises(NotSent, match=r"554.*not authorized to perform.*ses:SendRawEmail"):
            connection.send(other)


def test_a_function_sends_in_every_way_that_it_was_granted(app: Any) -> None:
    """Its role is enforced, and it can send from no other identity."""
    app.aws.verify_identity("other.example")
    message = letter("Answer me")
    message.replace_header("From", "reader@customer.example")
    with app.aws.permissions_enforced():
        app.aws.send(message, mail_from="reader@customer.example", rcpt_tos=[SENDER])

        def answers() -> list[dict[str, Any]]:
            return [each for each in app.aws.sent() if each["To"] == ["reader@customer.example"]]

        found = app.aws.wait_until(answers, lambda sent: len(sent) == 5, seconds=30)
        stories = [app.story(each["MessageId"], count=1)[0] for each in found]
    assert [story.tags["way"] for story in stories] == [
        ["raw"],
        ["simple"],
        ["template"],
        ["bulk"],
        ["refused"],
    ]
    assert all(story.tags["by"] == ["function"] for story in stories)
    assert stories[-1].tags["code"] == ["AccessDeniedException"]


def test_the_password_in_the_secret_is_derived_as_aws_does_it(app: Any) -> None:
    """44 characters of base64 that begin with the version, and for this region only."""
    known = secret(app)
    assert (known["host"], known["port"]) == ("email-smtp.us-east-1.amazonaws.com", 587)
    assert len(known["password"]) == len(smtp_password("any", "us-east-1")) == 44
    assert known["password"].startswith("B")


def test_a_rotation_leaves_the_previous_credentials_until_the_next_one(app: Any) -> None:
    """Programs that have them go on sending; last here, as it updates the stack."""
    first = secret(app)
    app.update(Rotation="2")
    second = secret(app)
    app.update(Rotation="3")
    third = secret(app)
    keys = app.aws.client("iam").get_access_key_last_used(AccessKeyId=third["username"])
    listed = app.aws.client("iam").list_access_keys(UserName=keys["UserName"])["AccessKeyMetadata"]
    assert {each["AccessKeyId"] for each in listed} == {second["username"], third["username"]}

    def sends(credentials: dict[str, Any]) -> None:
        user, password = credentials["username"], credentials["password"]
        with smtp_sender(app, secret=None, client=None, user=user, password=password) as sender:
            sender.send(letter())

    sends(third)
    sends(second)
    with pytest.raises(NotSent, match="535"):
        sends(first)
