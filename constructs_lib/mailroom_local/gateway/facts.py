"""What conditions can ask about: the values of every attribute, address list and add-on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailroom_local.gateway.message import Client, Message
from mailroom_local.mail.headers import decode, mailboxes, printable

_RECEIPT = "Disposition-Notification-To"


@dataclass(slots=True, kw_only=True)
class Facts:
    """What is known when a condition is evaluated.

    At RCPT TO there is no message yet, and traffic policies ask for nothing of it.
    """

    client: Client
    members: Callable[[str], Collection[str]]
    """The members of the address list with this ARN."""
    addon_name: Callable[[str], str]
    """The name of the add-on whose instance has this ARN."""
    message: Message | None = None
    addons: Mapping[tuple[str, str], str] = field(default_factory=dict)
    _lists: dict[str, AddressList] = field(default_factory=dict)

    @property
    def mail(self) -> Message:
        """The message, which only conditions of rules may ask for."""
        if self.message is None:
            raise ValueError("this condition asks for the message, which is not there yet")
        return self.message

    def unseen(self, asked: Mapping[str, Any]) -> str | None:
        """The name of what a condition asks an add-on that has not seen the mail.

        Those of traffic policies do not check mail over IPv6.
        """
        if not asked.get("Analysis") or self.message is not None or self.client.ip.version == 4:
            return None
        return self._analysis(asked["Analysis"])[0]

    def strings(self, asked: Mapping[str, Any], recipient: str) -> tuple[str, tuple[str, ...]]:
        """The name of what a condition asks for, and its values: none, one, or several."""
        for kind, name in asked.items():
            if name is None:
                continue
            if kind == "MimeHeaderAttribute":
                return name, self._fields(name)
            if kind == "ClientCertificateAttribute":
                return name, tuple(self.client.certificate.get(name, ()))
            if kind == "Analysis":
                label, result = self._analysis(name)
                return label, () if result is None else (result,)
            return name, self._attribute(name, recipient)
        raise ValueError("a condition that asks for nothing")

    def verdict(self, asked: Mapping[str, Any]) -> tuple[str, str]:
        """The name of a check, and its verdict."""
        if analysis := asked.get("Analysis"):
            label, result = self._analysis(analysis)
            return label, (result or "PASS").upper()
        name = asked["Attribute"]
        return name, getattr(self.mail.verdicts, name.lower())

    def boolean(
        self, asked: Mapping[str, Any], recipient: str
    ) -> tuple[str, bool, tuple[str, ...]]:
        """The name of what a condition asks for, whether it is so, and what was looked up."""
        if analysis := asked.get("Analysis"):
            label, result = self._analysis(analysis)
            if result is None:
                # What nobody rehearses is harmless.
                return label, analysis["ResultField"].lower() == "ispassed", ()
            return label, result.lower() == "true", ()
        if listed := asked.get("IsInAddressList"):
            values = self._attribute(listed["Attribute"], recipient)
            arn = listed["AddressLists"][0]
            name = f"{listed['Attribute']} in {arn.rpartition('/')[2]}"
            return name, any(value in self._list(arn) for value in values), values
        name = asked["Attribute"]
        if name == "READ_RECEIPT_REQUESTED":
            return name, bool(self._fields(_RECEIPT)), ()
        # TLS_WRAPPED: no ingress point has a port on which a connection begins with TLS.
        return name, name == "TLS" and self.client.tls_protocol is not None, ()

    def _attribute(self, name: str, recipient: str) -> tuple[str, ...]:
        if name == "RECIPIENT":
            return (recipient,)
        if name == "MAIL_FROM":
            return (self.mail.mail_from,)
        if name == "HELO":
            return (self.client.name,)
        if name == "SUBJECT":
            return self._fields(name)[:1]
        return tuple(address for _, address in mailboxes(self._fields(name, decoded=False)))

    def _fields(self, name: str, *, decoded: bool = True) -> tuple[str, ...]:
        found = [value for key, value in self.mail.headers() if key.lower() == name.lower()]
        return tuple(printable(decode(value)).strip() if decoded else value for value in found)

    def _analysis(self, analysis: Mapping[str, str]) -> tuple[str, str | None]:
        name, result = self.addon_name(analysis["Analyzer"]), analysis["ResultField"]
        results = {**self.client.addons, **self.addons}
        return f"{name}.{result}", results.get((name, result))

    def _list(self, arn: str) -> AddressList:
        if arn not in self._lists:
            self._lists[arn] = AddressList(self.members(arn))
        return self._lists[arn]


class AddressList:
    """The members of an address list: addresses and domains; each may have one ``*``.

    https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html
    """

    def __init__(self, members: Collection[str]) -> None:
        lower = [member.lower() for member in members]
        self._exact = {member for member in lower if "*" not in member}
        self._patterns = [_pattern(member) for member in lower if "*" in member]

    def __contains__(self, address: object) -> bool:
        lower = str(address).lower()
        exact = lower in self._exact or lower.rpartition("@")[2] in self._exact
        return exact or any(one.fullmatch(lower) for one in self._patterns)


def _pattern(member: str) -> re.Pattern[str]:
    before, _, after = member.partition("*")
    # A domain stands for every address in it.
    anyone = "" if "@" in member else "[^@]+@"
    return re.compile(f"{anyone}{re.escape(before)}[^@]*{re.escape(after)}")
