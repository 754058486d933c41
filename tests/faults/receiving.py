"""Faults while mail is received: S3, DynamoDB and SES fail, and mail is hostile."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from faults.accounting import Account, Item
from faults.apps import TEAM
from faults.proxy import Wrong
from faults.scene import CUSTOMER, SALES, SUPPORT, Scene

_MEGABYTE = 1024 * 1024


def s3_404(scene: Scene) -> Iterator[Account]:
    wrong = Wrong(service="s3", operation="GetObject", status=404, code="NoSuchKey")
    with scene.proxy.wrong(wrong):
        yield scene.account("S3 has lost the mail (404)", scene.usual())


def s3_403(scene: Scene) -> Iterator[Account]:
    wrong = Wrong(service="s3", operation="GetObject", status=403, code="AccessDenied")
    with scene.proxy.wrong(wrong):
        yield scene.account("S3 denies access (403)", scene.usual())


def s3_slow(scene: Scene) -> Iterator[Account]:
    slow = Wrong(service="s3", operation="GetObject", seconds=3)
    with scene.proxy.wrong(slow):
        yield scene.account("S3 answers after 3 s", scene.usual())
    cut = Wrong(service="s3", operation="GetObject", times=2, lose=True)
    with scene.proxy.wrong(cut):
        yield scene.account("S3 hangs up twice", scene.usual())


def dynamodb_throttled(scene: Scene) -> Iterator[Account]:
    throttled = Wrong(
        service="dynamodb",
        operation="PutItem",
        text=scene.outputs["HelpDesk"]["TicketTable"],
        times=4,
        status=400,
        code="ProvisionedThroughputExceededException",
    )
    with scene.proxy.wrong(throttled):
        yield scene.account("DynamoDB throttles 4 writes of tickets", scene.usual())


def ses_throttled(scene: Scene) -> Iterator[Account]:
    def throttled(times: int | None) -> Wrong:
        return Wrong(
            service="ses",
            operation="SendEmail",
            times=times,
            status=429,
            code="TooManyRequestsException",
        )

    with scene.proxy.wrong(throttled(2)):
        yield scene.account("SES throttles 2 calls", scene.usual())
    with scene.proxy.wrong(throttled(None)):
        yield scene.account("SES throttles every call", scene.usual())


def ses_answer_lost(scene: Scene) -> Iterator[Account]:
    lost = Wrong(service="ses", operation="SendEmail", lose=True)
    with scene.proxy.wrong(lost):
        yield scene.account("SES sends, and its answer is lost", scene.usual())


def duplicate(scene: Scene) -> Iterator[Account]:
    """Lambda and SES deliver at least once: each function gets each mail three times more."""
    items = scene.usual()[:2]
    scene.account("", items)
    functions = scene.aws.client("lambda")
    for item, part in ((items[0], "HelpDesk-InboundSupport"), (items[1], "HelpDesk-InboundSales")):
        for name in _functions(scene, part):
            for _ in range(3):
                functions.invoke(
                    FunctionName=name,
                    InvocationType="Event",
                    Payload=json.dumps(_event(scene, item, name)).encode(),
                )
    _quiet(scene)
    yield scene.account("each mail is delivered 4 times", items)


def oversize(scene: Scene) -> Iterator[Account]:
    small, large = scene.letter(SUPPORT, "Log"), scene.letter(SUPPORT, "Film")
    for message, size in ((small, 12), (large, 34)):
        message.add_attachment(
            bytes(size * _MEGABYTE), maintype="application", subtype="zip", filename="a.zip"
        )
    items = [
        scene.mail(SUPPORT, "ticket", "answer", "attachments", content=small),
        scene.mail(SUPPORT, "refused with 552", content=large),
    ]
    yield scene.account("mails of 16 MB and, as sent, 46 MB", items)


def mime_bomb(scene: Scene) -> Iterator[Account]:
    nested, tail = [], []
    for depth in range(3_000):
        nested.append(f'Content-Type: multipart/mixed; boundary="b{depth}"\r\n\r\n--b{depth}\r\n')
        tail.append(f"\r\n--b{depth}--\r\n")
    many = "--b\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n" * 20_000
    bombs = {
        "3,000 multiparts in each other": "".join(nested) + "\r\nHelp\r\n" + "".join(tail),
        "20,000 attachments": f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n{many}--b--',
        "a parameter of 1 MB": f'Content-Type: text/plain; x="{"a" * _MEGABYTE}"\r\n\r\nHelp',
    }
    items = []
    for number, body in enumerate(bombs.values()):
        items.append(_raw(scene, SUPPORT, f"bomb-{number}", body, "ticket", "attachments"))
        items.append(_raw(scene, SALES, f"bomb-{number}-sales", body, "forwarded copy"))
    yield scene.account("MIME bombs", items)


def zip_names(scene: Scene) -> Iterator[Account]:
    names = ["../../etc/passwd", r"C:\temp\..\x.zip", "a" * 400 + ".zip", "CON", "a.zip", "a.zip"]
    message = scene.letter(SUPPORT, "Files")
    for name in names:
        message.add_attachment(b"PK\5\6", maintype="application", subtype="zip", filename=name)
    item = scene.mail(SUPPORT, "ticket", "answer", "attachments", content=message)
    account = scene.account("names of archives that leave their folder", [item])
    keys = scene.attachments(item)
    wrong = [key for key in keys if "/" in key or "\\" in key or ".." in key or len(key) > 255]
    if wrong or len(set(keys)) != len(names) + 1:
        account.problems.append(f"keys are {keys}")
    yield account


def header_injection(scene: Scene) -> Iterator[Account]:
    header = (
        "Subject: =?utf-8?q?Offer=0D=0ABcc:_evil@evil.example=0D=0A=0D=0AX?=\r\n"
        "From: =?utf-8?q?Jane=0D=0ABcc:_evil@evil.example?= <jane@customer.example>\r\n"
        "Reply-To: =?utf-8?q?x=0D=0ABcc:_evil@evil.example?= <jane@customer.example>\r\n"
        "Bcc: evil@evil.example\r\nX-SES-CONFIGURATION-SET: theirs\r\n"
        "Return-Path: <evil@evil.example>\r\n"
    )
    items = [
        _raw(scene, SUPPORT, "inject-1", f"{header}\r\nHelp", "ticket", "answer"),
        _raw(scene, SALES, "inject-2", f"{header}\r\nHelp", "forwarded copy"),
    ]
    account = scene.account("line ends in encoded words", items)
    for sent in (sent for item in items for sent in scene.copies(item)):
        message = message_from_bytes(sent["Raw"], policy=default)
        reached = set(sent["DeliveredTo"])
        if message["Bcc"] or not reached <= {TEAM, CUSTOMER}:
            account.problems.append(f"a copy has Bcc {message['Bcc']}, and reached {reached}")
    yield account


def poison(scene: Scene) -> Iterator[Account]:
    items = [
        _raw(scene, SUPPORT, "poison-1", "Date: never\r\nX: \udcff\0\r\n\r\n\0\udcfe", "ticket"),
        _raw(scene, SUPPORT, "poison-2", "no colon\r\n\r\n\r\n", "ticket"),
        _raw(scene, SALES, "poison-3", "Content-Type: multipart/\r\n\r\n--", "forwarded copy"),
    ]
    yield scene.account("mail that breaks the rules of mail", items)


def _raw(scene: Scene, to: str, name: str, rest: str, *due: str) -> Item:
    mark = f"{name}-{id(scene)}@customer.example"
    sender = "" if "\r\nFrom:" in rest else f"From: {CUSTOMER}\r\n"
    text = f"Message-ID: <{mark}>\r\nTo: {to}\r\n{sender}{rest}"
    return scene.mail(to, *due, content=text.encode("utf-8", "surrogateescape"), mark=mark)


def _functions(scene: Scene, part: str) -> list[str]:
    pages = scene.aws.client("lambda").get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    found = [name for name in names if part in name]
    if not found:
        raise RuntimeError(f"no function has {part} in its name: {names}")
    return found


def _event(scene: Scene, item: Item, name: str) -> dict[str, object]:
    from mailroom.testing import received_mail_event

    message: EmailMessage = message_from_bytes(scene.raw(item), policy=default)  # type: ignore[assignment]
    return received_mail_event(message, message_id=item.id, recipients=[str(message["To"])])


def _quiet(scene: Scene) -> None:
    """Wait until nothing of the help desk's functions is written to the journal any more."""
    before = -1
    while before != (before := scene.calls("HelpDesk-")):
        time.sleep(2)
