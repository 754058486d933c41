"""Where checks run: the local AWS, or a real account."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from conformance.check import Check, Need, NotRun
from conformance.cleanup import Cleanup
from conformance.permissions import COMMON_PREFIX, watch

if TYPE_CHECKING:
    from mailroom_local import LocalAws

LOCAL_DOMAIN = "conformance.example"


@dataclass(kw_only=True)
class Site:
    """An account and a region in it, for all checks of a run."""

    kind: str
    """`AWS` or `local AWS`."""
    account: str
    region: str
    domain: str
    """A domain that SES has verified; empty if there is none."""
    prefix: str
    """What the names of all that this run creates begin with."""
    inbound: tuple[str, int]
    """Host and port at which SES takes mail from outside."""
    submission: tuple[str, int]
    """Host and port at which SES takes mail to be sent."""
    tls: ssl.SSLContext
    make_client: Callable[[str, Config], Any]
    local: LocalAws | None = None
    cleanup: Cleanup = field(default_factory=Cleanup)
    """For what all checks share."""
    _clients: dict[tuple[str, bool], Any] = field(default_factory=dict)
    _lacking: dict[Need, str] = field(default_factory=dict)
    _rule_set: str | NotRun | None = None

    def client(self, service: str, *, checked: bool = True) -> Any:
        """The client of a service, the same one each time.

        Unless it is `checked`, what botocore would refuse by itself reaches AWS.
        """
        if (service, checked) not in self._clients:
            config = Config(
                parameter_validation=checked,
                retries={"total_max_attempts": 10, "mode": "standard"},
            )
            made = self._clients[service, checked] = self.make_client(service, config)
            watch(made)
        return self._clients[service, checked]

    def missing(self, check: Check) -> str:
        """Why a check cannot run here; empty if it can."""
        if self.local is not None and check.here:
            return check.here
        for need in check.needs:
            if need not in self._lacking:
                self._lacking[need] = self._missing(need)
            if reason := self._lacking[need]:
                return reason
        return ""

    def active_rule_set(self) -> str:
        """The name of this run's rule set, which is active; checks add rules for own addresses.

        Raises:
            NotRun: Another rule set is active; it is never displaced.
        """
        if self._rule_set is None:
            try:
                self._rule_set = self._activated()
            except NotRun as reason:
                self._rule_set = reason
        if isinstance(self._rule_set, NotRun):
            raise self._rule_set
        return self._rule_set

    def close(self, left: list[str]) -> None:
        """Delete what all checks shared; add what could not be deleted to `left`."""
        self._rule_set = None
        self.cleanup.run(left)

    def _activated(self) -> str:
        ses = self.client("ses")
        active = ses.describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
        if active:
            raise NotRun(f"the receipt rule set {active} is active, and is not displaced")
        name = f"{self.prefix}-active"
        self.cleanup.add(f"receipt rule set {name}", ses.delete_receipt_rule_set, RuleSetName=name)
        ses.create_receipt_rule_set(RuleSetName=name)
        self.cleanup.add("activation of the receipt rule set", self._deactivate, name=name)
        ses.set_active_receipt_rule_set(RuleSetName=name)
        return name

    def _deactivate(self, name: str) -> None:
        ses = self.client("ses")
        found = ses.describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
        if found == name:
            ses.set_active_receipt_rule_set()

    def _missing(self, need: Need) -> str:
        if need is Need.AWS:
            return "only AWS can show it" if self.local else ""
        if need is Need.DOMAIN:
            return "" if self.domain else "no domain: pass --domain"
        if self.local is not None:
            return ""
        if need is Need.PORT_25 and not self._reachable():
            return f"port 25 of {self.inbound[0]} cannot be reached from here"
        if need is Need.PRODUCTION and not self._in_production():
            return "the account is in the sandbox"
        if need is Need.MX and not self._has_mx():
            return f"the MX record of {self.domain} does not lead to {self.inbound[0]}"
        return ""

    def _reachable(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(self.inbound, timeout=10):
            return True
        return False

    def _in_production(self) -> bool:
        return bool(self.client("sesv2").get_account()["ProductionAccessEnabled"])

    def _has_mx(self) -> bool:
        import shutil
        import subprocess

        tool = shutil.which("nslookup")
        if tool is None:
            raise NotRun("nslookup is not installed, so the MX record cannot be read")
        asked = [tool, "-type=MX", self.domain]
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
        return self.inbound[0] in answer.stdout


@contextlib.contextmanager
def local_site() -> Iterator[Site]:
    """A local AWS of its own for the run."""
    from mailroom_local import LocalAws

    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        os.environ.setdefault("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.1")
        with LocalAws(state=Path(folder) / "state") as aws:
            yield of_local(aws)


def of_local(aws: LocalAws) -> Site:
    """A local AWS that runs already."""
    from mailroom_local.control import clients

    aws.verify_identity(LOCAL_DOMAIN)
    # The overloads of boto3-stubs need a literal service name.
    factory: Any = clients.session(region=aws.server.region, account=aws.server.account).client
    return Site(
        kind="local AWS",
        account=aws.server.account,
        region=aws.server.region,
        domain=LOCAL_DOMAIN,
        prefix=_prefix(),
        inbound=("127.0.0.1", aws.server.smtp_port),
        submission=("127.0.0.1", aws.server.submission_port),
        tls=ssl.create_default_context(cafile=aws.state.certificate),
        make_client=lambda service, config: factory(
            service, endpoint_url=aws.server.endpoint, config=config.merge(Config(proxies={}))
        ),
        local=aws,
    )


def aws_site(*, profile: str | None, region: str | None, domain: str | None) -> Site:
    """A real account, with the user's own credentials."""
    session = boto3.Session(profile_name=profile, region_name=region)
    if session.region_name is None:
        raise NotRun("no region: pass --region")
    # The overloads of boto3-stubs need a literal service name.
    factory: Any = session.client
    # Read only now, so that a wrong profile is noticed before anything else.
    account = session.client("sts").get_caller_identity()["Account"]
    place = session.region_name
    made = Site(
        kind="AWS",
        account=account,
        region=place,
        domain=domain or "",
        prefix=_prefix(),
        inbound=(f"inbound-smtp.{place}.amazonaws.com", 25),
        submission=(f"email-smtp.{place}.amazonaws.com", 587),
        tls=ssl.create_default_context(),
        make_client=lambda service, config: factory(service, config=config),
    )
    if domain:
        asked = made.client("sesv2").get_email_identity(EmailIdentity=domain)
        if not asked["VerifiedForSendingStatus"]:
            raise NotRun(f"--domain {domain} is not verified: verify it in {place} first")
    return made


def _prefix() -> str:
    return f"{COMMON_PREFIX}-{secrets.token_hex(3)}"
