"""Rules of `Sender`: what SES is asked, and what each of its answers proves."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.mime.text import MIMEText
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

import mailroom
from mailroom.errors import NotConfigured
from mailroom.sending import (
    NO_CONFIGURATION_SET,
    InvalidMessage,
    ListManagement,
    ListUnsubscribe,
    Sender,
    add_publishing_headers,
    publishing_headers,
    raw_message,
)


def a_message(**fields: str) -> EmailMessage:
    message = EmailMessage()
    defaults = {"From": "shop@example.com", "To": "jane@example.com", "Subject": "Hello"}
    for name, value in {**defaults, **fields}.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hi.\n")
    return message


def parsed(client: Any) -> EmailMessage:
    data = client.calls[-1]["Content"]["Raw"]["Data"]
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


# What is sent.


def test_raw_content_goes_with_parameters(sender: Sender, client: Any) -> None:
    """Configuration set and tags are API parameters; the message itself has none of them."""
    sent = sender.send(a_message(), tags={"campaign": "may"})
    (call,) = client.calls
    assert call["ConfigurationSetName"] == "outbound"
    assert call["EmailTags"] == [
        {"Name": "app", "Value": "shop"},
        {"Name": "campaign", "Value": "may"},
    ]
    assert call["Destination"] == {"ToAddresses": ["jane@example.com"]}
    assert b"X-SES" not in call["Content"]["Raw"]["Data"]
    assert (sent.message_id, sent.configuration_set) == ("id-1", "outbound")
    assert sent.tags == {"app": "shop", "campaign": "may"}
    assert sent.recipients == ("jane@example.com",)


def test_the_repr_of_sent_has_no_addresses(sender: Sender) -> None:
    """A log line has what a trace needs, and no address."""
    assert "@" not in repr(sender.send(a_message()))


def test_a_messages_own_tags_win_by_name(sender: Sender, client: Any) -> None:
    """The default tags are defaults."""
    sender.send(a_message(), tags={"app": "blog"})
    assert client.calls[0]["EmailTags"] == [{"Name": "app", "Value": "blog"}]


def test_bcc_gets_the_message_and_is_not_in_it(sender: Sender, client: Any) -> None:
    """The envelope has every recipient; the header has no Bcc."""
    sender.send(a_message(Cc="c@example.com", Bcc="Secret <b@example.com>"))
    assert client.calls[0]["Destination"]["ToAddresses"] == [
        "jane@example.com",
        "c@example.com",
        "b@example.com",
    ]
    assert b"b@example.com" not in client.calls[0]["Content"]["Raw"]["Data"]


def test_the_users_message_is_left_as_it_is(sender: Sender) -> None:
    """Sending takes nothing out of the object that the caller holds."""
    message = a_message(Bcc="b@example.com", X_SES_CONFIGURATION_SET="outbound")
    before = message.items()
    sender.send(message)
    assert message.items() == before


def test_recipients_replace_what_the_header_says(sender: Sender, client: Any) -> None:
    """As an envelope does."""
    sender.send(a_message(), recipients=["other@example.net"])
    assert client.calls[0]["Destination"] == {"ToAddresses": ["other@example.net"]}


def test_a_message_without_from_gets_the_senders(sender: Sender, client: Any) -> None:
    """With its display name."""
    message = EmailMessage()
    message["To"] = "jane@example.com"
    message.set_content("x")
    sender.send(message)
    assert parsed(client)["From"] == "Shop <shop@example.com>"


def test_an_old_style_message_is_sent_too(sender: Sender, client: Any) -> None:
    """Django and others still build `email.message.Message`, with encoded names."""
    message = MIMEText("Grüße", "plain", "utf-8")
    message["From"] = "shop@example.com"
    message["To"] = "=?utf-8?q?J=C3=B6rg?= <joerg@example.com>"
    message["Subject"] = "=?utf-8?q?Gr=C3=BC=C3=9Fe?="
    sender.send(message)
    assert parsed(client)["Subject"] == "Grüße"
    assert parsed(client)["To"].addresses[0].display_name == "Jörg"


def test_simple_content_is_encoded(sender: Sender, client: Any) -> None:
    """Names are encoded, texts are UTF-8, Bcc is a parameter."""
    sender.send_simple(
        to="Zoë, the Great <zoe@bücher.example>",
        bcc=["b@example.com"],
        reply_to="help@example.com",
        subject="Größe",
        text="ü",
        html="<p>ü</p>",
    )
    (call,) = client.calls
    (to,) = call["Destination"]["ToAddresses"]
    assert to.isascii()
    assert to.endswith(" <zoe@xn--bcher-kva.example>")
    assert call["Destination"]["BccAddresses"] == ["b@example.com"]
    assert call["FromEmailAddress"] == '"Shop" <shop@example.com>'
    assert call["ReplyToAddresses"] == ["help@example.com"]
    assert call["Content"]["Simple"]["Subject"] == {"Data": "Größe", "Charset": "UTF-8"}
    assert set(call["Content"]["Simple"]["Body"]) == {"Text", "Html"}


@pytest.mark.parametrize("content", [{"text": 5}, {"html": b"<p>"}, {"text": "\ud800"}, {}])
def test_simple_content_is_text(sender: Sender, client: Any, content: Any) -> None:
    """SES is not asked to send anything else, or nothing at all."""
    with pytest.raises(InvalidMessage, match=r"text|html"):
        sender.send_simple(to="a@example.com", subject="s", **content)
    assert not client.calls


def test_a_template_is_sent_with_its_data(sender: Sender, client: Any) -> None:
    """Name and data, with the same envelope as everything else."""
    sender.send_template(to="a@example.com", template="welcome", data={"name": "Ann"})
    template = client.calls[0]["Content"]["Template"]
    assert template == {"TemplateName": "welcome", "TemplateData": '{"name": "Ann"}'}
    assert client.calls[0]["EmailTags"]


def test_verification_has_a_configuration_set_and_no_tags(sender: Sender, client: Any) -> None:
    """As the operation has no tags, none are claimed."""
    sent = sender.send_verification("new@example.com", template="verify")
    assert client.calls[0] == {
        "EmailAddress": "new@example.com",
        "TemplateName": "verify",
        "ConfigurationSetName": "outbound",
    }
    assert sent.tags == {}


def test_every_parameter_is_one_that_sesv2_knows() -> None:
    """Against botocore's own model, with everything given that can be."""
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    client = boto3.client("sesv2", region_name="us-east-1", config=config)
    sender = Sender(
        configuration_set="s", tags={"a": "b"}, from_address="a@example.com", client=client
    )
    link = ListUnsubscribe(https="https://example.com/u")
    managed = ListManagement("readers", topic="weekly")
    with Stubber(client) as stub:
        for _ in range(3):
            stub.add_response("send_email", {"MessageId": "1"})
        stub.add_response("send_custom_verification_email", {"MessageId": "1"})
        stub.add_response("get_account", {"SendQuota": {"MaxSendRate": 50.0}})
        stub.add_response(
            "send_bulk_email",
            {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "1"}]},
        )
        sender.send(a_message(), list_management=managed)
        sender.send_simple(
            to="b@example.com", subject="s", text="t", list_unsubscribe=link, reply_to="c@d.example"
        )
        sender.send_template(
            to="b@example.com", template="t", headers={"X-A": "b"}, list_management=managed
        )
        sender.send_verification("b@example.com", template="t")
        bulk = sender.send_bulk(
            [mailroom.sending.BulkEntry("b@example.com", data={}, tags={"c": "d"})],
            template="t",
            list_unsubscribe=link,
            reply_to="c@d.example",
        )
        assert len(bulk.sent) == 1
        stub.assert_no_pending_responses()


# Configuration.


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    """As the construct sets them."""
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "fromenv")
    monkeypatch.setenv("MAILROOM_TAGS", '{"stage": "prod"}')
    sender = Sender(client=client)
    assert (sender.configuration_set, sender.tags) == ("fromenv", {"stage": "prod"})


def test_headers_need_a_configuration_set(client: Any) -> None:
    """Mail without events is a decision, not an oversight."""
    with pytest.raises(NotConfigured, match="NO_CONFIGURATION_SET"):
        Sender(client=client)


def test_mail_can_be_sent_without_events_on_purpose(
    monkeypatch: pytest.MonkeyPatch, client: Any
) -> None:
    """The sentinel wins over the environment."""
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "fromenv")
    Sender(client=client, configuration_set=NO_CONFIGURATION_SET).send(a_message())
    assert "ConfigurationSetName" not in client.calls[0]


@pytest.mark.parametrize("text", ["{}", " {} ", ""])
def test_an_empty_object_means_no_default_tags(
    monkeypatch: pytest.MonkeyPatch, client: Any, text: str
) -> None:
    monkeypatch.setenv("MAILROOM_TAGS", text)
    assert Sender(client=client, configuration_set="s").tags == {}


@pytest.mark.parametrize("text", ["[]", "no", '{"a": 1}', '{"a b": "c"}', '{"a":"1","a":"2"}'])
def test_broken_default_tags_say_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, client: Any, text: str
) -> None:
    """The error names the variable."""
    monkeypatch.setenv("MAILROOM_TAGS", text)
    with pytest.raises(NotConfigured, match="MAILROOM_TAGS"):
        Sender(client=client, configuration_set="s")


def test_a_client_that_retries_is_refused() -> None:
    """botocore would repeat a send after a timeout."""
    with pytest.raises(NotConfigured, match="total_max_attempts"):
        Sender(configuration_set="s", client=boto3.client("sesv2", region_name="us-east-1"))


@pytest.mark.parametrize("arguments", [{"attempts": 0}, {"max_send_rate": 0}])
def test_numbers_that_would_send_nothing_are_refused(client: Any, arguments: Any) -> None:
    """No attempt, or no recipient a second."""
    with pytest.raises(NotConfigured, match=next(iter(arguments))):
        Sender(configuration_set="s", client=client, **arguments)
    assert Sender(configuration_set="s", client=client, attempts=1, max_send_rate=0.5)


# Both kinds in one message.


def test_own_headers_that_agree_are_removed(sender: Sender, client: Any) -> None:
    """They are taken out, as API v2 would ignore them."""
    sender.send(a_message(X_SES_CONFIGURATION_SET="outbound", X_SES_MESSAGE_TAGS="app=shop"))
    assert b"X-SES" not in client.calls[0]["Content"]["Raw"]["Data"]


def test_own_headers_alone_become_parameters(client: Any) -> None:
    """A message made for SMTP keeps its meaning."""
    sender = Sender(client=client, configuration_set=NO_CONFIGURATION_SET)
    sent = sender.send(a_message(X_SES_CONFIGURATION_SET="theirs", X_SES_MESSAGE_TAGS="a=b, c=d"))
    assert client.calls[0]["ConfigurationSetName"] == "theirs"
    assert (sent.configuration_set, sent.tags) == ("theirs", {"a": "b", "c": "d"})


@pytest.mark.parametrize(
    "field", [{"X_SES_CONFIGURATION_SET": "other"}, {"X_SES_MESSAGE_TAGS": "app=blog"}]
)
def test_both_kinds_that_differ_are_refused(
    sender: Sender, client: Any, field: dict[str, str]
) -> None:
    """AWS merges nothing, so one of them would be lost silently."""
    with pytest.raises(InvalidMessage, match="own_headers"):
        sender.send(a_message(**field))
    assert not client.calls


@pytest.mark.parametrize(
    ("own_headers", "expected"), [("prefer", "other"), ("discard", "outbound")]
)
def test_passing_the_argument_resolves_the_conflict(
    sender: Sender, client: Any, own_headers: str, expected: str
) -> None:
    """Explicitly one or the other."""
    sender.send(a_message(X_SES_CONFIGURATION_SET="other"), own_headers=own_headers)
    assert client.calls[0]["ConfigurationSetName"] == expected


# List mail.


def test_one_click_unsubscribe_has_both_fields(sender: Sender, client: Any) -> None:
    """RFC 8058: both fields, the https address first."""
    link = ListUnsubscribe(https="https://example.com/u?id=1", mailto="leave@example.com")
    sender.send(a_message(), list_unsubscribe=link)
    message = parsed(client)
    value = " ".join(message["List-Unsubscribe"].split())
    assert value == "<https://example.com/u?id=1>, <mailto:leave@example.com>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "link", [{"mailto": "a@b.example"}, {"https": "https://x", "one_click": False}]
)
def test_one_click_is_declared_only_where_it_works(link: dict[str, Any]) -> None:
    """Not for mail addresses, nor for a page that asks first."""
    assert "List-Unsubscribe-Post" not in ListUnsubscribe(**link).headers()


@pytest.mark.parametrize(
    "link",
    [
        {},
        {"https": "http://example.com"},
        {"https": "https://a.example/>,<https://evil.example"},
        {"https": "https://a.example/\r\nBcc: x@y.example"},
        {"mailto": "no address"},
        {"mailto": "a@b.example", "one_click": True},
    ],
)
def test_unusable_unsubscribe_links_are_refused(link: dict[str, Any]) -> None:
    """Among them what would end the field, or start another."""
    with pytest.raises(InvalidMessage):
        ListUnsubscribe(**link)


@pytest.mark.parametrize(
    ("contact_list", "topic", "named"),
    [
        ("my readers", None, "contact_list"),
        ("", None, "contact_list"),
        ("r" * 65, None, "contact_list"),
        ("readers; topic=x", None, "contact_list"),
        ("readers", "weekly news", "topic"),
        ("readers", "", "topic"),
    ],
)
def test_a_list_or_topic_that_ses_cannot_have_is_refused(
    contact_list: str, topic: str | None, named: str
) -> None:
    """Over SMTP both are part of one header field, so no character may end them."""
    with pytest.raises(InvalidMessage, match=f"^{named} is"):
        ListManagement(contact_list, topic=topic)


def test_list_management_is_a_parameter(sender: Sender, client: Any) -> None:
    """Contact list and topic are a parameter of every kind of content."""
    sender.send(a_message(), list_management=ListManagement("readers", topic="weekly"))
    assert client.calls[0]["ListManagementOptions"] == {
        "ContactListName": "readers",
        "TopicName": "weekly",
    }


def test_two_ways_to_unsubscribe_are_refused(sender: Sender) -> None:
    """SES would put its own link in the place of the other."""
    with pytest.raises(InvalidMessage, match="pass only one"):
        sender.send(
            a_message(),
            list_unsubscribe=ListUnsubscribe(https="https://x.example"),
            list_management=ListManagement("readers"),
        )


# Header fields for other senders.


def test_publishing_headers_are_plain_text() -> None:
    """So that Django's headers= and Flask-Mail's extra_headers= take them as they are."""
    fields = publishing_headers("outbound", {"campaign": "may", "app": "shop"})
    assert fields == {
        "X-SES-CONFIGURATION-SET": "outbound",
        "X-SES-MESSAGE-TAGS": "campaign=may, app=shop",
    }
    assert {type(part) for pair in fields.items() for part in pair} == {str}


def test_publishing_headers_know_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no argument, what the construct set."""
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "fromenv")
    monkeypatch.setenv("MAILROOM_TAGS", '{"stage": "prod"}')
    assert publishing_headers(tags={"a": "b"})["X-SES-MESSAGE-TAGS"] == "stage=prod, a=b"


def test_publishing_headers_are_added_once() -> None:
    """Adding them again changes nothing; adding others is refused."""
    message = a_message()
    add_publishing_headers(message, "outbound", {"a": "b"})
    add_publishing_headers(message, "outbound", {"a": "b"})
    assert message.get_all("X-SES-CONFIGURATION-SET") == ["outbound"]
    with pytest.raises(InvalidMessage, match="X-SES-CONFIGURATION-SET"):
        add_publishing_headers(message, "other", {"a": "b"})


def test_raw_messages_for_api_v1_keep_their_fields() -> None:
    """SendRawEmail reads them from the header; Bcc is gone all the same."""
    message = a_message(Bcc="b@example.com")
    add_publishing_headers(message, "outbound", {"a": "b", "c": "d"})
    found = message_from_bytes(raw_message(message), policy=policy.default)
    assert found["X-SES-CONFIGURATION-SET"] == "outbound"
    assert found["X-SES-MESSAGE-TAGS"] == "a=b, c=d"
    assert found["Bcc"] is None
