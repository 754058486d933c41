"""The webhook: what it signs, when it tries again, and where it sends nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom import _runtime
from mailroom.errors import InvalidSignature, NotConfigured, NotHandedOn
from mailroom.handlers.receiving import _post, webhook
from mailroom.receiving import handed_on
from mailroom.receiving.signature import signed
from mailroom.testing import received_mail

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hook"
PUBLIC = "93.184.215.14"


class Receiver:
    """A server on loopback: what it got, and what it answers next."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                status = receiver.answers.pop(0) if receiver.answers else 204
                if status == 0:  # says nothing
                    time.sleep(0.6)
                    return
                self.send_response(status)
                self.send_header("Location", "http://169.254.169.254/")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture(scope="module")
def server() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def receiver(server: Receiver) -> Receiver:
    server.requests.clear()
    server.answers.clear()
    return server


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(webhook, "_sleep", found.append)
    return found


class Secrets:
    """Secrets Manager, which counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.value: dict[str, Any] = {"SecretString": SECRET}

    def get_secret_value(self, **request: str) -> dict[str, Any]:
        self.asked.append(request["SecretId"])
        return self.value


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, server: Receiver) -> Secrets:
    """The settings of the construct, for a receiver on this machine, in a new process."""
    found = Secrets()
    monkeypatch.setitem(_runtime._clients, "secretsmanager", found)
    monkeypatch.setattr(webhook, "_secret", None)
    for name, value in {
        "HAND_ON_ID": "c8f00ba4",
        "WEBHOOK_URL": f"http://localhost:{server.server.server_port}/mail?from=ses",
        "WEBHOOK_SECRET": ARN,
        "WEBHOOK_ALLOW_HTTP": "1",
        "WEBHOOK_ALLOW_PRIVATE": "1",
    }.items():
        monkeypatch.setenv(f"MAILROOM_{name}", value)
    return found


# What is sent


def test_a_request_is_signed_over_id_time_and_body(receiver: Receiver) -> None:
    """As any library for Standard Webhooks verifies it; here by its description."""
    webhook.on_mail(received_mail())
    ((path, headers, body),) = receiver.requests
    assert path == "/mail?from=ses"
    assert headers["Content-Type"] == "application/json"
    content = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    digest = hmac.new(b"k" * 32, content, hashlib.sha256).digest()
    assert headers["Webhook-Signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert abs(int(headers["Webhook-Timestamp"]) - time.time()) < 30


def test_the_receiver_verifies_and_reads_it(receiver: Receiver) -> None:
    webhook.on_mail(received_mail())
    ((_, headers, body),) = receiver.requests
    mail = handed_on(body, headers=headers, secret=SECRET)
    assert (mail.subject, mail.id) == ("Test Subject", headers["Webhook-Id"])


def test_the_secret_is_read_once(secrets: Secrets, receiver: Receiver) -> None:
    for _ in range(3):
        webhook.on_mail(received_mail())
    assert secrets.asked == [ARN]


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_was_exchanged_is_read_again(
    secrets: Secrets, receiver: Receiver, status: int
) -> None:
    """When the receiver says that it does not know it, for Lambda's next try."""
    receiver.answers = [status]
    with pytest.raises(NotHandedOn):
        webhook.on_mail(received_mail())
    webhook.on_mail(received_mail())
    assert secrets.asked == [ARN, ARN]


def test_a_secret_that_cannot_be_read_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetSecretValue")

    denied = SimpleNamespace(get_secret_value=refuse)
    monkeypatch.setitem(_runtime._clients, "secretsmanager", denied)
    with pytest.raises(NotHandedOn, match="secret cannot be read") as caught:
        webhook.on_mail(received_mail())
    assert caught.value.code == "AccessDeniedException"


def test_a_secret_without_text_is_named(secrets: Secrets, receiver: Receiver) -> None:
    secrets.value = {"SecretBinary": b"x"}
    with pytest.raises(NotConfigured, match="has no text"):
        webhook.on_mail(received_mail())
    assert not receiver.requests


# When it is tried again


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_may_pass_is_tried_twice_more(
    receiver: Receiver, pauses: list[float], status: int
) -> None:
    """Longer apart each time, with the same id, and it counts as handed on then."""
    receiver.answers = [status, status]
    webhook.on_mail(received_mail())
    assert len({headers["Webhook-Id"] for _, headers, _ in receiver.requests}) == 1
    assert (len(receiver.requests), pauses) == (3, [1.0, 3.0])


def test_what_does_not_pass_is_left_to_lambda(receiver: Receiver) -> None:
    receiver.answers = [500, 502, 503]
    with pytest.raises(NotHandedOn, match="answered 503") as caught:
        webhook.on_mail(received_mail())
    assert (caught.value.code, len(receiver.requests)) == ("503", 3)


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_what_the_receiver_refuses_is_not_tried_again_at_once(
    receiver: Receiver, status: int
) -> None:
    receiver.answers = [status]
    with pytest.raises(NotHandedOn, match=f"answered {status}"):
        webhook.on_mail(received_mail())
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    with pytest.raises(NotHandedOn, match="redirects are not followed"):
        webhook.on_mail(received_mail())
    assert len(receiver.requests) == 1


def test_a_receiver_that_says_nothing_is_left_in_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_post, "SECONDS", 0.2)
    receiver.answers = [0]
    webhook.on_mail(received_mail())
    assert len(receiver.requests) == 2


def test_a_receiver_that_answers_a_byte_at_a_time_is_left_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each byte would begin the socket's own time anew."""
    monkeypatch.setattr(_post, "SECONDS", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    target = _post.Target(
        f"http://127.0.0.1:{listener.getsockname()[1]}/", allow_http=True, allow_private=True
    )
    started = time.monotonic()
    with pytest.raises(_post.FAILURES), listener:
        target.post(b"{}", {})
    assert time.monotonic() - started < 2


def test_a_connection_that_was_late_sends_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket in its TLS handshake is not one that the timer could end."""
    connect = socket.create_connection

    def slow(*args: Any) -> socket.socket:
        made = connect(*args)
        time.sleep(0.2)
        return made

    monkeypatch.setattr(_post, "SECONDS", 0.05)
    monkeypatch.setattr(socket, "create_connection", slow)
    url = f"http://127.0.0.1:{receiver.server.server_port}/"
    with pytest.raises(TimeoutError, match="too long"):
        _post.Target(url, allow_http=True, allow_private=True).post(b"{}", {})
    assert not receiver.requests


# Where nothing is sent


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "192.0.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1:7f00:1:0:808:808",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "fe80::1%eth0",
        "ff02::1",
    ],
)
def test_no_request_goes_to_an_address_that_is_not_public(address: str) -> None:
    """Nor to an IPv6 address that stands for such a one."""
    assert not _post.is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f::1", "::ffff:93.184.215.14"])
def test_public_addresses_are_reached(address: str) -> None:
    assert _post.is_allowed(address, allow_private=False)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "fd00:ec2::254",
        "fd00:ec2::254%eth0",
        "fd00:ec2:0:0::23",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "fec0::1",
    ],
)
def test_link_local_addresses_are_never_reached(address: str) -> None:
    """There, clouds give credentials away. Nor those that are nobody's."""
    assert not _post.is_allowed(address, allow_private=True)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "100.64.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_private_addresses_are_reached_if_they_are_allowed(address: str) -> None:
    assert _post.is_allowed(address, allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pass/word@example.com/",
        "https://user:pass\u2100@example.com/",
        "https://example..com/pass",
        f"https://{'a' * 64}.com/pass",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(NotConfigured) as failure:
        _post.Target(url)
    assert "pass" not in str(failure.value)


@pytest.mark.parametrize(
    "url", ["https://example.com/a b", "https://example.com/ä", "https://a\n.b/"]
)
def test_a_url_that_is_not_encoded_is_refused(url: str) -> None:
    """It would end the request's line, or mean another path."""
    with pytest.raises(NotConfigured):
        _post.Target(url)


def test_only_https_is_posted_to_unless_http_is_allowed() -> None:
    with pytest.raises(NotConfigured, match="not https"):
        _post.Target("http://hooks.example.com/")
    _post.Target("http://hooks.example.com/", allow_http=True)


def test_a_private_address_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(NotConfigured, match="not public"):
        _post.Target("https://10.0.0.1/")
    _post.Target("https://10.0.0.1/", allow_private=True)


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[tuple[str, int]]:
    """Let names resolve to each of *answers* in turn; return where connections go."""
    left = list(answers)
    connected: list[tuple[str, int]] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[Any]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    def create_connection(address: tuple[str, int], *_: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    return connected


def test_the_connection_goes_to_the_address_that_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that resolves to this machine a moment later reaches nothing."""
    connected = resolve(monkeypatch, [PUBLIC], ["127.0.0.1"])
    with pytest.raises(ConnectionRefusedError):
        _post.Target("https://hooks.example.com/").post(b"{}", {})
    assert connected == [(PUBLIC, 443)]


def test_one_private_address_among_several_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected = resolve(monkeypatch, [PUBLIC, "10.0.0.1"])
    monkeypatch.setenv("MAILROOM_WEBHOOK_URL", "https://hooks.example.com/")
    monkeypatch.delenv("MAILROOM_WEBHOOK_ALLOW_PRIVATE")
    with pytest.raises(NotHandedOn, match=r"10\.0\.0\.1, which is not public"):
        webhook.on_mail(received_mail())
    assert connected == []


def test_http_is_refused_unless_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """Also where only CloudFormation knew the URL."""
    monkeypatch.delenv("MAILROOM_WEBHOOK_ALLOW_HTTP")
    with pytest.raises(NotConfigured, match="not https"):
        webhook.on_mail(received_mail())
    assert not receiver.requests


def test_the_certificate_is_verified_for_the_name(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """And not for the address, though the connection goes to that."""
    verified: list[str] = []

    class Context:
        def wrap_socket(self, plain: socket.socket, *, server_hostname: str) -> socket.socket:
            verified.append(server_hostname)
            return plain

    monkeypatch.setattr(ssl, "create_default_context", Context)
    port = receiver.server.server_port
    target = _post.Target(f"https://localhost:{port}/", allow_private=True)
    assert target.post(b"{}", {}) == 204
    assert verified == ["localhost"]


def test_a_server_without_a_certificate_gets_no_mail(receiver: Receiver) -> None:
    port = receiver.server.server_port
    target = _post.Target(f"https://localhost:{port}/", allow_private=True)
    with pytest.raises(_post.FAILURES):
        target.post(b"{}", {})
    assert not receiver.requests


# The receiver's side


def test_a_secret_may_be_any_text() -> None:
    """What does not begin with whsec_ is the key itself."""
    headers = signed(b"{}", "word", event_id="1", timestamp=1)
    digest = hmac.new(b"word", b"1.1.{}", hashlib.sha256).digest()
    assert headers["Webhook-Signature"] == f"v1,{base64.b64encode(digest).decode()}"
    with pytest.raises(NotConfigured, match="must be Base64"):
        signed(b"{}", "whsec_?", event_id="1", timestamp=1)


@pytest.mark.parametrize("secret", ["", "  \n", "whsec_"])
def test_nothing_is_verified_with_an_empty_secret(secret: str) -> None:
    """Everyone knows it, so everyone could sign with it."""
    with pytest.raises(NotConfigured, match="is empty"):
        handed_on(BODY, headers={}, secret=secret)


def test_header_fields_without_a_secret_are_refused() -> None:
    """A setting that is missing would let everyone in."""
    with pytest.raises(NotConfigured, match="without a secret"):
        handed_on(BODY, headers={"Webhook-Signature": "v1,AAAA"}, secret=None)


def test_a_line_end_behind_the_secret_is_not_part_of_it() -> None:
    headers = signed(BODY, "word", event_id="1", timestamp=int(time.time()))
    assert handed_on(BODY, headers=headers, secret="word\n").message_id == "m"


BODY = b'{"version": 1, "message_id": "m"}'


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Webhook-Signature": "v1,AAAA"}, "another secret"),
        ({"Webhook-Signature": ""}, "another secret"),
        ({"Webhook-Signature": "v1,\udcff"}, "another secret"),
        ({"Webhook-Id": "\udcff"}, "another secret"),
        ({"Webhook-Id": "2"}, "another secret"),
        ({"Webhook-Timestamp": "1"}, "another secret"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(change: dict[str, str], words: str) -> None:
    headers = signed(BODY, SECRET, event_id="1", timestamp=int(time.time()))
    with pytest.raises(InvalidSignature, match=words):
        handed_on(BODY, headers=headers | change, secret=SECRET)


def test_another_body_another_secret_and_an_old_request_are_refused() -> None:
    now = int(time.time())
    headers = signed(BODY, SECRET, event_id="1", timestamp=now)
    assert handed_on(BODY, headers=headers, secret=SECRET).message_id == "m"
    for body, secret in ((BODY + b" ", SECRET), (BODY, "another")):
        with pytest.raises(InvalidSignature):
            handed_on(body, headers=headers, secret=secret)
    old = signed(BODY, SECRET, event_id="1", timestamp=now - 301)
    with pytest.raises(InvalidSignature, match="more than 300 seconds"):
        handed_on(BODY, headers=old, secret=SECRET)
    with pytest.raises(InvalidSignature, match="body as it came"):
        handed_on({"version": 1, "message_id": "m"}, headers=headers, secret=SECRET)
