"""A client of the page's API, for the local AWS that the tests of this folder share."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from mailroom_local import LocalAws


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Page:
    """Requests to the page, with its token where something changes."""

    aws: LocalAws
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.port = int(self.aws.server.page.rpartition(":")[2])

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """The answer to a request with exactly these headers, and its own Host unless given."""
        given = headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.putrequest(method, path, skip_host="Host" in given)
            for name, value in given.items():
                connection.putheader(name, value.replace("PORT", str(self.port)))
            if method == "POST":
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body if method == "POST" else None)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **query: Any) -> Answer:
        return self.ask(f"/api{path}" + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: Any = None, *, raw: bytes = b"", **query: Any) -> Answer:
        return self.ask(
            f"/api{path}" + (f"?{urlencode(query)}" if query else ""),
            method="POST",
            body=raw or json.dumps(body if body is not None else {}).encode(),
            headers={"X-Mailroom-Token": self.aws.server.page_token},
        )

    def message(self, key: str) -> Any:
        return self.get(f"/messages/{key}").json

    def story(self, key: str) -> Any:
        return self.message(key)["story"]


@pytest.fixture(scope="session")
def page(aws: LocalAws) -> Page:
    return Page(aws)
