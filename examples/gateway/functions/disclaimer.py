"""Adds the disclaimer below a letter, and sends it to its recipients."""

import os
from email.message import EmailMessage
from html import escape

from mailroom.handlers.receiving.resend import resend
from mailroom.receiving import ReceivedMail

DISCLAIMER = os.environ["DISCLAIMER"]
# A change would break the signature, or cannot be made.
SEALED = ("multipart/signed", "multipart/encrypted", "application/pkcs7-mime")


def on_mail(mail: ReceivedMail) -> None:
    letter = mail.read()
    if letter.get_content_type() not in SEALED:
        add_below(letter, DISCLAIMER)
    if not resend(mail, letter):
        # The rule drops the original, so this must not pass for handled.
        raise RuntimeError("the letter is a copy of ours that came back: there is a loop")


def add_below(letter: EmailMessage, words: str) -> None:
    blocks = {"plain": f"\n\n{words}\n", "html": f"<p>{escape(words)}</p>\n"}
    for kind, block in blocks.items():
        part = letter.get_body((kind,))
        if part is None:
            continue
        text = part.get_content()
        # An answer quotes the letter before, with its disclaimer.
        if block.strip() not in text:
            end = text.lower().rfind("</body")
            end = end if end >= 0 else len(text)
            part.set_content(text[:end] + block + text[end:], subtype=kind)
