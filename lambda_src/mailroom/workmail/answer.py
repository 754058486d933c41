"""What is to happen to a mail, as a checked answer to WorkMail."""

from __future__ import annotations

import json
import re

from mailroom.errors import InvalidAnswer
from mailroom.workmail.words import (
    ANSWER_ACTIONS,
    ANSWER_BYTES,
    INBOUND_ONLY,
    OUTBOUND_RECIPIENTS,
    ActionType,
    Direction,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Action = tuple[ActionType, str | None]

__all__ = ["Answer"]

_ADDRESS = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,255}")


class Answer:
    """What is to happen to a mail, for each recipient; begin one with `FlowMail.answer`.

    Every method returns the answer itself. With *recipients*, an action is for those only; without,
    for everybody whom no other action names. What breaks a documented limit raises `InvalidAnswer`
    with that limit: at once if it can be known, else when the function returns the answer.

    Args:
        recipients: The mail's envelope recipients.
        direction: ``INBOUND`` or ``OUTBOUND``.
        truncated: Whether *recipients* are not all.
    """

    __slots__ = ("_direction", "_named", "_own", "_rest", "_truncated")

    def __init__(self, recipients: Sequence[str], *, direction: str, truncated: bool) -> None:
        self._direction = direction
        self._truncated = truncated
        # The event's spelling, by the form in which addresses are compared.
        self._own = {address.casefold(): address for address in recipients}
        self._rest: Action | None = None
        self._named: dict[str, tuple[str, Action]] = {}

    def default(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Deliver as if there were no rule.

        Args:
            recipients: The recipients that it is for; everyone whom nothing else of the answer
                names by default.
        """
        return self._add(ActionType.DEFAULT, recipients)

    def bounce(self, message: str, *, recipients: Sequence[str] | None = None) -> Answer:
        """Do not deliver, and send the sender a bounce with the text *message*.

        Args:
            message: The text of the bounce.
            recipients: The recipients that it is for; everyone whom nothing else of the answer
                names by default.
        """
        if not isinstance(message, str) or not message.strip():
            raise InvalidAnswer(
                f"the bounce message is {message!r:.80}: pass a string with the reason"
            )
        if any("\ud800" <= char <= "\udfff" for char in message):
            raise InvalidAnswer("the bounce message has lone surrogates: remove them")
        return self._add(ActionType.BOUNCE, recipients, message)

    def drop(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Do not deliver the mail, without notice.

        Args:
            recipients: The recipients that it is for; everyone whom nothing else of the answer
                names by default.
        """
        return self._add(ActionType.DROP, recipients)

    def move_to_junk(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Deliver to the junk folder; inbound only.

        Args:
            recipients: The recipients that it is for; everyone whom nothing else of the answer
                names by default.
        """
        return self._add(ActionType.MOVE_TO_JUNK, recipients)

    def bypass_spam_check(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Deliver without a spam check; inbound only.

        Args:
            recipients: The recipients that it is for; everyone whom nothing else of the answer
                names by default.
        """
        return self._add(ActionType.BYPASS_SPAM_CHECK, recipients)

    def deliver_also(self, recipients: Sequence[str]) -> Answer:
        """Deliver also to *recipients*, to whom the mail was not sent; the others do not see them.

        WorkMail delivers inbound mail to addresses of the organization only.

        Args:
            recipients: Addresses that the mail was not sent to.
        """
        return self._add(ActionType.DEFAULT, recipients, added=True)

    def payload(self) -> dict[str, Any]:
        """Return the answer in WorkMail's form, with as few actions as possible.

        Raises:
            InvalidAnswer: It exceeds a limit, or a recipient has no action. WorkMail would apply
                the rule's fallback to that recipient, which is for failures.
        """
        self._check_covered()
        groups: dict[Action, list[str]] = {}
        rest = self._for_the_rest()
        for key, (address, action) in self._named.items():
            if action != rest or key not in self._own:
                groups.setdefault(action, []).append(address)
        actions: list[dict[str, Any]] = []
        if rest is not None:
            actions.append({"action": _written(rest), "allRecipients": True})
        actions += [
            {"action": _written(action), "recipients": addresses}
            for action, addresses in groups.items()
        ]
        if len(actions) > ANSWER_ACTIONS:
            raise InvalidAnswer(
                f"the answer has {len(actions)} actions; WorkMail accepts {ANSWER_ACTIONS}: use "
                "fewer different bounce messages"
            )
        answer = {"actions": actions}
        # With escapes, so never shorter than what Lambda sends.
        size = len(json.dumps(answer))
        if size > ANSWER_BYTES:
            raise InvalidAnswer(
                f"the answer has {size} bytes; WorkMail accepts {ANSWER_BYTES}: name fewer "
                "recipients, by giving the most frequent action without recipients"
            )
        return answer

    def _for_the_rest(self) -> Action | None:
        """Return the action for everybody whom no other names, if there is anybody."""
        # Nor may an answer be without actions, if the mail names no recipients at all.
        if self._truncated or not self._own or not self._own.keys() <= self._named.keys():
            return self._rest
        # The same action for each of them is one for all of them.
        actions = {action for key, (_, action) in self._named.items() if key in self._own}
        return actions.pop() if len(actions) == 1 else None

    def _check_covered(self) -> None:
        if self._rest is not None:
            return
        if self._truncated:
            raise InvalidAnswer(
                "WorkMail named only some of the recipients (truncated): give one action without "
                "recipients for the others"
            )
        missing = self._own.keys() - self._named.keys()
        if missing or not self._own:
            raise InvalidAnswer(
                f"{len(missing)} of {len(self._own)} recipients have no action, and WorkMail would "
                "apply the rule's fallback: give one action without recipients"
            )

    def _add(
        self,
        kind: ActionType,
        recipients: Sequence[str] | None,
        text: str | None = None,
        *,
        added: bool = False,
    ) -> Answer:
        direction = self._direction
        if kind in INBOUND_ONLY and direction != Direction.INBOUND:
            raise InvalidAnswer(
                f"{kind} is for INBOUND mail and this is {direction}: use another action"
            )
        action = (kind, text)
        if recipients is None:
            if self._rest is not None and self._rest != action:
                raise InvalidAnswer(
                    f"all recipients have {self._rest[0]} already: do not add {kind}"
                )
            self._rest = action
            return self
        if isinstance(recipients, str) or not all(isinstance(one, str) for one in recipients):
            raise InvalidAnswer(f"recipients is {recipients!r:.80}: pass a list of addresses")
        if not recipients:
            raise InvalidAnswer("recipients is empty: omit it for all")
        for address in recipients:
            self._name(address, action, added=added)
        total = len(self._own.keys() | self._named.keys())
        if direction == Direction.OUTBOUND and total > max(OUTBOUND_RECIPIENTS, len(self._own)):
            raise InvalidAnswer(
                f"the mail would have {total} recipients; WorkMail accepts {OUTBOUND_RECIPIENTS} "
                "outbound: add fewer"
            )
        return self

    def _name(self, address: str, action: Action, *, added: bool) -> None:
        key = address.casefold()
        if key not in self._own and not added and not self._truncated:
            raise InvalidAnswer(
                "a recipient is not one of the mail's: call deliver_also() to deliver to someone "
                "else as well"
            )
        if added and (not _ADDRESS.fullmatch(address) or key in self._own):
            raise InvalidAnswer(
                "deliver_also() has an address that is malformed or already a recipient: pass "
                "plain addresses of others"
            )
        before = self._named.get(key)
        if before is not None and before[1] != action:
            raise InvalidAnswer(
                f"one recipient has {before[1][0]} and {action[0]}: give each recipient one action"
            )
        self._named[key] = (self._own.get(key, address), action)

    @property
    def kinds(self) -> list[str]:
        """The types of the actions in this answer, sorted, each once."""
        actions = [action for _, action in self._named.values()]
        return sorted({kind for kind, _ in [*actions, *([self._rest] if self._rest else [])]})

    def __repr__(self) -> str:
        return f"<Answer {','.join(self.kinds)}>"


def _written(action: Action) -> dict[str, Any]:
    kind, text = action
    if text is None:
        return {"type": kind.value}
    return {"type": kind.value, "parameters": {"bounceMessage": text}}
