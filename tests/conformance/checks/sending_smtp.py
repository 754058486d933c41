"""Sending by SMTP: credentials, ports and refusals."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import smtplib
import socket
from collections.abc import Iterator
from typing import Any

from conformance.check import Json, Need, check
from conformance.mailing import SUCCESS, raw, sender
from conformance.place import Place

USER = (
    "iam:CreateAccessKey",
    "iam:CreateUser",
    "iam:DeleteAccessKey",
    "iam:DeleteUser",
    "iam:DeleteUserPolicy",
    "iam:PutUserPolicy",
)
MADE = "an IAM user with an access key"
# Regions without an endpoint, as AWS's General Reference has them, and one that has it.
WITHOUT = (
    "af-south-1",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-5",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
)


def password(secret: str, region: str) -> str:
    """The SMTP password of an access key, as AWS documents it, written down here a second time.

    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
    """
    key = f"AWS4{secret}".encode()
    for text in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        key = hmac.digest(key, text.encode(), hashlib.sha256)
    return base64.b64encode(b"\x04" + key).decode()


def _key(place: Place) -> tuple[str, str]:
    """The access key and the secret key of a new user who may send."""
    iam, name = place.client("iam"), place.name("user")
    place.cleanup.add(f"user {name}", iam.delete_user, UserName=name)
    iam.create_user(UserName=name)
    place.cleanup.add("policy", iam.delete_user_policy, UserName=name, PolicyName="inline")
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
        '"Action": "ses:SendRawEmail", "Resource": "*"}]}'
    )
    iam.put_user_policy(UserName=name, PolicyName="inline", PolicyDocument=policy)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    place.cleanup.add(
        "access key", iam.delete_access_key, UserName=name, AccessKeyId=made["AccessKeyId"]
    )
    return made["AccessKeyId"], made["SecretAccessKey"]


@contextlib.contextmanager
def _logged_in(place: Place, key: tuple[str, str]) -> Iterator[smtplib.SMTP]:
    """A connection that has logged in; IAM may take a while to know a key."""
    found: list[smtplib.SMTP] = []
    with contextlib.ExitStack() as stack:

        def entered() -> bool:
            smtp = stack.enter_context(place.smtp(host=place.site.submission))
            if _login(smtp, key[0], password(key[1], place.region))[0] != 235:
                return False
            found.append(smtp)
            return True

        place.until(entered, seconds=90)
        if not found:
            raise RuntimeError("the credentials do not work after 90 s")
        yield found[0]


def _login(smtp: smtplib.SMTP, user: str, text: str) -> tuple[int, str]:
    try:
        code, reply = smtp.login(user, text)
    except smtplib.SMTPAuthenticationError as error:
        code, reply = error.smtp_code, error.smtp_error
    return code, reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


def _sent(smtp: smtplib.SMTP, place: Place, content: bytes) -> dict[str, Any]:
    """The reply to a message."""
    smtp.mail(sender(place))
    smtp.rcpt(SUCCESS)
    code, reply = smtp.data(content)
    text = reply.decode("utf-8", "replace")
    if code == 250:
        text = f"{text.rpartition(' ')[0]} <message id>"
    else:
        smtp.rset()
    return {"code": code, "text": text}


@check(
    "How an SMTP password is derived from a secret key",
    actions=USER,
    needs=(Need.DOMAIN,),
    creates=MADE,
    minutes=2,
    expects={"derived for this region": 235, "a message": {"code": 250}},
)
def derived_password(place: Place) -> Json:
    """Log in at port 587 with passwords derived for this region and for another, and send."""
    key = _key(place)
    elsewhere = "eu-west-1" if place.region != "eu-west-1" else "us-east-1"
    with _logged_in(place, key) as smtp:
        sent = _sent(smtp, place, raw(place))
    found: dict[str, Any] = {"derived for this region": 235, "a message": sent}
    for how, text in (
        ("derived for another region", password(key[1], elsewhere)),
        ("the secret key itself", key[1]),
    ):
        with place.smtp(host=place.site.submission) as smtp:
            code, reply = _login(smtp, key[0], text)
        found[how] = {"code": code, "text": reply}
    return found


@check(
    "SES takes mail at port 465 with TLS from the start",
    needs=(Need.AWS,),
    minutes=0.2,
    expects={"465": "an SMTP greeting", "587": "an SMTP greeting"},
)
def ports(place: Place) -> Json:
    """Connect to the ports of the SMTP endpoint, to 465 with TLS from the start."""
    host, found = place.site.submission[0], {}
    for port in (25, 465, 587, 2465, 2587):
        try:
            if port in (465, 2465):
                smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                    host, port, timeout=20, context=place.site.tls
                )
            else:
                smtp = smtplib.SMTP(host, port, timeout=20)
        except OSError as error:
            found[str(port)] = type(error).__name__
        else:
            smtp.close()
            found[str(port)] = "an SMTP greeting"
    return found


@check(
    "SMTP answers `554 Transaction failed: …`",
    actions=USER,
    needs=(Need.DOMAIN,),
    creates=MADE,
    minutes=2,
)
def refusals(place: Place) -> Json:
    """Send malformed mail, and mail of a sender that is not verified, by SMTP."""
    cases = {
        "two Subject fields": raw(place, "SUBJECT: again"),
        "an address without a domain": raw(place, "Cc: root"),
        "an unverified sender": b"From: a@unverified.example\r\nTo: a@example.com\r\n\r\nHi\r\n",
    }
    with _logged_in(place, _key(place)) as smtp:
        return {case: _sent(smtp, place, content) for case, content in cases.items()}


@check(
    "Regions without an SMTP endpoint",
    needs=(Need.AWS,),
    minutes=0.2,
    expects={**dict.fromkeys(WITHOUT, False), "us-east-1": True},
)
def regions(place: Place) -> Json:
    """Look up the SMTP endpoint of each region that has none, and of us-east-1."""
    found = {}
    for region in (*WITHOUT, "us-east-1"):
        try:
            socket.getaddrinfo(f"email-smtp.{region}.amazonaws.com", 587)
        except socket.gaierror:
            found[region] = False
        else:
            found[region] = True
    return found
