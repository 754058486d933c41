"""What a check is given: names, clients, mail in and out, waiting, and things made for it."""

from __future__ import annotations

import contextlib
import itertools
import json
import smtplib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from conformance.check import NotRun
from conformance.cleanup import Cleanup
from conformance.making import Making
from conformance.site import Site

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """How an SMTP conversation ended."""

    code: int
    text: str
    at: str
    """The command that this is the reply to: `RCPT TO`, or the end of `DATA`."""

    @property
    def message_id(self) -> str:
        """The id that SES gave the message; empty if it was refused."""
        return self.text.rpartition(" ")[2] if self.code < 400 and self.at == "DATA" else ""

    @property
    def json(self) -> dict[str, Any]:
        """The reply as an observation."""
        text = self.text.replace(self.message_id, "<message id>") if self.message_id else self.text
        return {"at": self.at, "code": self.code, "text": text}


class Place(Making):
    """The account for one check; everything made through it is deleted when the check is over."""

    def __init__(self, site: Site, check: str) -> None:
        self.site = site
        self.account, self.region, self.domain = site.account, site.region, site.domain
        self.cleanup = Cleanup()
        # Short, as a Lambda function and a role may have 64 characters.
        self._check = "".join(word[:4] for word in check.replace(".", "_").split("_"))[:16]
        self._numbers = itertools.count(1)
        self._masks: dict[str, str] = {}

    @property
    def is_local(self) -> bool:
        """Only for what the two cannot do alike; what is observed must not depend on it."""
        return self.site.local is not None

    def client(self, service: str) -> Any:
        """The boto3 client of a service."""
        return self.site.client(service)

    def unchecked_client(self, service: str) -> Any:
        """The same, but what botocore would refuse by itself reaches AWS."""
        return self.site.client(service, checked=False)

    def name(self, kind: str) -> str:
        """A new name, unique to this run and check."""
        return f"{self.site.prefix}-{self._check}-{kind}-{next(self._numbers)}".lower()

    def address(self, local_part: str = "mail") -> str:
        """An address in the verified domain that no other check uses."""
        return f"{local_part}-{self._check}-{next(self._numbers)}@{self.domain}".lower()

    def mask(self, text: str, name: str) -> None:
        """Show this text as `<name>` in what is observed; ids and times are masked anyway."""
        self._masks[text] = f"<{name}>"

    @property
    def masks(self) -> dict[str, str]:
        """What is replaced in an observation."""
        names = {**self._masks, self.site.prefix: "<prefix>", self.domain: "<domain>"}
        return {
            text: mask
            for text, mask in {**names, self.account: "<account>", self.region: "<region>"}.items()
            if text
        }

    def until(
        self, read: Callable[[], T], good: Callable[[T], bool] = bool, *, seconds: float = 60
    ) -> T:
        """Read until the value is good or the time is up; return the last value, good or not.

        `seconds` are AWS's; the local AWS, where everything is near, has at most ten.
        """
        limit = min(seconds, 10) if self.is_local else seconds
        deadline = time.monotonic() + limit
        while not good(value := read()) and time.monotonic() < deadline:
            time.sleep(0.05 if self.is_local else 2)
        return value

    def later(self, seconds: float, *, locally: float = 0.0) -> float:
        """What a check yields to wait while others run: the seconds for AWS or the local AWS."""
        return locally if self.is_local else seconds

    def pause(self, seconds: float, *, locally: float | None = None) -> None:
        """Wait for what should not happen; the local AWS is given a thirtieth of the time."""
        soon = min(seconds / 30, 2) if locally is None else locally
        time.sleep(soon if self.is_local else seconds)

    def error(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """What AWS refuses a call with, as `Code: words`; `accepted` if it does not."""
        try:
            call(**arguments)
        except ClientError as error:
            found = error.response["Error"]
            return f"{found['Code']}: {found['Message']}"
        return "accepted"

    # Mail from outside.

    @contextlib.contextmanager
    def smtp(self, *, tls: bool = True, host: tuple[str, int] | None = None) -> Iterator[Any]:
        """A connection to SES's inbound endpoint, as an `smtplib.SMTP` after EHLO."""
        name, port = host or self.site.inbound
        with contextlib.closing(smtplib.SMTP(name, port, timeout=60)) as smtp:
            smtp.ehlo()
            if tls:
                smtp.starttls(context=self.site.tls)
                smtp.ehlo()
            yield smtp

    def deliver(
        self,
        to: str | Sequence[str],
        *,
        raw: bytes | None = None,
        body: bytes = b"Hello\r\n",
        headers: bytes = b"",
        mail_from: str = "jane@example.net",
        tls: bool = True,
    ) -> Reply:
        """Send a message from outside to the account's receipt rules, and return the last reply."""
        recipients = [to] if isinstance(to, str) else list(to)
        whole = (
            raw
            if raw is not None
            else b"".join(
                (
                    b"From: Jane Doe <jane@example.net>\r\nTo: ",
                    ", ".join(recipients).encode(),
                    b"\r\nSubject: Conformance\r\n",
                    headers,
                    b"\r\n",
                    body,
                )
            )
        )
        with self.smtp(tls=tls) as smtp:
            answer, at = smtp.mail(mail_from), "MAIL FROM"
            for recipient in recipients:
                if answer[0] < 400:
                    answer, at = smtp.rcpt(recipient), "RCPT TO"
            if answer[0] < 400:
                try:
                    answer, at = smtp.data(whole), "DATA"
                except smtplib.SMTPDataError as error:
                    answer, at = (error.smtp_code, error.smtp_error), "DATA"
        text = answer[1] if isinstance(answer[1], str) else answer[1].decode("utf-8", "replace")
        return Reply(code=answer[0], text=text, at=at)

    def accepted(self, to: str | Sequence[str], **options: Any) -> str:
        """Send a message from outside that must be taken, and return its id."""
        reply = self.deliver(to, **options)
        if not reply.message_id:
            raise RuntimeError(f"the message was refused: {reply.code} {reply.text}")
        return reply.message_id

    def ingress(self, point_id: str) -> tuple[str, int]:
        """Host and port of an ingress point of Mail Manager, for `smtp(host=…)`."""
        if self.site.local is None:
            found = self.client("mailmanager").get_ingress_point(IngressPointId=point_id)
            return found["ARecord"], 25
        for point in self.site.local.ingress_points():
            if point_id == point.id:
                return point.host, point.port
        raise NotRun(f"the ingress point {point_id} is not there")

    # Mail to the outside.

    def send_email(self, to: str = "success@simulator.amazonses.com", **fields: Any) -> str:
        """Send a text by API v2 from the verified domain, and return its id."""
        simple = {"Subject": {"Data": "Conformance"}, "Body": {"Text": {"Data": "Hello"}}}
        answer = self.client("sesv2").send_email(
            **{
                "FromEmailAddress": f"conformance@{self.domain}",
                "Destination": {"ToAddresses": [to]},
                "Content": {"Simple": simple},
                **fields,
            }
        )
        return str(answer["MessageId"])

    def events(self, queue: str, *, count: int, seconds: float = 120) -> list[dict[str, Any]]:
        """The sending events that reach a queue, until there are so many."""
        found: list[dict[str, Any]] = []

        def read() -> list[dict[str, Any]]:
            for body in self.taken(queue):
                with contextlib.suppress(ValueError):
                    found.append(json.loads(body))
            return found

        return self.until(read, lambda so_far: len(so_far) >= count, seconds=seconds)
