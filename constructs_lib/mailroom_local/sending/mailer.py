"""Sends the messages that SES accepts, and publishes their events through public API calls."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom.ses import EVENT_BRIDGE_NAMES, EventType
from mailroom_local._background import Background
from mailroom_local._journal import Journal, described
from mailroom_local.control import clients
from mailroom_local.events import payloads
from mailroom_local.events.payloads import Happening
from mailroom_local.mail.headers import header_of
from mailroom_local.sending import contacts, decisions, happenings, tracking
from mailroom_local.sending.delivery import deliver
from mailroom_local.sending.happenings import Impossible
from mailroom_local.sending.message import SentMessage
from mailroom_local.sending.tracking import PREFIX, Answer, Link

_SUBJECT = "Amazon SES Email Event Notification"
_NAMESPACE = "AWS/SES"
_SET_DIMENSION = "ses:configuration-set"
_SERVICES = ("sesv2", "sns", "cloudwatch", "firehose")
_TICK = timedelta(milliseconds=1)

_KINDS = {
    "CloudWatchDestination": "CloudWatch",
    "EventBridgeDestination": "EventBridge",
    "KinesisFirehoseDestination": "Firehose",
    "SnsDestination": "SNS",
}


@dataclass(slots=True)
class _Sent:
    """A message, the targets of its links, and the time of its last event."""

    outgoing: SentMessage
    links: list[Link]
    last: datetime
    lock: Lock = field(default_factory=Lock)

    def next_moment(self) -> datetime:
        """Now, or a little later: no two events of a message have the same time."""
        self.last = max(datetime.now(UTC), self.last + _TICK)
        return self.last


class Mailer:
    """Sends accepted messages in the background.

    ``put_event`` puts an entry on an event bus with the source ``aws.ses``, which the API reserves
    for SES.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        region: str,
        account: str,
        journal: Journal,
        put_event: Callable[..., None],
        workers: int = 4,
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._put_event = put_event
        self._background = Background(journal, name="sending", workers=workers)
        self._sent: dict[str, _Sent] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._clients_lock = Lock()
        self._counts: Counter[tuple[str, str, str, str]] = Counter()
        # To create a client takes longer than all that it does for a message.
        for service in _SERVICES:
            self._background.begin(None, self._client, service, region, account)

    def send(self, outgoing: SentMessage) -> bytes:
        """Accept a message and return what its recipients get."""
        raw, links = deliver(outgoing, endpoint=self._endpoint)
        sent = _Sent(outgoing, links, outgoing.sent_at)
        # Held until its first events are published: no message is opened before its delivery.
        sent.lock.acquire()
        self._sent[outgoing.message_id] = sent
        self._journal.keep(outgoing.message_id, raw)
        self._journal.write(
            "sent",
            message_id=outgoing.message_id,
            mail_from=outgoing.source,
            rcpt_tos=list(outgoing.recipients),
            subject=outgoing.common_headers.get("subject", ""),
            size=len(raw),
            operation=outgoing.operation,
            configuration_set=outgoing.configuration_set,
            tags=dict(outgoing.tags),
            trace=outgoing.trace,
            bounce_of=outgoing.bounce_of,
            in_reply_to=(header_of(outgoing.headers, "In-Reply-To") or "").split(),
            references=(header_of(outgoing.headers, "References") or "").split(),
        )
        self._background.begin(outgoing.message_id, self._process, sent)
        return raw

    def visit(self, path: str, *, method: str, client_address: str, user_agent: str) -> Answer:
        """Answer a tracking or unsubscribe URL, and publish the event."""
        message_id, _, rest = path.removeprefix(PREFIX).partition("/")
        what, _, number = rest.partition("/")
        sent = self._sent.get(message_id)
        if sent is None:
            return Answer(status=404, body=b"Message not found.")
        reader = {"ip_address": client_address, "user_agent": user_agent}
        if what == "open" and method in ("GET", "HEAD"):
            self._tell_later(sent, Happening(kind=EventType.OPEN, detail=reader))
            return Answer(status=200, body=tracking.PIXEL, content_type="image/gif")
        if what == "click" and method in ("GET", "HEAD") and number.isdigit():
            if int(number) < len(sent.links):
                link = sent.links[int(number)]
                detail = {**reader, "link": link.url, "link_tags": link.tags}
                self._tell_later(sent, Happening(kind=EventType.CLICK, detail=detail))
                return Answer(status=302, location=link.url)
        elif what == "unsubscribe" and sent.outgoing.list_management:
            if method not in ("GET", "POST"):
                return Answer(status=405)
            return self._unsubscribe(sent)
        return Answer(status=404, body=b"Link not found.")

    def sent(self, message_id: str) -> SentMessage | None:
        """A message that was sent, as it was submitted."""
        found = self._sent.get(message_id)
        return None if found is None else found.outgoing

    def happen(
        self,
        message_id: str,
        kind: EventType,
        *,
        recipient: str | None = None,
        options: Mapping[str, str],
    ) -> dict[str, Any]:
        """Let something happen to a sent message; return the event that is published.

        Raises:
            Impossible: If it cannot happen to this message.
            Unknown: If an option's value makes no sense.
        """
        sent = self._sent.get(message_id)
        if sent is None:
            raise Impossible("it was not sent through SES: choose a sent message")
        if sent.outgoing.configuration_set is None:
            raise Impossible(
                "it was sent without a configuration set, so SES publishes no events of it: send "
                "it again with one"
            )
        if kind is EventType.SUBSCRIPTION:
            happening = self._unsubscription(sent)
        else:
            happening = happenings.happening(
                kind, sent.outgoing, sent.links, recipient=recipient, options=options
            )
        with sent.lock:
            event = self._publish_event(sent, happening)
        self._count(sent.outgoing, happening)
        return event

    def close(self) -> None:
        """Drop queued work, and wait for work in progress."""
        self._background.close()

    def _process(self, sent: _Sent) -> None:
        outgoing = sent.outgoing
        try:
            for outcome, recipient in decisions.story(outgoing):
                happening = Happening(kind=outcome.kind, recipient=recipient, detail=outcome.detail)
                # One at a time: an event that fails must not take the others with it.
                with self._journal.guarded(outgoing.message_id):
                    self._publish_event(sent, happening)
                with self._journal.guarded(outgoing.message_id):
                    self._count(outgoing, happening)
        finally:
            sent.lock.release()
            took = (datetime.now(UTC) - outgoing.sent_at).total_seconds() * 1000
            self._journal.write("finished", message_id=outgoing.message_id, ms=round(took, 1))

    def _tell_later(self, sent: _Sent, happening: Happening) -> None:
        def tell() -> None:
            with sent.lock:
                self._publish_event(sent, happening)

        self._background.begin(sent.outgoing.message_id, tell)

    def _publish_event(self, sent: _Sent, happening: Happening) -> dict[str, Any]:
        outgoing = sent.outgoing
        at = sent.next_moment()
        if outgoing.configuration_set is None:
            return {}
        event = payloads.payload(happening, outgoing, at=at)
        wanted = payloads.wanted(self._destinations(outgoing), happening.kind)
        results = [self._publish(destination, event, outgoing) for destination in wanted]
        self._journal.write(
            "event",
            message_id=outgoing.message_id,
            event=happening.kind,
            happened_at=at.isoformat(),
            recipient=happening.recipient,
            destinations=results,
            payload=event,
        )
        return event

    def _destinations(self, outgoing: SentMessage) -> list[Mapping[str, Any]]:
        try:
            found: list[Mapping[str, Any]] = (
                self._client("sesv2", outgoing.region, outgoing.account)
                .get_configuration_set_event_destinations(
                    ConfigurationSetName=outgoing.configuration_set
                )
                .get("EventDestinations", [])
            )
        except ClientError:
            # The configuration set has been deleted since the message was sent.
            return []
        return found

    def _publish(
        self, destination: Mapping[str, Any], event: dict[str, Any], outgoing: SentMessage
    ) -> dict[str, str]:
        key = next((key for key in _KINDS if key in destination), "")
        result = {"name": str(destination["Name"]), "kind": _KINDS.get(key, "?")}
        run = self._PUBLISHERS.get(key)
        if run is None:
            return {**result, "outcome": "skipped"}
        try:
            run(self, destination[key], event, outgoing)
        except (ClientError, BotoCoreError) as error:
            return {**result, "outcome": "failed", "error": str(error)}
        except Exception as error:
            # One destination must not take the others with it.
            text, place = described(error)
            return {**result, "outcome": "failed", "error": text, "place": place}
        return {**result, "outcome": "published"}

    def _to_topic(
        self, target: Mapping[str, Any], event: dict[str, Any], outgoing: SentMessage
    ) -> None:
        self._client("sns", outgoing.region, outgoing.account).publish(
            TopicArn=target["TopicArn"], Subject=_SUBJECT, Message=json.dumps(event) + "\n"
        )

    def _to_firehose(
        self, target: Mapping[str, Any], event: dict[str, Any], outgoing: SentMessage
    ) -> None:
        answer = self._client("firehose", outgoing.region, outgoing.account).put_record_batch(
            DeliveryStreamName=target["DeliveryStreamArn"].rpartition("/")[2],
            Records=[{"Data": json.dumps(event).encode() + b"\n"}],
        )
        if answer["FailedPutCount"]:
            raise RuntimeError(answer["RequestResponses"][0].get("ErrorMessage", "not taken"))

    def _to_event_bus(
        self, target: Mapping[str, Any], event: dict[str, Any], outgoing: SentMessage
    ) -> None:
        scope = f"arn:aws:ses:{outgoing.region}:{outgoing.account}"
        entry = {
            "Source": "aws.ses",
            "DetailType": EVENT_BRIDGE_NAMES[EventType(event["eventType"])],
            "Detail": json.dumps(event),
            "Resources": [f"{scope}:configuration-set/{outgoing.configuration_set}"],
        }
        self._put_event(entry, region=outgoing.region, account=outgoing.account)

    def _to_metric(
        self, target: Mapping[str, Any], event: dict[str, Any], outgoing: SentMessage
    ) -> None:
        configurations = target["DimensionConfigurations"]
        datum = {
            "MetricName": payloads.metric(EventType(event["eventType"])),
            "Dimensions": payloads.dimensions(configurations, event, outgoing),
            "Value": 1,
            "Unit": "Count",
        }
        self._client("cloudwatch", outgoing.region, outgoing.account).put_metric_data(
            Namespace=_NAMESPACE, MetricData=[datum]
        )

    _PUBLISHERS: Mapping[
        str, Callable[[Mailer, Mapping[str, Any], dict[str, Any], SentMessage], None]
    ] = {
        "CloudWatchDestination": _to_metric,
        "EventBridgeDestination": _to_event_bus,
        "KinesisFirehoseDestination": _to_firehose,
        "SnsDestination": _to_topic,
    }

    def _count(self, outgoing: SentMessage, happening: Happening) -> None:
        """Keep the reputation metrics up to date.

        On AWS the mailbox simulator does not count. Here it does, or no alarm could be rehearsed;
        what SES itself withholds counts on neither.
        """
        hard = happening.detail.get("type") == "Permanent" and "withheld" not in happening.detail
        if happening.kind not in (EventType.SEND, EventType.COMPLAINT) and not hard:
            return
        scopes = ["", *([outgoing.configuration_set] if outgoing.configuration_set else [])]
        data = []
        for scope in scopes:
            counted = (outgoing.account, outgoing.region, scope)
            self._counts[*counted, happening.kind] += 1
            sends = self._counts[*counted, EventType.SEND]
            dimensions = [{"Name": _SET_DIMENSION, "Value": scope}] if scope else []
            data += [
                {
                    "MetricName": f"Reputation.{kind}Rate",
                    "Dimensions": dimensions,
                    "Value": self._counts[outgoing.account, outgoing.region, scope, kind]
                    / max(sends, 1),
                }
                for kind in (EventType.BOUNCE, EventType.COMPLAINT)
            ]
        self._client("cloudwatch", outgoing.region, outgoing.account).put_metric_data(
            Namespace=_NAMESPACE, MetricData=data
        )

    def _unsubscribe(self, sent: _Sent) -> Answer:
        try:
            happening = self._unsubscription(sent)
        except ClientError as error:
            return Answer(status=410, body=str(error).encode())
        self._tell_later(sent, happening)
        return Answer(status=200, body=b"You have been unsubscribed.")

    def _unsubscription(self, sent: _Sent) -> Happening:
        """Take the first recipient off the contact list."""
        outgoing = sent.outgoing
        managed = outgoing.list_management
        if managed is None:
            raise Impossible(
                "it was sent without a contact list, so nobody can unsubscribe: send it with "
                "ListManagementOptions"
            )
        ses = self._client("sesv2", outgoing.region, outgoing.account)
        contact = {
            "ContactListName": managed.contact_list,
            "EmailAddress": outgoing.recipients[0],
        }
        before = ses.get_contact(**contact)
        after = contacts.unsubscribed(before, managed.topic)
        ses.update_contact(**contact, **after)
        detail = {
            "contact_list": managed.contact_list,
            "old": contacts.published(before),
            "new": contacts.published({**before, **after}),
        }
        recipient = outgoing.recipients[0]
        return Happening(kind=EventType.SUBSCRIPTION, recipient=recipient, detail=detail)

    def _client(self, service: str, region: str, account: str) -> Any:
        with self._clients_lock:
            key = (service, region, account)
            if key not in self._clients:
                session = clients.session(region=region, account=account)
                self._clients[key] = clients.client(session, service, self._endpoint)
            return self._clients[key]
