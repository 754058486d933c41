"""Builders of what comes back: answers as mail programs write them, and automatic mail."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from html import escape

from mailroom import mime
from mailroom.mime import bodies
from mailroom.testing.receiving import message

__all__ = ["AUTOMATIC", "PROGRAMS", "automatic_message", "reply_message"]

PROGRAMS = ("apple", "gmail", "outlook", "thunderbird")
"""The mail programs that `reply_message` knows."""

_DATE = "Mon, 05 Jan 2026 09:00:00 +0000"

AUTOMATIC: dict[str, dict[str, str]] = {
    "auto-submitted": {"Auto-Submitted": "auto-generated"},
    "bounce": {
        "From": "Mail Delivery System <MAILER-DAEMON@example.net>",
        "Auto-Submitted": "auto-replied",
        "Subject": "Undelivered Mail Returned to Sender",
    },
    "list": {"List-Id": "Printers <printers.example.net>", "Precedence": "list"},
    "loop": {"From": "Support <support@example.com>"},
    "out of office": {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Subject": "Automatic reply: Printer",
    },
}
"""Header fields of automatic mail, by `ReceivedMail.automatic_reason`."""


def automatic_message(reason: str, **arguments: str) -> EmailMessage:
    """Return a message that a program sent.

    Args:
        reason: What `ReceivedMail.automatic_reason` is to be, one of `AUTOMATIC`.
        arguments: The keyword arguments of `message`, but not ``headers``.
    """
    if reason not in AUTOMATIC:
        raise ValueError(f"reason is {reason!r}: pass one of {', '.join(AUTOMATIC)}")
    return message(headers=AUTOMATIC[reason], **arguments)  # type: ignore[arg-type]


def reply_message(
    answered: EmailMessage,
    *,
    text: str = "Thank you, it works.\n",
    program: str = "gmail",
    message_id: str | None = None,
    from_: str | None = None,
) -> EmailMessage:
    """Return an answer to a message of yours, with quoted text, as a mail program writes it.

    Args:
        answered: The message, such as `ReceivedMail.reply` returns it.
        text: What the person writes.
        program: The mail program, one of `PROGRAMS`.
        message_id: The message's ``Message-ID``, as ``Sent.header_message_id`` gives it, since SES
            replaces it. Default: its own, or one in SES's form.
        from_: Who answers. Default: to whom the message is.
    """
    if program not in PROGRAMS:
        raise ValueError(f"program is {program!r}: pass one of {', '.join(PROGRAMS)}")
    author = str(answered["From"] or "support@example.com")
    own = message_id or answered["Message-ID"] or "<0100019b-answered@email.amazonses.com>"
    subject = str(answered["Subject"] or "")
    built = EmailMessage(policy=policy.SMTP.clone(max_line_length=900))
    built["From"] = from_ or str(answered["To"] or "Jane Doe <jane@example.com>")
    built["To"] = str(answered["Reply-To"] or author)
    built["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    built["Date"] = _DATE
    built["Message-ID"] = f"<answer-{program}@example.com>"
    built["In-Reply-To"] = own
    built["References"] = f"{answered['References'] or ''} {own}".strip()
    quoted = bodies.text(mime.parse(answered.as_bytes())).rstrip("\n").split("\n")
    plain, html = _WRITERS[program](text.rstrip("\n"), author, quoted)
    built.set_content(plain)
    built.add_alternative(html, subtype="html")
    return built


def _signed(lines: list[str]) -> str:
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _as_html(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")


def _apple(text: str, author: str, quoted: list[str]) -> tuple[str, str]:
    line = f"On 2 Jan 2026, at 10:00, {author} wrote:"
    old = "\n".join(quoted)
    return (
        f"{text}\n\nSent from my iPhone\n\n> {line}\n> \n{_signed(quoted)}\n",
        (
            f'{_as_html(text)}<br><br><div dir="ltr">Sent from my iPhone</div><div dir="ltr">'
            f'<blockquote type="cite">{escape(line)}<br><br></blockquote></div>'
            f'<blockquote type="cite"><div dir="ltr">{_as_html(old)}</div></blockquote>'
        ),
    )


def _gmail(text: str, author: str, quoted: list[str]) -> tuple[str, str]:
    line = f"On Fri, Jan 2, 2026 at 10:00 AM {author} wrote:"
    old = "\n".join(quoted)
    return (
        f"{text}\n\n{line}\n\n{_signed(quoted)}\n",
        (
            f'<div dir="ltr">{_as_html(text)}</div><br><div class="gmail_quote">'
            f'<div dir="ltr" class="gmail_attr">{escape(line)}<br></div>'
            f'<blockquote class="gmail_quote">{_as_html(old)}</blockquote></div>'
        ),
    )


def _outlook(text: str, author: str, quoted: list[str]) -> tuple[str, str]:
    fields = {"From": author, "Sent": "Friday, 2 January 2026 10:00", "Subject": "Re: Printer"}
    header = "\n".join(f"{name}: {value}" for name, value in fields.items())
    shown = "<br>".join(f"<b>{name}:</b> {escape(value)}" for name, value in fields.items())
    old = "\n".join(quoted)
    return (
        f"{text}\n\n{header}\n\n{old}\n",
        (
            f'<div class="WordSection1"><p class="MsoNormal">{_as_html(text)}<o:p></o:p></p>'
            "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
            f'<p class="MsoNormal">{shown}</p></div><p class="MsoNormal">{_as_html(old)}</p></div>'
        ),
    )


def _thunderbird(text: str, author: str, quoted: list[str]) -> tuple[str, str]:
    line = f"On 1/2/26 10:00, {author} wrote:"
    old = "\n".join(quoted)
    return (
        f"{text}\n\n{line}\n{_signed(quoted)}\n\n-- \nJane\n",
        (
            f'<p>{_as_html(text)}</p><div class="moz-cite-prefix">{escape(line)}<br></div>'
            f'<blockquote type="cite">{_as_html(old)}</blockquote>'
            '<pre class="moz-signature">-- \nJane</pre>'
        ),
    )


_WRITERS = {
    "apple": _apple,
    "gmail": _gmail,
    "outlook": _outlook,
    "thunderbird": _thunderbird,
}
