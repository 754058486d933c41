"""The policy for outgoing mail: block card numbers, add the disclaimer to everything else."""

import os

from mailroom.handlers.workmail import block_sensitive, disclaimer
from mailroom.workmail import Answer, FlowMail

DOMAIN = os.environ["DOMAIN"].casefold()


def leaves(mail: FlowMail) -> bool:
    """Return whether any recipient is outside; assume so if the list is truncated."""
    inside = (address.rpartition("@")[2].casefold() == DOMAIN for address in mail.recipients)
    return mail.truncated or not all(inside)


def on_flow(mail: FlowMail) -> Answer | None:
    """Bounce mail with a card number for recipients outside; add the disclaimer to all other mail.

    Recipients inside the company get the mail in either case. Internal mail is left alone.
    """
    if not leaves(mail):
        return None
    blocked = block_sensitive.on_flow(mail)
    if blocked is None:
        disclaimer.on_flow(mail)
    return blocked
