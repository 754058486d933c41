"""What an open page is told, and what it is told of deployments and of the stack."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mailroom_local.control import deployments
from mailroom_local.control.errors import DeployFailed


class Stream:
    """The events of `GET /api/live`."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def next(self, kind: str) -> tuple[str, Any]:
        """The id and data of the next event of a kind; others are skipped."""
        while True:
            fields: dict[str, str] = {}
            while line := self._answer.readline().decode().rstrip("\n"):
                name, _, value = line.partition(": ")
                fields[name] = value
            if fields.get("event") == kind:
                return fields["id"], json.loads(fields["data"])


@contextmanager
def live(page: Any, *, last: str | None = None) -> Iterator[Stream]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=15)
    try:
        connection.request("GET", "/api/live", headers={"Last-Event-ID": last} if last else {})
        answer = connection.getresponse()
        assert answer.getheader("content-type").startswith("text/event-stream")
        stream = Stream(answer)
        stream.next("hello")
        yield stream
    finally:
        connection.close()


def test_a_new_message_is_told_with_the_counts(page: Any, account: Any) -> None:
    with live(page) as stream:
        key = account.mail()
        found: list[str] = []
        while key not in found:
            _, data = stream.next("messages")
            found = data["keys"]
        assert data["counts"] == page.get("/messages").json["counts"]


def test_what_was_missed_is_told_later(page: Any, account: Any) -> None:
    with live(page) as stream:
        account.mail()
        last, _ = stream.next("messages")
    missed = account.mail()
    with live(page, last=last) as stream:
        keys = stream.next("messages")[1]["keys"]
        while missed not in keys:
            keys = stream.next("messages")[1]["keys"]


def test_what_another_server_told_is_not_skipped(page: Any, account: Any) -> None:
    key = account.mail()
    with live(page, last="another-99999999") as stream:
        assert key in stream.next("messages")[1]["keys"]


def test_a_deployment_is_told_as_it_begins_and_ends(page: Any, account: Any) -> None:
    journal = account.aws.state.journal
    with live(page) as stream:
        with deployments.recorded(journal, "the app"):
            assert stream.next("deployment")[1]["state"] == "started"
        _, done = stream.next("deployment")
        assert (done["state"], done["text"]) == ("succeeded", "deployed the app")
        assert stream.next("stack")[1] == {}
        error = DeployFailed("cdk deploy failed", remedy="see the log", output="no bucket\nbroken")
        with pytest.raises(DeployFailed), deployments.recorded(journal, "the app"):
            raise error
    failed, started, *_ = page.get("/deployments").json["deployments"]
    assert (started["state"], failed["state"]) == ("started", "failed")
    assert failed["text"] == "no bucket\nbroken\ncdk deploy failed\n  see the log"
    assert failed["ms"] >= 0
