"""The annotation of a handler's argument fits what the handler is called with."""

from __future__ import annotations

import pytest
from synthesis import refuses

from cdk_mailroom import EventLake, EventPublishing, EventType, InboundMail, PythonHandler


@pytest.fixture
def function(tmp_path):
    """Return what makes a handler whose argument has an annotation."""

    def make(annotation, imports="from mailroom.events import *"):
        (tmp_path / "app.py").write_text(f"{imports}\n\n\ndef handle(it: {annotation}): ...\n")
        return PythonHandler(tmp_path, "app:handle")

    return make


EVENTS = "from mailroom.events import Bounce, Complaint, SendingEvent"
MAIL = "from mailroom.receiving import ReceivedMail"


@pytest.mark.parametrize(
    ("annotation", "imports"),
    [
        ("Bounce", EVENTS),
        ("'Bounce'", EVENTS),
        ("Bounce | None", EVENTS),
        ("B", "from mailroom.events import Bounce as B"),
        ("events.Bounce", "from mailroom import events"),
        ("mailroom.events.Bounce", "import mailroom.events"),
        ("Bounce", f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {EVENTS}"),
        ("dict", ""),
        ("dict[str, Any]", "from typing import Any"),
        ("EmailMessage", "from email.message import EmailMessage"),
    ],
)
def test_a_receipt_rules_function_that_expects_something_else_is_refused(
    stack, function, annotation, imports
):
    handler = function(annotation, imports)
    with refuses("handler is 'app:handle'", "annotate 'it' with ReceivedMail", "app.py:"):
        InboundMail(stack, "Inbound").add_rule(
            "Rule", recipients=["a@example.com"], handler=handler
        )


@pytest.mark.parametrize(
    ("annotation", "imports"),
    [
        ("ReceivedMail", MAIL),
        ("ReceivedMail | None", MAIL),
        ("Optional[ReceivedMail]", f"from typing import Optional\n{MAIL}"),
        ("Annotated[ReceivedMail, 'x']", f"from typing import Annotated\n{MAIL}"),
        ("receiving.ReceivedMail", "import mailroom.receiving as receiving"),
        ("ReceivedMail | Bounce", f"{EVENTS}\n{MAIL}"),
        ("Any", "from typing import Any"),
        ("object", ""),
        ("Mine", "class Mine: ..."),
        ("dict", "class dict: ..."),
    ],
)
def test_an_annotation_that_admits_received_mail_or_may_do_so_is_accepted(
    stack, function, annotation, imports
):
    assert InboundMail(stack, "Inbound").add_rule(
        "Rule", recipients=["a@example.com"], handler=function(annotation, imports)
    )


@pytest.mark.parametrize(
    ("types", "annotation", "remedy"),
    [
        (EventType.BOUNCE, "Complaint", "with Bounce instead of Complaint"),
        ([EventType.BOUNCE, EventType.COMPLAINT], "Bounce", "with Bounce | Complaint instead of"),
        (EventType.RENDERING_FAILURE, "Bounce", "with RenderingFailure instead of Bounce"),
        (list(EventType), "Bounce", "with SendingEvent instead of Bounce"),
    ],
)
def test_every_type_that_a_pipeline_handles_must_fit(stack, function, types, annotation, remedy):
    handler = function(annotation, EVENTS)
    out = EventPublishing(stack, "Out")
    for add in (out.on, out.on_bus):
        with refuses("handler is 'app:handle'", remedy):
            add(types, handler)


def test_the_common_base_and_a_union_fit_several_types(stack, function):
    out = EventPublishing(stack, "Out")
    assert out.on([EventType.BOUNCE, EventType.COMPLAINT], function("Bounce | Complaint", EVENTS))
    assert out.on([EventType.OPEN, EventType.CLICK], function("SendingEvent", EVENTS))


def test_the_transform_of_a_lake_takes_any_event(stack, function):
    with refuses("with SendingEvent instead of Bounce"):
        EventLake(stack, "Lake", transform=function("Bounce", EVENTS))
