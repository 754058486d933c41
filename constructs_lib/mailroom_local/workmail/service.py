"""A local WorkMail: mail in and out of organizations, and the message flow API.

A minute of a rule's timeout lasts one second here, unless an organization's `seconds_per_minute`
says otherwise. A message that fails the spam check (see `receiving.message.verdicts_of`) goes to
junk, and one with the header field ``X-Mailroom-WorkMail: frozen`` cannot be replaced.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from threading import Event
from typing import Any

from mailroom_local._background import Background
from mailroom_local._journal import Journal
from mailroom_local.mail.headers import read_headers, subject_of
from mailroom_local.workmail.answers import check_content
from mailroom_local.workmail.delivery import Mailboxes
from mailroom_local.workmail.directory import Directory
from mailroom_local.workmail.functions import Functions
from mailroom_local.workmail.model import (
    INBOUND,
    OUTBOUND,
    Account,
    Flow,
    Organization,
    Place,
    Refused,
)
from mailroom_local.workmail.reports import Reports
from mailroom_local.workmail.runner import Runner

_KEPT_SECONDS = 24 * 3600
_KEY = re.compile(r"[a-zA-Z0-9\-/]+")


class WorkMail:
    """Accepts the mail of organizations, and runs their rules on it in the background."""

    def __init__(
        self, *, endpoint: str, home: Place, journal: Journal, account: Account, workers: int = 4
    ) -> None:
        self._journal = journal
        self._account = account
        self._directory = Directory(home=home)
        self._flows: dict[str, Flow] = {}
        self._closing = Event()
        self._background = Background(journal, name="workmail", workers=workers)
        reports = Reports(endpoint=endpoint, journal=journal)
        self._mailboxes = Mailboxes(reports=reports)
        self._runner = Runner(
            journal=journal,
            functions=Functions(endpoint=endpoint, account=account),
            mailboxes=self._mailboxes,
            reports=reports,
            closing=self._closing,
        )
        self.add_organization = self._directory.add
        self.call = self._directory.call
        self.summaries = self._directory.summaries
        self.deliveries = self._mailboxes.deliveries

    def close(self, *, by: float) -> None:
        """Finish what was accepted, without invoking a function again."""
        self._closing.set()
        self._background.close(by=by)

    def message_arn(self, message_id: str) -> str:
        """The ARN of a message in flow, for permissions."""
        flow = self._flow(message_id)
        way = "incoming" if flow.direction == INBOUND else "outgoing"
        account, region = flow.organization.place
        scope = f"arn:aws:workmailmessageflow:{region}:{account}"
        return f"{scope}:message/{flow.organization.id}/{way}/{flow.id}"

    def read(self, message_id: str) -> bytes:
        """The content of a message in flow."""
        return self._flow(message_id).raw

    def replace(self, message_id: str, data: Mapping[str, Any]) -> None:
        """Change the content of a message; ignored unless a synchronous function works on it."""
        flow = self._flow(message_id)
        given = (data.get("content") or {}).get("s3Reference") or {}
        bucket, key = str(given.get("bucket", "")), str(given.get("key", ""))
        headers = read_headers(flow.raw)
        if any(n.lower() == "x-mailroom-workmail" and v.strip() == "frozen" for n, v in headers):
            raise Refused("MessageFrozen", "The message cannot be changed.")
        content = None
        if _KEY.fullmatch(key):
            content = self._account.fetch(
                bucket,
                key,
                given.get("objectVersion"),
                message=self.message_arn(message_id),
                place=flow.organization.place,
            )
        if content is None:
            raise Refused("InvalidContentLocation", f"WorkMail cannot read s3://{bucket}/{key}")
        check_content(content)
        flow.replace(content)

    def _flow(self, message_id: str) -> Flow:
        flow = self._flows.get(message_id)
        if flow is None or time.monotonic() - flow.since > _KEPT_SECONDS:
            raise Refused(
                "ResourceNotFoundException", f"Message {message_id} not found.", status=404
            )
        return flow

    def receives(self, address: str) -> bool:
        """Whether this address is in the domain of an organization."""
        return self._directory.holder(address) is not None

    def sends(self, address: str) -> bool:
        """Whether this is the address of a user of an organization."""
        holder = self._directory.holder(address)
        return holder is not None and address.casefold() in holder.users

    def receive(self, raw: bytes, *, mail_from: str, rcpt_tos: Sequence[str], tls: bool) -> str:
        """Accept a message for addresses of organizations; the rules run in the background."""
        message_id = ""
        for organization in self._directory.all():
            own = [address for address in rcpt_tos if organization.holds(address)]
            if own:
                message_id = self._begin(organization, INBOUND, raw, mail_from, own, tls=tls)
        return message_id

    def send(
        self,
        raw: bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        submit: Callable[[bytes, list[str]], str],
    ) -> str:
        """Accept a message from a user; ``submit`` sends it to addresses outside."""
        organization = self._directory.holder(mail_from)
        assert organization is not None
        return self._begin(
            organization, OUTBOUND, raw, mail_from, rcpt_tos, tls=True, submit=submit
        )

    def _begin(
        self,
        organization: Organization,
        direction: str,
        raw: bytes,
        mail_from: str,
        rcpt_tos: Sequence[str],
        *,
        tls: bool,
        submit: Callable[[bytes, list[str]], str] | None = None,
    ) -> str:
        flow = Flow(
            id=str(uuid.uuid4()),
            organization=organization,
            direction=direction,
            raw=raw,
            mail_from=mail_from,
            rcpt_tos=list(rcpt_tos),
            submit=submit,
        )
        self._flows[flow.id] = flow
        self._journal.keep(flow.id, raw)
        self._journal.write(
            "accepted",
            message_id=flow.id,
            mail_from=mail_from,
            rcpt_tos=list(rcpt_tos),
            subject=subject_of(raw),
            size=len(raw),
            tls=tls,
        )
        self._background.begin(flow.id, self._runner.process, flow)
        return flow.id
