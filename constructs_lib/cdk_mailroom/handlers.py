"""What a receipt rule can run: your own Python code, or a bundled behaviour.

Each is a `ReceiptAction`, so each can stand as a rule's ``handler=`` and also before or after it.
A behaviour of your own is one more subclass: either of `ReceiptAction`, with any AWS resource in
its ``bind()``, or of `PythonHandler`, to hand out code together with what it needs::

    class OpenTicket(PythonHandler):
        def __init__(self, *, table: dynamodb.ITable) -> None:
            super().__init__(HERE / "open_ticket", "open_ticket:on_mail")
            self._table = table

        def configure(self, function, context):
            function.add_environment("TABLE", self._table.table_name)
            self._table.grant_write_data(function)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from aws_cdk import Duration, Fn, RemovalPolicy, Stack, Tokenization
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_mailroom import _assembly, _quotas, _roles
from cdk_mailroom._checks import (
    Problems,
    check_address,
    check_addresses,
    check_number,
    check_prefix,
    check_seconds,
    resolved,
)
from cdk_mailroom._reviewed import reviewed, reviewed_wildcard
from cdk_mailroom.actions import (
    BoundAction,
    ReceiptAction,
    RuleContext,
    StoredMail,
    grant_invoke,
    lambda_action,
)
from mailroom.handlers.reject_spam import CHECKS, STATUSES

__all__ = [
    "AutoReply",
    "Disposition",
    "Forward",
    "OnError",
    "PythonHandler",
    "RejectSpam",
    "SaveAttachments",
]


class OnError(StrEnum):
    """What SES is told when a synchronous handler fails; see ``mailroom.receiving.handler``."""

    CONTINUE = "continue"
    STOP_RULE = "stop_rule"
    STOP_RULE_SET = "stop_rule_set"
    RAISE = "raise"


class Disposition(StrEnum):
    """What happens after a synchronous handler answered."""

    CONTINUE = "CONTINUE"
    STOP_RULE = "STOP_RULE"
    STOP_RULE_SET = "STOP_RULE_SET"


class PythonHandler(ReceiptAction):
    """Your own function: ``PythonHandler("helpdesk", "app:on_mail")``.

    Creates a Lambda function and its log group. The folder's contents and the runtime become one
    zip; the function is found at synth by parsing, so that a typo does not wait for the first
    mail to be noticed. SES may call it for this rule only. What it fails to handle goes to the
    rule's dead-letter queue: by Lambda after two retries if SES does not wait for it, by the
    runtime at once if SES does.
    """

    _needs_mail = False
    """Whether the code is of no use without the stored message; the event has no body."""

    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
        *,
        requirements: str | Path | None = None,
        synchronous: bool = False,
        on_error: OnError | str | None = None,
        read_mail: bool = True,
        remember_handled: bool = False,
        log_addresses: bool = False,
        memory_size: int = 512,
        timeout: Duration | None = None,
        environment: Mapping[str, str] | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] = (),
        log_retention: logs.RetentionDays | None = None,
        runtime: lambda_.Runtime | None = None,
        architecture: lambda_.Architecture | None = None,
        reserved_concurrency: int | None = None,
    ) -> None:
        """Describe the function.

        *folder*: its contents lie at the zip's top; hidden files and bytecode stay out. ``None``
        if the code comes in a layer, or with the runtime. *handler*: ``module:function``, a plain
        function of one argument, the ``ReceivedMail``. *requirements*: a requirements file,
        installed as wheels for the function's platform; ``requirements.txt`` in *folder* is taken
        if there is one. *synchronous*: SES waits for the disposition that the function returns,
        and *on_error* (default: continue) is what SES is told if it raises. *read_mail*: grant
        reading the stored messages of this rule; without it the function sees the header fields
        only, and starts without boto3. *remember_handled*: after each mail leave a mark, for
        ``mail.already_handled``. *log_addresses*: log sender, recipients and error texts too.
        *memory_size* in MiB. *timeout*: 60 s, or 25 s if synchronous, where SES gives up after
        30. *environment*: strings; names that begin with ``MAILROOM_`` are taken.
        *log_retention*: three months. *runtime*: Python 3.13; *architecture*: arm64.

        Raises `ConfigurationError` if the function cannot be found, or a limit is exceeded.
        """
        own = None if folder is None else Path(folder) / "requirements.txt"
        if requirements is None and own is not None and own.is_file():
            requirements = own
        self.handler = handler
        self.folder = None if folder is None else Path(folder).absolute()
        self._requirements = None if requirements is None else Path(requirements).absolute()
        self._synchronous = synchronous
        self._on_error = OnError.CONTINUE if on_error is None else on_error
        self._read_mail = read_mail
        self._remember_handled = remember_handled
        self._log_addresses = log_addresses
        self._memory_size = memory_size
        self.timeout = timeout or Duration.seconds(25 if synchronous else 60)
        self._environment = dict(environment or {})
        self._layers = list(layers)
        self._vpc = vpc
        self._vpc_subnets = vpc_subnets
        self._security_groups = list(security_groups)
        self._log_retention = log_retention or logs.RetentionDays.THREE_MONTHS
        self._runtime = runtime or lambda_.Runtime.PYTHON_3_13
        self._architecture = architecture or lambda_.Architecture.ARM_64
        self._reserved_concurrency = reserved_concurrency
        problems = Problems(f"{type(self).__name__} {handler!r}")
        self._check(problems, on_error_given=on_error is not None)
        problems.raise_if_any()

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant and set what the code needs; called once for each rule. Does nothing here."""

    def bind(self, scope: Construct, context: RuleContext) -> BoundAction:
        """Create the function, grant what it needs, let SES call it, and return the call."""
        problems = Problems(scope)
        if context.stored is None and self._needs_mail:
            problems.add("store", False, "this handler reads the message, so it must be stored")
        elif context.stored is None and self._remember_handled:
            problems.add(
                "remember_handled", True, "the marks lie in the bucket where the rule has to store"
            )
        if self._read_mail and context.stored is not None and context.stored.client_side_key:
            problems.add(
                "client_side_key",
                context.stored.client_side_key.node.path,
                "SES would encrypt the message before storing it, and no Python client can read "
                "that; encrypt the bucket with the key instead, or set read_mail=False",
            )
        problems.raise_if_any()
        function = self._function(scope, context)
        if context.dead_letter_queue.encryption_master_key is not None:
            for operation in ("kms:GenerateDataKey*", "kms:ReEncrypt*"):
                reviewed_wildcard(
                    function.role,
                    f"Action::{operation}",
                    "both variants of one operation, on the dead-letter queue's key alone",
                )
        if self._read_mail and context.stored is not None:
            grant_read(function, context.stored)
            self._set(
                function,
                MAILROOM_BUCKET=context.stored.bucket.bucket_name,
                MAILROOM_PREFIX=context.stored.prefix,
            )
            if self._remember_handled:
                self._grant_marks(function, context.stored, context.rule_id)
        self.configure(function, context)
        return BoundAction(
            action=lambda_action(function, synchronous=self._synchronous),
            dependencies=grant_invoke(scope, context, function),
            function=function,
            reads_mail=self._read_mail,
        )

    def _function(self, scope: Construct, context: RuleContext) -> lambda_.Function:
        asynchronous: dict[str, Any] = {}
        if not self._synchronous:
            asynchronous = {
                "on_failure": destinations.SqsDestination(context.dead_letter_queue),
                "retry_attempts": 2,
                "max_event_age": Duration.hours(6),
            }
        function = self.make_function(
            scope,
            entry="mailroom.receiving",
            specs=[self.handler],
            description=f"Handles the mail of the receipt rule {context.rule_id}",
            **asynchronous,
        )
        self._set(function, MAILROOM_HANDLER=self.handler, MAILROOM_RULE=context.rule_id)
        if self._synchronous:
            queue = context.dead_letter_queue
            queue.grant_send_messages(function)
            self._set(
                function,
                MAILROOM_ON_ERROR=str(self._on_error),
                MAILROOM_FAILURE_QUEUE=queue.queue_url,
            )
        return function

    def make_function(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        **options: Any,
    ) -> lambda_.Function:
        """Create function, log group and role below *scope*.

        *entry*: the runtime's module whose ``handler`` Lambda calls; *specs*: what that calls, each
        ``module:function``.
        """
        log_group = logs.LogGroup(
            scope,
            "Logs",
            retention=self._log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        function = lambda_.Function(
            scope,
            "Function",
            description=description,
            code=_assembly.code(
                # Nobody can tell from here what code in a layer imports.
                modules=None
                if self._layers
                else [entry, *(spec.partition(":")[0] for spec in specs)],
                folder=self.folder,
                requirements=self._requirements,
                runtime=self._runtime,
                architecture=self._architecture,
            ),
            handler=f"{entry}.handler",
            runtime=self._runtime,
            architecture=self._architecture,
            memory_size=self._memory_size,
            timeout=self.timeout,
            layers=self._layers,
            vpc=self._vpc,
            vpc_subnets=self._vpc_subnets,
            security_groups=self._security_groups or None,
            role=_roles.function_role(scope, "Role", log_group=log_group, vpc=self._vpc),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            reserved_concurrent_executions=self._reserved_concurrency,
            environment=self._environment,
            **options,
        )
        if self._runtime.name == lambda_.Runtime.PYTHON_3_13.name:
            reviewed(function, "L1", "Python 3.13 is the default; runtime= chooses another")
        if self._log_addresses:
            self._set(function, MAILROOM_LOG_ADDRESSES="1")
        return function

    def check_for_events(self, problems: Problems) -> None:
        """Find the options that mean something for received mail only."""
        if self._synchronous:
            problems.add("synchronous", True, "it has no effect on events: nobody waits")
        if self._remember_handled:
            problems.add(
                "remember_handled",
                True,
                "it has no effect on events: they carry a key of their own",
            )

    def _grant_marks(self, function: lambda_.Function, stored: StoredMail, rule_id: str) -> None:
        # Two functions of one rule, or two stacks with one bucket, must not take each other's marks
        # for their own.
        prefix = f"handled/{rule_id}-{function.node.addr[-8:]}/"
        self._set(function, MAILROOM_MARK_PREFIX=prefix)
        reviewed_wildcard(
            function.role,
            stored.bucket.arn_for_objects(f"{prefix}*"),
            "one mark a message, below the rule's own prefix",
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"], resources=[stored.bucket.arn_for_objects(f"{prefix}*")]
            )
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[stored.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{prefix}*"}},
            )
        )
        if stored.bucket.encryption_key is not None:
            stored.bucket.encryption_key.grant(function, "kms:GenerateDataKey")

    @staticmethod
    def _set(function: lambda_.Function, **values: str) -> None:
        for name, value in values.items():
            function.add_environment(name, value)

    def _check(self, problems: Problems, *, on_error_given: bool) -> None:
        self._check_code(problems)
        self._check_semantics(problems, on_error_given=on_error_given)
        self._check_platform(problems)

    def _check_code(self, problems: Problems) -> None:
        if self.folder is not None:
            _assembly.check_function(problems, folder=self.folder, spec=self.handler)
        if self._requirements is not None and not self._requirements.is_file():
            problems.add("requirements", str(self._requirements), "there is no such file")
        version = re.fullmatch(r"python3\.(\d+)", self._runtime.name)
        if version is None or int(version[1]) < _OLDEST_PYTHON:
            problems.add("runtime", self._runtime.name, f"give Python 3.{_OLDEST_PYTHON} or later")

    def _check_semantics(self, problems: Problems, *, on_error_given: bool) -> None:
        if on_error_given and not self._synchronous:
            problems.add(
                "on_error",
                str(self._on_error),
                "it has no effect unless synchronous=True: SES does not wait, Lambda retries",
            )
        if self._on_error not in list(OnError):
            problems.add(
                "on_error", self._on_error, f"use one of {[str(item) for item in OnError]}"
            )
        if self._remember_handled and not self._read_mail:
            problems.add(
                "remember_handled",
                True,
                "it needs read_mail=True: the marks lie in the mail bucket",
            )

    def _check_platform(self, problems: Problems) -> None:
        check_number(problems, "memory_size", self._memory_size, _quotas.LAMBDA_MEMORY_MIB, "MiB")
        most = _quotas.SYNCHRONOUS_SECONDS if self._synchronous else _quotas.LAMBDA_SECONDS[-1]
        check_seconds(problems, "timeout", self.timeout, range(1, most + 1))
        if len(self._layers) > _quotas.LAMBDA_LAYERS:
            problems.add("len(layers)", len(self._layers), f"Lambda takes {_quotas.LAMBDA_LAYERS}")
        for name, value in self._environment.items():
            if not isinstance(value, str):
                problems.add(f"environment[{name!r}]", value, "give a string")
            if name.startswith("MAILROOM_"):
                problems.add(f"environment[{name!r}]", value, "MAILROOM_… is the runtime's own")
            if (
                not re.fullmatch(_quotas.LAMBDA_ENVIRONMENT_NAME, name)
                or name in _quotas.LAMBDA_RESERVED_NAMES
            ):
                problems.add(
                    f"environment[{name!r}]",
                    value,
                    "Lambda takes names of two or more letters, digits and underscores, a letter "
                    "first, and keeps some of its own, such as AWS_REGION",
                )
        if self._vpc is None and (self._vpc_subnets is not None or self._security_groups):
            problems.add("vpc", None, "vpc_subnets and security_groups have no effect without it")


# As pyproject.toml has it for the whole distribution.
_OLDEST_PYTHON = 11


class Forward(PythonHandler):
    """Send each mail on to other addresses, from an address that SES may send from.

    ``From`` becomes *from_address* with the original author's name, ``Reply-To`` leads to the
    original author, the old signatures go. Mail that failed the spam or the virus check is never
    forwarded. Mail too large to send is announced with a link to its object. Grants sending as
    *from_address* only. Behaviour: ``mailroom.handlers.forward``.
    """

    _needs_mail = True

    def __init__(
        self,
        *,
        to: Sequence[str],
        from_address: str | None = None,
        subject_prefix: str | None = None,
        configuration_set_name: str | None = None,
        forward_unscanned: bool = False,
        memory_size: int = 1024,
    ) -> None:
        """Describe the forwarding.

        *to*: one or more addresses. *from_address*: of a verified identity; by default the
        rule's first recipient, or ``forward@`` its domain. *subject_prefix*: put before the
        subject. *configuration_set_name*: whose events tell what became of the forwarded mail.
        *forward_unscanned*: also forward what SES could not scan. *memory_size* in MiB; 40 MB of
        mail need the default.
        """
        problems = Problems("Forward")
        if isinstance(to, str) or not to:
            problems.add("to", to, "give a list of at least one address")
        else:
            check_addresses(problems, "to", to)
        if from_address is not None:
            check_address(problems, "from_address", from_address)
        problems.raise_if_any()
        self._to = list(to)
        self._from_address = from_address
        self._subject_prefix = subject_prefix
        self._configuration_set_name = configuration_set_name
        self._forward_unscanned = forward_unscanned
        super().__init__(
            None,
            "mailroom.handlers.forward:on_mail",
            remember_handled=True,
            memory_size=memory_size,
        )

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant sending as the from address, and set where to."""
        if not (context.scanned or self._forward_unscanned):
            problems = Problems(function)
            problems.add(
                "scan",
                False,
                "unscanned mail is not forwarded, so all of it would end in the dead-letter "
                "queue; let the rule scan, or set forward_unscanned=True",
            )
            problems.raise_if_any()
        sender = self._from_address or default_sender(context, "forward", "from_address")
        grant_send_as(function, sender, self._configuration_set_name)
        self._set(
            function,
            MAILROOM_FORWARD_TO=json.dumps(self._to),
            MAILROOM_FORWARD_FROM=sender,
        )
        if self._subject_prefix is not None:
            self._set(function, MAILROOM_FORWARD_SUBJECT_PREFIX=self._subject_prefix)
        if self._configuration_set_name is not None:
            self._set(function, MAILROOM_CONFIGURATION_SET=self._configuration_set_name)
        if self._forward_unscanned:
            self._set(function, MAILROOM_FORWARD_UNSCANNED="1")


class AutoReply(PythonHandler):
    """Answer each sender once in a while, as RFC 3834 asks: never to automatic mail.

    Creates a table of who was answered (hashes, no addresses), which forgets by itself. Grants
    sending as *from_address* only. Behaviour: ``mailroom.handlers.auto_reply``.
    """

    def __init__(
        self,
        *,
        text: str,
        html: str | None = None,
        subject: str | None = None,
        from_address: str | None = None,
        window: Duration | None = None,
        configuration_set_name: str | None = None,
        memory_size: int = 256,
    ) -> None:
        """Describe the answer.

        *text*, *html*: its body. *subject*: by default ``Auto: `` and the original's.
        *from_address*: of a verified identity; by default the rule's first recipient, or
        ``no-reply@`` its domain. *window*: how long a sender is not answered again; 7 days.
        """
        problems = Problems("AutoReply")
        if not text.strip():
            problems.add("text", text, "say something")
        if from_address is not None:
            check_address(problems, "from_address", from_address)
        # Lambda keeps all of a function's environment within 4 KB.
        size = len(text.encode()) + len((html or "").encode())
        if size > _REPLY_BYTES:
            problems.add(
                "len(text + html)", size, f"stay within {_REPLY_BYTES} bytes, or link to a page"
            )
        check_seconds(problems, "window", window, range(1, _REPLY_WINDOW_SECONDS + 1))
        problems.raise_if_any()
        self._text = text
        self._html = html
        self._subject = subject
        self._from_address = from_address
        self._window = window or Duration.days(7)
        self._configuration_set_name = configuration_set_name
        super().__init__(
            None, "mailroom.handlers.auto_reply:on_mail", read_mail=False, memory_size=memory_size
        )

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Create the table of who was answered, and grant it and the sending."""
        sender = self._from_address or default_sender(context, "no-reply", "from_address")
        grant_send_as(function, sender, self._configuration_set_name)
        scope = function.node.scope
        assert isinstance(scope, Construct)
        table = dynamodb.Table(
            scope,
            "Answered",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute="expires_at",
            removal_policy=RemovalPolicy.DESTROY,
        )
        table.grant(function, "dynamodb:PutItem", "dynamodb:DeleteItem")
        self._set(
            function,
            MAILROOM_REPLY_FROM=sender,
            MAILROOM_REPLY_TEXT=self._text,
            MAILROOM_REPLY_WINDOW_SECONDS=Tokenization.stringify_number(self._window.to_seconds()),
            MAILROOM_REPLY_TABLE=table.table_name,
        )
        if self._html is not None:
            self._set(function, MAILROOM_REPLY_HTML=self._html)
        if self._subject is not None:
            self._set(function, MAILROOM_REPLY_SUBJECT=self._subject)
        if self._configuration_set_name is not None:
            self._set(function, MAILROOM_CONFIGURATION_SET=self._configuration_set_name)


_REPLY_BYTES = 3000
_REPLY_WINDOW_SECONDS = 10 * 365 * 24 * 3600


class SaveAttachments(PythonHandler):
    """Save each attachment as an object of its own, with a manifest beside them.

    Grants writing below *prefix* only. Behaviour: ``mailroom.handlers.save_attachments``.
    """

    _needs_mail = True

    def __init__(
        self,
        *,
        bucket: s3.IBucket | None = None,
        prefix: str = "attachments/",
        max_bytes: int = 40 * 1024 * 1024,
        max_count: int = 100,
        memory_size: int = 1024,
    ) -> None:
        """Describe the saving.

        *bucket*: the rule's mail bucket unless given. *prefix*: before ``<message id>/<name>``.
        *max_bytes*, *max_count*: larger and further attachments are named in the manifest only;
        the message itself stays stored whole.
        """
        problems = Problems("SaveAttachments")
        check_prefix(problems, "prefix", prefix)
        check_number(problems, "max_bytes", max_bytes, range(1, 40 * 1024 * 1024 + 1), "bytes")
        check_number(problems, "max_count", max_count, range(1, 501), "attachments")
        problems.raise_if_any()
        self._bucket = bucket
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._max_count = max_count
        super().__init__(
            None, "mailroom.handlers.save_attachments:on_mail", memory_size=memory_size
        )

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant the writing, and set where to."""
        assert context.stored is not None  # or bind() would have refused
        bucket = self._bucket or context.stored.bucket
        grant_write(function, bucket, self._prefix)
        self._set(
            function,
            MAILROOM_ATTACHMENTS_BUCKET=bucket.bucket_name,
            MAILROOM_ATTACHMENTS_PREFIX=self._prefix,
            MAILROOM_ATTACHMENTS_MAX_BYTES=str(self._max_bytes),
            MAILROOM_ATTACHMENTS_MAX_COUNT=str(self._max_count),
        )


class RejectSpam(PythonHandler):
    """Stop mail by SES's verdicts, while SES waits.

    Reads nothing but the event and needs no permission at all but its failure queue's. Stopping
    is silent: the sender is not told, as spam's senders are mostly forged. To tell, let the rule
    that has this handler end in a `Bounce` and this answer ``CONTINUE`` for spam and
    ``STOP_RULE`` otherwise. Behaviour: ``mailroom.handlers.reject_spam``.
    """

    def __init__(
        self,
        *,
        verdicts: Mapping[str, Mapping[str, Disposition | str]] | None = None,
        on_error: OnError | str | None = None,
        memory_size: int = 256,
    ) -> None:
        """Describe the gate.

        *verdicts*: for each of ``spam``, ``virus``, ``spf``, ``dkim``, ``dmarc``, what to do at
        which status; by default spam ``FAIL`` and virus ``FAIL`` stop the rule set. A status that
        is not named continues.
        """
        stop = Disposition.STOP_RULE_SET
        default = {"spam": {"FAIL": stop}, "virus": {"FAIL": stop}}
        self._verdicts = default if verdicts is None else verdicts
        problems = Problems("RejectSpam")
        if not self._verdicts:
            problems.add("verdicts", verdicts, "name at least one; nothing would ever be stopped")
        for check, outcomes in self._verdicts.items():
            if check not in CHECKS:
                problems.add("verdicts", check, f"SES checks {', '.join(CHECKS)}")
            for status, disposition in outcomes.items():
                if status not in STATUSES:
                    problems.add(
                        f"verdicts[{check!r}]", status, f"SES answers {', '.join(STATUSES)}"
                    )
                if disposition not in list(Disposition):
                    problems.add(
                        f"verdicts[{check!r}][{status!r}]",
                        disposition,
                        f"use one of {[str(item) for item in Disposition]}",
                    )
        problems.raise_if_any()
        super().__init__(
            None,
            "mailroom.handlers.reject_spam:on_mail",
            synchronous=True,
            on_error=on_error,
            read_mail=False,
            memory_size=memory_size,
        )

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Set the verdicts; nothing is granted."""
        unknown = [check for check in ("spam", "virus") if check in self._verdicts]
        if unknown and not context.scanned:
            problems = Problems(function)
            problems.add(
                "scan", False, f"without it SES knows no verdict of {' and '.join(unknown)}"
            )
            problems.raise_if_any()
        plain = {
            check: {status: str(disposition) for status, disposition in outcomes.items()}
            for check, outcomes in self._verdicts.items()
        }
        self._set(function, MAILROOM_REJECT=json.dumps(plain))


def default_sender(context: RuleContext, local_part: str, argument: str) -> str:
    """Return the rule's first recipient as a sender, or *local_part* at its domain."""
    first = context.recipients[0] if context.recipients else None
    if first is None or not resolved(first):
        problems = Problems(context.rule)
        problems.add(
            argument,
            None,
            "this rule's recipients do not tell an address to send from; name one of a verified "
            "identity",
        )
        problems.raise_if_any()
    assert first is not None
    return first if "@" in first else f"{local_part}@{first.removeprefix('.')}"


def grant_send_as(
    grantee: iam.IGrantable, sender: str, configuration_set_name: str | None = None
) -> iam.Grant:
    """Let *grantee* send as *sender* and as nobody else.

    SES authorises against the identity that is verified, which may be the address, its domain or
    a domain above that, and against the configuration set too (https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html).
    """
    stack = Stack.of(grantee.grant_principal)  # type: ignore[arg-type]

    def arn(resource: str, name: str) -> str:
        return stack.format_arn(service="ses", resource=resource, resource_name=name)

    names = [sender, *_domains_of(sender)]
    resources = [arn("identity", name) for name in names]
    if configuration_set_name is not None:
        resources.append(arn("configuration-set", configuration_set_name))
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["ses:SendEmail", "ses:SendRawEmail"],
        resource_arns=resources,
        conditions={"StringEquals": {"ses:FromAddress": sender}},
    )


def _domains_of(sender: str) -> list[str]:
    if not resolved(sender):
        return [Fn.select(1, Fn.split("@", sender))]
    labels = sender.rpartition("@")[2].split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def grant_read(grantee: iam.IGrantable, stored: StoredMail) -> iam.Grant:
    """Let *grantee* read the rule's stored messages, decrypting them if need be."""
    return _grant_objects(grantee, stored.bucket, stored.prefix, "s3:GetObject", "kms:Decrypt")


def grant_write(grantee: iam.IGrantable, bucket: s3.IBucket, prefix: str) -> iam.Grant:
    """Let *grantee* write objects below *prefix*, encrypting them if need be."""
    return _grant_objects(grantee, bucket, prefix, "s3:PutObject", "kms:GenerateDataKey")


def _grant_objects(
    grantee: iam.IGrantable, bucket: s3.IBucket, prefix: str, action: str, key_action: str
) -> iam.Grant:
    objects = bucket.arn_for_objects(f"{prefix}*")
    grant = iam.Grant.add_to_principal(grantee=grantee, actions=[action], resource_arns=[objects])
    reviewed_wildcard(
        grantee.grant_principal, objects, "one object a message, below the prefix of one purpose"
    )
    key: kms.IKey | None = bucket.encryption_key
    return grant if key is None else grant.combine(key.grant(grantee, key_action))
