"""Who may connect to an ingress point, and how clients identify themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ses as ses
from constructs import Construct, IDependable

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._reviewed import reviewed
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.network import Network, PublicNetwork
from cdk_mailroom.gateway.secrets import check_secret, grant_key, grant_secret
from cdk_mailroom.gateway.tls_policy import Tls, check_tls, default_tls

__all__ = ["Access", "Authenticated", "BoundAccess", "MutualTls", "Open"]

_Point = ses.CfnMailManagerIngressPoint
_INGRESS_POINT = "mailmanager-ingress-point"


@dataclass(frozen=True, kw_only=True)
class BoundAccess:
    """An access in the form that an ingress point takes, and what came with it."""

    configuration: ses.CfnMailManagerIngressPoint.IngressPointConfigurationProperty | None = None
    """What clients show; nothing for an open point."""
    dependencies: list[IDependable] = field(default_factory=list)
    """What must exist before the ingress point, because Mail Manager checks it."""
    secret: secretsmanager.ISecret | None = None
    """The secret with the password."""


class Access(ABC):
    """Who may connect to an ingress point, and from where.

    Another kind or network replaces the point: its host and its user.
    """

    kind: ClassVar[str]
    """``OPEN``, ``AUTH`` or ``MTLS``."""

    def __init__(self, tls: Tls | str | None, network: Network | None) -> None:
        self.tls = tls
        """The TLS policy, if it was given."""
        self.network = PublicNetwork() if network is None else network
        """How clients reach it."""

    @property
    def chosen_by_aws(self) -> bool:
        """Tell whether Mail Manager offers one TLS policy only, which cannot be changed."""
        return True

    def tls_policy(self, region: str) -> Tls | str:
        """Return the TLS policy, given or by default."""
        return self.tls or default_tls(region, chosen_by_aws=self.chosen_by_aws)

    def check(self, problems: Problems, region: str) -> None:
        """Note what Mail Manager would refuse."""
        if not isinstance(self.network, Network):
            remedy = "pass gateway.PublicNetwork() or gateway.VpcEndpoint(…)"
            problems.add("access.network", self.network, remedy)
            return
        self.network.check(problems)
        check_tls(problems, self.tls, region, chosen_by_aws=self.chosen_by_aws)

    @abstractmethod
    def bind(self, scope: Construct) -> BoundAccess:
        """Create and grant what the access needs, below *scope*."""


class Open(Access):
    """Anyone may connect, which is what an MX record needs."""

    kind = "OPEN"

    def __init__(self, *, tls: Tls | str | None = None, network: Network | None = None) -> None:
        """Describe the access.

        Args:
            tls: Whether clients must encrypt; `Tls.REQUIRED` by default. Some servers on the
                internet cannot: with `Tls.OPTIONAL` their mail comes too.
            network: How clients reach the point: `PublicNetwork` by default, or `VpcEndpoint`.
        """
        super().__init__(tls, network)

    @property
    def chosen_by_aws(self) -> bool:
        """Open points have a choice, public or private."""
        return False

    def bind(self, scope: Construct) -> BoundAccess:
        """Nothing is needed."""
        return BoundAccess()


class Authenticated(Access):
    """Clients log in: the user is the id of the ingress point, the password is in a secret.

    Creates a secret with a random password, encrypted with a customer key as SES asks for. The
    password can be changed there at any time: the one before stays valid beside it. Prefer that to
    another secret, as whether CloudFormation passes a change of the secret on is not certain.

    https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
    """

    kind = "AUTH"

    def __init__(
        self,
        *,
        secret: secretsmanager.ISecret | None = None,
        encryption_key: kms.IKey | None = None,
        tls: Tls | str | None = None,
        network: Network | None = None,
    ) -> None:
        """Describe the access.

        Args:
            secret: A secret whose only key is ``password``, with 8 to 64 characters, encrypted with
                a customer key. A new one by default.
            encryption_key: The customer key of the new secret; a new one by default.
            tls: Whether clients must encrypt. Public points have no choice; private ones
                `Tls.REQUIRED` by default.
            network: How clients reach the point: `PublicNetwork` by default, or `VpcEndpoint`.
        """
        super().__init__(tls, network)
        self._secret = secret
        self._encryption_key = encryption_key

    @property
    def chosen_by_aws(self) -> bool:
        """Private points have a choice."""
        return not self.network.private

    def check(self, problems: Problems, region: str) -> None:
        """Note what Mail Manager would refuse."""
        super().check(problems, region)
        check_secret(problems, "access.secret", self._secret)
        if self._secret is not None and self._encryption_key is not None:
            problems.add(
                "access.encryption_key",
                self._encryption_key.node.path,
                "omit it: the given secret has its own",
            )

    def bind(self, scope: Construct) -> BoundAccess:
        """Create the secret, let SES read it, and return it."""
        secret = self._secret or self._new_secret(scope)
        waits = grant_secret(
            scope,
            secret,
            _INGRESS_POINT,
            actions=["secretsmanager:GetSecretValue"],
            key_actions=["kms:Decrypt"],
        )
        return BoundAccess(
            configuration=_Point.IngressPointConfigurationProperty(secret_arn=secret.secret_arn),
            dependencies=waits,
            secret=secret,
        )

    def _new_secret(self, scope: Construct) -> secretsmanager.Secret:
        key = self._encryption_key or kms.Key(
            scope,
            "PasswordKey",
            description="Encrypts the password of a mail gateway",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        secret = secretsmanager.Secret(
            scope,
            "Password",
            description="The password of a mail gateway; the user is the ingress point's id",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template="{}",  # noqa: S106 -- a template without a password
                generate_string_key="password",
                password_length=40,
                # Not all punctuation is allowed.
                exclude_punctuation=True,
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )
        reviewed(secret, "SMG4", "who changes the password must tell the clients at the same time")
        return secret


class MutualTls(Access):
    """Clients show a certificate that one of the given authorities signed.

    Mail Manager leaves out authorities that have expired, and those whose revocation list has: put
    a new list into the app in time. Conditions may look at the certificate: `certificate`.

    https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
    """

    kind = "MTLS"

    def __init__(
        self,
        *,
        ca: str | Path,
        crl: str | Path | None = None,
        encryption_key: kms.IKey | None = None,
        tls: Tls | str | None = None,
        network: Network | None = None,
    ) -> None:
        """Describe the access.

        Args:
            ca: The certificates of the authorities in PEM format: the text, or the path of a file.
            crl: Their revocation lists in PEM format; none by default.
            encryption_key: The customer key that encrypts both; SES's own by default.
            tls: There is no choice: `Tls.FIPS` in the United States and Canada, `Tls.REQUIRED`
                elsewhere.
            network: How clients reach the point: `PublicNetwork` by default, or `VpcEndpoint`.
        """
        super().__init__(tls, network)
        self._ca = ca
        self._crl = crl
        self._encryption_key = encryption_key

    def check(self, problems: Problems, region: str) -> None:
        """Note what Mail Manager would refuse."""
        super().check(problems, region)
        _check_pem(problems, "access.ca", self._ca, "-----BEGIN CERTIFICATE-----")
        if self._crl is not None:
            _check_pem(problems, "access.crl", self._crl, "-----BEGIN X509 CRL-----")

    def bind(self, scope: Construct) -> BoundAccess:
        """Let SES use the key, and return the trust store."""
        key = self._encryption_key
        waits: list[IDependable] = []
        if key is not None:
            waits = grant_key(
                scope, key, _INGRESS_POINT, actions=["kms:Decrypt", "kms:DescribeKey"]
            )
        return BoundAccess(
            configuration=_Point.IngressPointConfigurationProperty(
                tls_auth_configuration=_Point.TlsAuthConfigurationProperty(
                    trust_store=_Point.TrustStoreProperty(
                        ca_content=_text(self._ca),
                        crl_content=None if self._crl is None else _text(self._crl),
                        kms_key_arn=None if key is None else key.key_arn,
                    )
                )
            ),
            dependencies=waits,
        )


def _text(pem: str | Path) -> str:
    return pem.read_text() if isinstance(pem, Path) else pem


def _check_pem(problems: Problems, argument: str, pem: str | Path, begin: str) -> None:
    if isinstance(pem, Path) and not pem.is_file():
        problems.add(argument, str(pem), "no such file: correct the path")
        return
    text = _text(pem)
    if not resolved(text):
        return
    if begin not in text:
        problems.add(argument, text[:60], f"pass PEM, with a line {begin!r}; a path as a Path")
    if "PRIVATE KEY" in text:
        problems.add(argument, "a private key", "remove it: everyone could read it")
    if len(text) > limits.TRUST_STORE_CHARACTERS:
        problems.add(
            f"len({argument})", len(text), f"use up to {limits.TRUST_STORE_CHARACTERS} characters"
        )
