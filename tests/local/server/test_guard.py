"""Who may use the gateway: programs on this machine, and no web page."""

import http.client
import json
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import LocalAws
from mailroom_local.control.paths import ENFORCE_PATH, IGNORE_PATH, STATUS_PATH

IDENTITY = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
GET_IDENTITY = "/?Action=GetCallerIdentity&Version=2011-06-15"


def ask(
    aws: LocalAws, path: str = GET_IDENTITY, *, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """The answer to a request with these headers; `host` replaces the real one."""
    port = int(aws.server.endpoint.rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        given = {
            name.replace("_", "-"): text.replace("PORT", str(port))
            for name, text in headers.items()
        }
        connection.putrequest(method, path, skip_host="host" in given)
        for name, text in given.items():
            connection.putheader(name, text)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost.evil.example:PORT",
        "evillocalhost:PORT",
        "127.0.0.1:1",
        "127.0.0.1",
        "127.0.0.1:PORT, evil.example:PORT",
        "192.168.1.2:PORT",
        "s3.us-east-1.amazonaws.com",
        "",
    ],
)
@pytest.mark.parametrize("path", [GET_IDENTITY, STATUS_PATH, "/_mailroom/mail/x/open"])
def test_a_foreign_host_is_refused(aws: LocalAws, host: str, path: str) -> None:
    """This keeps out pages whose name resolves to loopback, at the links of mail too."""
    assert ask(aws, path, host=host)[0] == 403


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:PORT",
        "localhost:PORT",
        "LOCALHOST:PORT",
        "[::1]:PORT",
        "my.bucket.s3.localhost:PORT",
    ],
)
def test_loopback_and_the_names_that_sdks_derive_from_it_are_served(
    aws: LocalAws, host: str
) -> None:
    assert ask(aws, STATUS_PATH, host=host)[0] == 200 or host.startswith("my.")
    assert ask(aws, host=host)[0] != 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:PORT"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "same-origin", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "none", "sec_fetch_mode": "navigate"},
        {"referer": "https://evil.example/page"},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_what_a_browser_sends_for_a_page_is_refused(
    aws: LocalAws, headers: dict[str, str], method: str
) -> None:
    """Of the gateway's own origin too: a page there came out of a bucket, so anyone wrote it."""
    for path in (GET_IDENTITY, STATUS_PATH, "/bucket/key"):
        status, answered, _ = ask(aws, path, method=method, **headers)
        assert status == 403
        assert not [name for name in answered if name.startswith("access-control-")]


def test_a_page_cannot_make_a_function(aws: LocalAws) -> None:
    status, _, _ = ask(
        aws,
        "/2015-03-31/functions",
        method="POST",
        host="evil.example:PORT",
        origin="https://evil.example",
    )
    assert status == 403


def test_a_page_cannot_open_a_web_socket(aws: LocalAws) -> None:
    status, _, _ = ask(
        aws,
        "/_aws/execute-api/abc/prod",
        origin="https://evil.example",
        connection="Upgrade",
        upgrade="websocket",
        sec_websocket_version="13",
        sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==",
    )
    assert status == 403


def test_no_answer_has_cors_headers(aws: LocalAws, account: Any) -> None:
    """Not even those with which a bucket allows every origin."""
    bucket = account.bucket()
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}
    account.s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    account.s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    for method, path in (
        ("GET", GET_IDENTITY),
        ("GET", f"/{bucket}/a"),
        ("OPTIONS", f"/{bucket}/a"),
        ("GET", STATUS_PATH),
        ("GET", "/_ministack/health"),
        ("GET", "/_mailroom/mail/x/open"),
    ):
        _, answered, _ = ask(aws, path, method=method)
        assert not [name for name in answered if name.startswith("access-control-")], path


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_links_in_mail_work_from_a_browser(aws: LocalAws, account: Any, method: str) -> None:
    """A navigation from a webmail page, or the one-click request of its server."""
    status, answered, _ = ask(
        aws,
        "/_mailroom/mail/unknown/unsubscribe",
        method=method,
        origin="https://webmail.example",
        referer="https://webmail.example/",
        sec_fetch_site="cross-site",
        sec_fetch_mode="navigate",
    )
    assert status == 404, "the message is unknown, but the request was served"
    assert "access-control-allow-origin" not in answered


def test_a_link_in_mail_cannot_lead_beyond_the_links(aws: LocalAws) -> None:
    """A path that climbs is a path of the links, not of what is above them."""
    port = aws.server.endpoint.rpartition(":")[2]
    for path in ("/_mailroom/mail/../status", "/_mailroom/mail/%2e%2e/status"):
        assert ask(aws, path, sec_fetch_site="none")[0] == 404
    assert ask(aws, "/_mailroom/../?Action=X", sec_fetch_site="none")[0] == 403
    assert port in aws.server.endpoint


@pytest.mark.parametrize("path", [ENFORCE_PATH, IGNORE_PATH])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_switches_are_not_reachable_by_get(aws: LocalAws, path: str, method: str) -> None:
    assert ask(aws, path, method=method)[0] == 405


def test_a_page_cannot_hide_mail_in_a_request_to_the_smtp_port(aws: LocalAws) -> None:
    """Browsers send the commands in a body after lines that SMTP does not know."""
    before = {record.message_id for record in aws.messages(handlers=False)}
    request = (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        b"HELO evil\r\nMAIL FROM:<a@evil.example>\r\nRCPT TO:<support@example.com>\r\n"
    )
    with socket.create_connection(("127.0.0.1", aws.server.smtp_port), timeout=10) as client:
        client.sendall(request)
        answered = b""
        try:
            while received := client.recv(4096):
                answered += received
        except ConnectionResetError:
            pass
    assert answered.startswith(b"220 ")
    assert b"250" not in answered
    records = aws.messages(handlers=False)
    assert {record.message_id for record in records} <= {*before, None}
    assert records[-1].mail_from == ""


def test_state_files_are_private_to_the_user(aws: LocalAws, account: Any) -> None:
    """The folder keeps others out, and so does each file of the server."""
    account.functions.invoke(FunctionName=account.function("return 1"))
    root = aws.state.root
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    named = [
        aws.state.certificate,
        aws.state.server_log,
        aws.state.deploy_log,
        root / "server.json",
    ]
    for path in [*named, *Path(root / "tmp").rglob("*")]:
        if path.exists() and not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert json.loads((root / "server.json").read_text())["pid"] == aws.server.pid
