"""Who is answered by the page: the page itself and programs of this machine, nobody else."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest

from mailroom_local.control.paths import STATUS_PATH

PATHS = ("/", "/api", "/api/messages", "/api/live", "/static/none.css")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:PORT",
        "127.0.0.1.evil.example:PORT",
        "localhost.evil.example:PORT",
        "sub.localhost:PORT",
        "127.0.0.1:1",
        "127.0.0.1",
        "[::1]:PORT",
        "127.0.0.1:PORT, evil.example:PORT",
        "",
    ],
)
def test_a_foreign_host_is_refused(page: Any, host: str) -> None:
    assert {page.ask(path, headers={"Host": host}).status for path in PATHS} == {403}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "https://127.0.0.1:PORT"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_page_is_refused(page: Any, headers: dict[str, str]) -> None:
    assert {page.ask(path, headers=headers).status for path in PATHS} == {403}


@pytest.mark.parametrize("host", ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT"])
def test_the_page_itself_is_answered(page: Any, host: str) -> None:
    own = {
        "Host": host,
        "Origin": f"http://{host.replace('LOCALHOST', 'localhost')}",
        "Sec-Fetch-Site": "same-origin",
    }
    assert page.ask("/api", headers=own).status == 200


def test_whoever_opens_its_address_is_answered(page: Any) -> None:
    assert page.ask("/", headers={"Sec-Fetch-Site": "none"}).status == 200


def test_what_changes_something_needs_the_token(page: Any) -> None:
    changing = [route for route in page.get("").json["routes"] if route["method"] != "GET"]
    assert len(changing) >= 6
    for route in changing:
        path = route["path"].replace("{key}", "none")
        for token in ({}, {"X-Mailroom-Token": ""}, {"X-Mailroom-Token": "guessed"}):
            answer = page.ask(path, method="POST", body=b"{}", headers=token)
            assert (answer.status, "page_token" in answer.json["error"]) == (403, True), path


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_need_the_token_too(page: Any, method: str) -> None:
    """A browser asks by OPTIONS whether another page may send a token."""
    assert page.ask("/api/read", method=method).status == 403


def test_the_token_is_for_the_reader_of_the_state_directory_and_the_page(page: Any) -> None:
    """Not for whoever else asks the gateway, as another user of this machine may."""
    from mailroom_local.control import requests

    token = page.aws.server.page_token
    record = page.aws.state.root / "server.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert json.loads(record.read_text())["page_token"] == token
    assert token not in json.dumps(requests.get(page.aws.server, STATUS_PATH))
    assert f'name="mailroom-token" content="{token}"' in page.ask("/").body.decode()


def test_nothing_from_elsewhere_runs_on_the_page(page: Any) -> None:
    answer = page.ask("/")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    expected = {
        "referrer-policy": "no-referrer",
        "x-dns-prefetch-control": "off",
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    assert {name: answer.headers.get(name) for name in expected} == expected
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/messages/some-id", "/stack", "/compose", "/dead-letters", "/deployments"]
)
def test_each_view_has_an_address_of_its_own(page: Any, path: str) -> None:
    assert page.ask(path).body == page.ask("/").body


def test_an_error_says_what_is_wrong_and_what_to_do(page: Any) -> None:
    answer = page.get("/nothing")
    assert answer.status == 404
    assert answer.json == {"error": "/api/nothing is not a route of the API: GET /api lists them"}
