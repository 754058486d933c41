"""Stop mail by SES's verdicts, before a later action or rule runs.

The rule's Lambda action must be synchronous (``RequestResponse``): SES ignores any other answer.

Settings
    ``MAILROOM_REJECT``
        JSON: check → status → disposition, e.g. ``{"spam": {"FAIL": "STOP_RULE_SET"}}``. Checks are
        ``spam``, ``virus``, ``spf``, ``dkim``, ``dmarc``; statuses ``PASS``, ``FAIL``, ``GRAY``,
        ``PROCESSING_FAILED``, ``DISABLED``; dispositions those of `Disposition`. Any other
        verdict continues. Default: spam and virus ``FAIL`` stop the rule set. ``{}`` stops nothing.
    ``MAILROOM_REJECT_UNCHECKED``
        ``1`` (default) to treat spam and virus ``PROCESSING_FAILED`` like ``FAIL`` unless
        ``MAILROOM_REJECT`` names it: SES could not check the mail, for example because it is
        malformed, and malforming it must not be a way past this control. ``0``: it continues.
        With ``1``, an event that has no verdict at all of a scan that ``MAILROOM_REJECT`` names
        raises `NotConfigured`: a control that can check nothing must not look as if it worked.

Permissions
    None. It decides from the event only and never loads boto3.

Failures
    An invalid setting raises `NotConfigured` when Lambda initialises the function. AWS does not
    document what SES does then. An asynchronous action, whose answer SES ignores, raises as well.
    So does each mail without a verdict that is needed, as behind Mail Manager, which has no spam or
    virus check of its own: ``MAILROOM_ON_ERROR`` decides about it, and the failure queue has it.

Mail that has no verdict of a check that the setting names is logged, whatever happens to it.

Stopped mail is not bounced: the sending server was told that it was accepted, and a bounce would
go to whatever address the spammer gave. It stays where an earlier action stored it.

Sources: https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda-event.html
"""

from __future__ import annotations

import json
import os

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.ses import VERDICTS, Disposition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mailroom.receiving import ReceivedMail, Verdict

    Rejections = Mapping[str, Mapping[str, Disposition]]

__all__ = ["CHECKS", "DEFAULT", "STATUSES", "on_mail"]

CHECKS = ("spam", "virus", "spf", "dkim", "dmarc")
STATUSES = VERDICTS
DEFAULT = '{"spam": {"FAIL": "STOP_RULE_SET"}, "virus": {"FAIL": "STOP_RULE_SET"}}'

_SCANS = ("spam", "virus")
_STRENGTH = (Disposition.CONTINUE, Disposition.STOP_RULE, Disposition.STOP_RULE_SET)


def decide(mail: ReceivedMail, rejections: Rejections) -> Disposition:
    """Return the strongest disposition that *rejections* has for the verdicts of *mail*."""
    verdicts = _verdicts(mail)
    wanted = [Disposition.CONTINUE]
    for check, by_status in rejections.items():
        status = verdicts[check].status
        if status is not None and status in by_status:
            wanted.append(by_status[status])
    return max(wanted, key=_STRENGTH.index)


def settings() -> Rejections:
    """Read ``MAILROOM_REJECT``; raise `NotConfigured` if it is invalid."""
    text = os.environ.get("MAILROOM_REJECT") or DEFAULT
    try:
        value = json.loads(text)
    except ValueError as error:
        raise NotConfigured(f"MAILROOM_REJECT is not JSON: {error}") from error
    rejections = {
        _one_of(check, CHECKS, "check"): {
            _one_of(status, STATUSES, f"status of {check}"): Disposition(
                _one_of(answer, [item.value for item in Disposition], f"{check} {status}")
            )
            for status, answer in _object(by_status, check).items()
        }
        for check, by_status in _object(value, "the value").items()
    }
    if os.environ.get("MAILROOM_REJECT_UNCHECKED", "1") != "0":
        for check in _SCANS:
            by_status = rejections.get(check, {})
            if "FAIL" in by_status:
                by_status.setdefault("PROCESSING_FAILED", by_status["FAIL"])
    return rejections


def _verdicts(mail: ReceivedMail) -> dict[str, Verdict]:
    return {
        "spam": mail.spam,
        "virus": mail.virus,
        "spf": mail.spf,
        "dkim": mail.dkim,
        "dmarc": mail.dmarc,
    }


def unscanned(mail: ReceivedMail, rejections: Rejections) -> list[str]:
    """Return the scans that *rejections* needs and that the event of *mail* does not have."""
    if os.environ.get("MAILROOM_REJECT_UNCHECKED", "1") == "0":
        return []
    verdicts = _verdicts(mail)
    return [one for one in _SCANS if rejections.get(one) and verdicts[one].status is None]


def unchecked(mail: ReceivedMail, rejections: Rejections) -> list[str]:
    """Return those of the checks in *rejections* on which SES has no verdict, with its word."""
    return [
        f"{check} {verdict.status}"
        for check, verdict in _verdicts(mail).items()
        if check in rejections and verdict.status not in ("PASS", "FAIL", "GRAY")
    ]


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotConfigured(f"MAILROOM_REJECT: {what} is {value!r:.80}: use an object")
    return value


def _one_of(value: Any, allowed: tuple[str, ...] | list[str], what: str) -> str:
    # A misspelt status would never match, and mail would pass unnoticed.
    if value not in allowed:
        raise NotConfigured(
            f"MAILROOM_REJECT: {what} is {value!r:.80}: use one of {', '.join(allowed)}"
        )
    return str(value)


# Lambda imports this module during init, so that a wrong setting fails before any mail.
_settings = settings() if "MAILROOM_REJECT" in os.environ else None


def on_mail(mail: ReceivedMail) -> Disposition:
    """Return the disposition for the verdicts of *mail*."""
    global _settings
    if _settings is None:
        _settings = settings()
    if not mail.synchronous:
        raise NotConfigured(
            "the rule's Lambda action is asynchronous, where SES ignores the answer: make it "
            "synchronous (RequestResponse)"
        )
    disposition = decide(mail, _settings)
    absent = unscanned(mail, _settings)
    if absent and disposition is Disposition.CONTINUE:
        raise NotConfigured(
            f"the event has no {' and '.join(absent)} verdict, so nothing was checked: behind Mail "
            "Manager, which has none, use the conditions of a rule or an add-on instead; to let "
            "such mail continue, set MAILROOM_REJECT_UNCHECKED=0"
        )
    missing = unchecked(mail, _settings)
    if missing:
        _runtime.log(
            "WARNING",
            "mailroom.handlers.receiving.reject_spam",
            message_id=mail.message_id,
            outcome=disposition.value,
            reason=f"no verdict: {', '.join(missing)}",
        )
    return disposition
