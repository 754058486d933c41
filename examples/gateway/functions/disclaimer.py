"""Adds the disclaimer below a letter, and sends it to its recipients."""

import os
from email.message import EmailMessage
from html import escape

from mailroom.receiving import ReceivedMail
from mailroom.sending import Sender

DISCLAIMER = os.environ["DISCLAIMER"]
# A change would break the signature, or be unreadable.
SEALED = ("multipart/signed", "multipart/encrypted", "application/pkcs7-mime")

sender = Sender()


def on_mail(mail: ReceivedMail) -> None:
    letter = mail.read()
    if letter.get_content_type() not in SEALED:
        add_below(letter, DISCLAIMER)
    mail.send_once("copy", lambda: sender.send(letter, recipients=mail.recipients))


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
    # It was made for the text before.
    del letter["DKIM-Signature"]
