"""A request for a stack is answered when the stack is done, and any other as ever."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import pytest

from mailroom_local.server import stacks
from mailroom_local.server.stacks import with_finished_stacks

FORM = b"application/x-www-form-urlencoded; charset=utf-8"


class Gateway:
    """CloudFormation whose stack needs some looks until it is done."""

    def __init__(self, *statuses: str, answer: int = 200):
        self.statuses = list(statuses)
        self.answer = answer
        self.asked: list[bytes] = []

    async def __call__(self, scope, receive, send):
        message = await receive()
        self.asked.append(message["body"])
        status, body = self.answer, b"<CreateStackResponse/>"
        if b"DescribeStacks" in message["body"]:
            [length] = [value for name, value in scope["headers"] if name == b"content-length"]
            assert int(length) == len(message["body"])
            status = 200 if self.statuses else 400
            found = self.statuses.pop(0) if self.statuses else ""
            body = f"<StackStatus>{found}</StackStatus>".encode() if found else b"<Error/>"
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


def ask(gateway: Gateway, *, content_type: bytes = FORM, **fields: str):
    """Send a request in two pieces, and return the status and the body of the answer."""
    body = urlencode(fields).encode()
    pieces = [
        {"type": "http.request", "body": body[:5], "more_body": True},
        {"type": "http.request", "body": body[5:], "more_body": False},
    ]
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    answer = []

    async def receive():
        return pieces.pop(0)

    async def send(message):
        answer.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(with_finished_stacks(gateway)(scope, receive, send))
    return answer[0]["status"], answer[1]["body"]


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(stacks, "_PAUSE_SECONDS", 0.0)


@pytest.mark.parametrize("action", ["CreateStack", "UpdateStack", "ExecuteChangeSet"])
def test_the_answer_comes_when_the_stack_is_done(action):
    """Otherwise the CDK CLI would wait for five seconds before it looks again."""
    gateway = Gateway("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "never asked")
    answer = ask(gateway, Action=action, StackName="arn:aws:cloudformation:stack/Mail/1")
    assert answer == (200, b"<CreateStackResponse/>")
    assert gateway.statuses == ["never asked"]


def test_a_deleted_stack_is_done():
    gateway = Gateway("DELETE_IN_PROGRESS")
    assert ask(gateway, Action="DeleteStack", StackName="Mail")[0] == 200
    assert len(gateway.asked) == 3


def test_a_slow_stack_is_not_waited_for(monkeypatch):
    """The CLI then shows what happens to its resources."""
    monkeypatch.setattr(stacks, "_SECONDS", 0.05)
    gateway = Gateway(*["CREATE_IN_PROGRESS"] * 100_000)
    assert ask(gateway, Action="CreateStack", StackName="Mail")[0] == 200
    assert gateway.statuses


def test_a_refused_request_is_answered_at_once():
    gateway = Gateway("CREATE_IN_PROGRESS", answer=400)
    assert ask(gateway, Action="CreateStack", StackName="Mail")[0] == 400
    assert len(gateway.asked) == 1


def test_another_action_is_passed_on_as_it_came():
    gateway = Gateway("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    status, body = ask(gateway, Action="DescribeStacks", StackName="Mail")
    assert (status, body) == (200, b"<StackStatus>CREATE_IN_PROGRESS</StackStatus>")
    assert gateway.asked == [b"Action=DescribeStacks&StackName=Mail"]


def test_what_names_no_action_is_not_even_read():
    """An object of 40 MB is on its way to S3 piece by piece."""
    gateway = Gateway()
    assert ask(gateway, content_type=b"text/plain", a="body")[0] == 200
    assert gateway.asked == [b"a=bod"]
