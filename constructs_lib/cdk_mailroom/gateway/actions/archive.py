"""Keep the message in an archive."""

from __future__ import annotations

from typing import Protocol

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems
from cdk_mailroom.gateway.actions.base import (
    Action,
    BoundGatewayAction,
    GatewayAction,
    GatewayContext,
    OnFailure,
    check_on_failure,
)

__all__ = ["Archive", "TargetArchive"]

_Rules = ses.CfnMailManagerRuleSet


class TargetArchive(Protocol):
    """A `MailArchive`."""

    @property
    def archive_id(self) -> str:
        """Its id."""


class Archive(GatewayAction):
    """Keep the message in an archive of Mail Manager. Nothing has to be granted.

    https://docs.aws.amazon.com/ses/latest/dg/eb-archiving.html
    """

    def __init__(
        self,
        archive: TargetArchive | str,
        *,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None:
        """Describe the action.

        Args:
            archive: The archive, or the id of one that exists already.
            on_failure: What happens when the archive is gone; see `OnFailure`.

        Raises:
            ConfigurationError: The archive is not one.
        """
        problems = Problems("gateway.actions.Archive")
        check_on_failure(problems, on_failure)
        archive_id = archive if isinstance(archive, str) else getattr(archive, "archive_id", None)
        if not isinstance(archive_id, str) or archive_id.startswith("arn:"):
            problems.add("archive", archive, "pass a MailArchive, or the id of an archive")
        problems.raise_if_any()
        self.archive_id = str(archive_id)
        """The id of the archive."""
        self.on_failure = on_failure

    def bind(self, scope: Construct, context: GatewayContext) -> BoundGatewayAction:
        """Return the action."""
        return BoundGatewayAction(
            action=Action(
                archive=_Rules.ArchiveActionProperty(
                    target_archive=self.archive_id, action_failure_policy=str(self.on_failure)
                )
            )
        )
