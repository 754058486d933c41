"""What leaves the house: no card numbers, and nothing without the disclaimer."""

import os

from mailroom.handlers.workmail import block_sensitive, disclaimer
from mailroom.workmail import Answer, FlowMail

DOMAIN = os.environ["DOMAIN"].casefold()


def leaves(mail: FlowMail) -> bool:
    """Return whether any recipient is outside; of a truncated list one has to assume it."""
    inside = (one.rpartition("@")[2].casefold() == DOMAIN for one in mail.recipients)
    return mail.truncated or not all(inside)


def on_flow(mail: FlowMail) -> Answer | None:
    """Bounce for those outside what has a card number; put the disclaimer below everything else.

    Colleagues among the recipients get the mail in either case. What stays inside is not touched.
    """
    if not leaves(mail):
        return None
    blocked = block_sensitive.on_flow(mail)
    if blocked is None:
        disclaimer.on_flow(mail)
    return blocked
