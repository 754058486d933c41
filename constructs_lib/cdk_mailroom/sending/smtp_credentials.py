"""SMTP credentials for SES, in a secret."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Annotations, CustomResource, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom import _provisioning, _quotas
from cdk_mailroom._asked import region_of, stack_of
from cdk_mailroom._checks import Problems, check_identities, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._grants import SMTP_ACTIONS, check_sender, grant_sending, identity_names
from cdk_mailroom._reviewed import reviewed
from cdk_mailroom.events import EventPublishing
from cdk_mailroom.sending.identity import SendingIdentity

__all__ = ["SmtpCredentials"]


class SmtpCredentials(MailConstruct):
    """A user name and password for SES's SMTP interface, in a secret and nowhere else.

    Creates an IAM user that may send raw mail from addresses of the identities, through the
    configuration set, and do nothing else; a function makes its access key, derives the password as
    AWS documents, and writes both to the secret: they are in no template, log or output. What is
    in the secret works at every moment, also while an update fails and is rolled back.

    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        identities: Sequence[ses.IEmailIdentity | SendingIdentity | str],
        publishing: EventPublishing | None = None,
        from_address: str | None = None,
        encryption_key: kms.IKey | None = None,
        rotation: str = "1",
    ) -> None:
        """Create the credentials.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            identities: The identities, or their names, that may be sent from; one or more.
            publishing: The event publishing whose configuration set mail may name.
            from_address: The only From address that may be used; any address of the identities by
                default, with a domain in the spelling of its identity.
            encryption_key: Encrypts the secret; by default Secrets Manager's own key.
            rotation: Any text. Another text makes new credentials and writes them to the secret.
                The credentials before them keep working until the next rotation, so that programs
                have time to read the secret again.

        Raises:
            ConfigurationError: No identity, a From address that belongs to none, or no rotation.
        """
        problems = Problems(scope, construct_id)
        if isinstance(identities, str) or not identities:
            problems.add("identities", identities, "pass a list of at least one identity")
        else:
            check_identities(problems, "identities", identities)
            names = [
                one.name if isinstance(one, SendingIdentity) else one
                for one in identities
                if isinstance(one, SendingIdentity | str)
            ]
            if from_address is not None:
                known = names if len(names) == len(identities) else None
                check_sender(problems, from_address=from_address, identities=known)
        if resolved(rotation) and not str(rotation):
            problems.add("rotation", rotation, "pass some text, such as a number or a date")
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self.user = iam.User(self, "User")
        """The IAM user behind the credentials."""
        named = identity_names(
            [one.identity if isinstance(one, SendingIdentity) else one for one in identities]
        )
        grant_sending(
            self.user,
            stack=stack_of(self),
            identities=named,
            configuration_set_name=(
                None if publishing is None else publishing.configuration_set_name
            ),
            from_address=from_address,
            from_identities=named,
            actions=SMTP_ACTIONS,
        )
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description="SMTP credentials for SES: username, password, host, port",
            encryption_key=encryption_key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        """JSON with ``username``, ``password``, ``host`` and ``port``."""
        reviewed(self.secret, "SMG4", "it is rotated by changing rotation=, as SES cannot")
        provider = _provisioning.provider(
            self, "MailroomSmtpCredentials", "mailroom.provisioning.smtp_credentials"
        )
        resource = CustomResource(
            self,
            "Resource",
            service_token=provider.service_token,
            service_timeout=_provisioning.SERVICE_TIMEOUT,
            resource_type="Custom::SesSmtpCredentials",
            properties={
                "UserName": self.user.user_name,
                "SecretArn": self.secret.secret_arn,
                "Region": region_of(self),
                "Rotation": rotation,
            },
        )
        # On delete, the keys go while there is still permission to delete them.
        resource.node.add_dependency(provider.function, self._allow(provider.function.role))
        self._warn_of_region()

    def _allow(self, role: iam.IRole | None) -> iam.Policy:
        """Return the permission to manage these credentials, as a policy of its own.

        The function's role is shared by all credentials of the stack. If its own policy named them,
        removing one would take the permission away before its keys are deleted.
        """
        assert role is not None
        statements = [
            iam.PolicyStatement(
                actions=["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys"],
                resources=[self.user.user_arn],
            ),
            # Version ids and labels are the function's memory; it never reads the value.
            iam.PolicyStatement(
                actions=[
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                resources=[self.secret.secret_arn],
            ),
        ]
        if self.secret.encryption_key is not None:
            service = f"secretsmanager.{region_of(self)}.amazonaws.com"
            statements.append(
                iam.PolicyStatement(
                    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
                    actions=["kms:Decrypt", "kms:GenerateDataKey"],
                    resources=[self.secret.encryption_key.key_arn],
                    conditions={"StringEquals": {"kms:ViaService": service}},
                )
            )
        return iam.Policy(self, "Policy", roles=[role], statements=statements)

    def _warn_of_region(self) -> None:
        region = region_of(self)
        if resolved(region) and region in _quotas.REGIONS_WITHOUT_SMTP:
            Annotations.of(self).add_warning_v2(
                "cdk-mailroom:smtp-region",
                f"SES is not known to have an SMTP endpoint in {region}: send through the API with "
                "Sender and grant_send, or deploy SmtpCredentials in a stack in another region; if "
                f"SES has one in {region} meanwhile, call "
                "Annotations.of(credentials).acknowledge_warning('cdk-mailroom:smtp-region')",
            )

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read the credentials.

        Args:
            grantee: Who may read: a function, a role, any grantable.
        """
        return self.secret.grant_read(grantee)
