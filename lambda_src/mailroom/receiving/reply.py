# ruff: noqa: RUF001 (colons of several alphabets)
"""An answer to a received mail, as a message of the standard library.

Text of the mail reaches header fields only as one line, and its message ids only if they are well
formed, so that no line break of a stranger's can start another field.
"""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import EmailPolicy

from mailroom.errors import AutomaticMail, InvalidMessage
from mailroom.mime import automatic, ids, mailboxes, words
from mailroom.mime.mailboxes import Address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from mailroom.receiving import ReceivedMail

__all__ = ["reply"]

_MOST_RECIPIENTS = 5
_MOST_QUOTED = 100_000
_SUBJECT_CHARACTERS = 200
_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_REPLY_PREFIX = re.compile(
    r"(?:(?:re|aw|antw|antwort|sv|vs|vá|ynt|odp|rif|r|res|ref|отв|ответ|回复|回覆|答复|返信|답장)"
    r"(?:\[\d{1,3}\])?\s?[:：]\s*)+",
    re.IGNORECASE,
)
_END_OF_BODY = re.compile(r"</body\s*>", re.IGNORECASE)


class _Policy(EmailPolicy):
    """Keeps message ids as they are: encoded because they are long, they would name nothing."""

    def fold(self, name: str, value: str) -> str:
        if name.lower() in ("in-reply-to", "references"):
            return f"{name}: {f'{self.linesep} '.join(str(value).split())}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in ("in-reply-to", "references"):
            return self.fold(name, value).encode("ascii", "replace")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep="\r\n")


def reply(
    mail: ReceivedMail,
    *,
    text: str | None,
    html: str | None,
    subject: str | None,
    from_address: str | None,
    reply_to: str | None,
    quote: bool,
    automatic_reply: bool,
    to_automatic: bool,
    earlier: Iterable[str],
) -> EmailMessage:
    """Return the answer; `ReceivedMail.reply` explains the arguments."""
    recipients = _recipients(mail, to_automatic)
    if text is None and html is None:
        raise InvalidMessage("neither text nor html is given: pass one or both")
    message = EmailMessage(policy=_POLICY)
    message["From"] = _own(mail) if from_address is None else _given(from_address, "from_address")
    message["To"] = recipients
    if reply_to is not None:
        message["Reply-To"] = _given(reply_to, "reply_to")
    message["Subject"] = _subject(mail, subject)
    own = ids.message_ids(mail.header_message_id)[:1]
    if own:
        message["In-Reply-To"] = own[0]
    known = [*(mail.references or ids.message_ids(mail.in_reply_to)), *own]
    # Without any, one of our own, so that the answer to this belongs to the same conversation.
    known = [*(known or [mail.thread_id]), *ids.message_ids(*earlier)]
    message["References"] = " ".join(ids.bounded(known))
    if automatic_reply:
        message["Auto-Submitted"] = "auto-replied"
        # Exchange heeds only this field.
        message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    _write(message, mail, text, html, quote)
    return message


def _recipients(mail: ReceivedMail, to_automatic: bool) -> tuple[Any, ...]:
    answers = [one for one in (mail.reply_to_addresses or mail.senders) if _is_sendable(one)]
    if not answers and mail.source:
        answers = [one for one in (Address(mail.source),) if _is_sendable(one)]
    reason = mail.automatic_reason
    if reason is None and any(automatic.unattended(one.ascii_address) for one in answers):
        reason = automatic.AUTO_SUBMITTED
    ours = {one.lower() for one in mail.recipients}
    if reason is None and any(one.ascii_address.lower() in ours for one in answers):
        reason = automatic.LOOP
    if reason is not None and not to_automatic:
        raise AutomaticMail(
            f"the mail is automatic ({reason}), so an answer could go around in circles: do not "
            "answer, or pass to_automatic=True",
            reason=reason,
        )
    if not answers:
        raise InvalidMessage(
            "the mail has no address to answer to that SES can send to: do not answer it"
        )
    unique = {one.ascii_address.lower(): one for one in answers}
    return tuple(_header_address(one) for one in list(unique.values())[:_MOST_RECIPIENTS])


def _is_sendable(address: Address) -> bool:
    return mailboxes.is_sendable(address.ascii_address)


def _header_address(address: Address) -> Any:
    from email.headerregistry import Address as HeaderAddress

    local, _, domain = address.ascii_address.rpartition("@")
    return HeaderAddress(words.shown(address.name, 100), local, domain)


def _own(mail: ReceivedMail) -> Any:
    """Return the recipient that the mail was written to, without a label."""
    shown = {one.ascii_address.lower() for one in mail.addresses("To") + mail.addresses("Cc")}
    for one in sorted(mail.recipients, key=lambda one: one.lower() not in shown):
        local, _, domain = one.rpartition("@")
        found = Address(f"{local.partition('+')[0]}@{domain}")
        if _is_sendable(found):
            return _header_address(found)
    raise InvalidMessage("the mail has no recipient to answer from: pass from_address")


def _given(value: str, what: str) -> Any:
    found = mailboxes.parse([_line(value, what)])
    if len(found) != 1 or not _is_sendable(found[0]):
        raise InvalidMessage(
            f"{what} is {value!r:.80}: pass one address, such as Support <support@example.com>"
        )
    return _header_address(found[0])


def _subject(mail: ReceivedMail, given: str | None) -> str:
    if given is not None:
        return _line(given, "subject")
    title = words.shown(words.decode(mail.subject or ""), _SUBJECT_CHARACTERS)
    prefix = _REPLY_PREFIX.match(title)
    return f"Re: {title[prefix.end() :] if prefix else title}".rstrip()


def _line(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidMessage(f"{what} is {value!r:.80}, a {type(value).__name__}: pass a string")
    if found := _BREAK.search(value):
        raise InvalidMessage(
            f"{what} has {found[0]!r} at position {found.start()}: pass one line of text without "
            "control characters"
        )
    return value


def _write(
    message: EmailMessage, mail: ReceivedMail, text: str | None, html: str | None, quote: bool
) -> None:
    if text is None:
        from mailroom.mime import rendering

        text = rendering.text(html or "")
    plain = _encodable(text, "text").replace("\r\n", "\n").rstrip("\n") + "\n"
    introduction, quoted = _quoted(mail) if quote else ("", [])
    if quoted:
        plain += f"\n{introduction}\n" + "".join(f"{_with_sign(line)}\n" for line in quoted)
    message.set_content(plain)
    if html is not None:
        page = _encodable(html, "html")
        if quoted:
            page = _with_quote(page, introduction, quoted)
        message.add_alternative(page, subtype="html")


def _encodable(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise InvalidMessage(f"{what} is a {type(text).__name__}: pass a string")
    if found := re.search("[\ud800-\udfff]", text):
        raise InvalidMessage(f"{what} has a lone surrogate at position {found.start()}: remove it")
    return text


def _quoted(mail: ReceivedMail) -> tuple[str, Sequence[str]]:
    """Return what introduces the text of *mail*, and its lines."""
    content = mail.text[:_MOST_QUOTED].encode("utf-8", "replace").decode()
    # Else a line of a stranger's could go on without a sign before it.
    lines = [
        "\t".join(_BREAK.sub(" ", part) for part in line.split("\t"))
        for line in content.split("\n")
    ]
    if not content.strip():
        return "", []
    sender = mail.sender
    name = words.shown(sender.name or sender.address, 100) if sender else ""
    return f"On {_date(mail)}, {name or 'somebody'} wrote:", lines


def _with_sign(line: str) -> str:
    return f">{line}" if line.startswith(">") or not line else f"> {line}"


def _date(mail: ReceivedMail) -> str:
    from email.utils import format_datetime, parsedate_to_datetime

    try:
        moment = parsedate_to_datetime((mail.date or "")[:100])
        shown = format_datetime(moment)
    except Exception:  # whatever a sender wrote there
        shown = format_datetime(mail.timestamp)
    return f"{shown[:16]} at {shown[17:22]}"


def _with_quote(page: str, introduction: str, lines: Sequence[str]) -> str:
    from html import escape

    # Text, not the sender's HTML: that would be a stranger's page in a message of ours.
    shown = "<br>\n".join(escape(line) for line in lines)
    quoted = (
        f'<br><div class="gmail_quote"><div class="gmail_attr">{escape(introduction)}</div>\n'
        '<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;'
        f'padding-left:1ex">{shown}</blockquote></div>\n'
    )
    ends = list(_END_OF_BODY.finditer(page))
    if not ends:
        return page + quoted
    at = ends[-1].start()
    return page[:at] + quoted + page[at:]
