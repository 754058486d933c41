"""Delivers, bounces and drops mail, and submits what leaves an organization."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from typing import Any

from mailroom_local._ses_error import SesError
from mailroom_local.receiving.message import verdicts_of
from mailroom_local.workmail.model import INBOUND, Fate, Flow
from mailroom_local.workmail.reports import Reports


class Mailboxes:
    """Keeps what was delivered to users, and what was bounced."""

    def __init__(self, *, reports: Reports) -> None:
        self._reports = reports
        self._delivered: list[dict[str, Any]] = []
        self._bounced: list[dict[str, Any]] = []

    def deliveries(self) -> dict[str, Any]:
        """Everything that was delivered into mailboxes, and everything that was bounced."""
        return {"Delivered": list(self._delivered), "Bounced": list(self._bounced)}

    def deliver(self, flow: Flow, fates: Mapping[str, Fate], rule: str) -> None:
        """Deliver, bounce or drop a message for each address, and submit it to the others."""
        started = time.perf_counter()
        spam = flow.direction == INBOUND and verdicts_of(flow.raw).spam == "FAIL"
        outcomes: dict[str, list[str]] = {}
        leaving: list[str] = []
        for address, fate in fates.items():
            own = flow.organization.holds(address)
            if fate.added and (
                fate.kind in ("DROP", "BOUNCE") or (flow.direction == INBOUND and not own)
            ):
                outcome = "skipped"
            elif fate.kind == "DROP":
                outcome = "dropped"
            elif fate.kind == "BOUNCE":
                outcome = self._bounce(flow, address, fate.text, rule)
            elif not own:
                leaving.append(address)
                continue
            elif address.casefold() not in flow.organization.users:
                outcome = self._bounce(flow, address, "550 5.1.1 There is no such user.", rule)
            else:
                junk = fate.kind == "MOVE_TO_JUNK" or (spam and fate.kind == "DEFAULT")
                outcome = "junk" if junk else "inbox"
                self._delivered.append(
                    {
                        "MessageId": flow.id,
                        "Address": address.casefold(),
                        "Folder": outcome,
                        "Bcc": fate.added,
                        "Raw": base64.b64encode(flow.raw).decode(),
                    }
                )
            outcomes.setdefault(outcome, []).append(address)
        described = {"Name": rule}
        for outcome, addresses in outcomes.items():
            self._reports.action(flow, described, "Flow", outcome, started, recipients=addresses)
        if leaving and flow.submit is not None:
            try:
                sent = flow.submit(flow.raw, leaving)
            except SesError as error:
                text = f"{error.code}: {error.message}"
                self._reports.action(
                    flow, described, "Flow", "failed", started, recipients=leaving, error=text
                )
            else:
                self._reports.action(
                    flow, described, "Flow", "sent", started, recipients=leaving, sent=sent
                )

    def _bounce(self, flow: Flow, address: str, text: str, rule: str) -> str:
        if not flow.mail_from:
            # RFC 5321, 6.1: nothing is ever returned to the null reverse-path.
            return "skipped"
        self._bounced.append(
            {
                "MessageId": flow.id,
                "To": flow.mail_from,
                "Recipient": address,
                "Message": text,
                "Rule": rule,
            }
        )
        return "bounced"
