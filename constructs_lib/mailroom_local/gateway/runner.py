"""Accepts messages at ingress points, and runs the rules of their rule sets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import Any

from mailroom_local._background import Background
from mailroom_local._journal import Journal, elapsed_ms
from mailroom_local.gateway import logs, policy, rules
from mailroom_local.gateway.actions import Actions
from mailroom_local.gateway.facts import Facts
from mailroom_local.gateway.message import Client, Message, addons_of
from mailroom_local.gateway.points import IngressPoint
from mailroom_local.gateway.policy import Decision
from mailroom_local.gateway.retrying import Waiting
from mailroom_local.gateway.run import Run, Steps
from mailroom_local.gateway.services import Services
from mailroom_local.mail.headers import decode, header_of
from mailroom_local.receiving.message import new_message_id, verdicts_of
from mailroom_local.receiving.smtp import OtherReceiver


class Runner:
    """Decides about mail at every ingress point, and runs actions in the background."""

    def __init__(
        self,
        *,
        endpoint: str,
        journal: Journal,
        services: Services,
        mailboxes: Sequence[OtherReceiver] = (),
        workers: int = 4,
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._services = services
        self._mailboxes = mailboxes
        self._background = Background(journal, name="gateway", workers=workers)
        self._waiting = Waiting(journal)
        self._lock = Lock()
        self._actions: dict[tuple[str, str], Actions] = {}

    def decide(self, point: IngressPoint, client: Client, recipient: str) -> Decision:
        """What the traffic policy says about a recipient."""
        return policy.decide(point.policy, self._facts(point, client), recipient)

    def log(
        self,
        point: IngressPoint,
        client: Client,
        decision: Decision,
        *,
        session: str,
        mail_from: str,
        too_large: Mapping[str, Any] | None = None,
    ) -> None:
        """Publish what was decided about a recipient, or later about the size of its message."""
        steps = [*decision.evaluation, *([too_large] if too_large else [])]
        record = logs.evaluated(
            point,
            client=client,
            session=session,
            mail_from=mail_from,
            recipient=decision.recipient,
            evaluation=steps,
            accepted=decision.accepted and not too_large,
        )
        self._publish(point, point.arn, logs.TRAFFIC_POLICY, record)

    def accept(
        self,
        point: IngressPoint,
        raw: bytes,
        *,
        client: Client,
        mail_from: str,
        decisions: Sequence[Decision],
        metadata: Mapping[str, Any],
    ) -> str:
        """Accept a message and return its id; the rules run in the background."""
        message = Message(
            message_id=new_message_id(),
            raw=raw,
            client=client,
            mail_from=mail_from,
            rcpt_tos=tuple(decision.recipient for decision in decisions),
            recipients=[decision.recipient for decision in decisions],
            received_at=datetime.now(UTC),
            host=f"{point.id}.mail-manager-smtp.{point.region}.amazonaws.com",
            verdicts=verdicts_of(raw),
        )
        headers = message.headers()
        run = Run(
            point=point,
            message=message,
            facts=self._facts(point, client, message),
            actions=self._actions_in(point),
            journal=self._journal,
            publish=partial(
                self._publish, point, str(point.rule_set.get("RuleSetArn")), logs.APPLICATION
            ),
        )
        self._services.remember_received(message.message_id, mail_from)
        self._journal.keep(message.message_id, raw)
        # What fails before this is answered with a refusal; behind it, nothing may fail.
        self._journal.write(
            "accepted",
            message_id=message.message_id,
            mail_from=mail_from,
            rcpt_tos=list(message.rcpt_tos),
            subject=decode(header_of(headers, "Subject") or ""),
            header_id=header_of(headers, "Message-ID"),
            size=len(raw),
            tls=client.tls_protocol is not None,
            client_address=client.address,
            rule_names=[
                rules.name_of(rule, number)
                for number, rule in enumerate(point.rule_set.get("Rules") or (), start=1)
            ],
            **of_gateway(point, decisions),
        )
        self._publish(point, point.arn, logs.APPLICATION, logs.accepted(point, message, metadata))
        work = (run.steps(), time.perf_counter())
        self._background.begin(message.message_id, self._advance, message.message_id, *work)
        return message.message_id

    def close(self, *, by: float | None = None) -> None:
        """Finish what was accepted; the journal has what the time did not allow."""
        self._waiting.close()
        self._background.close(by=by)

    def _advance(self, message_id: str, steps: Steps, started: float) -> None:
        """Run until the end, or until the next try of an action."""
        stopped_by = None
        # Whatever happens, the story has an end.
        with self._journal.guarded(message_id):
            try:
                seconds = next(steps)
            except StopIteration as end:
                stopped_by = end.value
            else:
                work = (message_id, self._advance, message_id, steps, started)
                self._waiting.later(message_id, seconds, lambda: self._background.begin(*work))
                return
        self._journal.write(
            "finished", message_id=message_id, stopped_by=stopped_by, ms=elapsed_ms(started)
        )

    def _facts(self, point: IngressPoint, client: Client, message: Message | None = None) -> Facts:
        where = {"account": point.account, "region": point.region}
        return Facts(
            client=client,
            message=message,
            addons=addons_of(message.headers()) if message else {},
            members=lambda arn: self._services.members(arn, **where),
            addon_name=self._services.addon_name,
        )

    def _actions_in(self, point: IngressPoint) -> Actions:
        place = (point.account, point.region)
        with self._lock:
            if place not in self._actions:
                self._actions[place] = Actions(
                    endpoint=self._endpoint,
                    account=point.account,
                    region=point.region,
                    services=self._services,
                    journal=self._journal,
                    mailboxes=self._mailboxes,
                )
            return self._actions[place]

    def _publish(
        self, point: IngressPoint, arn: str, log_type: str, record: Mapping[str, Any]
    ) -> None:
        # A log must neither refuse what is accepted nor stop a rule.
        with self._journal.guarded(None):
            self._services.publish_log(
                arn, log_type, record, account=point.account, region=point.region
            )


def of_gateway(point: IngressPoint, decisions: Sequence[Decision]) -> dict[str, Any]:
    """What the journal says of the ingress point, and of what its traffic policy decided."""
    return {
        "gateway": {
            "point": point.id,
            "name": point.name,
            "traffic_policy": point.policy.get("TrafficPolicyName"),
            "rule_set": point.rule_set.get("RuleSetName"),
        },
        "policy": [decision.record() for decision in decisions],
    }
