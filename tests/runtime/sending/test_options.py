"""Rules of what a call may say beside its message: tenant, endpoint, tracking, attachments."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from botocore.session import get_session

from mailroom import sending
from mailroom.errors import NotConfigured, NotSent
from mailroom.sending import (
    Attachment,
    InlineTemplate,
    InvalidMessage,
    Sender,
    Tracking,
)


@pytest.fixture(scope="module")
def model() -> Any:
    """API v2 as the installed botocore knows it."""
    return get_session().get_service_model("sesv2")


def checked(model: Any, operation: str, arguments: dict[str, Any]) -> None:
    """Fail unless botocore accepts the arguments."""
    from botocore.validate import ParamValidator

    shape = model.operation_model(operation).input_shape
    # Only newer versions of boto3 than the oldest that is supported know tracking for one message.
    if "ConfigurationOverrides" not in shape.members:
        arguments = {k: v for k, v in arguments.items() if k != "ConfigurationOverrides"}
    assert ParamValidator().validate(arguments, shape).generate_report() == ""


def a_message() -> EmailMessage:
    message = EmailMessage()
    message["To"] = "jane@example.com"
    message.set_content("Hi.\n")
    return message


def routed(client: Any, **options: Any) -> Sender:
    return Sender(
        configuration_set="outbound", from_address="shop@example.com", client=client, **options
    )


EVERY_WAY = {
    "send": lambda sender, **more: sender.send(a_message(), **more),
    "send_simple": lambda sender, **more: sender.send_simple(
        to="jane@example.com", subject="Hi", text="Hi", **more
    ),
    "send_template": lambda sender, **more: sender.send_template(
        template="t", to="jane@example.com", **more
    ),
}


@pytest.mark.parametrize("way", EVERY_WAY)
def test_every_way_of_sending_names_tenant_endpoint_and_tracking(
    client: Any, model: Any, way: str
) -> None:
    """A message outside of its tenant would reach the reputation of another."""
    sender = routed(client, tenant="acme", endpoint_id="abcdef12.g3h")
    EVERY_WAY[way](sender, tracking=Tracking(opens=False))
    (call,) = client.calls
    checked(model, "SendEmail", call)
    assert (call["TenantName"], call["EndpointId"]) == ("acme", "abcdef12.g3h")
    assert call["ConfigurationOverrides"] == {"Tracking": {"OpenTrackingEnabled": "DISABLED"}}


@pytest.mark.parametrize("way", EVERY_WAY)
def test_nothing_is_said_of_what_was_not_asked_for(client: Any, way: str) -> None:
    """An override needs a permission of its own, even an empty one."""
    EVERY_WAY[way](routed(client))
    assert not {"TenantName", "EndpointId", "ConfigurationOverrides"} & set(client.calls[0])


def test_a_bulk_call_names_them_too(model: Any) -> None:
    """Once for all of its entries, as SES has it."""
    calls = []

    class Client:
        def send_bulk_email(self, **arguments: Any) -> dict[str, Any]:
            calls.append(arguments)
            return {"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": "id"}]}

    sender = routed(Client(), tenant="acme", endpoint_id="abcdef12.g3h", max_send_rate=10)
    sender.send_bulk(
        ["jane@example.com"],
        template=InlineTemplate(subject="{{title}}", html="<p>{{title}}"),
        data={"title": "News"},
        attachments=[Attachment("terms.pdf", b"%PDF")],
        tracking=Tracking(opens=True, clicks=False),
    )
    (call,) = calls
    checked(model, "SendBulkEmail", call)
    assert (call["TenantName"], call["EndpointId"]) == ("acme", "abcdef12.g3h")
    assert call["ConfigurationOverrides"]["Tracking"] == {
        "OpenTrackingEnabled": "ENABLED",
        "ClickTrackingEnabled": "DISABLED",
    }
    content = call["DefaultContent"]["Template"]
    assert content["TemplateContent"] == {"Subject": "{{title}}", "Html": "<p>{{title}}"}
    assert content["Attachments"][0]["FileName"] == "terms.pdf"


def test_a_sender_for_another_tenant_shares_all_but_the_tenant(client: Any) -> None:
    """One sender serves a function that sends for many tenants."""
    shop = routed(client, tags={"app": "shop"}, tenant="acme", endpoint_id="abc.def")
    other = shop.for_tenant("globex")
    other.send(a_message())
    shop.send(a_message())
    assert [call["TenantName"] for call in client.calls] == ["globex", "acme"]
    assert (other.tags, other.endpoint_id) == ({"app": "shop"}, "abc.def")


def test_the_environment_names_tenant_and_endpoint(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `grant_send` sets them."""
    monkeypatch.setenv("MAILROOM_TENANT", "acme")
    monkeypatch.setenv("MAILROOM_ENDPOINT_ID", "abc.def")
    assert (routed(client).tenant, routed(client).endpoint_id) == ("acme", "abc.def")
    assert routed(client, tenant="globex").tenant == "globex"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"tenant": ""}, "tenant is ''"),
        ({"tenant": "acme inc"}, "tenant is 'acme inc'"),
        ({"tenant": "a" * 65}, "tenant is 'aaa"),
        ({"endpoint_id": "https://abc.endpoints.email.amazonaws.com"}, "endpoint_id is 'https"),
    ],
)
def test_a_name_that_ses_would_refuse_is_refused(
    client: Any, options: dict[str, str], named: str
) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidMessage, match=named):
        routed(client, **options)


def test_an_endpoint_needs_a_package_that_signs_for_several_regions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """botocore would say so with the first message, which is too late."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NotConfigured, match=r"botocore\[crt\]"):
        Sender(configuration_set="outbound", endpoint_id="abc.def")


def test_a_message_through_an_endpoint_has_no_known_region(client: Any) -> None:
    """It may have been sent in either, so its Message-ID is not known."""
    assert routed(client, endpoint_id="abc.def").send(a_message()).header_message_id is None


def test_a_field_for_smtp_is_refused(client: Any) -> None:
    """API v2 takes the tenant as a parameter."""
    message = a_message()
    message["X-SES-TENANT"] = "acme"
    with pytest.raises(InvalidMessage, match="pass tenant to the sender"):
        routed(client).send(message)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Tenant not associated with resources [arn].", "associate them with the tenant"),
        ("not authorized: ses:ApplyTrackingConfigurationOverrides", "tracking=True"),
        ("not authorized: ses:SendEmail", "the identity and the configuration set"),
    ],
)
def test_a_refusal_names_its_remedy(client: Any, text: str, hint: str) -> None:
    """Three reasons have the same code."""
    from botocore.exceptions import ClientError

    answer: Any = {"Error": {"Code": "AccessDeniedException", "Message": text}}
    answer["ResponseMetadata"] = {"HTTPStatusCode": 403}
    client.answers = [ClientError(answer, "SendEmail")]
    with pytest.raises(NotSent, match=hint):
        routed(client).send(a_message())


# Attachments and inline templates.


def test_attachments_are_passed_as_ses_takes_them(sender: Sender, client: Any, model: Any) -> None:
    """A picture of the HTML is inline; content is declared as Base64, which is safe for any."""
    sender.send_simple(
        to="jane@example.com",
        subject="Invoice",
        html='<img src="cid:logo">',
        attachments=[
            Attachment("invoice.pdf", b"%PDF", description="May"),
            Attachment("logo.png", b"\x89PNG", content_id="logo"),
            Attachment("data.unknown-extension", b"\x00"),
        ],
    )
    checked(model, "SendEmail", client.calls[0])
    listed = client.calls[0]["Content"]["Simple"]["Attachments"]
    assert [(one["ContentType"], one["ContentDisposition"]) for one in listed] == [
        ("application/pdf", "ATTACHMENT"),
        ("image/png", "INLINE"),
        ("application/octet-stream", "ATTACHMENT"),
    ]
    assert (listed[0]["ContentDescription"], listed[1]["ContentId"]) == ("May", "logo")
    assert {one["ContentTransferEncoding"] for one in listed} == {"BASE64"}


def test_a_template_takes_attachments(sender: Sender, client: Any) -> None:
    """With the data of the template."""
    sender.send_template(
        template="receipt", to="jane@example.com", attachments=[Attachment("a.txt", b"x")]
    )
    content = client.calls[0]["Content"]["Template"]
    assert (content["TemplateName"], len(content["Attachments"])) == ("receipt", 1)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("a.txt", "text"), "is a str: pass bytes"),
        (("", b""), "name is ''"),
        (("a" * 256, b""), "name is 'aaa"),
        (("out/a.txt", b""), "without a folder"),
        (("Setup.EXE", b""), "does not send such files"),
        (("a\r\nBcc: x", b""), "name has '\\\\r'"),
        (("a.txt", b"", "text"), "content_type is 'text'"),
        (("a.txt", b"", "text/plain\r\nX: y"), "content_type has"),
        (("a.txt", b"", None, "<logo>"), "content_id is '<logo>'"),
        (("a.txt", b"", None, None, "x" * 1001), "description has 1001"),
    ],
)
def test_an_attachment_that_ses_would_refuse_is_refused(
    arguments: tuple[Any, ...], named: str
) -> None:
    """By the name of the argument."""
    names = ("content_type", "content_id", "description")
    with pytest.raises(InvalidMessage, match=named):
        Attachment(*arguments[:2], **dict(zip(names, arguments[2:], strict=False)))


def test_attachments_count_as_they_are_encoded(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SES's limit is on the message, in which three bytes take four and a line end."""
    monkeypatch.setattr(sending.content.ses, "SENT_BYTES", 1000)
    some = {"to": "jane@example.com", "subject": "Hi", "text": "x" * 64}
    sender.send_simple(**some, attachments=[Attachment("a.bin", bytes(57 * 12))])
    with pytest.raises(InvalidMessage, match="1078 bytes with its attachments"):
        sender.send_simple(**some, attachments=[Attachment("a.bin", bytes(57 * 13))])


def test_two_attachments_cannot_share_a_content_id(sender: Sender) -> None:
    """The HTML could not name the second."""
    twice = [Attachment("a.png", b"x", content_id="a"), Attachment("b.png", b"x", content_id="a")]
    with pytest.raises(InvalidMessage, match="content_id 'a' is given twice"):
        sender.send_simple(to="jane@example.com", subject="Hi", html="", attachments=twice)


def test_an_inline_template_is_passed_with_its_data(
    sender: Sender, client: Any, model: Any
) -> None:
    """Nothing has to be stored."""
    sender.send_template(
        template=InlineTemplate(subject="Order {{id}}", text="Thanks, {{name}}"),
        data={"id": 47, "name": "Jane"},
        to="jane@example.com",
    )
    checked(model, "SendEmail", client.calls[0])
    content = client.calls[0]["Content"]["Template"]
    assert content["TemplateContent"] == {"Subject": "Order {{id}}", "Text": "Thanks, {{name}}"}
    assert "TemplateName" not in content


@pytest.mark.parametrize("text", ["{{#if a}}x{{/if}}", "{{> footer}}", "{{^a}}x{{/a}}", "{{else}}"])
def test_an_inline_template_has_no_helpers(text: str) -> None:
    """SES only replaces names in it, and would report anything else after accepting the message."""
    with pytest.raises(InvalidMessage, match="store it as an EmailTemplate"):
        InlineTemplate(subject="s", text=text)
    InlineTemplate(subject="s", text="{{name}} {{{name}}} {{elsewhere}}")


@pytest.mark.parametrize("given", [{}, {"opens": "DISABLED"}])
def test_tracking_says_something_about_opens_or_clicks(given: dict[str, Any]) -> None:
    """A text would be true, whatever it says."""
    with pytest.raises(InvalidMessage, match="opens"):
        Tracking(**given)
