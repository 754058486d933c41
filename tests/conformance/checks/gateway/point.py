"""The ingress point that checks of Mail Manager share, and what they send to it."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from conformance.check import Need
from conformance.permissions import BUCKET, ROLE
from conformance.place import Place
from conformance.site import Site

# What `Point` and `Point.rules` do.
POINT = (
    "iam:CreateServiceLinkedRole",
    "ses:CreateIngressPoint",
    "ses:CreateRuleSet",
    "ses:CreateTrafficPolicy",
    "ses:DeleteIngressPoint",
    "ses:DeleteRuleSet",
    "ses:DeleteTrafficPolicy",
    "ses:GetIngressPoint",
    "ses:UpdateRuleSet",
    "ses:UpdateTrafficPolicy",
)
STORING = (*POINT, *BUCKET, *ROLE)
NEEDS = (Need.DOMAIN, Need.PORT_25)
CREATES = "an ingress point with traffic policy and rule set, which the checks share, a role"
# An open ingress point costs $50 a month; AWS does not say whether it bills parts of a day. Ten
# checks share it: this is a tenth of a day's price, and of the time that it takes to be made.
DOLLARS = 0.2
MINUTES = 0.3

_DROP = {"Name": "Drop", "Actions": [{"Drop": {}}]}
_made: list[Point] = []


def shared(place: Place) -> Point:
    """The ingress point of the run, made by the first check that needs it."""
    if not _made or _made[0].site is not place.site:
        _made[:] = [Point(place)]
        place.site.cleanup.add("shared ingress point", _made.clear)
    return _made[0]


class Point:
    """An open ingress point that takes mail for the verified domain; without rules, it drops it."""

    def __init__(self, place: Place) -> None:
        self.site: Site = place.site
        self._api = place.client("mailmanager")
        self._domain = place.domain
        self.arn_scope = f"arn:aws:ses:{place.region}:{place.account}"
        name = place.name("point")
        self.policy = self._made(
            "traffic_policy",
            TrafficPolicyName=f"{name}-policy",
            PolicyStatements=[self.to_us()],
            DefaultAction="DENY",
        )
        self.rule_set = self._made("rule_set", RuleSetName=f"{name}-rules", Rules=[_DROP])
        self.id = self._made(
            "ingress_point",
            IngressPointName=name,
            Type="OPEN",
            TlsPolicy="OPTIONAL",
            RuleSetId=self.rule_set,
            TrafficPolicyId=self.policy,
        )
        # Deleted first, as nothing that it uses can be deleted before it is gone.
        place.until(lambda: self._status() == "ACTIVE", seconds=600)

    def to_us(self, *more: dict[str, Any]) -> dict[str, Any]:
        """The statement that allows mail for the domain, under these conditions too."""
        recipient = {
            "StringExpression": {
                "Evaluate": {"Attribute": "RECIPIENT"},
                "Operator": "ENDS_WITH",
                "Values": [f"@{self._domain}"],
            }
        }
        return {"Action": "ALLOW", "Conditions": [recipient, *more]}

    def rules(self, place: Place, *rules: dict[str, Any]) -> None:
        """Give the rule set these rules while the check runs."""
        place.cleanup.add(
            "rules", self._api.update_rule_set, RuleSetId=self.rule_set, Rules=[_DROP]
        )
        self._api.update_rule_set(RuleSetId=self.rule_set, Rules=list(rules))
        place.pause(15)

    def statements(self, place: Place, *statements: dict[str, Any]) -> None:
        """Give the traffic policy these statements while the check runs."""
        change = self._api.update_traffic_policy
        of = {"TrafficPolicyId": self.policy}
        place.cleanup.add("statements", change, **of, PolicyStatements=[self.to_us()])
        change(**of, PolicyStatements=list(statements))
        place.pause(15)

    @contextlib.contextmanager
    def smtp(
        self, place: Place, *, context: ssl.SSLContext | None = None
    ) -> Iterator[smtplib.SMTP]:
        """A connection after EHLO; with a context, after STARTTLS too."""
        host, port = place.ingress(self.id)
        with contextlib.closing(smtplib.SMTP(host, port, timeout=60)) as smtp:
            smtp.ehlo()
            if context is not None:
                smtp.starttls(context=context)
                smtp.ehlo()
            yield smtp

    def send(self, place: Place, to: str) -> str:
        """Send a message from outside, and return its id."""
        lines = (
            "From: Jane Doe <jane@example.net>",
            f"To: {to}",
            "Subject: Conformance",
            f"Date: {format_datetime(datetime.now(UTC))}",
            "Message-ID: <conformance@example.net>",
            "",
            "Hi",
            "",
        )
        with self.smtp(place, context=place.site.tls) as smtp:
            smtp.mail("jane@example.net")
            smtp.rcpt(to)
            code, reply = smtp.data("\r\n".join(lines).encode())
        text = reply.decode("utf-8", "replace")
        if code != 250:
            raise RuntimeError(f"the message was refused: {code} {text}")
        place.mask(text.rpartition(" ")[2], "message id")
        return text.rpartition(" ")[2]

    def role(self, place: Place, *statements: dict[str, Any]) -> str:
        """The ARN of a role for actions, which IAM knows everywhere."""
        arn = place.role("ses.amazonaws.com", *statements)
        place.pause(15)
        return arn

    def _made(self, kind: str, **given: Any) -> str:
        answer = getattr(self._api, f"create_{kind}")(**given)
        name = f"{kind.title().replace('_', '')}Id"
        remove: Callable[..., Any] = getattr(self._api, f"delete_{kind}")
        if kind == "ingress_point":
            remove = self._removed
        self.site.cleanup.add(kind.replace("_", " "), remove, **{name: answer[name]})
        return str(answer[name])

    def _removed(self, **of: str) -> None:
        """Delete the ingress point, and wait until it is gone: what it uses goes afterwards."""
        self._api.delete_ingress_point(**of)
        while True:
            try:
                self._api.get_ingress_point(**of)
            except self._api.exceptions.ResourceNotFoundException:
                return
            Place(self.site, "gateway.removal").pause(10)

    def _status(self) -> str:
        return str(self._api.get_ingress_point(IngressPointId=self.id)["Status"])


def to(address: str) -> dict[str, Any]:
    """The condition that a recipient is this one."""
    return {
        "StringExpression": {
            "Evaluate": {"Attribute": "RECIPIENT"},
            "Operator": "EQUALS",
            "Values": [address],
        }
    }


def rule(name: str, *actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A rule with these actions."""
    return {"Name": name, "Actions": list(actions), **fields}


class Store:
    """A bucket, and the actions that store mail in it below prefixes."""

    def __init__(self, place: Place, point: Point, *more: dict[str, Any]) -> None:
        self.place, self.bucket = place, place.bucket(writable=False)
        arn = f"arn:aws:s3:::{self.bucket}"
        granted = {
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:ListBucket"],
            "Resource": [arn, f"{arn}/*"],
        }
        self.role = point.role(place, granted, *more)

    def action(self, prefix: str) -> dict[str, Any]:
        """The action that stores below this prefix."""
        return {
            "WriteToS3": {
                "RoleArn": self.role,
                "S3Bucket": self.bucket,
                "S3Prefix": prefix,
                "ActionFailurePolicy": "CONTINUE",
            }
        }

    def keys(self, *, last: str = "", seconds: float = 90) -> list[str]:
        """The keys, once there is one below the prefix of the last action."""
        return self.place.until(
            lambda: self.place.keys(self.bucket),
            lambda keys: any(key.startswith(last) for key in keys),
            seconds=seconds,
        )

    def prefixes(self, *, last: str) -> list[str]:
        """The prefixes below which there is mail."""
        return sorted({key.partition("/")[0] for key in self.keys(last=last)})
