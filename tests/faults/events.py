"""Faults of sending events: SNS is down, functions die in the middle of a batch, records rot."""

from __future__ import annotations

import json
from collections.abc import Iterator

from faults.accounting import Account, Item
from faults.apps import FAULTS
from faults.proxy import Wrong
from faults.scene import Scene
from mailroom.testing import sending_event_payload

# Of a type that SES does not have yet, nothing is known that could be done.
_UNKNOWN = {"unknown": "logged as unhandled"}
_GATE = f"gate@{FAULTS}"


def sns_down(scene: Scene) -> Iterator[Account]:
    down = Wrong(service="sns", operation="Publish", status=503, code="ServiceUnavailable")
    with scene.proxy.wrong(down):
        items = [_complaint(scene, "first")]
        yield scene.account("SNS is down", items)
    short = Wrong(service="sns", operation="Publish", times=2, status=500, code="InternalError")
    with scene.proxy.wrong(short):
        items = [_complaint(scene, "second")]
        yield scene.account("SNS fails twice", items)


def _complaint(scene: Scene, label: str) -> Item:
    # Whoever has complained gets no more mail.
    to = f"complaint+{label}@simulator.amazonses.com"
    return scene.sent("row", "alert", to=to, stack="Newsletter")


def dynamodb_throttled(scene: Scene) -> Iterator[Account]:
    throttled = Wrong(
        service="dynamodb",
        operation="PutItem",
        text=scene.outputs["Newsletter"]["EventTable"],
        status=400,
        code="ThrottlingException",
    )
    with scene.proxy.wrong(throttled):
        items = [scene.sent("row", stack="Newsletter") for _ in range(3)]
        yield scene.account("DynamoDB throttles every write of events", items)


def killed(scene: Scene) -> Iterator[Account]:
    yield from _dying(scene, "kill", "the function is killed in the middle of a batch")


def hanging(scene: Scene) -> Iterator[Account]:
    yield from _dying(scene, "hang", "the function hangs")


def out_of_memory(scene: Scene) -> Iterator[Account]:
    yield from _dying(scene, "memory", "the function is out of memory")


def _dying(scene: Scene, fault: str, title: str) -> Iterator[Account]:
    """One event of nine, a mail, and a control, whose function comes to the same end."""
    desk = f"desk@{FAULTS}"
    mails = [
        scene.mail(desk, "handled", content=scene.letter(desk, f"please {fault}")),
        scene.mail(desk, "handled", content=scene.letter(desk, "well")),
    ]
    with scene.one_batch():
        events = [
            scene.sent("row", "handled", fault=fault if number == 4 else "") for number in range(9)
        ]
    yield scene.account(title, [*events, *mails])
    gate = scene.mail(_GATE, "stopped by the control", content=scene.letter(_GATE, f"do {fault}"))
    account = scene.account(f"{title}, and it is a control", [gate])
    if "forwarded copy" in gate.done:
        account.problems.append("the control let the mail pass")
    yield account


def reordered(scene: Scene) -> Iterator[Account]:
    kinds = ("Open", "Click", "Delivery", "Send")
    items: list[Item] = []
    for number in range(len(kinds)):
        message_id = f"reordered-{number}-{id(scene)}"
        for kind in kinds[number:] + kinds[:number]:
            body = json.dumps(sending_event_payload(kind, message_id=message_id))
            for _ in range(3):
                put = scene.put(body, message_id, "row", queue="Newsletter-OutboundSendQueue")
        items.append(put)
    account = scene.account("events in any order, each 3 times", items)
    wrong = [item.id for item in items if item.done.count("row") != len(kinds)]
    if wrong:
        account.problems.append(f"{wrong} have not one row for each event")
    yield account


def poison(scene: Scene) -> Iterator[Account]:
    deep = "[" * 50_000
    bodies = {
        "not-json": "{not json poison-not-json",
        "list": '["poison-list"]',
        "nested": f"{deep} poison-nested",
        "no-mail": '{"eventType": "Delivery", "x": "poison-no-mail"}',
        "huge": json.dumps({"eventType": "Delivery", "mail": "poison-huge" + "x" * 100_000}),
        "unknown": json.dumps(
            sending_event_payload("Delivery", message_id="poison-unknown") | {"eventType": "Novel"}
        ),
    }
    with scene.one_batch():
        good = [scene.sent("row", "handled") for _ in range(3)]
        bad = [
            scene.put(body, f"poison-{name}", _UNKNOWN.get(name, "row"), what="record")
            for name, body in bodies.items()
        ]
    yield scene.account("records that cannot be read", [*good, *bad])
