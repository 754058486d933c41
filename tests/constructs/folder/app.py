"""Handlers that the construct tests point at; none of them ever runs."""

FACTORY = dict


def on_mail(mail):
    """Do nothing."""


def with_default(mail, retries=3):
    """Take one argument, or two."""


def with_rest(*mails):
    """Take any number of arguments."""


def takes_nothing():
    """Take no argument."""


def takes_two(mail, context):
    """Take two arguments, as Lambda's own entry points do."""


def takes_keyword(mail, *, needed):
    """Take one argument more, by name."""


async def on_mail_later(mail):
    """Do nothing, later."""
