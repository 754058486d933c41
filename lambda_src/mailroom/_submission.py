"""SMTP submission to SES: the connection, the credentials, and what each answer proves."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress

from mailroom import _bulk
from mailroom._outgoing import (
    CONFIGURATION_SET_FIELD,
    LIST_FIELD,
    MAX_BYTES,
    TAGS_FIELD,
    ListManagement,
    ListUnsubscribe,
    Outgoing,
    reconcile,
)
from mailroom._publishing import (
    NoConfigurationSet,
    NotSent,
    OutcomeUnknown,
    Publishing,
    Sent,
    add_list_fields,
)
from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence
    from smtplib import SMTP
    from types import TracebackType
    from typing import Any

    from mailroom._outgoing import AnyMessage, Tags

__all__ = ["SmtpSender", "smtp_host", "smtp_password"]

_TLS_FROM_THE_START = (465, 2465)
_TEMPORARY = (421, 450, 451, 452, 454)


def smtp_password(secret_access_key: str, region: str) -> str:
    """Return the SMTP password that belongs to an IAM user's access key in *region*; version 4.

    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
    """
    import hmac
    from binascii import b2a_base64

    signature = b"AWS4" + secret_access_key.encode()
    for text in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        signature = hmac.digest(signature, text.encode(), "sha256")
    return b2a_base64(b"\x04" + signature, newline=False).decode()


def smtp_host(region: str) -> str:
    """Return the name of SES's SMTP server in *region*."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"email-smtp.{region}.{suffix}"


class SmtpSender:
    """Sends through SES's SMTP interface, with configuration set and tags in every message.

    *user* and *password* are SMTP credentials, not an access key; or *secret*, else
    ``MAILROOM_SMTP_SECRET``, is the ARN or name of a Secrets Manager secret with the JSON
    ``{"username", "password"}`` and perhaps ``"host"`` and ``"port"``, fetched before the first
    message and again when the server no longer takes the password. *host* and *port* are the
    argument, else ``MAILROOM_SMTP_HOST`` and ``MAILROOM_SMTP_PORT``, else the secret's, else
    SES in ``AWS_REGION`` and 587.

    The connection is always encrypted before anything else is said, and the server's certificate
    is checked, by *context* or by the system's authorities. It is made at the first message and
    used again: a context manager closes it. One thread at a time.
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
        context: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        attempts: int = 5,
        client: Any = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._publishing = Publishing(configuration_set, tags, from_address)
        if (user is None) != (password is None):
            raise NotConfigured("user and password belong together; give both or a secret")
        if user is not None and secret is not None:
            raise NotConfigured("user and password beside a secret; give one or the other")
        if user is None:
            secret = secret or os.environ.get("MAILROOM_SMTP_SECRET")
            if not secret:
                raise NotConfigured(
                    "no SMTP credentials: give user and password, or secret, or set "
                    "MAILROOM_SMTP_SECRET"
                )
        if context is not None and not _verifies(context):
            raise NotConfigured(
                "context does not check the server's certificate and name; make it with "
                "ssl.create_default_context(cafile=…)"
            )
        if attempts < 1:
            raise NotConfigured(f"attempts is {attempts}; the first counts, so it is at least 1")
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
        """Its configuration set."""
        return self._publishing.configuration_set

    @property
    def tags(self) -> dict[str, str]:
        """The tags that every message gets."""
        return dict(self._publishing.tags)

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
        """Say goodbye and close the connection; the next message makes another."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except Exception:  # gone already, and nothing depends on its farewell
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
        """Send *message*; everything is as with `Sender.send`.

        Recipients that the server refuses are in ``Sent.refused``; the others get the message. If
        it refuses all, that is `NotSent`. Throttling (454) is tried again, and so is whatever
        fails before the message itself is written; a connection lost after that is
        `OutcomeUnknown`.
        """
        outgoing = Outgoing(
            message, recipients=recipients, from_address=self._publishing.author_box
        )
        name, words = reconcile(
            message, self.configuration_set, self._publishing.own(tags), own_headers
        )
        add_list_fields(outgoing, list_unsubscribe, list_management)
        if list_management:
            outgoing.add(LIST_FIELD, list_management.field().encode("ascii"))
        if words:
            listed = ",\r\n ".join(f"{tag}={value}" for tag, value in words.items())
            outgoing.add(TAGS_FIELD, listed.encode("ascii"))
        if name:
            outgoing.add(CONFIGURATION_SET_FIELD, name.encode("ascii"))
        data = outgoing.data(MAX_BYTES, "SMTP")
        answer, refused = self._deliver(outgoing.sender, outgoing.recipients, data)
        return Sent(
            _message_id(answer),
            configuration_set=name,
            tags=words,
            recipients=[one for one in outgoing.recipients if one not in refused],
            refused=refused,
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
                # Raised by what comes before the message itself, so nothing was sent.
                self._drop()
                if self._lasting(error, attempt) or attempt >= self._attempts:
                    raise NotSent(f"SMTP: {_said(error)}", code=type(error).__name__) from error
            self._sleep(_bulk.backoff(attempt))
            attempt += 1

    def _lasting(self, error: Exception, attempt: int) -> bool:
        import smtplib
        import ssl

        if isinstance(error, smtplib.SMTPAuthenticationError):
            # The password may have been rotated since it was fetched: once more with another.
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
                f"SMTP: the connection was lost while the message went out ({_said(error)}); look "
                "for its Send event before you send it again"
            ) from error
        if not (answer[0] == 250 or 400 <= answer[0] < 600):
            self._drop()
            raise OutcomeUnknown(f"SMTP: the server answered {answer[0]} to the message")
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
        except Exception:  # the refusal is what matters; the next message makes a connection
            self._drop()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _connected(self) -> SMTP:
        if self._smtp is not None:
            # SES closes connections that idle; nothing has been sent over this one.
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
            # Raises if the server does not offer it: there is no going on without.
            smtp.starttls(context=context)
            smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _fetched(self) -> Mapping[str, Any]:
        if self._credentials is None:
            client = self._client
            if client is None:
                from mailroom import _runtime

                client = _runtime.client("secretsmanager")
            text = client.get_secret_value(SecretId=self._secret).get("SecretString") or ""
            try:
                value = json.loads(text)
            except ValueError:
                value = None
            # No "from": the cause, and with it the secret's text, would be in the traceback.
            if not isinstance(value, dict) or not (value.get("username") and value.get("password")):
                raise NotConfigured(
                    f"secret {self._secret!r} is no JSON object with 'username' and 'password'"
                )
            self._credentials = value
        return self._credentials


class _Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code


def _verifies(context: ssl.SSLContext) -> bool:
    import ssl

    return context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname


def _regional_host() -> str:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise NotConfigured("no SMTP host: give host, or set MAILROOM_SMTP_HOST or AWS_REGION")
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
