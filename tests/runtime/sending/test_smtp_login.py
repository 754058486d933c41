"""Where `SmtpSender` gets its password and its host, and when it asks again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.sending import (
    NotSent,
    SmtpSender,
    smtp_host,
    smtp_password,
)
from runtime.sending.smtp_server import SmtpSes, a_message


@pytest.fixture
def secrets() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="us-east-1")


def test_credentials_come_from_the_secret_when_needed(
    secrets: Any,
    server: SmtpSes,
    context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Host and port as well; nothing is fetched before the first message."""
    monkeypatch.setenv("MAILROOM_SMTP_SECRET", "smtp")
    sender = SmtpSender(configuration_set="s", context=context, client=secrets)
    value = {"username": "AKIB", "password": "right", "host": "127.0.0.1", "port": server.port}
    secrets.create_secret(Name="smtp", SecretString=json.dumps(value))
    sender.send(a_message())
    assert server.logins == ["AKIB"]
    sender.close()


def test_a_rotated_password_is_fetched_again(
    secrets: Any, server: SmtpSes, context: ssl.SSLContext, clock: Any
) -> None:
    """Once, when the server no longer takes the one at hand."""
    value = {"username": "OLD", "password": "right", "host": "127.0.0.1", "port": server.port}
    secrets.create_secret(Name="smtp", SecretString=json.dumps(value))
    sender = SmtpSender(
        configuration_set="s", context=context, client=secrets, secret="smtp", sleep=clock.sleep
    )
    sender.send(a_message())
    sender.close()
    server.password = "rotated"
    value.update(username="NEW", password="rotated")
    secrets.put_secret_value(SecretId="smtp", SecretString=json.dumps(value))
    sender.send(a_message())
    assert server.logins[0] == "OLD"
    assert server.logins[-1] == "NEW"
    sender.close()


def test_a_wrong_password_is_refused_at_once(
    server: SmtpSes, context: ssl.SSLContext, clock: Any
) -> None:
    """And is not in the error."""
    sender = SmtpSender(
        host="127.0.0.1",
        port=server.port,
        user="a",
        password="wr0ng",
        configuration_set="s",
        context=context,
        sleep=clock.sleep,
    )
    with pytest.raises(NotSent, match="535") as caught:
        sender.send(a_message())
    assert "wr0ng" not in str(caught.value)
    assert not clock.slept


@pytest.mark.parametrize(
    ("refusal", "tries"),
    [("454 Temporary authentication failure", 5), ("500 Unrecognized command", 1)],
)
def test_a_login_is_tried_again_only_after_a_temporary_failure(
    server: SmtpSes, smtp: SmtpSender, clock: Any, refusal: str, tries: int
) -> None:
    """Answers from 500 on are lasting."""
    server.password = "another"
    server.refusal = refusal
    with pytest.raises(NotSent, match=refusal):
        smtp.send(a_message())
    assert len(clock.slept) == tries - 1


def test_the_secret_is_fetched_with_the_processs_own_client_by_default(
    server: SmtpSes, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda code that is given a secret's name makes no client itself."""

    class Secrets:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803
            value = {"username": SecretId, "password": "right"}
            return {"SecretString": json.dumps(value)}

    monkeypatch.setitem(_runtime._clients, "secretsmanager", Secrets())
    with SmtpSender(
        host="127.0.0.1", port=server.port, secret="smtp", configuration_set="s", context=context
    ) as sender:
        sender.send(a_message())
    assert server.logins == ["smtp"]


def test_a_secret_of_another_shape_is_not_shown(secrets: Any) -> None:
    """The error names the secret, never what is in it."""
    secrets.create_secret(Name="smtp", SecretString='{"key": "hush"}')
    sender = SmtpSender(configuration_set="s", client=secrets, secret="smtp", host="127.0.0.1")
    with pytest.raises(NotConfigured, match="'smtp'") as caught:
        sender.send(a_message())
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"user": "a"}, {"password": "b"}, {"user": "a", "password": "b", "secret": "c"}],
)
def test_credentials_are_given_one_way(arguments: dict[str, str]) -> None:
    """Both halves, or a secret, never both ways."""
    with pytest.raises(NotConfigured):
        SmtpSender(configuration_set="s", **arguments)  # type: ignore[arg-type]


def test_without_a_host_or_a_region_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names every way to give one."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    sender = SmtpSender(user="a", password="b", configuration_set="s")
    with pytest.raises(NotConfigured, match="MAILROOM_SMTP_HOST or AWS_REGION"):
        sender.send(a_message())


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_sender_tries_at_least_once(attempts: int) -> None:
    """Zero would mean that nothing is ever sent."""
    with pytest.raises(NotConfigured, match=f"attempts is {attempts}"):
        SmtpSender(user="a", password="b", configuration_set="s", attempts=attempts)


def test_the_password_is_derived_as_aws_documents() -> None:
    """Version 4; written out step by step, as AWS's own example is."""
    key = b"AWS4" + b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    for part in (b"11111111", b"eu-west-1", b"ses", b"aws4_request", b"SendRawEmail"):
        key = hmac.new(key, part, hashlib.sha256).digest()
    expected = base64.b64encode(bytes([4]) + key).decode()
    assert smtp_password("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "eu-west-1") == expected
    assert len(expected) == 44


def test_the_host_depends_on_the_region() -> None:
    """With the partition's suffix."""
    assert smtp_host("eu-west-1") == "email-smtp.eu-west-1.amazonaws.com"
    assert smtp_host("cn-north-1") == "email-smtp.cn-north-1.amazonaws.com.cn"
