"""Amazon WorkMail's email flow rules: all of them that can be deployed.

**WorkMail takes no new customers since 2026-04-30, and ends on 2027-03-31.** Begin nothing new
here; for mail that must be looked at after that day see ``docs/leaving-workmail.md``, by which the
same function decides behind an SES receipt rule. To remove this whole capability, delete this
module, ``mailroom.workmail``, ``mailroom.handlers.workmail`` and
``mailroom.provisioning.workmail_rule``.

There is no public operation for the rules themselves, and so nothing for CloudFormation to call.
`EmailFlowRule` creates everything that a rule needs and says exactly what the rule must be, for a
person at the console; `ExperimentalFlowRule` calls the operations that AWS has not published.

https://docs.aws.amazon.com/workmail/latest/adminguide/email-flows.html
https://docs.aws.amazon.com/workmail/latest/adminguide/lambda.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from aws_cdk import (
    Annotations,
    CfnOutput,
    CustomResource,
    Duration,
    Names,
    RemovalPolicy,
    Stack,
    Tokenization,
)
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_mailroom import _provisioning, _queues
from cdk_mailroom._checks import (
    Problems,
    check_addresses,
    check_domain,
    check_number,
    check_prefix,
    resolved,
)
from cdk_mailroom._reviewed import reviewed, reviewed_wildcard
from cdk_mailroom.actions import BoundAction, RuleContext
from cdk_mailroom.handlers import PythonHandler, grant_write
from mailroom.handlers.workmail.block_sensitive import CHECKS

__all__ = [
    "Asynchronous",
    "BlockSensitive",
    "Disclaimer",
    "EmailFlowRule",
    "ExperimentalFlowRule",
    "ExternalBanner",
    "Fallback",
    "FlowDirection",
    "FlowHandler",
    "FlowMetrics",
    "Journal",
    "RestrictRecipients",
    "SensitivePattern",
    "StopAction",
    "StripAttachments",
    "Synchronous",
]

# The limits stand here and not in _quotas, so that they go when WorkMail goes.
# https://docs.aws.amazon.com/general/latest/gr/workmail.html
_REGIONS = frozenset({"eu-west-1", "us-east-1", "us-west-2"})
# https://docs.aws.amazon.com/workmail/latest/adminguide/lambda.html
_SYNCHRONOUS_SECONDS = 15
_TIMEOUT_MINUTES = range(241)
# https://docs.aws.amazon.com/workmail/latest/adminguide/workmail_limits.html
_SENDERS_PER_RULE = 250
_SENDERS_PER_ORGANIZATION = 1000
_ORGANIZATION = re.compile(r"m-[0-9a-f]{32}")
# https://docs.aws.amazon.com/workmail/latest/adminguide/lambda-content.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})+"
_PATTERN = re.compile(
    rf"\*|(?:\*\.)?{_DOMAIN}|[A-Za-z0-9!#$%&'/=?^_`{{|}}~.-]{{1,64}}@{_DOMAIN}", re.ASCII
)
_ANY = "*"
_SETTINGS_BYTES = 3000  # Lambda keeps all of a function's environment within 4 KB

_ENDS = (
    "Amazon WorkMail takes no new customers since 2026-04-30 and ends on 2027-03-31: mail is not "
    "looked at by this rule after that day. docs/leaving-workmail.md tells how the same function "
    "decides behind an SES receipt rule"
)


class FlowDirection(StrEnum):
    """Which of the organization's two flows a rule is for."""

    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


class Fallback(StrEnum):
    """What WorkMail does with a mail if no answer came within the rule's timeout.

    AWS also allows routing outbound mail to an SMTP gateway; choose that at the console.
    """

    DEFAULT = "DEFAULT"
    """Deliver as if there were no rule."""
    BOUNCE = "BOUNCE"
    """Do not deliver, and tell the sender."""
    DROP = "DROP"
    """Do not deliver, and tell nobody."""
    MOVE_TO_JUNK = "MOVE_TO_JUNK"
    """Deliver into the junk folder; inbound only."""
    BYPASS_SPAM_CHECK = "BYPASS_SPAM_CHECK"
    """Deliver without looking for spam; inbound only."""


class StopAction(StrEnum):
    """How a bundled behaviour stops a mail."""

    BOUNCE = "bounce"
    DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class Synchronous:
    """WorkMail waits for the function's answer, and obeys it.

    *timeout*: for how long it asks again if the function fails, whole minutes up to 240; with 0 the
    first failure leads to *fallback*, which has no default: it decides what a failure costs.
    """

    timeout: Duration
    fallback: Fallback | str


@dataclass(frozen=True, kw_only=True)
class Asynchronous:
    """WorkMail tells the function and goes on; what fails goes to a dead-letter queue."""

    alarm_topic: sns.ITopic | None = None
    """Is told when the dead-letter queue has a message."""


class FlowHandler(PythonHandler):
    """Your own function for a flow rule: ``FlowHandler("policy", "app:on_flow")``.

    It takes one ``mailroom.workmail.FlowMail`` and returns ``mail.answer()…`` or ``None``. A
    `PythonHandler` will do too, if it needs neither *replaces* nor a default timeout that fits.
    """

    only: str | None = None
    """``synchronous`` or ``asynchronous`` if the code makes sense in one of the two modes only."""

    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
        *,
        requirements: str | Path | None = None,
        read_mail: bool = True,
        replaces: bool = False,
        log_addresses: bool = False,
        memory_size: int = 1024,
        timeout: Duration | None = None,
        environment: Mapping[str, str] | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        reserved_concurrency: int | None = None,
    ) -> None:
        """Describe the function.

        *read_mail*: grant reading messages in flow; without it the function starts without boto3.
        *replaces*: also grant replacing them, and make the bucket that this goes through.
        *timeout*: 15 s, after which WorkMail waits for no synchronous function. The rest is as in
        `PythonHandler`.
        """
        super().__init__(
            folder,
            handler,
            requirements=requirements,
            read_mail=read_mail,
            log_addresses=log_addresses,
            memory_size=memory_size,
            timeout=timeout or Duration.seconds(_SYNCHRONOUS_SECONDS),
            environment=environment,
            layers=layers,
            reserved_concurrency=reserved_concurrency,
        )
        self.replaces = replaces
        problems = Problems(f"{type(self).__name__} {handler!r}")
        if replaces and not read_mail:
            problems.add("read_mail", False, "what is put is read back, so replaces=True needs it")
        problems.raise_if_any()

    def bind(self, scope: Construct, context: RuleContext) -> BoundAction:
        """Refuse to be the handler of a receipt rule, whose mail is another kind."""
        problems = Problems(scope)
        problems.add(
            "handler",
            self.handler,
            "it decides on WorkMail's flow; behind a receipt rule let "
            "mailroom.handlers.workmail.receipt_rule call it, and give PythonHandler",
        )
        problems.raise_if_any()
        raise AssertionError

    def configure_flow(self, function: lambda_.Function, rule: EmailFlowRule) -> None:
        """Grant and set what the code needs; called once for each rule. Does nothing here."""


class _Bundled(FlowHandler):
    """A behaviour of ``mailroom.handlers.workmail``, with its settings."""

    def __init__(self, module: str, settings: Mapping[str, Any], problems: Problems) -> None:
        given = {name: value for name, value in settings.items() if value not in (None, [])}
        size = len(json.dumps(given))
        if size > _SETTINGS_BYTES:
            problems.add(
                "len(settings)",
                size,
                f"stay within {_SETTINGS_BYTES} bytes, or write a FlowHandler",
            )
        problems.raise_if_any()
        super().__init__(
            None,
            f"mailroom.handlers.workmail.{module}:on_flow",
            read_mail=self._reads,
            replaces=self._replaces,
            memory_size=1024 if self._reads else 256,
        )
        self._flow_settings = given

    _reads = True
    _replaces = False

    def configure_flow(self, function: lambda_.Function, rule: EmailFlowRule) -> None:
        """Hand over the settings."""
        settings = Stack.of(function).to_json_string(self._flow_settings)
        self._set(function, MAILROOM_FLOW_SETTINGS=settings)


class Disclaimer(_Bundled):
    """Put words below each mail, in text and HTML, once in a conversation.

    Signed and encrypted mail is not touched. Behaviour:
    ``mailroom.handlers.workmail.disclaimer``.
    """

    only = "synchronous"
    _replaces = True

    def __init__(self, *, text: str, html: str | None = None) -> None:
        """*text*; *html*: made from it unless given."""
        problems = Problems("Disclaimer")
        _check_text(problems, "text", text)
        super().__init__("disclaimer", {"text": text, "html": html}, problems)


class ExternalBanner(_Bundled):
    """Put a warning above inbound mail from outside of the organization.

    Behaviour: ``mailroom.handlers.workmail.external_banner``.
    """

    only = "synchronous"
    _replaces = True

    def __init__(self, *, domains: Sequence[str], text: str, html: str | None = None) -> None:
        """*domains*: the organization's own; *text*; *html*: made from it unless given."""
        problems = Problems("ExternalBanner")
        _check_domains(problems, domains)
        _check_text(problems, "text", text)
        settings = {"domains": list(domains), "text": text, "html": html}
        super().__init__("external_banner", settings, problems)


@dataclass(frozen=True, kw_only=True)
class SensitivePattern:
    """What must not be sent: a regular expression, and a check that a find must pass too."""

    name: str
    """Stands in the bounce and in the log; what was found never does."""
    pattern: str
    """A regular expression of Python's ``re``."""
    check: str | None = None
    """``luhn`` (card numbers), ``iban``, or nothing."""


class BlockSensitive(_Bundled):
    """Stop mail whose texts have one of the patterns, for recipients outside.

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
        block_encrypted: bool = False,
    ) -> None:
        """Describe the blocking.

        *domains*: whose recipients get the mail all the same. *message*: what the sender of a
        bounce reads, before the patterns' names. *block_encrypted*: stop what cannot be read too.
        """
        problems = Problems("BlockSensitive")
        if not patterns:
            problems.add("patterns", [], "name at least one; nothing would ever be stopped")
        for position, one in enumerate(patterns):
            try:
                re.compile(one.pattern)
            except re.error as error:
                problems.add(
                    f"patterns[{position}].pattern", one.pattern, f"it is no regex: {error}"
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
                for one in patterns
            ],
            "domains": list(domains),
            "action": str(action),
            "message": message,
            "encrypted": "block" if block_encrypted else None,
        }
        super().__init__("block_sensitive", settings, problems)


class StripAttachments(_Bundled):
    """Take attachments out of a mail, with a notice in the place of each.

    Behaviour: ``mailroom.handlers.workmail.strip_attachments``.
    """

    only = "synchronous"
    _replaces = True

    def __init__(
        self,
        *,
        extensions: Sequence[str] = (),
        max_bytes: int | None = None,
        notice: str | None = None,
    ) -> None:
        """Describe the stripping.

        *extensions*: which; without any, and without *max_bytes*, every attachment. *max_bytes*:
        larger ones too, as they lie in the mail. *notice*: ``{name}`` in it is the file's name.
        """
        problems = Problems("StripAttachments")
        if isinstance(extensions, str):
            problems.add("extensions", extensions, f"give a list, even of one: [{extensions!r}]")
        if max_bytes is not None:
            check_number(problems, "max_bytes", max_bytes, range(1, 40 * 1024 * 1024), "bytes")
        settings = {"extensions": list(extensions), "max_bytes": max_bytes, "notice": notice}
        super().__init__("strip_attachments", settings, problems)


class RestrictRecipients(_Bundled):
    """Keep groups for the organization's own: others' mail to them is bounced or dropped.

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
        """*groups*: their addresses. *domains*: who may. *senders*: and who else."""
        problems = Problems("RestrictRecipients")
        for argument, addresses in (("groups", groups), ("senders", senders)):
            if isinstance(addresses, str) or (argument == "groups" and not addresses):
                problems.add(argument, addresses, "give a list of addresses")
            else:
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
    """Copy each mail into a bucket, whole; synchronously, it is there before the mail goes on.

    Grants writing below *prefix* only. Behaviour: ``mailroom.handlers.workmail.journal``.
    """

    def __init__(self, *, bucket: s3.IBucket, prefix: str = "journal/") -> None:
        """*bucket*: yours, with the retention and lock that your rules ask for."""
        problems = Problems("Journal")
        check_prefix(problems, "prefix", prefix)
        super().__init__("journal", {"bucket": bucket.bucket_name, "prefix": prefix}, problems)
        self._bucket = bucket
        self._prefix = prefix

    def configure_flow(self, function: lambda_.Function, rule: EmailFlowRule) -> None:
        """Grant the writing, and hand over where to."""
        super().configure_flow(function, rule)
        grant_write(function, self._bucket, self._prefix)
        if self._bucket.encryption_key is not None:
            # S3 decrypts the pieces of a large upload before it puts them together.
            self._bucket.encryption_key.grant(function, "kms:Decrypt")


class FlowMetrics(_Bundled):
    """Count the mail that flows, as CloudWatch metrics in the namespace ``Mailroom``.

    Asynchronous only: counting is no reason to keep mail waiting. Behaviour:
    ``mailroom.handlers.workmail.flow_metrics``.
    """

    only = "asynchronous"
    _reads = False

    def __init__(self) -> None:
        super().__init__("flow_metrics", {}, Problems("FlowMetrics"))


class EmailFlowRule(Construct):
    """Everything that one email flow rule of WorkMail needs, and the rule itself in writing.

    Creates the function, WorkMail's permission to call it for this organization, the function's
    permission to read (and replace) messages of this organization and direction only; a bucket for
    changed messages if the handler replaces any; for an asynchronous rule a dead-letter queue with
    an alarm. **The rule itself has to be created by hand**, as the output ``ConsoleSteps`` says, or
    by `ExperimentalFlowRule`. Then check that ``RULE_APPLIED`` events appear in the organization's
    monitoring log.

    WorkMail takes no new customers since 2026-04-30, and ends on 2027-03-31; a warning at synth
    says so until ``cdk-mailroom:workmail-ends`` is acknowledged.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        organization_id: str,
        direction: FlowDirection | str,
        handler: PythonHandler,
        mode: Synchronous | Asynchronous,
        senders: Sequence[str] = (_ANY,),
        destinations: Sequence[str] = (_ANY,),
        rule_name: str | None = None,
        bucket: s3.IBucket | None = None,
        remember_answers: bool = False,
    ) -> None:
        """Describe the rule.

        *organization_id*: ``m-`` and 32 hexadecimal digits. *handler*: a `FlowHandler`, one of the
        bundled behaviours, or a `PythonHandler`. *senders*, *destinations*: what the rule matches,
        each ``mailbox@domain``, ``domain``, ``*.domain`` for its subdomains, or ``*``; a
        synchronous rule takes every destination. *rule_name*: made from the construct's path unless
        given. *bucket*: for changed messages, instead of one made here that keeps them for two
        days; encrypted by S3 itself, in this account and region. *remember_answers*: keep each
        answer for a day in a table made here, so that WorkMail's retries get the same one and the
        work is not done twice.

        Raises `ConfigurationError` for whatever WorkMail is documented to refuse.
        """
        super().__init__(scope, construct_id)
        self._stack = Stack.of(self)
        self.organization_id = organization_id
        self.direction = direction
        self.mode = mode
        self.senders = _listed(senders)
        self.destinations = _listed(destinations)
        self.rule_name = rule_name or Names.unique_resource_name(self, max_length=64, separator="-")
        """The rule's name, as it must be given at the console."""
        replaces = isinstance(handler, FlowHandler) and handler.replaces
        problems = Problems(self)
        for argument, given in (("senders", senders), ("destinations", destinations)):
            if isinstance(given, str):
                problems.add(argument, given, f"give a list, even of one: [{given!r}]")
        self._check(problems, handler)
        self._check_bucket(problems, bucket, replaces)
        problems.raise_if_any()

        self.dead_letter_queue = None
        """Takes what the function failed three times to handle; ``None`` if WorkMail waits."""
        self.dead_letter_alarm = None
        """Goes off while an event lies in the dead-letter queue; ``None`` if WorkMail waits."""
        if isinstance(mode, Asynchronous):
            self.dead_letter_queue = _queues.dead_letter_queue(self, key=None)
            self.dead_letter_alarm = _queues.dead_letter_alarm(
                self,
                self.dead_letter_queue,
                description=f"Mail in flow that was not handled: {self.node.id}",
                topic=mode.alarm_topic,
            )
        self.function = self._function(handler)
        """What WorkMail calls."""
        self.permission = self._permit()
        self.bucket = None if not replaces else bucket or self._make_bucket()
        """Where changed messages go through; ``None`` if the handler replaces none."""
        self.answers = self._make_table() if remember_answers else None
        """The answers given; ``None`` unless they are remembered."""
        if handler._read_mail:
            self._grant_messages(replaces=replaces)
        if isinstance(handler, FlowHandler):
            handler.configure_flow(self.function, self)
        self.rule = self._rule()
        """The rule in the form of WorkMail's own, unpublished operations."""
        self.console_steps = self._steps()
        """What to do at the console, step by step, with the real names."""
        CfnOutput(self, "Rule", value=self._stack.to_json_string(self.rule))
        CfnOutput(
            self,
            "ConsoleSteps",
            value="\n".join(
                f"{number}. {step}" for number, step in enumerate(self.console_steps, 1)
            ),
        )
        Annotations.of(self).add_warning_v2("cdk-mailroom:workmail-ends", _ENDS)

    @property
    def organization_arn(self) -> str:
        """The organization's ARN."""
        return self._stack.format_arn(
            service="workmail", resource="organization", resource_name=self.organization_id
        )

    def _messages_arn(self, rest: str) -> str:
        return self._stack.format_arn(
            service="workmailmessageflow",
            resource="message",
            resource_name=f"{self.organization_id}/{rest}",
        )

    # Checks.

    def _check(self, problems: Problems, handler: PythonHandler) -> None:
        region = self._stack.region
        if resolved(region) and region not in _REGIONS:
            problems.add("region", region, f"WorkMail is in {', '.join(sorted(_REGIONS))} only")
        if resolved(self.organization_id) and not _ORGANIZATION.fullmatch(self.organization_id):
            problems.add(
                "organization_id", self.organization_id, "write 'm-' and 32 hexadecimal digits"
            )
        if self.direction not in list(FlowDirection):
            problems.add(
                "direction", self.direction, f"use one of {[str(one) for one in FlowDirection]}"
            )
        _check_patterns(problems, "senders", self.senders)
        _check_patterns(problems, "destinations", self.destinations)
        self._check_counts(problems)
        self._check_mode(problems)
        self._check_handler(problems, handler)

    def _check_counts(self, problems: Problems) -> None:
        if len(self.senders) > _SENDERS_PER_RULE:
            problems.add(
                "len(senders)",
                len(self.senders),
                f"WorkMail takes {_SENDERS_PER_RULE} a rule; name domains, or add a second rule",
            )
        others = [
            one
            for one in self.node.root.node.find_all()
            if isinstance(one, EmailFlowRule)
            and one is not self
            and one.organization_id == self.organization_id
        ]
        total = len(self.senders) + sum(len(one.senders) for one in others)
        if total > _SENDERS_PER_ORGANIZATION:
            problems.add(
                "len(senders)",
                total,
                f"all rules of this organization together take {_SENDERS_PER_ORGANIZATION}",
            )
        for one in others:
            if one.rule_name == self.rule_name and one.direction == self.direction:
                problems.add("rule_name", self.rule_name, f"{one.node.path} has that name already")

    def _check_mode(self, problems: Problems) -> None:
        if isinstance(self.mode, Asynchronous):
            return
        if not isinstance(self.mode, Synchronous):
            problems.add("mode", self.mode, "give Synchronous(…) or Asynchronous()")
            return
        if self.destinations != [_ANY]:
            problems.add(
                "destinations",
                self.destinations,
                "a synchronous rule takes every destination, ['*']; let the function look at the "
                "recipients",
            )
        timeout = self.mode.timeout
        if not timeout.is_unresolved():
            minutes = timeout.to_minutes(integral=False)
            if minutes % 1 or not 0 <= minutes <= _TIMEOUT_MINUTES[-1]:
                problems.add(
                    "mode.timeout",
                    f"{minutes:g} min",
                    f"give whole minutes, 0 to {_TIMEOUT_MINUTES[-1]}",
                )
        allowed = [
            str(one)
            for one in Fallback
            if self.direction == FlowDirection.INBOUND or one not in _INBOUND_ONLY
        ]
        if self.mode.fallback not in allowed:
            problems.add(
                "mode.fallback",
                str(self.mode.fallback),
                f"{self.direction} rules fall back to {', '.join(allowed)}; never to a function",
            )

    def _check_handler(self, problems: Problems, handler: PythonHandler) -> None:
        synchronous = isinstance(self.mode, Synchronous)
        if handler._synchronous or handler._remember_handled:
            problems.add(
                "handler",
                handler.handler,
                "its synchronous, on_error and remember_handled are for receipt rules; here mode= "
                "and remember_answers= say it",
            )
        if isinstance(handler, FlowHandler):
            mode = "synchronous" if synchronous else "asynchronous"
            if handler.only not in (None, mode):
                problems.add("mode", mode, f"{type(handler).__name__} is for {handler.only} rules")
            elif handler.replaces and not synchronous:
                problems.add(
                    "mode", mode, "WorkMail takes changed messages from synchronous rules only"
                )
        if synchronous and not handler.timeout.is_unresolved():
            seconds = handler.timeout.to_seconds(integral=False)
            if seconds > _SYNCHRONOUS_SECONDS:
                problems.add(
                    "handler.timeout",
                    f"{seconds:g} s",
                    f"WorkMail waits {_SYNCHRONOUS_SECONDS} s; give timeout=Duration.seconds("
                    f"{_SYNCHRONOUS_SECONDS}), or FlowHandler, which has it by default",
                )

    def _check_bucket(self, problems: Problems, bucket: s3.IBucket | None, replaces: bool) -> None:
        if bucket is None:
            return
        if not replaces:
            problems.add(
                "bucket", bucket.node.path, "it has no effect: the handler replaces no message"
            )
        if bucket.encryption_key is not None:
            problems.add(
                "bucket",
                bucket.node.path,
                "WorkMail reads it without any key; use S3's own encryption (SSE-S3)",
            )
        name = bucket.bucket_name
        if resolved(name) and not _BUCKET.fullmatch(name):
            problems.add("bucket", name, "WorkMail takes names of a-z, 0-9 and '-', without dots")
        for what in ("account", "region"):
            theirs, ours = getattr(bucket.env, what), getattr(self._stack, what)
            if resolved(theirs) and resolved(ours) and theirs != ours:
                problems.add(f"bucket.env.{what}", theirs, f"it must be the organization's, {ours}")

    # What is created.

    def _function(self, handler: PythonHandler) -> lambda_.Function:
        asynchronous: dict[str, Any] = {}
        if self.dead_letter_queue is not None:
            asynchronous = {
                "on_failure": destinations.SqsDestination(self.dead_letter_queue),
                "retry_attempts": 2,
                "max_event_age": Duration.hours(6),
            }
        function = handler.make_function(
            self,
            entry="mailroom.workmail",
            specs=[handler.handler],
            description=f"Decides on WorkMail's {str(self.direction).lower()} mail: {self.node.id}",
            **asynchronous,
        )
        mode = "synchronous" if isinstance(self.mode, Synchronous) else "asynchronous"
        function.add_environment("MAILROOM_FLOW_HANDLER", handler.handler)
        function.add_environment("MAILROOM_RULE", self.node.id)
        function.add_environment("MAILROOM_FLOW_MODE", mode)
        return function

    def _principal(self) -> str:
        return f"workmail.{self._stack.region}.amazonaws.com"

    def _permit(self) -> Construct:
        self.function.add_permission(
            "AllowWorkMail",
            principal=iam.ServicePrincipal(self._principal()),
            source_account=self._stack.account,
            source_arn=self.organization_arn,
        )
        permission = self.function.permissions_node.find_child("AllowWorkMail")
        assert isinstance(permission, Construct)
        return permission

    def _grant_messages(self, *, replaces: bool) -> None:
        flow = "incoming" if self.direction == FlowDirection.INBOUND else "outgoing"
        messages = self._messages_arn(f"{flow}/*")
        actions = ["workmailmessageflow:GetRawMessageContent"]
        self.function.add_environment("MAILROOM_FLOW_CONTENT", "1")
        if replaces:
            actions.append("workmailmessageflow:PutRawMessageContent")
        self.function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[messages]))
        reviewed_wildcard(
            self.function.role, messages, "every message of one organization in one direction"
        )
        if self.bucket is None:
            return
        self.function.add_environment("MAILROOM_FLOW_BUCKET", self.bucket.bucket_name)
        grant_write(self.function, self.bucket, "changed/")
        added = self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                principals=[iam.ServicePrincipal(self._principal())],
                resources=[self.bucket.arn_for_objects("*")],
                conditions={
                    "Bool": {"aws:SecureTransport": "true"},
                    "StringEquals": {"aws:SourceAccount": self._stack.account},
                    "ArnLike": {"aws:SourceArn": self._messages_arn("*")},
                },
            )
        ).statement_added
        if not added:
            Annotations.of(self).add_warning_v2(
                "cdk-mailroom:imported-bucket",
                f"the bucket {self.bucket.bucket_name} is imported, so its policy is yours: allow "
                f"{self._principal()} s3:GetObject and s3:GetObjectVersion where aws:SourceAccount "
                f"is this account and aws:SourceArn is like {self._messages_arn('*')}, or WorkMail "
                "refuses every changed message with InvalidContentLocation",
            )

    def _make_bucket(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            # WorkMail reads it by itself, and has no key of ours.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            # WorkMail has a message for one day, and S3 counts in whole ones.
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(2))],
            # Not empty, it could not be deleted, and the stack neither; it empties itself.
            removal_policy=RemovalPolicy.RETAIN,
        )
        reviewed(bucket, "S1", "copies on their way, gone after two days")
        return bucket

    def _make_table(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "Answers",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        reviewed(table, "DDB3", "answers are good for a day; nothing in it is worth a backup")
        table.grant(self.function, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        self.function.add_environment("MAILROOM_FLOW_TABLE", table.table_name)
        return table

    # The rule in writing.

    def _rule(self) -> dict[str, Any]:
        inbound = self.direction == FlowDirection.INBOUND
        action: dict[str, Any] = {"Arn": self.function.function_arn}
        if isinstance(self.mode, Synchronous):
            fallback = Fallback(self.mode.fallback)
            action["SynchronousLambdaParameters"] = {
                "RetryPeriodMinutes": self.mode.timeout.to_minutes(),
                "FallbackAction": {_FALLBACKS[inbound][fallback]: {}},
            }
        origin = "OriginRuleCondition" if inbound else "SenderRuleCondition"
        return {
            "Name": self.rule_name,
            "Condition": {
                origin: {"Patterns": self.senders},
                "DestinationRuleCondition": {"Patterns": self.destinations},
            },
            "Action": {"InboundLambdaAction" if inbound else "OutboundLambdaAction": action},
        }

    def _steps(self) -> list[str]:
        inbound = self.direction == FlowDirection.INBOUND
        tab = "Inbound rules" if inbound else "Outbound rules"
        origin = "Sender domains or addresses" if inbound else "Sender addresses"
        steps = [
            f"Open the Amazon WorkMail console in {self._stack.region}",
            f"Choose the organization {self.organization_id}",
            f"Choose Organization settings, then {tab}, then Create",
            f"Rule name: {self.rule_name}",
            "Action: Run Lambda",
            f"Lambda function: {self.function.function_arn}",
        ]
        if isinstance(self.mode, Synchronous):
            minutes = self.mode.timeout.to_minutes()
            steps += [
                "Run synchronously: on",
                f"Rule timeout: {Tokenization.stringify_number(minutes)} minutes",
                f"Fallback action: {_WORDS[Fallback(self.mode.fallback)]}",
            ]
        else:
            steps.append("Run synchronously: off")
        steps += [
            f"{origin}: {', '.join(self.senders)}",
            f"Destination domains or addresses: {', '.join(self.destinations)}",
            "Choose Create",
            "Send a mail, and look for RULE_APPLIED in the organization's monitoring log",
            f"Look for mailroom.workmail in the log group {self.function.log_group.log_group_name}",
        ]
        return steps


_INBOUND_ONLY = frozenset({Fallback.MOVE_TO_JUNK, Fallback.BYPASS_SPAM_CHECK})
_FALLBACKS = {
    True: {
        Fallback.DEFAULT: "NormalDeliveryAction",
        Fallback.BOUNCE: "BounceAction",
        Fallback.DROP: "DropAction",
        Fallback.MOVE_TO_JUNK: "MoveToJunkAction",
        Fallback.BYPASS_SPAM_CHECK: "BypassSpamCheckAction",
    },
    False: {
        Fallback.DEFAULT: "DefaultAction",
        Fallback.BOUNCE: "BounceAction",
        Fallback.DROP: "DropAction",
    },
}
_WORDS = {
    Fallback.DEFAULT: "Default",
    Fallback.BOUNCE: "Bounce",
    Fallback.DROP: "Drop",
    Fallback.MOVE_TO_JUNK: "Deliver to junk folder",
    Fallback.BYPASS_SPAM_CHECK: "Bypass spam check",
}


class ExperimentalFlowRule(Construct):
    """**Experimental**: the rule itself, by operations that AWS has not published.

    Never tried against AWS. The operations' shapes were read from the models of the console's own
    client; whether they take ordinary credentials is unknown. It looks first whether they answer at
    all, refuses to touch a rule of that name that it did not make, reads back what it wrote, and
    lets the stack be deleted when the operations, the organization or WorkMail are gone. If it
    fails, nothing of it is left, and the rule can be made by hand.
    """

    def __init__(self, scope: Construct, construct_id: str, *, flow: EmailFlowRule) -> None:
        """*flow*: the rule to make; in the same stack."""
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        problems = Problems(self)
        if stack.node.addr != Stack.of(flow).node.addr:
            problems.add("flow", flow.node.path, "it belongs to another stack; put both into one")
        problems.raise_if_any()
        provider = _provisioning.provider(
            self, "MailroomExperimentalFlowRule", "mailroom.provisioning.workmail_rule"
        )
        direction = "Inbound" if flow.direction == FlowDirection.INBOUND else "Outbound"
        provider.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=[
                    *(
                        f"workmail:{verb}{direction}MailFlowRule"
                        for verb in ("Create", "Delete", "Describe", "Update")
                    ),
                    f"workmail:List{direction}MailFlowRules",
                ],
                resources=[flow.organization_arn],
            )
        )
        self.resource = CustomResource(
            self,
            "Resource",
            service_token=provider.service_token,
            resource_type="Custom::ExperimentalWorkMailFlowRule",
            properties={
                "OrganizationId": flow.organization_id,
                "Direction": direction,
                # As text, because CloudFormation would make text of the number in it.
                "Rule": stack.to_json_string(flow.rule),
            },
        )
        # WorkMail may check that it can call the function when the rule is made.
        self.resource.node.add_dependency(flow.permission)
        Annotations.of(self).add_warning_v2(
            "cdk-mailroom:experimental-flow-rule",
            "this calls operations of WorkMail that AWS has not published, and was never tried "
            "against AWS; the output ConsoleSteps is the documented way",
        )


def _listed(patterns: Sequence[str]) -> list[str]:
    return [patterns] if isinstance(patterns, str) else list(patterns)


def _check_patterns(problems: Problems, argument: str, patterns: Sequence[str]) -> None:
    if not patterns:
        problems.add(argument, [], "name at least one pattern; all is ['*']")
    seen: set[str] = set()
    for position, pattern in enumerate(patterns):
        if not resolved(pattern):
            continue
        where = f"{argument}[{position}]"
        if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
            problems.add(
                where,
                pattern,
                "write 'mailbox@example.com' (without '+'), 'example.com', '*.example.com' or '*'",
            )
        elif pattern.lower() in seen:
            problems.add(where, pattern, "it is there already; name each pattern once")
        seen.add(str(pattern).lower())
    if _ANY in seen and len(patterns) > 1:
        problems.add(argument, list(patterns), "'*' matches what the others do; leave one or other")


def _check_domains(problems: Problems, domains: Sequence[str]) -> None:
    if isinstance(domains, str) or not domains:
        problems.add("domains", domains, "give a list of the organization's own domains")
        return
    for position, one in enumerate(domains):
        check_domain(problems, f"domains[{position}]", one)


def _check_text(problems: Problems, argument: str, text: str) -> None:
    if resolved(text) and not text.strip():
        problems.add(argument, text, "say something")


def _check_stop(problems: Problems, action: StopAction | str, message: str | None) -> None:
    if action not in list(StopAction):
        problems.add("action", action, f"use one of {[str(one) for one in StopAction]}")
    if message is not None and action == StopAction.DROP:
        problems.add("message", message, "it has no effect: nobody is told of a dropped mail")
