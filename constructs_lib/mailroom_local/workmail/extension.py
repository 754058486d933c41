"""WorkMail's part of the server process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from mailroom_local._journal import Journal
from mailroom_local.control import clients
from mailroom_local.sending.credentials import Caller
from mailroom_local.sending.submission import Submit
from mailroom_local.workmail.service import WorkMail

App = Callable[..., Awaitable[None]]


class Extension:
    """Puts WorkMail before submission and before the gateway."""

    def __init__(self, receiver: WorkMail, emulator: Any) -> None:
        self.receiver = receiver
        self._emulator = emulator

    def around_gateway(self, gateway: App) -> App:
        """The gateway with WorkMail's operations, its message flow and its own paths."""
        served: App = self._emulator.around(gateway, self.receiver)
        return served

    def around_submit(self, submit: Submit) -> Submit:
        """Submission in which mail of an organization's users passes its rules first."""
        workmail = self.receiver

        def submitted(
            raw: bytes,
            *,
            mail_from: str,
            rcpt_tos: list[str],
            caller: Caller,
            client_address: str,
        ) -> str:
            def leave(content: bytes, recipients: list[str]) -> str:
                return submit(
                    content,
                    mail_from=mail_from,
                    rcpt_tos=recipients,
                    caller=caller,
                    client_address=client_address,
                )

            if not workmail.sends(mail_from):
                return leave(raw, rcpt_tos)
            return workmail.send(raw, mail_from=mail_from, rcpt_tos=rcpt_tos, submit=leave)

        return submitted

    def close(self, *, by: float) -> None:
        """Finish what was accepted; the journal has what the time did not allow."""
        self.receiver.close(by=by)


def connect(*, endpoint: str, region: str, journal: Journal) -> Extension:
    """WorkMail for a local AWS."""
    # By name: importing it imports ministack, which reads the environment.
    emulator = import_module("mailroom_local._emulator.workmail")
    served = WorkMail(
        endpoint=endpoint,
        home=(clients.ACCOUNT, region),
        journal=journal,
        account=emulator.Account(),
    )
    return Extension(served, emulator)
