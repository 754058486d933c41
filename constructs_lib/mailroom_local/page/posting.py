"""Sends messages to the account, and from it: by SMTP and the API of SES, as anybody does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mailroom_local.control import smtp
from mailroom_local.control.credentials import LOCAL
from mailroom_local.control.errors import SmtpRefused
from mailroom_local.control.smtp import Sent
from mailroom_local.page.accounts import Accounts
from mailroom_local.page.errors import Refused
from mailroom_local.page.index import Index
from mailroom_local.sending.message import SentMessage


@dataclass(frozen=True, slots=True)
class Post:
    """The ways in and out.

    Args:
        accounts: The accounts that send.
        index: The messages, among which those that are sent appear.
    """

    accounts: Accounts
    index: Index

    def receive(
        self,
        raw: bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        tls: bool = True,
        client_address: str | None = None,
    ) -> dict[str, Any]:
        """Send a message from outside to the account."""
        return self._by_smtp(
            lambda: smtp.deliver(
                raw,
                port=self.accounts.server.smtp_port,
                certificate=self.accounts.state.certificate if tls else None,
                mail_from=mail_from,
                rcpt_tos=rcpt_tos,
                client_address=client_address or None,
            )
        )

    def submit(self, raw: bytes, *, mail_from: str, rcpt_tos: Sequence[str]) -> dict[str, Any]:
        """Send a message from the account by SMTP submission."""
        return self._by_smtp(
            lambda: smtp.deliver(
                raw,
                port=self.accounts.server.submission_port,
                certificate=self.accounts.state.certificate,
                mail_from=mail_from,
                rcpt_tos=rcpt_tos,
                credentials=LOCAL,
            )
        )

    def send(self, sender: str, content: Mapping[str, Any], **request: Any) -> dict[str, Any]:
        """Send a message from the account by API v2."""
        ses = self.accounts.client("sesv2", self.accounts.of_sender(sender))
        given = {name: value for name, value in request.items() if value}
        before = self._refusals()
        try:
            answer = ses.send_email(FromEmailAddress=sender, Content=content, **given)
        except ClientError as error:
            found = error.response["Error"]
            raise self._refused(f"{found['Code']}: {found['Message']}", before) from error
        self.index.catch_up()
        return {"key": answer["MessageId"], "reply": "200 OK", "refused": []}

    def send_again(self, outgoing: SentMessage) -> dict[str, Any]:
        """Send a message from the account once more, as it was sent before."""
        if outgoing.operation == "SendSmtpEmail":
            recipients = list(outgoing.recipients)
            return self.submit(outgoing.raw, mail_from=outgoing.source, rcpt_tos=recipients)
        if outgoing.bounce_of is not None:
            text = "it is a bounce, which a rule or function sends: receive its message again"
            raise Refused(409, text)
        if outgoing.unrendered is not None:
            raise Refused(409, "it was never rendered: send it again from its template")
        managed = outgoing.list_management
        options = {"ContactListName": managed.contact_list} if managed else {}
        if managed and managed.topic:
            options["TopicName"] = managed.topic
        return self.send(
            outgoing.source,
            {"Raw": {"Data": outgoing.raw}},
            Destination={"ToAddresses": list(outgoing.recipients)},
            ConfigurationSetName=outgoing.configuration_set,
            EmailTags=tags(outgoing.tags),
            ListManagementOptions=options,
        )

    def _by_smtp(self, deliver: Callable[[], Sent]) -> dict[str, Any]:
        before = self._refusals()
        try:
            sent = deliver()
        except SmtpRefused as error:
            raise self._refused(f"{error.code} {error.reply}", before) from error
        except (OSError, ValueError) as error:
            raise Refused(422, f"SMTP: {error}: correct the message or its addresses") from error
        self.index.catch_up()
        refused = [
            {"address": address, "reply": f"{code} {reply}"}
            for address, (code, reply) in sent.refused.items()
        ]
        return {"key": sent.message_id, "reply": sent.reply, "refused": refused}

    def _refusals(self) -> int:
        self.index.catch_up()
        return len(self.index.entries)

    def _refused(self, words: str, before: int) -> Refused:
        self.index.catch_up()
        with self.index.reading():
            found = [one.key for one in self.index.entries[before:] if one.kind == "refused"]
        if not found:
            return Refused(422, f"refused: {words}: change the message")
        return Refused(422, f"refused: {words}: its story says why", key=found[-1])


def tags(given: Mapping[str, str]) -> list[dict[str, str]]:
    """Message tags as API v2 takes them."""
    return [{"Name": name, "Value": value} for name, value in given.items()]
