"""Stop mail by SES's own verdicts, before a later action or rule sees it.

Synchronous: the rule's Lambda action must be ``RequestResponse``, as SES waits for no other answer.

Settings
    ``MAILROOM_REJECT``
        JSON: check → status → disposition, e.g. ``{"spam": {"FAIL": "STOP_RULE_SET"}}``. Checks are
        ``spam``, ``virus``, ``spf``, ``dkim``, ``dmarc``; statuses ``PASS``, ``FAIL``, ``GRAY``,
        ``PROCESSING_FAILED``, ``DISABLED``; dispositions those of `Disposition`. What is not named
        continues. Unset: spam and virus ``FAIL`` stop the rule set. ``{}``: everything continues.

Permissions
    None. It decides from the event alone and never loads boto3.

Failures
    A wrong setting raises `NotConfigured` when Lambda initialises the function. SES cannot tell a
    failing function from one that says ``CONTINUE``, so until it is repaired, mail passes; the
    same if the action is asynchronous, which therefore raises as well.

Stopped mail is not bounced: the sender has long been told that it was accepted, and a bounce would
go to whomever the spammer named. It stays wherever an action before this one stored it.

Sources: https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

import json
import os

from mailroom.errors import NotConfigured
from mailroom.receiving import Disposition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mailroom.receiving import ReceivedMail

    Rejections = Mapping[str, Mapping[str, Disposition]]

__all__ = ["CHECKS", "DEFAULT", "STATUSES", "on_mail"]

CHECKS = ("spam", "virus", "spf", "dkim", "dmarc")
STATUSES = ("PASS", "FAIL", "GRAY", "PROCESSING_FAILED", "DISABLED")
DEFAULT = '{"spam": {"FAIL": "STOP_RULE_SET"}, "virus": {"FAIL": "STOP_RULE_SET"}}'

_STRENGTH = (Disposition.CONTINUE, Disposition.STOP_RULE, Disposition.STOP_RULE_SET)


def decide(mail: ReceivedMail, rejections: Rejections) -> Disposition:
    """Return the strongest disposition that any of the verdicts of *mail* asks for."""
    verdicts = {
        "spam": mail.spam,
        "virus": mail.virus,
        "spf": mail.spf,
        "dkim": mail.dkim,
        "dmarc": mail.dmarc,
    }
    wanted = [Disposition.CONTINUE]
    for check, by_status in rejections.items():
        status = verdicts[check].status
        if status is not None and status in by_status:
            wanted.append(by_status[status])
    return max(wanted, key=_STRENGTH.index)


def settings() -> Rejections:
    """Read ``MAILROOM_REJECT``; raises `NotConfigured` with what is wrong and what is allowed."""
    text = os.environ.get("MAILROOM_REJECT") or DEFAULT
    try:
        value = json.loads(text)
    except ValueError as error:
        raise NotConfigured(f"MAILROOM_REJECT is no JSON: {error}") from error
    return {
        _one_of(check, CHECKS, "check"): {
            _one_of(status, STATUSES, f"status of {check}"): Disposition(
                _one_of(answer, [item.value for item in Disposition], f"{check} {status}")
            )
            for status, answer in _object(by_status, check).items()
        }
        for check, by_status in _object(value, "the whole").items()
    }


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotConfigured(f"MAILROOM_REJECT: {what} is {value!r:.80}; it must be an object")
    return value


def _one_of(value: Any, allowed: tuple[str, ...] | list[str], what: str) -> str:
    # A misspelt status would otherwise never match, and the gate would stand open unnoticed.
    if value not in allowed:
        raise NotConfigured(
            f"MAILROOM_REJECT: {what} is {value!r:.80}; allowed are {', '.join(allowed)}"
        )
    return str(value)


# Lambda imports this module while it initialises: a wrong setting then fails before any mail.
_settings = settings() if "MAILROOM_REJECT" in os.environ else None


def on_mail(mail: ReceivedMail) -> Disposition:
    """Return what the verdicts of *mail* ask for."""
    global _settings
    if _settings is None:
        _settings = settings()
    if not mail.synchronous:
        raise NotConfigured(
            "reject_spam runs in an asynchronous action, where SES ignores its answer: "
            "make the rule's Lambda action synchronous (RequestResponse)"
        )
    return decide(mail, _settings)
