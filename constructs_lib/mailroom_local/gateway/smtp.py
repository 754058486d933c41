"""The SMTP conversations of an ingress point.

AWS publishes neither the texts of refusals nor most of their codes: those here are ours, and listed
in the documentation. https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
"""

# aiosmtpd looks up commands and hooks by names in capitals.
# ruff: noqa: N802

from __future__ import annotations

import asyncio
import hmac
import ssl
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Session, TLSSetupException
from aiosmtpd.smtp import Envelope as Transaction

from mailroom.ses import RECEIVED_BYTES
from mailroom_local._journal import Journal
from mailroom_local._smtp import BAD_RECIPIENT, is_recipient, sender
from mailroom_local._xclient import PretendingConversation, PretendingSession, client_of
from mailroom_local.gateway import policy, trust
from mailroom_local.gateway.message import Client, addon_results
from mailroom_local.gateway.points import IngressPoint
from mailroom_local.gateway.policy import Decision
from mailroom_local.gateway.runner import Runner, of_gateway
from mailroom_local.gateway.trust import TrustStore

RECIPIENTS = 100
"""https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""

_OK = "250 2.0.0 OK"
_CLOSED = "421 4.3.2 The ingress point does not accept mail"
_NO_TLS = "530 5.7.0 Must issue a STARTTLS command first"
_NO_AUTH = "530 5.7.0 Authentication required"
_NO_CERTIFICATE = "530 5.7.0 A client certificate is required"
_REVOKED = "550 5.7.1 The client certificate is revoked"
_DENIED = "550 5.7.1 Denied by the traffic policy"
_TOO_MANY = f"452 4.5.3 Too many recipients: {RECIPIENTS} at most"
_TOO_LARGE = "552 5.3.4 The message is larger than the traffic policy allows"
_BAD_CREDENTIALS = "535 5.7.8 Authentication failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A reply that refuses something, and why."""

    reply: str
    reason: str
    decision: Decision | None = None


class _Transaction(Transaction):
    """A message as far as it has come; its id joins the records of its recipients."""

    def __init__(self) -> None:
        super().__init__()
        self.session_id = uuid.uuid4().hex
        self.decisions: list[Decision] = []


class _Conversation(PretendingConversation):
    # As in receiving: mail with longer lines than RFC 5321 allows is common.
    line_length_limit = RECEIVED_BYTES
    AuthLoginUsernameChallenge = "Username:"
    AuthLoginPasswordChallenge = "Password:"

    def __init__(self, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, **options)
        self._handler = handler

    def _create_envelope(self) -> _Transaction:
        return _Transaction()

    def always(self) -> Mapping[str, Any]:
        point = self._handler.point
        return {"gateway": of_gateway(point, ())["gateway"]} if point else {}

    async def handle_exception(self, error: Exception) -> str:
        if not isinstance(error, TLSSetupException):
            return await super().handle_exception(error)
        # The connection is gone, so no reply says it.
        self._journal.refused(
            mail_from="",
            rcpt_tos=[],
            reply="the TLS handshake failed",
            reason=str(error.__cause__),
            **self.always(),
        )
        return ""


class _Handler:
    """Handles the commands that depend on the ingress point."""

    def __init__(self, runner: Runner, current: Callable[[], IngressPoint | None]) -> None:
        self._runner = runner
        self._current = current
        self.point = current()
        """The ingress point as the last command found it."""
        store = self.point.trust_store if self.point else None
        self.trust = TrustStore.of(store or "")

    def authenticated(
        self, server: SMTP, session: Session, envelope: Transaction, mechanism: str, data: Any
    ) -> AuthResult:
        """Whether a user name and a password are those of the ingress point."""
        self.point = point = self._current()
        user, password = bytes(data.login), bytes(data.password)
        if point is not None and hmac.compare_digest(user, point.id.encode()):
            for place, known in enumerate(point.passwords):
                if hmac.compare_digest(password, known.encode()):
                    version = "AWSCURRENT" if place == 0 else "AWSPREVIOUS"
                    return AuthResult(success=True, auth_data=version)
        assert isinstance(server, _Conversation)
        name = user.decode("utf-8", "replace")
        server.because(f"{name!r} and its password are not those of this ingress point")
        return AuthResult(success=False, handled=False, message=_BAD_CREDENTIALS)

    async def handle_EHLO(
        self,
        server: SMTP,
        session: Session,
        envelope: Transaction,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        kept = responses[:-1]
        if self.point is None or self.point.kind != "AUTH":
            kept = [line for line in kept if not line.startswith("250-AUTH")]
        return [*kept, "250-XCLIENT ADDR NAME ADDON", responses[-1]]

    async def handle_MAIL(
        self,
        server: SMTP,
        session: Session,
        envelope: Transaction,
        address: str,
        options: list[str],
    ) -> str:
        refusal = await asyncio.to_thread(self._greeted, session)
        if refusal is not None:
            return _refused(server, refusal)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return _OK

    async def handle_RCPT(
        self,
        server: SMTP,
        session: Session,
        envelope: Transaction,
        address: str,
        options: list[str],
    ) -> str:
        if not is_recipient(address):
            return BAD_RECIPIENT
        refusal = await asyncio.to_thread(self._admitted, session, envelope, address)
        if refusal is not None:
            return _refused(server, refusal, recipients=[address])
        if address not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Transaction) -> str:
        answer = await asyncio.to_thread(self._accepted, session, envelope)
        return answer if isinstance(answer, str) else _refused(server, answer)

    def _greeted(self, session: Session) -> Refusal | None:
        """The refusal that answers MAIL FROM, if any."""
        self.point = point = self._current()
        if point is None or point.status != "ACTIVE":
            status = point.status if point else "deleted"
            return Refusal(reply=_CLOSED, reason=f"the ingress point is {status}")
        if session.ssl is None and (point.kind != "OPEN" or point.tls_policy != "OPTIONAL"):
            why = f"its TLS policy is {point.tls_policy}"
            if point.kind == "AUTH":
                why = "a password must not be sent in plaintext"
            return Refusal(reply=_NO_TLS, reason=f"the ingress point requires TLS: {why}")
        if point.kind == "AUTH" and not session.authenticated:
            return Refusal(
                reply=_NO_AUTH, reason=f"no AUTH before MAIL FROM: the user is {point.id}"
            )
        if point.kind == "MTLS":
            certificate = _certificate(session)
            if certificate is None:
                return Refusal(reply=_NO_CERTIFICATE, reason="the client showed no certificate")
            if self.trust.has_revoked(certificate):
                return Refusal(reply=_REVOKED, reason="a revocation list names the certificate")
        return None

    def _admitted(self, session: Session, envelope: Transaction, address: str) -> Refusal | None:
        """The refusal that answers RCPT TO, if any."""
        assert isinstance(envelope, _Transaction)
        self.point = point = self._current()
        if point is None or point.status != "ACTIVE":
            return Refusal(reply=_CLOSED, reason="the ingress point was closed meanwhile")
        if len(envelope.rcpt_tos) >= RECIPIENTS and address not in envelope.rcpt_tos:
            reason = f"a message has {RECIPIENTS} recipients at most"
            return Refusal(reply=_TOO_MANY, reason=reason)
        client = _client(session)
        decision = self._runner.decide(point, client, address)
        self._runner.log(
            point, client, decision, session=envelope.session_id, mail_from=sender(envelope)
        )
        if not decision.accepted:
            return Refusal(reply=_DENIED, reason=decision.because, decision=decision)
        if address not in envelope.rcpt_tos:
            envelope.decisions.append(decision)
        return None

    def _accepted(self, session: Session, envelope: Transaction) -> str | Refusal:
        """The reply to DATA."""
        assert isinstance(envelope, _Transaction)
        content = envelope.content
        assert isinstance(content, bytes)
        self.point = point = self._current()
        if point is None:
            return Refusal(reply=_CLOSED, reason="the ingress point was deleted meanwhile")
        client = _client(session)
        step = policy.too_large(point.policy, len(content))
        if step is not None:
            for decision in envelope.decisions:
                self._runner.log(
                    point,
                    client,
                    decision,
                    session=envelope.session_id,
                    mail_from=sender(envelope),
                    too_large=step,
                )
            allowed, size = step["allowedMessageSize"], step["receivedMessageSize"]
            reason = f"the message has {size:,} bytes, and the traffic policy allows {allowed:,}"
            return Refusal(reply=_TOO_LARGE, reason=reason)
        message_id = self._runner.accept(
            point,
            content,
            client=client,
            mail_from=sender(envelope),
            decisions=envelope.decisions,
            metadata=self._metadata(session),
        )
        return f"250 OK {message_id}"

    def _metadata(self, session: Session) -> dict[str, Any]:
        """What the log of accepted messages says of how the client was identified."""
        assert self.point is not None
        if self.point.kind == "AUTH":
            return {"password_version": session.auth_data}
        certificate = _certificate(session)
        if self.point.kind == "MTLS" and certificate is not None:
            return {
                "client_certificate_details": trust.details(certificate),
                "trust_store_monitoring": dict(self.trust.monitoring),
            }
        return {}


def conversation(
    *,
    runner: Runner,
    current: Callable[[], IngressPoint | None],
    journal: Journal,
    context: Callable[[], ssl.SSLContext],
) -> Callable[[], SMTP]:
    """Return a function that begins a conversation with a client.

    Args:
        runner: Decides, and accepts messages.
        current: Returns the ingress point as it is now, or ``None`` if it was deleted.
        journal: Gets every refusal.
        context: Returns a new TLS context of a server.
    """

    def begin() -> SMTP:
        handler = _Handler(runner, current)
        tls, point = context(), handler.point
        if point is not None and point.kind == "MTLS":
            handler.trust.require(tls)
        own = f"{point.id}.mail-manager-smtp.{point.region}.amazonaws.com" if point else "unknown"
        is_authenticated = point is not None and point.kind == "AUTH"
        return _Conversation(
            handler,
            journal=journal,
            data_size_limit=RECEIVED_BYTES,
            hostname=own,
            ident="ESMTP Amazon SES Mail Manager, rehearsed by cdk-mailroom",
            tls_context=tls,
            authenticator=handler.authenticated,
            auth_exclude_mechanism=() if is_authenticated else ("LOGIN", "PLAIN"),
        )

    return begin


def _refused(server: SMTP, refusal: Refusal, recipients: list[str] | None = None) -> str:
    assert isinstance(server, _Conversation)
    decided: dict[str, Any] = {}
    if refusal.decision is not None:
        decided["policy"] = [refusal.decision.record()]
    server.because(refusal.reason, recipients=recipients, **decided)
    return refusal.reply


def _client(session: Session) -> Client:
    assert isinstance(session, PretendingSession)
    address, name = client_of(session)
    certificate = _certificate(session)
    tls = session.ssl["ssl_object"] if session.ssl else None
    return Client(
        address=address,
        name=name,
        tls_protocol=tls.version() if tls else None,
        tls_cipher=tls.cipher()[0] if tls else None,
        certificate=trust.attributes(certificate) if certificate else {},
        addons=addon_results(session.addons),
    )


def _certificate(session: Session) -> bytes | None:
    """The client's certificate in DER."""
    if not session.ssl:
        return None
    found: bytes | None = session.ssl["ssl_object"].getpeercert(binary_form=True)
    return found
