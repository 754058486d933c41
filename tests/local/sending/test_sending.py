"""Each interface that sends: configuration set, tags, refusals, and the events that follow."""

from email.message import EmailMessage
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom_local.mail.content import EICAR

FROM = "sender@sending.example"
TAGS = [{"Name": "campaign", "Value": "spring"}]
HTML = {"Subject": {"Data": "S"}, "Body": {"Html": {"Data": "<p>Hi"}}}


def raw(*, to: str = "reader@example.net", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = FROM, to, "Raw"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hello\n")
    return message.as_bytes()


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["eventType"] for event in events]


@pytest.fixture(scope="module")
def configuration_set(account: Any) -> str:
    return str(account.configuration_set("SEND")[0])


@pytest.fixture(scope="module")
def template(account: Any) -> str:
    name = str(account.name("template"))
    account.ses.create_template(
        Template={
            "TemplateName": name,
            "SubjectPart": "Hi {{name}}",
            "TextPart": "Hello {{name}} of {{city}}",
        }
    )
    return name


def v1_simple(account: Any, name: str, template: str) -> Any:
    return account.ses.send_email(
        Source=FROM,
        Destination={"ToAddresses": ["reader@example.net"]},
        Message=HTML,
        ConfigurationSetName=name,
        Tags=TAGS,
    )["MessageId"]


def v1_raw(account: Any, name: str, template: str) -> Any:
    return account.ses.send_raw_email(
        RawMessage={"Data": raw()}, ConfigurationSetName=name, Tags=TAGS
    )["MessageId"]


def v1_raw_headers(account: Any, name: str, template: str) -> Any:
    data = raw(X_SES_CONFIGURATION_SET=name, X_SES_MESSAGE_TAGS="campaign=spring")
    return account.ses.send_raw_email(RawMessage={"Data": data})["MessageId"]


def v1_template(account: Any, name: str, template: str) -> Any:
    return account.ses.send_templated_email(
        Source=FROM,
        Destination={"ToAddresses": ["reader@example.net"]},
        Template=template,
        TemplateData='{"name": "Ann", "city": "Rome"}',
        ConfigurationSetName=name,
        Tags=TAGS,
    )["MessageId"]


def v1_bulk(account: Any, name: str, template: str) -> Any:
    return account.ses.send_bulk_templated_email(
        Source=FROM,
        Template=template,
        DefaultTemplateData='{"name": "reader", "city": "Rome"}',
        DefaultTags=[{"Name": name, "Value": "winter"} for name in ("campaign", "default")],
        ConfigurationSetName=name,
        Destinations=[
            {
                "Destination": {"ToAddresses": ["reader@example.net"]},
                "ReplacementTemplateData": '{"name": "Ann"}',
                "ReplacementTags": TAGS,
            }
        ],
    )["Status"][0]["MessageId"]


def v2_simple(account: Any, name: str, template: str) -> Any:
    return account.mail(ConfigurationSetName=name, EmailTags=TAGS)


def v2_raw(account: Any, name: str, template: str) -> Any:
    content = {"Raw": {"Data": raw()}}
    return account.v2.send_email(Content=content, ConfigurationSetName=name, EmailTags=TAGS)[
        "MessageId"
    ]


def v2_template(account: Any, name: str, template: str) -> Any:
    data = '{"name": "Ann", "city": "Rome"}'
    content = {"Template": {"TemplateName": template, "TemplateData": data}}
    return account.mail(content=content, ConfigurationSetName=name, EmailTags=TAGS)


def v2_bulk(account: Any, name: str, template: str) -> Any:
    default = {"TemplateName": template, "TemplateData": '{"name": "reader", "city": "Rome"}'}
    return account.v2.send_bulk_email(
        FromEmailAddress=FROM,
        DefaultContent={"Template": default},
        DefaultEmailTags=[{"Name": "campaign", "Value": "winter"}],
        ConfigurationSetName=name,
        BulkEmailEntries=[
            {
                "Destination": {"ToAddresses": ["reader@example.net"]},
                "ReplacementTags": TAGS,
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {"ReplacementTemplateData": '{"name": "Ann"}'}
                },
            }
        ],
    )["BulkEmailEntryResults"][0]["MessageId"]


INTERFACES = [
    v1_simple,
    v1_raw,
    v1_raw_headers,
    v1_template,
    v1_bulk,
    v2_simple,
    v2_raw,
    v2_template,
    v2_bulk,
]


@pytest.mark.parametrize("send", INTERFACES)
def test_every_interface_names_configuration_set_and_tags(
    account: Any, configuration_set: str, template: str, send: Any
) -> None:
    """Parameters and, where SES reads them, headers; the message arrives without the latter."""
    message_id = send(account, configuration_set, template)
    story = account.story(message_id)
    assert kinds(story) == ["Send", "Delivery"]
    tags = story[0]["mail"]["tags"]
    assert tags["campaign"] == ["spring"]
    assert tags["ses:configuration-set"] == [configuration_set]
    delivered = account.delivered(message_id)
    assert [name for name in delivered if name.lower().startswith("x-ses-")] == []
    assert delivered["Message-ID"] == f"<{message_id}@email.amazonses.com>"
    if "template" in send.__name__ or "bulk" in send.__name__:
        assert delivered["Subject"] == "Hi Ann"
        assert delivered.get_content().strip() == "Hello Ann of Rome"


def test_the_default_tags_of_v1s_bulk_call_reach_no_event(
    account: Any, configuration_set: str, template: str
) -> None:
    """As users report of SES; those of an entry do."""
    story = account.story(v1_bulk(account, configuration_set, template))
    assert [name for name in story[0]["mail"]["tags"] if not name.startswith("ses:")] == [
        "campaign"
    ]


def test_message_ids_look_like_those_of_ses(account: Any, configuration_set: str) -> None:
    """Sixteen hexadecimal digits, a UUID, six zeros."""
    message_id = account.mail(ConfigurationSetName=configuration_set)
    first, *middle, last = message_id.split("-")
    assert len(first) == 16
    assert first.startswith("0100")
    assert [len(part) for part in middle] == [8, 4, 4, 4, 12]
    assert last == "000000"


def test_the_tags_of_the_api_win(account: Any, configuration_set: str) -> None:
    """Nothing is merged."""
    message_id = account.ses.send_raw_email(
        RawMessage={"Data": raw(X_SES_MESSAGE_TAGS="campaign=winter, other=1")},
        ConfigurationSetName=configuration_set,
        Tags=TAGS,
    )["MessageId"]
    tags = account.story(message_id)[0]["mail"]["tags"]
    assert {name: tags[name] for name in tags if not name.startswith("ses:")} == {
        "campaign": ["spring"]
    }


def test_v2_ignores_the_headers_but_takes_them_out(account: Any, configuration_set: str) -> None:
    """A message that names its set there only has no events."""
    data = raw(X_SES_CONFIGURATION_SET=configuration_set)
    message_id = account.v2.send_email(Content={"Raw": {"Data": data}})["MessageId"]
    assert account.story(message_id) == []
    assert account.delivered(message_id)["X-SES-CONFIGURATION-SET"] is None


def test_without_a_configuration_set_there_is_no_event(account: Any) -> None:
    """Not even for a bounce."""
    before = len(account.aws.events())
    assert account.story(account.mail("bounce@simulator.amazonses.com")) == []
    assert len(account.aws.events()) == before


def test_an_identity_has_a_configuration_set_by_default(
    account: Any, configuration_set: str
) -> None:
    """It applies when the message names none."""
    identity = "default.example"
    account.v2.create_email_identity(EmailIdentity=identity, ConfigurationSetName=configuration_set)
    sent = {"FromEmailAddress": f"a@{identity}", "Content": {"Simple": HTML}}
    to = {"Destination": {"ToAddresses": ["reader@example.net"]}}
    story = account.story(account.v2.send_email(**sent, **to)["MessageId"])
    assert story[0]["mail"]["tags"]["ses:configuration-set"] == [configuration_set]
    assert story[0]["mail"]["sourceArn"].endswith(f":identity/{identity}")
    account.v2.put_email_identity_configuration_set_attributes(EmailIdentity=identity)
    assert account.story(account.v2.send_email(**sent, **to)["MessageId"]) == []


def test_an_unknown_configuration_set_is_refused(account: Any, refusal: Any, template: str) -> None:
    """By each API in its own words."""
    with pytest.raises(ClientError) as error:
        v1_simple(account, "nowhere", template)
    assert refusal(error)[0] == "ConfigurationSetDoesNotExist"
    with pytest.raises(ClientError) as error:
        v2_simple(account, "nowhere", template)
    assert refusal(error)[0] == "NotFoundException"


def test_a_disabled_configuration_set_sends_nothing(
    account: Any, refusal: Any, template: str
) -> None:
    """Until it is enabled again."""
    name, _ = account.configuration_set("SEND")
    account.v2.put_configuration_set_sending_options(
        ConfigurationSetName=name, SendingEnabled=False
    )
    with pytest.raises(ClientError) as error:
        v1_simple(account, name, template)
    assert refusal(error)[0] == "ConfigurationSetSendingPausedException"
    with pytest.raises(ClientError) as error:
        v2_simple(account, name, template)
    assert refusal(error)[0] == "SendingPausedException"
    account.ses.update_configuration_set_sending_enabled(ConfigurationSetName=name, Enabled=True)
    assert v1_simple(account, name, template)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"EmailTags": [{"Name": "a b", "Value": "x"}]}, "BadRequestException"),
        ({"to": [f"r{n}@example.net" for n in range(51)]}, "BadRequestException"),
        ({"to": "nobody"}, "BadRequestException"),
    ],
)
def test_messages_that_ses_would_refuse_are_refused(
    account: Any, refusal: Any, change: dict[str, Any], code: str
) -> None:
    """Tags of other letters, more than 50 recipients, no address."""
    with pytest.raises(ClientError) as error:
        account.mail(**change)
    assert refusal(error)[0] == code


def test_an_identity_that_is_not_verified_cannot_send(account: Any, refusal: Any) -> None:
    """As before there were events."""
    with pytest.raises(ClientError) as error:
        account.ses.send_raw_email(Source="a@stranger.example", RawMessage={"Data": raw()})
    assert refusal(error)[0] == "MessageRejected"


def test_each_recipient_has_its_own_events(account: Any, configuration_set: str) -> None:
    """One Send for the message, then what becomes of it at each address."""
    message_id = account.mail(
        ["complaint@simulator.amazonses.com", "bounce+1@simulator.amazonses.com"],
        ConfigurationSetName=configuration_set,
    )
    story = account.story(message_id)
    assert kinds(story) == ["Send", "Delivery", "Complaint", "Bounce"]
    assert story[1]["delivery"]["recipients"] == ["complaint@simulator.amazonses.com"]
    moments = [story[1]["delivery"], story[2]["complaint"], story[3]["bounce"]]
    assert sorted({m["timestamp"] for m in moments}) == [m["timestamp"] for m in moments]
    sent = next(each for each in account.aws.sent() if each["MessageId"] == message_id)
    assert sent["DeliveredTo"] == ["complaint@simulator.amazonses.com"]


def test_a_virus_is_rejected(account: Any, configuration_set: str) -> None:
    """SES takes the message, says so, and does nothing more with it."""
    message_id = account.mail(text=EICAR.decode(), ConfigurationSetName=configuration_set)
    story = account.story(message_id)
    assert [event["eventType"] for event in story] == ["Reject"]
    assert message_id not in [each["MessageId"] for each in account.aws.sent()]


def test_data_that_lacks_an_attribute_causes_a_rendering_failure(
    account: Any, configuration_set: str, template: str
) -> None:
    """The call succeeds; only the event reports the failure."""
    content = {"Template": {"TemplateName": template, "TemplateData": '{"name": "Ann"}'}}
    message_id = account.mail(content=content, ConfigurationSetName=configuration_set)
    (event,) = account.story(message_id)
    assert event["eventType"] == "Rendering Failure"
    assert event["failure"]["templateName"] == template
    assert "'city'" in event["failure"]["errorMessage"]


def test_suppressed_addresses_get_no_mail(account: Any, configuration_set: str) -> None:
    """A bounce instead of a delivery, until the address is taken off the list."""
    address = "Suppressed@example.net"
    account.v2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    story = account.story(account.mail(address.lower(), ConfigurationSetName=configuration_set))
    assert kinds(story) == ["Send", "Bounce"]
    assert story[1]["bounce"]["bounceType"] == "Permanent"
    assert story[1]["bounce"]["bounceSubType"] == "OnAccountSuppressionList"
    listed = account.v2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert address in [each["EmailAddress"] for each in listed]
    found = account.v2.get_suppressed_destination(EmailAddress=address)["SuppressedDestination"]
    assert found["Reason"] == "BOUNCE"
    account.v2.delete_suppressed_destination(EmailAddress=address)
    with pytest.raises(account.v2.exceptions.NotFoundException):
        account.v2.get_suppressed_destination(EmailAddress=address)
    story = account.story(account.mail(address, ConfigurationSetName=configuration_set))
    assert kinds(story) == ["Send", "Delivery"]


def test_a_configuration_set_chooses_its_suppression_reasons(account: Any) -> None:
    """None at all is a choice too."""
    name, _ = account.configuration_set(
        "SEND", SuppressionOptions={"SuppressedReasons": ["COMPLAINT"]}
    )
    account.v2.put_suppressed_destination(EmailAddress="heeded@example.net", Reason="BOUNCE")
    story = account.story(account.mail("heeded@example.net", ConfigurationSetName=name))
    assert kinds(story) == ["Send", "Delivery"]
    account.v2.put_configuration_set_suppression_options(
        ConfigurationSetName=name, SuppressedReasons=["BOUNCE"]
    )
    story = account.story(account.mail("heeded@example.net", ConfigurationSetName=name))
    assert kinds(story) == ["Send", "Bounce"]
