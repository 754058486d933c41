"""What SES refuses of a message, and in which words."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from mailroom_local._ses_error import SesError
from mailroom_local.sending import refusals

HEADER = b"From: a@example.com\r\nTo: b@example.net\r\n"


def words(check: object, value: object) -> str | None:
    """What SES says to it, if it refuses it."""
    assert callable(check)
    try:
        check(value)
    except SesError as error:
        return error.message if error.code == "InvalidParameterValue" else error.code
    return None


@pytest.mark.parametrize(
    "value",
    [
        "a@example.com",
        '"Doe, Jane" <jane@example.com>',
        "=?utf-8?q?J=C3=B6rg?= <j@example.com>",
        "Team: a@example.com, Jane <b@example.com>;",
        "undisclosed-recipients:;",
        "jane@example.com (Jane: the <one>)",
        "<@relay.example:jane@example.com>",
        '"jane doe"@example.com',
        "o'brien+label@mail.example.co.uk",
        "jane@[192.0.2.1]",
        "a@example.com,\r\n\tb@example.com,",
        "<a@example.com> Jane",
    ],
)
def test_addresses_as_programs_write_them_are_taken(value: str) -> None:
    """Names, groups, comments, routes, quotes and folding."""
    assert words(refusals.check_addresses, value) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("root", "Missing final '@domain'"),
        ("Doe, Jane <jane@example.com>", "Missing final '@domain'"),
        ("jane@", "Missing final '@domain'"),
        ("=?utf-8?q?jane=40example=2Ecom?=", "Missing final '@domain'"),
        ("Jörg <j@example.com>", "Missing final '@domain'"),
        ("J\udcf6rg <j@example.com>", "Missing final '@domain'"),
        ("jörg@example.com", "Missing final '@domain'"),
        ("<a@example.com> <b@example.com>", "Extra route-addr"),
        ("<a@example.com <b@example.com>>", "Extra route-addr"),
        ('"Jane <jane@example.com>', "Missing '\"'"),
        ('=?utf-8?Q?"Test=20Test?= <jane@example.com>', "Missing '\"'"),
        ("<jane@example.com", "Missing '>'"),
        ("jane@example.com>", "Missing '<'"),
        ("jane@example.com (Jane", "Missing ')'"),
        ("jane doe@example.com", "Local address contains control or whitespace"),
        ("jane..doe@example.com", "Local address contains dot-dot"),
        ("a@b@example.com", "Local address contains illegal character"),
        ("@example.com", "Missing local name"),
        ("jane@example.com%!", "Domain contains illegal character"),
        ("jane@.example.com", "Domain starts with dot"),
        ("", "Empty address"),
    ],
)
def test_an_address_that_ses_cannot_read_is_refused(value: str, said: str) -> None:
    """With the words of SES's parser."""
    assert words(refusals.check_addresses, value) == said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (b"Subject: =?cp-850?q?Gr=81n?=\r\n", "Unsupported encoding cp-850."),
        (b"X-Other: =?nonsense?b?YQ==?=\r\n", "Unsupported encoding nonsense."),
        (b"Subject: a\r\nSUBJECT: b\r\n", "Duplicate header 'SUBJECT'."),
        (b"DKIM-Signature: v=1\r\nDKIM-Signature: v=1\r\n", "Duplicate header 'DKIM-Signature'."),
        (b": value\r\n", "Empty header names are illegal."),
        (b"Subject: folded\r\n : before a colon\r\n", None),
        (b"Content-Type: text/plain; charset\r\n", "Expected '=', got 'null'"),
        (b"Content-Type: text/plain;\r\n charset; format=flowed\r\n", "Expected '=', got ';'"),
        (b"Content-Type: multipart/mixed; boundary=x\r\n", "Missing start boundary"),
        (b"Cc: root\r\n", "Missing final '@domain'"),
        (b"Cc: \r\nBcc:\r\n", None),
        (b"X-Long: " + b"x" * 990 + b"\r\n", None),
        (b"X-Long: " + b"x" * 991 + b"\r\n", "Line length exceeds 1000 characters."),
        (b"Received: one\r\nReceived: two\r\n", None),
        (b"Subject: =?utf-8?b?a?=\r\n", None),
        ("Subject: Grüße\r\n".encode(), None),
        (b'Content-Type: text/plain; charset="utf-8"; format=flowed;\r\n', None),
        (b"Content-Type: text/plain; name=\"a; b\"; x='c'\r\n", None),
    ],
)
def test_a_header_that_ses_cannot_read_is_refused(fields: bytes, said: str | None) -> None:
    """And others are not."""
    assert words(refusals.check_message, HEADER + fields + b"\r\nHi\r\n") == said


def test_a_message_without_a_sender_is_refused() -> None:
    """But for one without any header, which SES was recorded to take."""
    said = words(refusals.check_message, b"To: b@example.net\r\n\r\nHi\r\n")
    assert said == "Missing required header 'From'."
    assert words(refusals.check_message, b"") is None


def test_a_message_has_500_parts_at_most() -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""

    def of(parts: int) -> bytes:
        part = b"--x\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
        return HEADER + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + part * parts

    assert words(refusals.check_message, of(499)) is None
    assert "500 MIME parts" in str(words(refusals.check_message, of(500)))


def test_a_charset_that_ses_does_not_know_is_refused(account: Any, refusal: Any) -> None:
    """Of an API call, by both APIs."""
    text = {"Data": "Hi", "Charset": "string"}
    simple = {"Subject": {"Data": "Hi"}, "Body": {"Text": text}}
    with pytest.raises(ClientError) as error:
        account.mail(content={"Simple": simple})
    assert refusal(error) == ("BadRequestException", "Unsupported charset 'string'.")
    with pytest.raises(ClientError) as error:
        account.ses.send_email(
            Source="a@sending.example",
            Destination={"ToAddresses": ["b@example.net"]},
            Message=simple,
        )
    assert refusal(error) == ("InvalidParameterValue", "Unsupported charset 'string'.")
    story = account.aws.messages(handlers=False)[-1]
    assert (story.outgoing, story.refused) == (True, "400 InvalidParameterValue")
    assert story.reason == "Unsupported charset 'string'."


def test_template_data_with_a_null_are_taken_and_never_sent(account: Any) -> None:
    """There is an event instead."""
    name, _ = account.configuration_set("SEND", "RENDERING_FAILURE")
    inline = {"Subject": "Hi {{name}}", "Text": "Hi"}
    template = {"TemplateContent": inline, "TemplateData": '{"name": null}'}
    message_id = account.mail(content={"Template": template}, ConfigurationSetName=name)
    (event,) = account.story(message_id)
    assert event["eventType"] == "Rendering Failure"
    assert message_id not in [sent["MessageId"] for sent in account.aws.sent()]


def test_a_caller_without_permission_is_in_the_log(account: Any) -> None:
    """With what it is missing."""
    stranger = _stranger(account)
    with account.aws.permissions_enforced(), pytest.raises(ClientError):
        stranger.send_email(
            FromEmailAddress="a@sending.example",
            Destination={"ToAddresses": ["b@example.net"]},
            Content={"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hi"}}}},
        )
    story = account.aws.messages(handlers=False)[-1]
    assert story.refused == "403 AccessDenied"
    assert "is not authorized to perform" in str(story.reason)
    assert story.rcpt_tos == ["b@example.net"]


def _stranger(account: Any) -> Any:
    name = account.name("user")
    account.iam.create_user(UserName=name)
    key = account.iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "sesv2",
        endpoint_url=account.aws.server.endpoint,
        region_name=account.region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
