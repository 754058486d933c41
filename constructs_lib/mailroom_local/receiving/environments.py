"""Receives mail for each account and region in which a receipt rule set is active."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TypeAlias

from mailroom_local.receiving.decisions import Refusal
from mailroom_local.receiving.message import Envelope
from mailroom_local.receiving.runner import Receiver

Place: TypeAlias = tuple[str, str]
"""An account and a region."""


class Receivers:
    """The receivers of all places behind one SMTP port.

    On AWS each region has a host of its own, and MX records choose. Here a recipient belongs to
    the first place whose rules take it.
    """

    def __init__(
        self,
        *,
        home: Place,
        make: Callable[[Place], Receiver],
        active: Callable[[], Sequence[Place]],
    ) -> None:
        self._home = home
        self._make = make
        self._active = active
        self._lock = Lock()
        # To make one takes longer than all that it does for a message.
        self._made = {home: make(home)}

    def admit(self, recipient: str, *, client_address: str, tls: bool) -> Refusal | None:
        """The refusal that answers RCPT TO, if no place takes the recipient."""
        refusals = []
        for receiver in self._receivers():
            refusal = receiver.admit(recipient, client_address=client_address, tls=tls)
            if refusal is None:
                return None
            refusals.append(refusal)
        # That of a place where a rule takes the recipient says what is missing.
        return max(refusals, key=lambda refusal: refusal.wanted)

    def accept(self, raw: bytes, envelope: Envelope) -> str:
        """Accept a message once for each place with recipients, and return the first id."""
        receivers = self._receivers()
        ids, rest = [], list(envelope.rcpt_tos)
        for receiver in receivers[:-1]:
            own = [
                recipient
                for recipient in rest
                if receiver.admit(
                    recipient, client_address=envelope.client_address, tls=envelope.tls
                )
                is None
            ]
            rest = [recipient for recipient in rest if recipient not in own]
            if own:
                ids.append(receiver.accept(raw, replace(envelope, rcpt_tos=tuple(own))))
        # The last takes what is left, so that nothing is lost if rules have changed meanwhile.
        if rest:
            ids.append(receivers[-1].accept(raw, replace(envelope, rcpt_tos=tuple(rest))))
        return ids[0]

    def close(self, *, by: float) -> None:
        """Finish what was accepted; the journal has what the time did not allow."""
        for receiver in self._made.values():
            receiver.close(by=by)

    def _receivers(self) -> list[Receiver]:
        with self._lock:
            places = self._active() or [self._home]
            for place in places:
                if place not in self._made:
                    self._made[place] = self._make(place)
            return [self._made[place] for place in places]
