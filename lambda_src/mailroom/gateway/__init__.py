"""Mail Manager, from a function: archives that can be searched, and lists of addresses.

The permissions, and the names by which both are found, come from ``MailArchive.grant_search``,
``AddressList.grant_read`` and ``AddressList.grant_manage``. Mail itself reaches a function behind a
gateway as a `mailroom.receiving.ReceivedMail`. Importing this module has no effect.

https://docs.aws.amazon.com/ses/latest/dg/eb.html
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.gateway.address_list import AddressList
    from mailroom.gateway.archive import Archive
    from mailroom.gateway.archived import ArchivedMail, ArchivedText, Found, Row

__all__ = ["AddressList", "Archive", "ArchivedMail", "ArchivedText", "Found", "Row"]

_LAZY = {
    "AddressList": "mailroom.gateway.address_list",
    "Archive": "mailroom.gateway.archive",
    "ArchivedMail": "mailroom.gateway.archived",
    "ArchivedText": "mailroom.gateway.archived",
    "Found": "mailroom.gateway.archived",
    "Row": "mailroom.gateway.archived",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
