"""The bundled behaviours of flow rules, each with its settings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import (
    Problems,
    check_addresses,
    check_domain,
    check_list,
    check_number,
    check_prefix,
    resolved,
)
from cdk_mailroom._objects import grant_write
from cdk_mailroom.workmail.handler import FlowHandler
from mailroom.handlers.workmail.block_sensitive import CHECKS
from mailroom.ses import SENT_BYTES

__all__ = [
    "BlockSensitive",
    "Disclaimer",
    "ExternalBanner",
    "FlowMetrics",
    "Journal",
    "RestrictRecipients",
    "SensitivePattern",
    "StopAction",
    "StripAttachments",
    "UnreadableAction",
]

_SETTINGS_BYTES: Final = 3000  # Lambda keeps all of a function's environment within 4 KB


class StopAction(StrEnum):
    """How a bundled behaviour stops a mail."""

    BOUNCE = "bounce"
    """Do not deliver, and notify the sender."""
    DROP = "drop"
    """Do not deliver the mail, without notice."""


class UnreadableAction(StrEnum):
    """What happens to a mail that a bundled behaviour cannot read or change."""

    BOUNCE = "bounce"
    """Do not deliver, and notify the sender."""
    DROP = "drop"
    """Do not deliver, and notify nobody."""
    JUNK = "junk"
    """Deliver to the junk folder; inbound mail only."""
    DELIVER = "deliver"
    """Deliver unchanged, with a line in the log."""


class _Bundled(FlowHandler):
    """A behaviour of ``mailroom.handlers.workmail``, with its settings."""

    _reads: ClassVar[bool] = True
    _puts: ClassVar[bool] = False

    def __init__(self, module: str, settings: Mapping[str, Any], problems: Problems) -> None:
        given = {name: value for name, value in settings.items() if value not in (None, [])}
        size = len(json.dumps(given))
        if size > _SETTINGS_BYTES:
            problems.add(
                "len(settings)",
                size,
                f"shorten them to {_SETTINGS_BYTES} bytes, or write a FlowHandler",
            )
        problems.raise_if_any()
        super().__init__(
            None,
            f"mailroom.handlers.workmail.{module}:on_flow",
            read_mail=self._reads,
            replaces=self._puts,
            memory_size=1024 if self._reads else 256,
        )
        self._settings = given

    def configure_flow(self, function: lambda_.Function) -> None:
        """Set the settings.

        Args:
            function: The function of the rule.
        """
        settings = stack_of(function).to_json_string(self._settings)
        function.add_environment("MAILROOM_FLOW_SETTINGS", settings)


class Disclaimer(_Bundled):
    """Append a text to each mail, plain and HTML, once in a conversation.

    Signed and encrypted mail is not changed. Behaviour: ``mailroom.handlers.workmail.disclaimer``.
    """

    only = "synchronous"
    _puts = True

    def __init__(
        self,
        *,
        text: str,
        html: str | None = None,
        unreadable: UnreadableAction | str = UnreadableAction.DELIVER,
    ) -> None:
        """Describe the text.

        Args:
            text: The plain text.
            html: The HTML; made from *text* by default.
            unreadable: What happens to mail that is malformed or that WorkMail does not let
                change: ``deliver`` or ``bounce``.

        Raises:
            ConfigurationError: An empty text, settings that are too long, or another action.
        """
        problems = Problems("Disclaimer")
        _check_text(problems, text)
        settings = {
            "text": text,
            "html": html,
            "unreadable": _unreadable(problems, unreadable, ("deliver", "bounce")),
        }
        super().__init__("disclaimer", settings, problems)


class ExternalBanner(_Bundled):
    """Put a warning above inbound mail from outside the organization.

    Signed and encrypted mail has it in the subject, so that its content stays as it is. Behaviour:
    ``mailroom.handlers.workmail.external_banner``.
    """

    only = "synchronous"
    _puts = True

    def __init__(
        self,
        *,
        domains: Sequence[str],
        text: str,
        html: str | None = None,
        unreadable: UnreadableAction | str = UnreadableAction.JUNK,
    ) -> None:
        """Describe the warning.

        Args:
            domains: The organization's own domains, whose mail has no banner.
            text: The plain text.
            html: The HTML; made from *text* by default.
            unreadable: What happens to mail that is so malformed that no warning can be added:
                ``junk``, ``bounce`` or ``deliver``.

        Raises:
            ConfigurationError: No domain, an empty text, settings that are too long, or another
                action.
        """
        problems = Problems("ExternalBanner")
        _check_domains(problems, domains)
        _check_text(problems, text)
        settings = {
            "domains": list(domains),
            "text": text,
            "html": html,
            "unreadable": _unreadable(problems, unreadable, ("junk", "bounce", "deliver")),
        }
        super().__init__("external_banner", settings, problems)


@dataclass(frozen=True, kw_only=True)
class SensitivePattern:
    """What must not be sent: a regular expression, and a check that a match must pass too."""

    name: str
    """Appears in the bounce and in the log; what matched never does."""
    pattern: str
    """A regular expression of Python's ``re``."""
    check: str | None = None
    """``luhn`` (card numbers), ``iban``, or nothing."""


class BlockSensitive(_Bundled):
    """Stop mail to recipients outside whose texts match one of the patterns.

    Behaviour: ``mailroom.handlers.workmail.block_sensitive``.
    """

    only = "synchronous"

    def __init__(
        self,
        *,
        patterns: Sequence[SensitivePattern],
        domains: Sequence[str] = (),
        action: StopAction | str = StopAction.BOUNCE,
        message: str | None = None,
        block_encrypted: bool = True,
    ) -> None:
        """Describe the blocking.

        Args:
            patterns: What stops a mail; one or more.
            domains: Domains whose recipients get the mail nevertheless.
            action: How a mail is stopped.
            message: The text of the bounce, before the patterns' names.
            block_encrypted: Whether to stop what cannot be read, encrypted or malformed, too.

        Raises:
            ConfigurationError: No pattern, one that is not a regular expression, or settings that
                are too long.
        """
        problems = Problems("BlockSensitive")
        if not patterns:
            problems.add("patterns", [], "pass at least one; otherwise no mail is stopped")
        listed = patterns if check_list(problems, "patterns", patterns) else ()
        for position, one in enumerate(listed):
            if not isinstance(one, SensitivePattern):
                problems.add(f"patterns[{position}]", one, "pass a SensitivePattern")
                continue
            try:
                re.compile(one.pattern)
            except re.error as error:
                problems.add(
                    f"patterns[{position}].pattern",
                    one.pattern,
                    f"it is not a regular expression: {error}",
                )
            if (one.check or "") not in CHECKS:
                known = ", ".join(repr(name) for name in CHECKS if name)
                problems.add(f"patterns[{position}].check", one.check, f"use {known} or None")
        if domains:
            _check_domains(problems, domains)
        _check_stop(problems, action, message)
        settings = {
            "patterns": [
                {"name": one.name, "pattern": one.pattern, "check": one.check or ""}
                for one in listed
                if isinstance(one, SensitivePattern)
            ],
            "domains": list(domains),
            "action": str(action),
            "message": message,
            "encrypted": "block" if block_encrypted else "pass",
        }
        super().__init__("block_sensitive", settings, problems)


class StripAttachments(_Bundled):
    """Remove attachments from a mail, and put a notice in the place of each.

    Behaviour: ``mailroom.handlers.workmail.strip_attachments``.
    """

    only = "synchronous"
    _puts = True

    def __init__(
        self,
        *,
        extensions: Sequence[str] = (),
        max_bytes: int | None = None,
        notice: str | None = None,
        unreadable: UnreadableAction | str = UnreadableAction.BOUNCE,
    ) -> None:
        """Describe the stripping.

        Args:
            extensions: The file name extensions to remove; without any, and without *max_bytes*,
                every attachment.
            max_bytes: Also remove attachments that are larger, as encoded in the mail.
            notice: The text of the notice; ``{name}`` in it is the file's name.
            unreadable: What happens to mail that is malformed or that WorkMail does not let
                change, so that an attachment may be left: any `UnreadableAction`. Outbound,
                ``junk`` means ``bounce``.

        Raises:
            ConfigurationError: A size that no mail has, settings that are too long, or another
                action.
        """
        problems = Problems("StripAttachments")
        check_list(problems, "extensions", extensions)
        if max_bytes is not None:
            check_number(problems, "max_bytes", max_bytes, range(1, SENT_BYTES), "bytes")
        settings = {
            "extensions": list(extensions),
            "max_bytes": max_bytes,
            "notice": notice,
            "unreadable": _unreadable(problems, unreadable, tuple(UnreadableAction)),
        }
        super().__init__("strip_attachments", settings, problems)


class RestrictRecipients(_Bundled):
    """Reserve groups for the organization: mail to them from others is bounced or dropped.

    Behaviour: ``mailroom.handlers.workmail.restrict_recipients``.
    """

    only = "synchronous"
    _reads = False

    def __init__(
        self,
        *,
        groups: Sequence[str],
        domains: Sequence[str],
        senders: Sequence[str] = (),
        action: StopAction | str = StopAction.BOUNCE,
        message: str | None = None,
    ) -> None:
        """Describe the restriction.

        Args:
            groups: The addresses of the groups; one or more.
            domains: Domains that may write to them.
            senders: Addresses that may write to them, too.
            action: How other mail is stopped.
            message: The text of the bounce.

        Raises:
            ConfigurationError: No group or domain, or settings that are too long.
        """
        problems = Problems("RestrictRecipients")
        for argument, addresses in (("groups", groups), ("senders", senders)):
            if argument == "groups" and not addresses:
                problems.add(argument, addresses, "pass a list of addresses")
            elif check_list(problems, argument, addresses):
                check_addresses(problems, argument, addresses)
        _check_domains(problems, domains)
        _check_stop(problems, action, message)
        settings = {
            "groups": list(groups),
            "domains": list(domains),
            "senders": list(senders),
            "action": str(action),
            "message": message,
        }
        super().__init__("restrict_recipients", settings, problems)


class Journal(_Bundled):
    """Copy each mail into a bucket; in a synchronous rule before the mail goes on.

    Grants writing below *prefix* only. Behaviour: ``mailroom.handlers.workmail.journal``.
    """

    def __init__(self, *, bucket: s3.IBucket, prefix: str = "journal/") -> None:
        """Describe the journal.

        Args:
            bucket: Your bucket, with the retention and lock that your rules require.
            prefix: The object name prefix of the copies.

        Raises:
            ConfigurationError: A prefix that S3 refuses.
        """
        problems = Problems("Journal")
        check_prefix(problems, "prefix", prefix)
        super().__init__("journal", {"bucket": bucket.bucket_name, "prefix": prefix}, problems)
        self._bucket = bucket
        self._prefix = prefix

    def configure_flow(self, function: lambda_.Function) -> None:
        """Set the settings, and grant the writing.

        Args:
            function: The function of the rule.
        """
        super().configure_flow(function)
        grant_write(function, self._bucket, self._prefix)
        if self._bucket.encryption_key is not None:
            # S3 decrypts the parts of a large upload before it joins them.
            self._bucket.encryption_key.grant(function, "kms:Decrypt")


class FlowMetrics(_Bundled):
    """Count the mail that flows, as CloudWatch metrics in the namespace ``Mailroom``.

    Asynchronous only: mail need not wait for a count. Behaviour:
    ``mailroom.handlers.workmail.flow_metrics``.
    """

    only = "asynchronous"
    _reads = False

    def __init__(self) -> None:
        """Describe the counting; it has no options."""
        super().__init__("flow_metrics", {}, Problems("FlowMetrics"))


def _check_domains(problems: Problems, domains: Sequence[str]) -> None:
    if not domains:
        problems.add("domains", domains, "pass a list of the organization's own domains")
    if not check_list(problems, "domains", domains):
        return
    for position, one in enumerate(domains):
        check_domain(problems, f"domains[{position}]", one)


def _check_text(problems: Problems, text: str) -> None:
    if resolved(text) and not text.strip():
        problems.add("text", text, "pass a text that is not empty")


def _unreadable(problems: Problems, action: str, allowed: Sequence[str]) -> str | None:
    """Return the setting; ``None`` for the first of *allowed*, which is the default."""
    if action not in allowed:
        problems.add("unreadable", action, f"use one of {', '.join(allowed)}")
    return None if action == allowed[0] else str(action)


def _check_stop(problems: Problems, action: StopAction | str, message: str | None) -> None:
    if action not in list(StopAction):
        problems.add("action", action, f"use one of {[str(one) for one in StopAction]}")
    if message is not None and action == StopAction.DROP:
        problems.add("message", message, "omit it: a dropped mail is not bounced")
