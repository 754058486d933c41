"""XCLIENT, by which a client of the local AWS pretends to connect from elsewhere.

Everything connects from 127.0.0.1, so rules about addresses could not be rehearsed otherwise. The
syntax is that of Postfix: ``XCLIENT ADDR=203.0.113.9 NAME=mx.example.com``.
"""

# aiosmtpd looks up commands by names in capitals.
# ruff: noqa: N802

from __future__ import annotations

import ipaddress

from aiosmtpd.smtp import Session

from mailroom_local._smtp import Conversation


class PretendingSession(Session):
    """A client, with what XCLIENT said of it."""

    pretended: tuple[str, str | None] | None = None
    """The address and the host name."""
    addons: str = ""
    """Results of add-ons; only ingress points read them."""


class PretendingConversation(Conversation):
    """A conversation in which XCLIENT is heeded."""

    def _create_session(self) -> PretendingSession:
        return PretendingSession(self.loop)

    async def smtp_XCLIENT(self, arg: str | None) -> None:
        """Take another address, and perhaps another name, for the client's."""
        given = dict(part.split("=", 1) for part in (arg or "").split() if part.count("=") == 1)
        attributes = {name.upper(): value for name, value in given.items()}
        try:
            address = str(ipaddress.ip_address(attributes["ADDR"].upper().removeprefix("IPV6:")))
        except (KeyError, ValueError):
            await self.push("501 5.5.4 Syntax: XCLIENT ADDR=<IP address> [NAME=<host name>]")
            return
        assert isinstance(self.session, PretendingSession)
        self.session.pretended = (address, attributes.get("NAME"))
        self.session.addons = attributes.get("ADDON", "")
        await self.push("220 2.0.0 OK")


def client_of(session: Session) -> tuple[str, str]:
    """The address and the name of a client, as it pretends."""
    assert isinstance(session, PretendingSession)
    name = session.host_name or "unknown"
    if session.pretended is not None:
        address, pretended_name = session.pretended
        return address, pretended_name or name
    return str(session.peer[0]) if session.peer else "127.0.0.1", name
