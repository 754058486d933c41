"""SMTP submission: who may submit, and what happens to the mail."""

import json
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from mailroom_local import Credentials, SmtpRefused
from mailroom_local.sending.credentials import smtp_password

SENDER = "sender@sending.example"


def letter(**headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, "reader@example.net", "By SMTP"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hello\n")
    return message


@pytest.fixture
def connection(account: Any) -> Iterator[smtplib.SMTP]:
    """A conversation in which TLS has begun."""
    with smtplib.SMTP("127.0.0.1", account.aws.submission_port, timeout=10) as smtp:
        certificate = account.aws.state.temporary / "smtp.pem"
        smtp.starttls(context=ssl.create_default_context(cafile=certificate))
        smtp.ehlo()
        yield smtp


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_headers_name_configuration_set_and_tags(
    account: Any, connection: smtplib.SMTP, mechanism: str
) -> None:
    """There is nothing else by which SMTP could; the recipient does not see them."""
    name, _ = account.configuration_set("SEND")
    connection.user, connection.password = (
        account.aws.credentials.user,
        account.aws.credentials.password,
    )
    connection.auth(mechanism, getattr(connection, f"auth_{mechanism.lower()}"))
    before = len(account.aws.sent())
    field = "a=jane@example.com, ses:feedback-id-a=may.1, ses:other=x, b.c=d"
    connection.send_message(letter(X_SES_CONFIGURATION_SET=name, X_SES_MESSAGE_TAGS=field))
    message_id = account.aws.sent()[before]["MessageId"]
    tags = account.story(message_id)[0]["mail"]["tags"]
    assert tags["ses:configuration-set"] == [name]
    assert tags["ses:caller-identity"] == ["mailroom"]
    assert tags["a"] == ["jane@example.com"]
    assert tags["ses:feedback-id-a"] == ["may.1"]
    assert tags.keys().isdisjoint({"ses:other", "b.c"})
    assert account.delivered(message_id)["X-SES-CONFIGURATION-SET"] is None


def test_the_answer_carries_the_message_id(account: Any, connection: smtplib.SMTP) -> None:
    """So that a client can find its events."""
    connection.login(account.aws.credentials.user, account.aws.credentials.password)
    connection.mail(SENDER)
    connection.rcpt("reader@example.net")
    code, reply = connection.data(letter().as_bytes())
    assert code == 250
    assert reply.decode() == f"Ok {account.aws.sent()[-1]['MessageId']}"


def test_smtp_credentials_are_derived_from_an_access_key(
    account: Any, connection: smtplib.SMTP
) -> None:
    """By the derivation that AWS documents; events then name the IAM user."""
    name, _ = account.configuration_set("SEND")
    account.iam.create_user(UserName="smtp-user")
    key = account.iam.create_access_key(UserName="smtp-user")["AccessKey"]
    password = smtp_password(key["SecretAccessKey"], region=account.region)
    connection.login(key["AccessKeyId"], password)
    connection.send_message(letter(X_SES_CONFIGURATION_SET=name))
    story = account.story(account.aws.sent()[-1]["MessageId"])
    assert story[0]["mail"]["tags"]["ses:caller-identity"] == ["smtp-user"]
    account.iam.update_access_key(
        UserName="smtp-user", AccessKeyId=key["AccessKeyId"], Status="Inactive"
    )
    with smtplib.SMTP("127.0.0.1", account.aws.submission_port, timeout=10) as second:
        second.starttls(
            context=ssl.create_default_context(cafile=account.aws.state.temporary / "smtp.pem")
        )
        with pytest.raises(smtplib.SMTPAuthenticationError):
            second.login(key["AccessKeyId"], password)


def test_the_iam_user_needs_permission_to_send_raw_mail(
    account: Any, connection: smtplib.SMTP
) -> None:
    """On the identity and on the configuration set, by the author's address."""
    name, _ = account.configuration_set("SEND")
    user = account.name("user")
    account.iam.create_user(UserName=user)
    key = account.iam.create_access_key(UserName=user)["AccessKey"]
    scope = f"arn:aws:ses:{account.region}:{account.id}"

    def permit(*resources: str) -> None:
        statement = {
            "Effect": "Allow",
            "Action": "ses:SendRawEmail",
            "Resource": [f"{scope}:{resource}" for resource in resources],
            "Condition": {"StringEquals": {"ses:FromAddress": SENDER}},
        }
        account.iam.put_user_policy(
            UserName=user,
            PolicyName="p",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    connection.login(
        key["AccessKeyId"], smtp_password(key["SecretAccessKey"], region=account.region)
    )
    with account.aws.permissions_enforced():
        permit("identity/sending.example")
        connection.send_message(letter())
        with pytest.raises(smtplib.SMTPDataError, match=f"Access denied.*configuration-set/{name}"):
            connection.send_message(letter(X_SES_CONFIGURATION_SET=name))
        permit("identity/sending.example", f"configuration-set/{name}")
        connection.send_message(letter(X_SES_CONFIGURATION_SET=name))
        other = letter()
        other.replace_header("From", "boss@sending.example")
        with pytest.raises(smtplib.SMTPDataError, match="Access denied"):
            connection.send_message(other)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("some+secret+key", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
        ("another+secret+key", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"),
    ],
)
def test_the_password_is_derived_as_aws_does_it(secret: str, expected: str) -> None:
    """Two values of which other implementations are certain too; each region has its own."""
    assert smtp_password(secret, region="eu-central-1") == expected
    assert smtp_password(secret, region="us-east-1") != expected


@pytest.mark.parametrize("user", ["mailroom", "AKIANOBODY"])
def test_wrong_credentials_are_refused(connection: smtplib.SMTP, user: str) -> None:
    """With 535, and nothing can be sent."""
    with pytest.raises(smtplib.SMTPAuthenticationError) as error:
        connection.login(user, "wrong")
    assert error.value.smtp_code == 535
    assert connection.mail(SENDER)[0] == 530


def test_credentials_are_not_taken_without_tls(account: Any) -> None:
    """STARTTLS is offered, AUTH only behind it."""
    with smtplib.SMTP("127.0.0.1", account.aws.submission_port, timeout=10) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("starttls")
        assert not smtp.has_extn("auth")
        assert smtp.docmd("AUTH", "PLAIN AG1haWxyb29tAHJlaGVhcnNhbA==")[0] >= 500
        assert smtp.mail(SENDER)[0] == 530


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X_SES_CONFIGURATION_SET": "nowhere"}, "ConfigurationSetDoesNotExist"),
        ({}, "Message rejected"),
    ],
)
def test_what_ses_refuses_is_refused_after_data(
    account: Any, connection: smtplib.SMTP, headers: dict[str, str], reason: str
) -> None:
    """An unknown configuration set, a sender that is not verified."""
    connection.login(account.aws.credentials.user, account.aws.credentials.password)
    sender = SENDER if headers else "a@stranger.example"
    with pytest.raises(smtplib.SMTPDataError) as error:
        connection.sendmail(sender, ["reader@example.net"], letter(**headers).as_bytes())
    assert error.value.smtp_code == 554
    assert reason in str(error.value.smtp_error)


@pytest.mark.parametrize("field", ["From", "Sender", "Return-Path"])
def test_every_sender_that_a_header_names_must_be_verified(account: Any, field: str) -> None:
    """Not only the envelope sender; by SMTP and by the APIs."""
    message = letter()
    del message[field]
    message[field] = "Stranger <a@stranger.example>"
    with pytest.raises(SmtpRefused, match=r"554 Message rejected.*: a@stranger\.example"):
        account.aws.submit(message, mail_from=SENDER, rcpt_tos=["reader@example.net"])
    with pytest.raises(account.ses.exceptions.MessageRejected, match=r"a@stranger\.example"):
        account.ses.send_raw_email(Source=SENDER, RawMessage={"Data": message.as_bytes()})


def test_submit_logs_in_and_sends(account: Any) -> None:
    """In one call, as a mail program would."""
    sent = account.aws.submit(letter(), mail_from=SENDER, rcpt_tos=["reader@example.net"])
    assert account.aws.sent()[-1]["MessageId"] == sent.message_id
    with pytest.raises(SmtpRefused, match="535"):
        account.aws.submit(
            letter(),
            mail_from=SENDER,
            rcpt_tos=["reader@example.net"],
            credentials=Credentials(user="nobody", password="x"),
        )
