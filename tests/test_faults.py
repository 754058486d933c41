"""The account of a fault notices what is lost, what is done twice and what is let through."""

from __future__ import annotations

import pytest

from faults.accounting import KEPT, Account, Item
from faults.proxy import called

_SIGNED = "AWS4-HMAC-SHA256 Credential=000000000000/20261127/us-east-1/{}/aws4_request, Signature=0"


def mail(**changes: object) -> Item:
    fields = {"id": "m1", "what": "mail", "due": ("ticket", "answer"), "at_most_once": ("answer",)}
    return Item(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_mail_of_which_everything_came_is_accounted_for() -> None:
    account = Account(fault="none", items=[mail(done=["ticket", "answer"])])
    assert account.holds
    assert account.row() == ["none", "1 mail", "1 ticket, 1 answer", "-", "in = out + kept"]


def test_an_answer_that_is_nowhere_is_lost() -> None:
    """Though the ticket is there, and the mail in the bucket."""
    account = Account(fault="f", items=[mail(done=["ticket"], held=["mail bucket"])])
    assert account.found == ["mail m1: answer is lost"]
    assert not account.holds


def test_what_waits_for_another_function_does_not_account_for_a_loss() -> None:
    item = mail(done=["ticket"], kept=[KEPT], covered={"attachments"})
    assert Account(fault="f", items=[item]).found == ["mail m1: answer is lost"]
    item.covered.add("answer")
    assert Account(fault="f", items=[item]).holds


def test_an_answer_that_was_sent_twice_is_noticed() -> None:
    """A ticket that was written twice is the same ticket."""
    item = mail(done=["ticket", "ticket", "answer", "answer"])
    assert Account(fault="f", items=[item]).found == ["mail m1: answer happened twice"]


def test_a_control_that_opened_and_a_fault_without_mail_are_noticed() -> None:
    items = [mail(done=["ticket", "answer"])]
    assert not Account(fault="f", items=items, problems=["the control let it pass"]).holds
    assert Account(fault="f").found == ["nothing came in"]


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "body", "operation"),
    [
        ("s3", "GET", "http://h/bucket/key", {}, b"", "GetObject"),
        ("s3", "GET", "http://h/bucket?list-type=2", {}, b"", "ListObjectsV2"),
        ("s3", "PUT", "http://h/bucket/key", {}, b"x", "PutObject"),
        ("ses", "POST", "http://h/v2/email/outbound-emails", {}, b"{}", "SendEmail"),
        ("ses", "POST", "http://h/", {}, b"Action=SetActiveReceiptRuleSet&x=1", "SetActive"),
        ("sns", "POST", "http://h/", {}, b"Action=Publish&Message=m", "Publish"),
        ("dynamodb", "POST", "http://h/", {"X-Amz-Target": "Dynamo_1.PutItem"}, b"", "PutItem"),
    ],
)
def test_a_call_is_recognized_by_what_is_signed(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, operation: str
) -> None:
    """A fault concerns one operation of one service, whatever its protocol."""
    signed = {**headers, "Authorization": _SIGNED.format(service)}
    found = called(method, path, signed, body)
    assert found[0] == service
    assert found[1].startswith(operation)
