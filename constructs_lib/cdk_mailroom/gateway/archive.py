"""An archive that keeps mail for years and can be searched."""

from __future__ import annotations

import re
from enum import StrEnum

from aws_cdk import Fn, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._asked import region_of
from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._imported import warn_of_import
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.gateway._names import tell

__all__ = ["ArchiveRetention", "ExistingMailArchive", "MailArchive"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?"
_ARN = r"arn:[a-z-]+:ses:[a-z0-9-]+:\d{12}:mailmanager-archive/a-\w{1,64}"
_KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey")
_SEARCH = (
    "ses:StartArchiveSearch",
    "ses:GetArchiveSearch",
    "ses:GetArchiveSearchResults",
    "ses:StopArchiveSearch",
    "ses:GetArchiveMessage",
    "ses:GetArchiveMessageContent",
)


class ArchiveRetention(StrEnum):
    """How long an archive keeps mail; these are all that Mail Manager has.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_ArchiveRetention.html
    """

    THREE_MONTHS = "THREE_MONTHS"
    SIX_MONTHS = "SIX_MONTHS"
    NINE_MONTHS = "NINE_MONTHS"
    ONE_YEAR = "ONE_YEAR"
    EIGHTEEN_MONTHS = "EIGHTEEN_MONTHS"
    TWO_YEARS = "TWO_YEARS"
    THIRTY_MONTHS = "THIRTY_MONTHS"
    THREE_YEARS = "THREE_YEARS"
    FOUR_YEARS = "FOUR_YEARS"
    FIVE_YEARS = "FIVE_YEARS"
    SIX_YEARS = "SIX_YEARS"
    SEVEN_YEARS = "SEVEN_YEARS"
    EIGHT_YEARS = "EIGHT_YEARS"
    NINE_YEARS = "NINE_YEARS"
    TEN_YEARS = "TEN_YEARS"
    PERMANENT = "PERMANENT"


class ExistingMailArchive(MailConstruct):
    """An archive that exists already; `MailArchive.from_archive_arn` returns it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        archive_arn: str,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        """Refer to the archive; see `MailArchive.from_archive_arn`.

        Args:
            scope: The construct or stack that this belongs to.
            construct_id: Its id there.
            archive_arn: Its ARN.
            encryption_key: The key that encrypts it; one of AWS's own by default.
        """
        super().__init__(scope, construct_id)
        self.archive_arn = archive_arn
        """The ARN, for configuration sets that archive what they send."""
        self.encryption_key = encryption_key
        """The key that encrypts the archive; ``None`` for a key of AWS's own."""

    @property
    def archive_id(self) -> str:
        """The id, for the action `Archive`."""
        # AWS's documents disagree on whether the attribute ArchiveId is the id or the ARN.
        return Fn.select(1, Fn.split("/", self.archive_arn))

    def grant_search(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* search the archive and read all mail in it; it can change nothing.

        A function also gets the archive's id in ``MAILROOM_ARCHIVES``, where
        ``mailroom.gateway.Archive`` finds it.

        Args:
            grantee: Who may read the mail.

        Returns:
            The grant.

        Raises:
            ConfigurationError: The function knows another archive with the same construct id.
        """
        tell(grantee, "MAILROOM_ARCHIVES", self, self.archive_id)
        grant = iam.Grant.add_to_principal(
            grantee=grantee, actions=[*_SEARCH], resource_arns=[self.archive_arn]
        )
        if self.encryption_key is None:
            return grant
        reading = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["kms:Decrypt", "kms:DescribeKey"],
            resource_arns=[self.encryption_key.key_arn],
            conditions=_through_ses(self),
        )
        return grant.combine(reading)


class MailArchive(ExistingMailArchive):
    """An archive of Mail Manager, for the action `Archive` and for configuration sets.

    An archive costs $2 for each GB that comes in, and $0.19 a month for each GB that is kept
    (prices of July 2026). An account can have ten in a region. A deleted archive goes after 30
    days, and its name may stay taken until then.

    https://docs.aws.amazon.com/ses/latest/dg/eb-archiving.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        retention: ArchiveRetention | str | None = None,
        encryption_key: kms.IKey | None = None,
        name: str | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the archive.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*, by which a function's code finds the archive.
            retention: One of the periods that Mail Manager has; it can be changed once a week. By
                default Mail Manager's own 180 days.
            encryption_key: A customer key. SES may use it for the archive, and callers of SES in
                this account by their own permissions. Another key makes another archive. By
                default AWS's own key.
            name: 2 to 64 letters, digits, ``_`` and ``-``, with a letter or digit at both ends. By
                default CloudFormation chooses one, because a name may stay taken for 30 days.
            removal_policy: What happens to the mail when the archive is removed from the app. It is
                kept by default.

        Raises:
            ConfigurationError: Mail Manager has no such period, or would refuse the name.
        """
        problems = Problems(scope, construct_id)
        periods = [str(one) for one in ArchiveRetention]
        if retention is not None and str(retention) not in periods:
            problems.add("retention", retention, f"use one of {', '.join(periods)}")
        if name is not None and resolved(name) and not (re.fullmatch(_NAME, name) and name[1:]):
            problems.add(
                "name", name, "use 2 to 64 of A-Z a-z 0-9 _ -, with a letter or digit at both ends"
            )
        problems.raise_if_any()
        super().__init__(scope, construct_id, archive_arn="", encryption_key=encryption_key)
        if encryption_key is not None:
            self._let_ses_use(encryption_key)
        archive = ses.CfnMailManagerArchive(
            self,
            "Resource",
            archive_name=name,
            kms_key_arn=None if encryption_key is None else encryption_key.key_arn,
            retention=None
            if retention is None
            else ses.CfnMailManagerArchive.ArchiveRetentionProperty(
                retention_period=str(retention)
            ),
        )
        archive.apply_removal_policy(removal_policy or RemovalPolicy.RETAIN)
        self.archive_arn = archive.attr_archive_arn

    @staticmethod
    def from_archive_arn(
        scope: Construct,
        construct_id: str,
        archive_arn: str,
        *,
        encryption_key: kms.IKey | None = None,
    ) -> ExistingMailArchive:
        """Return an archive that exists already.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*, by which a function's code finds the archive.
            archive_arn: Its ARN.
            encryption_key: Its customer key, if it has one, for `grant_search`.

        Raises:
            ConfigurationError: It is not the ARN of an archive.
        """
        problems = Problems(scope, construct_id)
        if resolved(archive_arn) and not re.fullmatch(_ARN, archive_arn):
            problems.add(
                "archive_arn", archive_arn, "pass arn:aws:ses:REGION:ACCOUNT:mailmanager-archive/ID"
            )
        problems.raise_if_any()
        return ExistingMailArchive(
            scope, construct_id, archive_arn=archive_arn, encryption_key=encryption_key
        )

    def _let_ses_use(self, key: kms.IKey) -> None:
        """Add what AWS's page of policies asks for.

        https://docs.aws.amazon.com/ses/latest/dg/eb-policies.html
        """
        # Archiving supports no condition on the source, the page says.
        by_ses = iam.PolicyStatement(
            principals=[iam.ServicePrincipal("ses.amazonaws.com")],
            actions=[*_KEY_ACTIONS],
            resources=["*"],
        )
        by_callers = iam.PolicyStatement(
            principals=[iam.AccountRootPrincipal()],
            actions=[*_KEY_ACTIONS],
            resources=["*"],
            conditions=_through_ses(self),
        )
        if key.add_to_resource_policy(by_ses).statement_added:
            key.add_to_resource_policy(by_callers)
        else:
            warn_of_import(
                self,
                "key",
                key,
                by_ses,
                "the archive cannot be created",
                code="cdk-mailroom:archive-key",
            )
        reviewed_wildcard(key, "Action::kms:GenerateDataKey*", "as AWS's page has it")


def _through_ses(scope: Construct) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"kms:ViaService": f"ses.{region_of(scope)}.amazonaws.com"}}
