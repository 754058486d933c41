"""Ingress points made by hand, each with an SMTP server of this process."""

import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mailroom_local._journal import Journal
from mailroom_local.control import journal
from mailroom_local.control.journal import MessageRecord
from mailroom_local.gateway.listeners import Listeners
from mailroom_local.gateway.points import IngressPoint
from mailroom_local.gateway.runner import Runner
from mailroom_local.server.certificate import Certificates

ACCOUNT, REGION = "000000000000", "us-east-1"
ARN = f"arn:aws:ses:{REGION}:{ACCOUNT}"
OPEN_POLICY = {"TrafficPolicyId": "tp-1", "TrafficPolicyName": "policy", "DefaultAction": "ALLOW"}


def ingress_point(**fields: Any) -> IngressPoint:
    """An open point that takes everything; ``rules`` are those of its rule set."""
    name = fields.pop("name", "gate")
    rules = fields.pop("rules", [])
    return IngressPoint(
        **{
            "account": ACCOUNT,
            "region": REGION,
            "id": f"inp-{name}",
            "arn": f"{ARN}:mailmanager-ingress-point/inp-{name}",
            "name": name,
            "kind": "OPEN",
            "status": "ACTIVE",
            "tls_policy": "OPTIONAL",
            "policy": OPEN_POLICY,
            "rule_set": {
                "RuleSetId": "rs-1",
                "RuleSetArn": f"{ARN}:mailmanager-rule-set/rs-1",
                "RuleSetName": "rules",
                "Rules": rules,
            },
            "network": {"PublicNetworkConfiguration": {"IpType": "IPV4"}},
            **fields,
        }
    )


@dataclass
class Emulator:
    """What the emulator would answer; tests say what."""

    points: list[IngressPoint] = field(default_factory=list)
    lists: dict[str, set[str]] = field(default_factory=dict)
    relays: dict[str, dict[str, Any]] = field(default_factory=dict)
    verified: list[str] = field(default_factory=lambda: ["example.com"])
    archived: list[dict[str, Any]] = field(default_factory=list)
    logged: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refusal: str | None = None

    def ingress_points(self) -> list[IngressPoint]:
        return list(self.points)

    def members(self, arn: str, account: str, region: str) -> set[str]:
        return self.lists[arn]

    def relay(self, relay_id: str, account: str, region: str) -> dict[str, Any] | None:
        return self.relays.get(relay_id)

    def addon_name(self, instance_arn: str) -> str:
        return instance_arn.rpartition("/")[2]

    def keep_in_archive(self, archive_id: str, raw: bytes, **envelope: Any) -> str:
        if archive_id != "a-1":
            raise ValueError(f"there is no archive {archive_id}")
        self.archived.append({"archive_id": archive_id, "raw": raw, **envelope})
        return "archived"

    def refusal_of_role(self, role_arn: str, asked: Any, **others: Any) -> str | None:
        self.asked += asked
        return self.refusal

    def identities(self, account: str, region: str) -> list[str]:
        return self.verified

    def remember_received(self, message_id: str, mail_from: str) -> None:
        pass

    def publish_log(self, resource_arn: str, log_type: str, record: Any, **place: Any) -> None:
        self.logged.append((log_type, dict(record)))


class Gate:
    """A server for ingress points, and what its journal says."""

    def __init__(self, folder: Path, *, endpoint: str, mailboxes: Any = ()) -> None:
        self.emulator = Emulator()
        self.certificate = folder / "smtp.pem"
        self.path = folder / "journal.jsonl"
        written = Journal(self.path)
        self.runner = Runner(
            endpoint=endpoint, journal=written, services=self.emulator, mailboxes=mailboxes
        )
        certificates = Certificates(self.certificate, host_names=())
        self.ingress = Listeners(
            runner=self.runner,
            services=self.emulator,
            journal=written,
            context=certificates.context,
        )
        self._connections: list[smtplib.SMTP] = []

    def point(self, **fields: Any) -> IngressPoint:
        """Create the ingress point, or replace the one of the same name."""
        made = ingress_point(**fields)
        others = [one for one in self.emulator.points if one.id != made.id]
        self.emulator.points = [*others, made]
        self.ingress.refresh()
        return made

    def change(self, point: IngressPoint, **fields: Any) -> None:
        self.emulator.points.remove(point)
        self.emulator.points.append(replace(point, **fields))
        self.ingress.refresh()

    def connect(
        self, point: IngressPoint, *, tls: bool = False, context: ssl.SSLContext | None = None
    ) -> smtplib.SMTP:
        """A connection that has said EHLO."""
        address = self.ingress.host_port(point.id)
        assert address is not None
        smtp = smtplib.SMTP(*address, timeout=30, local_hostname="mx.example.net")
        self._connections.append(smtp)
        smtp.ehlo()
        if tls or context:
            smtp.starttls(context=context or self.trusting())
            smtp.ehlo()
        return smtp

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def send(
        self,
        point: IngressPoint,
        raw: bytes = b"Subject: Hello\r\n\r\nHi\r\n",
        *,
        to: Any = "support@example.com",
        mail_from: str = "jane@example.net",
        finished: bool = True,
        **options: Any,
    ) -> MessageRecord:
        """Send a message, and return its story once it is finished."""
        with self.connect(point, **options) as smtp:
            assert smtp.mail(mail_from)[0] == 250
            for one in [to] if isinstance(to, str) else to:
                assert smtp.rcpt(one)[0] == 250
            code, reply = smtp.data(raw)
        assert code == 250, reply
        message_id = reply.decode().rpartition(" ")[2]
        return self.story(message_id) if finished else journal.find(self.path, message_id)[0]

    def story(self, message_id: str) -> MessageRecord:
        """The story of a message once it is finished."""

        def read() -> MessageRecord:
            [found] = journal.find(self.path, message_id)
            return found

        return _until(read, lambda found: found.finished)

    def stories(self, *, count: int = 0) -> list[MessageRecord]:
        """All stories, once there are so many."""
        return _until(lambda: journal.read(self.path), lambda found: len(found) >= count)

    def logs(self, log_type: str) -> list[dict[str, Any]]:
        return [record for kind, record in self.emulator.logged if kind == log_type]

    def close(self) -> None:
        for smtp in self._connections:
            smtp.close()
        self.ingress.close()
        self.runner.close()


def _until(read: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 15
    while not good(found := read()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


@pytest.fixture
def make_gate(tmp_path: Path) -> Iterator[Callable[..., Gate]]:
    made: list[Gate] = []

    def make(endpoint: str = "http://127.0.0.1:9", **options: Any) -> Gate:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Gate(folder, endpoint=endpoint, **options))
        return made[-1]

    yield make
    for gate in made:
        gate.close()


@pytest.fixture
def gate(make_gate: Callable[..., Gate]) -> Gate:
    """A server whose actions have no account to act in."""
    return make_gate()
