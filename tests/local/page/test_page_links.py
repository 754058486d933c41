"""Which message was sent because of which, as the journal tells it."""

from __future__ import annotations

from typing import Any

from mailroom_local.page.links import Links

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:on-bounce"


def call(key: str, *, trace: str) -> tuple[str, dict[str, Any]]:
    return key, {"type": "call", "trace": trace, "function": FUNCTION}


def sent(key: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return key, {"type": "sent", **fields}


def received(key: str, header: str) -> tuple[str, dict[str, Any]]:
    return key, {"type": "accepted", "header_id": header}


def links(*records: tuple[str, dict[str, Any]]) -> Links:
    found = Links()
    for key, record in records:
        found.add(key, record)
    return found


def test_a_call_that_ends_after_it_has_sent_is_linked() -> None:
    found = links(sent("s", trace="t"), call("m", trace="t"))
    (link,) = found.consequences("m")
    assert (link.sent, link.function, link.certain) == ("s", "on-bounce", True)
    assert found.causes("s") == [link]


def test_of_a_batch_it_is_uncertain_what_was_sent_because_of_which() -> None:
    found = links(call("m", trace="t"), call("n", trace="t"), sent("s", trace="t"))
    assert [(link.cause, link.certain) for link in found.causes("s")] == [
        ("m", False),
        ("n", False),
    ]


def test_the_fields_of_a_message_tell_which_of_a_batch_it_is_about() -> None:
    found = links(
        received("m", "<1@x>"),
        received("n", "<2@x>"),
        call("m", trace="t"),
        call("n", trace="t"),
        sent("s", trace="t", references=["<0@x>", "<2@x>"]),
    )
    (link,) = found.causes("s")
    assert (link.cause, link.certain, link.relation) == ("n", True, "sent")
    assert found.consequences("m") == []


def test_a_function_that_is_called_twice_sends_in_its_own_call() -> None:
    found = links(
        call("m", trace="1"), sent("s", trace="1"), call("m", trace="2"), sent("t", trace="2")
    )
    assert [link.sent for link in found.consequences("m")] == ["s", "t"]


def test_a_message_without_a_cause_has_none() -> None:
    found = links(sent("s", in_reply_to=["<unknown@x>"]), call("m", trace="t"))
    assert found.causes("s") == found.consequences("m") == []


def test_what_a_gateway_relays_or_sends_is_linked_with_its_mail() -> None:
    found = links(
        received("m", "<1@x>"),
        sent("r", relay_of="m"),
        sent("s"),
        sent("t"),
        ("m", {"type": "action", "detail": {"sentAs": "s, t"}}),
    )
    assert [(link.sent, link.relation, link.certain) for link in found.consequences("m")] == [
        ("r", "relay", True),
        ("s", "sent", True),
        ("t", "sent", True),
    ]
    assert [link.cause for link in found.causes("t")] == ["m"]
