"""What the local Mail Manager needs of the emulator."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from mailroom_local.gateway.points import IngressPoint


class Services(Protocol):
    """The emulator's Mail Manager, and what it knows of identities, roles and logs.

    The parameters ``account`` and ``region`` say where a thing is.
    """

    def ingress_points(self) -> Sequence[IngressPoint]:
        """Every ingress point of every account and region."""
        ...

    def members(self, arn: str, account: str, region: str) -> Collection[str]:
        """The members of an address list."""
        ...

    def relay(self, relay_id: str, account: str, region: str) -> Mapping[str, Any] | None:
        """A relay, as GetRelay returns it."""
        ...

    def addon_name(self, instance_arn: str) -> str:
        """The name of the add-on of an instance."""
        ...

    def keep_in_archive(
        self,
        archive_id: str,
        raw: bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        message_id: str,
        account: str,
        region: str,
        helo: str = "",
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Keep a message in an archive and return its id there, or raise if there is none."""
        ...

    def refusal_of_role(
        self,
        role_arn: str,
        asked: Sequence[tuple[str, str]],
        *,
        source_arn: str,
        account: str,
        region: str,
        context: Mapping[str, str],
    ) -> str | None:
        """Why Mail Manager may not do this as a role; actions, each with its resource."""
        ...

    def identities(self, account: str, region: str) -> Sequence[str]:
        """The verified identities."""
        ...

    def remember_received(self, message_id: str, mail_from: str) -> None:
        """Let SendBounce know a message."""
        ...

    def publish_log(
        self,
        resource_arn: str,
        log_type: str,
        record: Mapping[str, Any],
        *,
        account: str,
        region: str,
    ) -> None:
        """Publish a record to the log deliveries of a resource."""
        ...
