"""The routes that make something happen."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from mailroom.ses import EventType
from mailroom_local.mail.headers import address_of, addressed, header_of, read_headers
from mailroom_local.page.composing import composed
from mailroom_local.page.dead_letters import DeadLetters
from mailroom_local.page.errors import Refused, bad
from mailroom_local.page.fields import Fields
from mailroom_local.page.messages import Reader
from mailroom_local.page.posting import Post
from mailroom_local.page.routes import Asked, Route
from mailroom_local.sending.happenings import Impossible, Unknown
from mailroom_local.sending.mailer import Mailer

_OPTIONS = (
    "bounce_type",
    "bounce_subtype",
    "complaint_type",
    "delay_type",
    "link",
    "template",
    "message",
)


def routes(reader: Reader, post: Post, mailer: Mailer, dead_letters: DeadLetters) -> list[Route]:
    """The routes."""

    def compose(asked: Asked) -> dict[str, Any]:
        return composed(post, Fields(asked.json()))

    def upload(asked: Asked) -> dict[str, Any]:
        return _uploaded(post, asked)

    def again(asked: Asked) -> dict[str, Any]:
        entry = reader.entry(asked.key)
        if entry.kind == "sent":
            outgoing = mailer.sent(entry.key)
            if outgoing is None:
                raise Refused(409, "SES has not sent it: send it again from where it came from")
            return post.send_again(outgoing)
        if entry.record.gateway is not None:
            name = entry.record.gateway["name"]
            raise Refused(
                409, f"it came by the gateway {name}: send it with mailroom send --gateway {name}"
            )
        return post.receive(
            reader.raw(asked.key),
            mail_from=entry.record.mail_from,
            rcpt_tos=entry.record.rcpt_tos,
            tls=entry.record.tls,
            client_address=entry.begun.get("client_address"),
        )

    def happen(asked: Asked) -> dict[str, Any]:
        return _happened(reader, mailer, asked)

    def listed(asked: Asked) -> dict[str, Any]:
        if asked.query.get("messages") == "no":
            return {"queues": dead_letters.counted()}
        return {"queues": dead_letters.listed()}

    def replay(asked: Asked) -> dict[str, Any]:
        given = Fields(asked.json())
        queue, ids = given.text("queue"), given.texts("ids")
        if not ids:
            raise bad("ids", ids, "pass the ids of messages in the queue")
        return dead_letters.replay(queue, ids)

    key = "/api/messages/{key}"
    return [
        Route(
            method="POST",
            path="/api/compose",
            about="Write a message and send it, to the account or from it.",
            handler=compose,
        ),
        Route(
            method="POST",
            path="/api/upload",
            about="Send an .eml, to the account or from it.",
            handler=upload,
        ),
        Route(
            method="POST",
            path=f"{key}/again",
            about="Receive a received message again, or send a sent one again.",
            handler=again,
        ),
        Route(
            method="POST",
            path=f"{key}/events",
            about="Let one of the ten events happen to a sent message.",
            handler=happen,
        ),
        Route(
            method="GET",
            path="/api/dead-letters",
            about="The dead-letter queues, and what is in them.",
            handler=listed,
        ),
        Route(
            method="POST",
            path="/api/dead-letters/replay",
            about="Give messages of a dead-letter queue back to where they came from.",
            handler=replay,
        ),
    ]


def _uploaded(post: Post, asked: Asked) -> dict[str, Any]:
    raw = asked.body
    if not raw.strip():
        raise Refused(400, "the body is empty: send the bytes of an .eml")
    direction = Fields(asked.query).choice("direction", ("receive", "send"))
    fields = read_headers(raw)
    sender = asked.query.get("from") or address_of(header_of(fields, "From") or "")
    given = [one.strip() for one in asked.query.get("to", "").split(",") if one.strip()]
    recipients = given or list(dict.fromkeys(addressed(raw)))
    if not recipients:
        raise bad("to", "", "the message names no recipient, so pass one")
    if direction == "receive":
        return post.receive(raw, mail_from=sender, rcpt_tos=recipients)
    if not sender:
        raise bad("from", "", "the message names no sender, so pass one")
    return post.send(sender, {"Raw": {"Data": raw}}, Destination={"ToAddresses": recipients})


def _happened(reader: Reader, mailer: Mailer, asked: Asked) -> dict[str, Any]:
    entry = reader.entry(asked.key)
    given = Fields(asked.json())
    names = {kind.value.lower().replace(" ", ""): kind for kind in EventType}
    wanted = given.text("event")
    kind = names.get(wanted.lower().replace(" ", "").replace("_", ""))
    if kind is None:
        known = ", ".join(one.value for one in EventType)
        raise bad("event", wanted, f"pass one of {known}")
    if entry.kind != "sent":
        raise Refused(409, "it was received, and events are those of sent messages: choose one")
    try:
        payload = mailer.happen(
            entry.key,
            kind,
            recipient=given.text("recipient") or None,
            options={name: given.text(name) for name in _OPTIONS},
        )
    except Impossible as error:
        raise Refused(409, str(error)) from error
    except Unknown as error:
        raise Refused(400, str(error)) from error
    except ClientError as error:
        raise Refused(409, f"{error.response['Error']['Message']}: correct that first") from error
    reader.index.catch_up()
    events = reader.teller.events(entry)
    # Two Send events of a message are equal.
    return {"events": [event for event in events if event["payload"] == payload][-1:]}
