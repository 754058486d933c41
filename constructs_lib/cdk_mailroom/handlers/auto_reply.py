"""Answer each sender once in a while."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import Duration, RemovalPolicy, Tokenization
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk_mailroom._checks import Problems, check_address, check_seconds
from cdk_mailroom.actions.base import RuleContext, RuleFacts
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._sender import check_sender, grant_send_as, sender_of
from cdk_mailroom.handlers._verdicts import warn_of_verdicts
from cdk_mailroom.handlers.python_handler import PythonHandler

__all__ = ["AutoReply"]

# Lambda keeps all of a function's environment within 4 KB.
_REPLY_BYTES = 3000
_LONGEST_WINDOW = 10 * 365 * 24 * 3600


class AutoReply(PythonHandler):
    """Answer each sender once in a while, never an automatic mail, as RFC 3834 asks.

    Creates a table of the senders that were answered (hashes, no addresses), whose entries expire.
    Grants sending as *from_address* only. The code is ``mailroom.handlers.receiving.auto_reply``.
    """

    default_memory_size = 256

    def __init__(
        self,
        *,
        text: str,
        html: str | None = None,
        subject: str | None = None,
        from_address: str | None = None,
        window: Duration | None = None,
        configuration_set_name: str | None = None,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the answer.

        Args:
            text: The answer's plain text.
            html: The same in HTML; with *text* at most 3000 bytes. None by default.
            subject: ``Auto: `` and the original's subject by default.
            from_address: An address of a verified identity. By default the rule's first recipient,
                or ``no-reply@`` its domain.
            window: How long a sender is not answered again; 7 days by default.
            configuration_set_name: The configuration set whose events report on the answers; none
                by default.
            **options: See `FunctionOptions`. Memory is 256 MiB by default.

        Raises:
            ConfigurationError: The text is empty or too long, or the address is not one.
        """
        self._text = text
        self._html = html
        self._subject = subject
        self._from_address = from_address
        self._window = window or Duration.days(7)
        self._configuration_set_name = configuration_set_name
        super().__init__(
            None, "mailroom.handlers.receiving.auto_reply:on_mail", read_mail=False, **options
        )

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        if not self._text.strip():
            problems.add("text", self._text, "write the answer")
        if self._from_address is not None:
            check_address(problems, "from_address", self._from_address)
        size = len(self._text.encode()) + len((self._html or "").encode())
        if size > _REPLY_BYTES:
            problems.add(
                "len(text + html)", size, f"stay within {_REPLY_BYTES} bytes, or link to a page"
            )
        check_seconds(problems, "window", self._window, range(1, _LONGEST_WINDOW + 1))
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        check_sender(problems, facts, self._from_address, self._configuration_set_name)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Create the table of the senders that were answered; grant its use and the sending."""
        sender = self._from_address or sender_of(context, "no-reply")
        grant_send_as(function, sender, self._configuration_set_name)
        warn_of_verdicts(
            function,
            context,
            "mail is answered if its sender is authenticated, spam or not; and if its events have "
            "no verdict on SPF and DMARC either, which is not documented, nothing is answered",
        )
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
        settings = {
            "MAILROOM_REPLY_FROM": sender,
            "MAILROOM_REPLY_TEXT": self._text,
            "MAILROOM_REPLY_HTML": self._html,
            "MAILROOM_REPLY_SUBJECT": self._subject,
            "MAILROOM_REPLY_WINDOW_SECONDS": Tokenization.stringify_number(
                self._window.to_seconds()
            ),
            "MAILROOM_REPLY_TABLE": table.table_name,
            "MAILROOM_CONFIGURATION_SET": self._configuration_set_name,
        }
        for name, value in settings.items():
            if value is not None:
                function.add_environment(name, value)
