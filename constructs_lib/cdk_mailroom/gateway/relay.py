"""Another server that mail is passed to."""

from __future__ import annotations

import re

from aws_cdk import Annotations
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, check_number, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom.gateway.limits import RELAY_SERVER
from cdk_mailroom.gateway.secrets import check_secret, grant_secret

__all__ = ["Relay"]

_Relay = ses.CfnMailManagerRelay


class Relay(MailConstruct):
    """A server on the internet that `gateway.actions.Relay` passes mail to.

    SES delivers to recipients only whose domain is a verified identity of the account, which a
    warning says.

    https://docs.aws.amazon.com/ses/latest/dg/eb-relay.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        server: str,
        port: int = 25,
        secret: secretsmanager.ISecret | None = None,
    ) -> None:
        """Describe the server.

        Args:
            scope: The construct or stack that this belongs to.
            construct_id: Its id there.
            server: The name of the host, which must be public.
            port: Its port; 25 by default.
            secret: A secret with the keys ``username`` and ``password`` and no others, encrypted
                with a customer key; its policies let SES read it. By default mail is passed on
                without logging in, as to a server that accepts mail from the addresses of SES.

        Raises:
            ConfigurationError: Mail Manager would refuse an argument.
        """
        problems = Problems(scope, construct_id)
        if resolved(server) and not (
            isinstance(server, str) and re.fullmatch(RELAY_SERVER, server)
        ):
            problems.add("server", server, "use up to 100 letters, digits, '.' and '-'")
        check_number(problems, "port", port, range(1, 65_536), "the server")
        check_secret(problems, "secret", secret)
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        waits = []
        if secret is not None:
            waits = grant_secret(
                self,
                secret,
                "mailmanager-smtp-relay",
                actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                key_actions=["kms:Decrypt", "kms:DescribeKey"],
            )
        self._resource = _Relay(
            self,
            "Resource",
            server_name=server,
            server_port=port,
            authentication=(
                _Relay.RelayAuthenticationProperty(no_authentication={})
                if secret is None
                else _Relay.RelayAuthenticationProperty(secret_arn=secret.secret_arn)
            ),
        )
        if secret is not None:
            self._resource.node.add_dependency(*waits)
        Annotations.of(self).add_warning_v2(
            "cdk-mailroom:relay-identities",
            "SES passes mail on only for recipients whose domain is a verified identity of this "
            "account, and silently not for others: verify them, then call "
            "Annotations.of(relay).acknowledge_warning('cdk-mailroom:relay-identities')",
        )

    @property
    def relay_id(self) -> str:
        """The id of the relay."""
        return self._resource.attr_relay_id

    @property
    def relay_arn(self) -> str:
        """The ARN of the relay."""
        return self._resource.attr_relay_arn
