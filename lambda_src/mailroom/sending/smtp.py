"""Sends through SES's SMTP interface, whose host and password depend on the region."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress

from mailroom import _runtime, ses
from mailroom._failures import backoff
from mailroom.errors import NotConfigured, NotSent, OutcomeUnknown
from mailroom.sending.lists import check_one_way, folded
from mailroom.sending.message import Outgoing, reconcile
from mailroom.sending.publishing import Publishing, tags_field
from mailroom.sending.replying import Replying
from mailroom.sending.routing import Route
from mailroom.sending.sent import Sent

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence
    from smtplib import SMTP
    from types import TracebackType
    from typing import Any

    from mailroom.sending.checks import Tags
    from mailroom.sending.lists import ListManagement, ListUnsubscribe
    from mailroom.sending.message import AnyMessage
    from mailroom.sending.publishing import NoConfigurationSet

__all__ = ["SmtpSender", "smtp_host", "smtp_password"]

_TLS_FROM_THE_START = (465, 2465)
_TEMPORARY = (421, 450, 451, 452, 454)


class SmtpSender(Replying):
    """Sends through SES's SMTP interface, with configuration set and tags in every message.

    The connection is encrypted before anything else is sent over it, and the server's certificate
    is checked. It is made for the first message and used again; close it with `close` or ``with``.
    Use a sender in one thread at a time.

    Args:
        host: The server. Default: ``MAILROOM_SMTP_HOST``, else the secret's ``host``, else SES
            in ``AWS_REGION``.
        port: Its port; TLS from the start on 465 and 2465, STARTTLS on others. Default:
            ``MAILROOM_SMTP_PORT``, else the secret's ``port``, else 587.
        user: SMTP user name, together with *password*.
        password: SMTP password, which is not the access key's secret; see `smtp_password`.
        secret: ARN or name of a secret in Secrets Manager whose value is a JSON object with
            ``username`` and ``password``. It is fetched before the first message, and again if
            the server refuses the password. Default: ``MAILROOM_SMTP_SECRET``.
        configuration_set: Name of the configuration set, or `NO_CONFIGURATION_SET`. Default:
            ``MAILROOM_CONFIGURATION_SET``.
        tags: Tags of every message. Default: those in ``MAILROOM_TAGS``.
        from_address: Author of messages that name none.
        tenant: Name of the tenant that every message is sent through; a message that names one
            itself is refused. Default: ``MAILROOM_TENANT``, else none.
        context: Checks the certificate. Default: the system's certificate authorities.
        timeout: Seconds to wait for each answer of the server. Default: 30.
        attempts: Tries of one message, the first included. Default: 5.
        client: A client of ``secretsmanager`` to use. Default: one is made when it is needed.
        sleep: Waits for a number of seconds, for tests. Default: `time.sleep`.

    Raises:
        NotConfigured: There is no configuration set or there are no credentials, or an argument
            cannot be used.
        InvalidMessage: SES would refuse a name, a tag or the author.
    """

    def __init__(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        user: str | None = None,
        password: str | None = None,
        secret: str | None = None,
        configuration_set: str | NoConfigurationSet | None = None,
        tags: Tags | None = None,
        from_address: str | None = None,
        tenant: str | None = None,
        context: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        attempts: int = 5,
        client: Any = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._publishing = Publishing(configuration_set, tags, from_address)
        self._route = Route(tenant, None)
        if (user is None) != (password is None):
            raise NotConfigured("user and password belong together: pass both, or a secret")
        if user is not None and secret is not None:
            raise NotConfigured(
                "user, password and secret are given: pass user and password, or secret"
            )
        if user is None:
            secret = secret or os.environ.get("MAILROOM_SMTP_SECRET")
            if not secret:
                raise NotConfigured(
                    "no SMTP credentials: pass user and password, or secret, or set "
                    "MAILROOM_SMTP_SECRET"
                )
        if context is not None and not _verifies(context):
            raise NotConfigured(
                "context does not check the server's certificate and name: make it with "
                "ssl.create_default_context(cafile=…)"
            )
        if attempts < 1:
            raise NotConfigured(f"attempts is {attempts}: pass at least 1, since the first counts")
        self._host = host or os.environ.get("MAILROOM_SMTP_HOST")
        self._port = port or int(os.environ.get("MAILROOM_SMTP_PORT") or 0)
        self._credentials = None if user is None else {"username": user, "password": password}
        self._secret = secret
        self._context = context
        self._timeout = timeout
        self._attempts = attempts
        self._client = client
        self._sleep = sleep
        self._smtp: SMTP | None = None

    @property
    def configuration_set(self) -> str | None:
        """The configuration set of every message; ``None`` for none."""
        return self._publishing.configuration_set

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every message."""
        return dict(self._publishing.tags)

    @property
    def tenant(self) -> str | None:
        """The tenant of every message; ``None`` for none."""
        return self._route.tenant

    def __enter__(self) -> SmtpSender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next message makes another."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except Exception:  # closed already, and nothing depends on its answer
                smtp.close()

    def send(
        self,
        message: AnyMessage,
        *,
        tags: Tags | None = None,
        recipients: Sequence[str] | str | None = None,
        own_headers: str = "refuse",
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
    ) -> Sent:
        """Send *message* unchanged, except that ``Bcc`` is removed and SES's fields are added.

        Throttling (454) is tried again, and so is whatever fails before the message itself is
        written.

        Args:
            message: A message of the standard library; it is not changed.
            tags: Tags that are added to the sender's, and win by name.
            recipients: Addresses to send to. Default: those in To, Cc and Bcc.
            own_headers: As for `Sender.send`.
            list_unsubscribe: Your own way to leave the list. Default: none.
            list_management: SES's way to leave the list. Default: none.

        Returns:
            What was sent; ``refused`` has the recipients that the server refused, while the
            others get the message.

        Raises:
            InvalidMessage: SES would refuse it; nothing was sent.
            NotSent: The server refused it or every recipient, or could not be reached.
            OutcomeUnknown: The connection was lost after the message was written.
        """
        outgoing = Outgoing(
            message, recipients=recipients, from_address=self._publishing.author_box
        )
        name, words = reconcile(
            message, self.configuration_set, self._publishing.own(tags), own_headers
        )
        check_one_way(list_unsubscribe, list_management)
        outgoing.add_unsubscribe(list_unsubscribe)
        if list_management:
            outgoing.add(ses.LIST_MANAGEMENT_HEADER, list_management.field().encode("ascii"))
        if words:
            outgoing.add(ses.TAGS_HEADER, folded(tags_field(words)))
        if name:
            outgoing.add(ses.CONFIGURATION_SET_HEADER, name.encode("ascii"))
        if self.tenant:
            outgoing.add(ses.TENANT_HEADER, self.tenant.encode("ascii"))
        data = outgoing.data(ses.SENT_BYTES, "SMTP")
        answer, refused = self._deliver(outgoing.sender, outgoing.recipients, data)
        return Sent(
            _message_id(answer),
            configuration_set=name,
            tags=words,
            recipients=[one for one in outgoing.recipients if one not in refused],
            refused=refused,
            references=outgoing.references,
        )

    def _deliver(
        self, sender: str, recipients: Sequence[str], data: bytes
    ) -> tuple[bytes, dict[str, str]]:
        import smtplib

        attempt = 1
        while True:
            try:
                return self._conversation(sender, recipients, data)
            except _Refused as refusal:
                throttled = refusal.code in _TEMPORARY and "daily" not in str(refusal).lower()
                if not throttled or attempt >= self._attempts:
                    raise NotSent(f"SMTP: {refusal}", code=str(refusal.code)) from None
            except (smtplib.SMTPException, OSError) as error:
                # Raised before the message itself was written, so nothing was sent.
                self._drop()
                if self._lasting(error, attempt) or attempt >= self._attempts:
                    raise NotSent(f"SMTP: {_said(error)}", code=type(error).__name__) from error
            self._sleep(backoff(attempt))
            attempt += 1

    def _lasting(self, error: Exception, attempt: int) -> bool:
        import smtplib
        import ssl

        if isinstance(error, smtplib.SMTPAuthenticationError):
            # The password may have been rotated since it was fetched, so fetch it once more.
            if self._secret and attempt == 1:
                self._credentials = None
                return False
            return error.smtp_code >= 500
        return isinstance(error, (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError))

    def _conversation(
        self, sender: str, recipients: Sequence[str], data: bytes
    ) -> tuple[bytes, dict[str, str]]:
        smtp = self._connected()
        self._expect(smtp, smtp.mail(sender), 250)
        refused: dict[str, str] = {}
        for recipient in recipients:
            code, text = smtp.rcpt(recipient)
            if code not in (250, 251):
                refused[recipient] = f"{code} {_text(text)}"
                if code == 421:
                    self._drop()
                    raise _Refused(code, _text(text))
        if len(refused) == len(recipients):
            self._reset(smtp)
            first, _, reason = next(iter(refused.values())).partition(" ")
            raise _Refused(int(first), f"{reason} (all {len(refused)} recipients refused)")
        self._expect(smtp, smtp.docmd("DATA"), 354)
        return self._content(smtp, data), refused

    def _content(self, smtp: SMTP, data: bytes) -> bytes:
        stuffed = re.sub(rb"(?m)^\.", b"..", data)
        end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            smtp.send(stuffed + end)
            answer = smtp.getreply()
        except BaseException as error:
            self._drop()
            if not isinstance(error, Exception):
                raise
            raise OutcomeUnknown(
                f"SMTP: the connection was lost while the message was sent ({_said(error)}): look "
                "for its Send event before you send it again"
            ) from error
        if not (answer[0] == 250 or 400 <= answer[0] < 600):
            self._drop()
            raise OutcomeUnknown(
                f"SMTP: the server answered {answer[0]} to the message: look for its Send event "
                "before you send it again"
            )
        self._expect(smtp, answer, 250)
        return answer[1]

    def _expect(self, smtp: SMTP, answer: tuple[int, bytes], wanted: int) -> None:
        code, text = answer
        if code == wanted:
            return
        if code == 421 or code < 0:
            self._drop()
        else:
            self._reset(smtp)
        raise _Refused(code, _text(text))

    def _reset(self, smtp: SMTP) -> None:
        try:
            smtp.rset()
        except Exception:  # the refusal matters more; the next message makes a connection
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _connected(self) -> SMTP:
        if self._smtp is not None:
            # SES closes idle connections; nothing has been sent over this one since.
            with suppress(Exception):
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            self._drop()
        credentials = self._fetched()
        host = self._host or credentials.get("host") or _regional_host()
        port = self._port or int(credentials.get("port") or 587)
        self._smtp = self._opened(str(host), port)
        self._smtp.login(str(credentials["username"]), str(credentials["password"]))
        return self._smtp

    def _opened(self, host: str, port: int) -> SMTP:
        import smtplib
        import ssl

        context = self._context or ssl.create_default_context()
        if port in _TLS_FROM_THE_START:
            return smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=context)
        smtp = smtplib.SMTP(host, port, timeout=self._timeout)
        try:
            # Raises if the server does not offer it; nothing is sent unencrypted.
            smtp.starttls(context=context)
            smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _fetched(self) -> Mapping[str, Any]:
        if self._credentials is None:
            client = self._client or _runtime.client("secretsmanager")
            text = client.get_secret_value(SecretId=self._secret).get("SecretString") or ""
            try:
                value = json.loads(text)
            except ValueError:
                value = None
            # No "from": the cause has the secret's text, which the traceback would show.
            if not isinstance(value, dict) or not (value.get("username") and value.get("password")):
                raise NotConfigured(
                    f"secret {self._secret!r} is not a JSON object with 'username' and 'password'"
                )
            self._credentials = value
        return self._credentials


class _Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code


def smtp_password(secret_access_key: str, region: str) -> str:
    """Return the SMTP password that SES derives from an IAM user's access key (version 4).

    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html

    Args:
        secret_access_key: The secret of the access key; its id is the SMTP user name.
        region: The region in which the password is to work, such as ``eu-west-1``.
    """
    import hmac
    from binascii import b2a_base64

    signature = b"AWS4" + secret_access_key.encode()
    for text in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        signature = hmac.digest(signature, text.encode(), "sha256")
    return b2a_base64(b"\x04" + signature, newline=False).decode()


def smtp_host(region: str) -> str:
    """Return the host name of SES's SMTP server in *region*, such as ``eu-west-1``.

    Args:
        region: The region whose SES sends.
    """
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"email-smtp.{region}.{suffix}"


def _verifies(context: ssl.SSLContext) -> bool:
    import ssl

    return context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname


def _regional_host() -> str:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise NotConfigured("no SMTP host: pass host, or set MAILROOM_SMTP_HOST or AWS_REGION")
    return smtp_host(region)


def _message_id(answer: bytes) -> str:
    word, _, rest = _text(answer).partition(" ")
    return rest.split()[0] if word.lower() == "ok" and rest.strip() else ""


def _text(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())


def _said(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    said = getattr(error, "smtp_error", b"")
    if code is None:
        return f"{type(error).__name__}: {error}"
    return f"{code} {_text(said) if isinstance(said, bytes) else said}"
