"""Send each mail to a URL."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._secrets import grant_read_secret
from cdk_mailroom.actions.base import RuleContext, RuleFacts
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._hand_on import TEXT_BYTES, HandOn, check_place, check_target
from mailroom.errors import NotConfigured
from mailroom.handlers.receiving.webhook import check_url

__all__ = ["Webhook"]

# Three tries of ten seconds, the pauses between them, and reading the mail.
_LEAST_SECONDS = 45


class Webhook(HandOn):
    """Send each mail to a URL, as one JSON event that is signed with HMAC-SHA-256.

    A request that fails is tried twice more, then Lambda calls twice more, and then the dead-letter
    queue has the mail. Redirects are not followed. The address that the URL's name resolves to is
    looked at first, and must be public. Grants reading the secret. The code is
    ``mailroom.handlers.receiving.webhook``; the event is in docs/handing-on.md.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: secretsmanager.ISecret,
        allow_http: bool = False,
        allow_private: bool = False,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the webhook.

        Args:
            url: Where to, ``https://…``.
            secret: The secret that signs: text, of which what begins with ``whsec_`` is Base64
                after it, as Standard Webhooks has it.
            allow_http: Also allow ``http://…``, where anyone on the way can read the mail.
            allow_private: Also allow private and loopback addresses, such as those of the
                function's VPC. Link-local addresses are never allowed.
            text_bytes: How much of the mail's text is in the event, 0 to 200000; 64 KiB by default.
            **options: See `FunctionOptions`. Memory is 1024 MiB by default; the timeout is at least
                45 s.

        Raises:
            ConfigurationError: The URL cannot be used, or an argument is out of bounds.
        """
        self._url = url
        self._secret = secret
        self._allow_http = allow_http
        self._allow_private = allow_private
        super().__init__("webhook", text_bytes=text_bytes, **options)

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        if resolved(self._url):
            try:
                check_url(self._url, allow_http=self._allow_http, allow_private=self._allow_private)
            except NotConfigured as error:
                # Not the URL itself, in which there may be a password.
                problems.add("url", "not usable", str(error))
        remedy = "secretsmanager.Secret.from_secret_name_v2(…)"
        check_target(problems, "secret", self._secret, "secret_arn", remedy)
        if not self.timeout.is_unresolved() and self.timeout.to_seconds() < _LEAST_SECONDS:
            problems.add(
                "timeout",
                f"{self.timeout.to_seconds():g} s",
                f"pass at least {_LEAST_SECONDS} s: three tries take that long",
            )
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        check_place(problems, "secret", self._secret, facts)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant reading the secret, and set the URL."""
        grant_read_secret(function, self._secret)
        self.set_up(
            function,
            {
                "MAILROOM_WEBHOOK_URL": self._url,
                "MAILROOM_WEBHOOK_SECRET": self._secret.secret_arn,
                "MAILROOM_WEBHOOK_ALLOW_HTTP": "1" if self._allow_http else None,
                "MAILROOM_WEBHOOK_ALLOW_PRIVATE": "1" if self._allow_private else None,
            },
        )
