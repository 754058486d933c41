"""A local WorkMail: organizations, their email flow rules, and what is delivered by them.

One minute of a rule's timeout is one second here; `seconds_per_minute` of an organization says
otherwise. A message for which the spam check says FAIL (see `receiving.verdicts_of`) goes to junk,
and one with the header field ``X-Mailroom-WorkMail: frozen`` cannot be replaced.

Of several synchronous rules that match, the one with the most specific patterns is asked; every
asynchronous one is told.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.utils import parseaddr
from threading import Event, Lock
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mailroom_local._ses_error import SesError
from mailroom_local.control import clients
from mailroom_local.receiving import decisions as receiving
from mailroom_local.server.journal import Journal

ANSWER_SECONDS = 15.0
SECONDS_PER_MINUTE = 1.0
MAX_ANSWER_BYTES = 256 * 1024
MAX_ACTIONS = 10
MAX_OUTBOUND = 500
MAX_EVENT_BYTES = 128 * 1024
MAX_SUBJECT = 256
MAX_LINE = 1000
MAX_PATTERNS = 250
MAX_ORGANIZATION_PATTERNS = 1000
MAX_MINUTES = 240

INBOUND, OUTBOUND = "Inbound", "Outbound"
_KEPT_SECONDS = 24 * 3600
_RETRY_SECONDS = 0.1
_TYPES = {
    INBOUND: frozenset({"DEFAULT", "BOUNCE", "DROP", "MOVE_TO_JUNK", "BYPASS_SPAM_CHECK"}),
    OUTBOUND: frozenset({"DEFAULT", "BOUNCE", "DROP"}),
}
_FALLBACKS = {
    INBOUND: {
        "NormalDeliveryAction": "DEFAULT",
        "BounceAction": "BOUNCE",
        "DropAction": "DROP",
        "MoveToJunkAction": "MOVE_TO_JUNK",
        "BypassSpamCheckAction": "BYPASS_SPAM_CHECK",
    },
    OUTBOUND: {
        "DefaultAction": "DEFAULT",
        "BounceAction": "BOUNCE",
        "DropAction": "DROP",
        # Nothing leaves this machine, by whatever route.
        "SmtpRoutingAction": "DEFAULT",
    },
}
_OPERATION = re.compile(r"(Create|Update|Delete|Describe|List|Test)(In|Out)boundMailFlowRules?")
_MONITORING = "DescribeEmailMonitoringConfiguration"
_ORGANIZATION = re.compile(r"m-[0-9a-f]{32}")
_PATTERN = re.compile(r"\*|(?:\*\.|[^@+*\s]+@)?[^@+*\s]+")
_KEY = re.compile(r"[a-zA-Z0-9\-/]+")
_BOUNCE = "The message was not delivered."

_log = logging.getLogger("mailroom")

Rule = Mapping[str, Any]


class Refused(Exception):
    """WorkMail's refusal of a call, by its code."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class WrongAnswer(Exception):
    """A function's answer that WorkMail does not understand, so it asks again."""


class Account(Protocol):
    """What WorkMail finds allowed in the account."""

    def may_invoke(self, function: str, *, organization: str) -> bool:
        """Whether the function's policy lets WorkMail invoke it for this organization."""
        ...

    def fetch(self, bucket: str, key: str, version: str | None, *, message: str) -> bytes | None:
        """The object, if the bucket's policy lets WorkMail read it for this message."""
        ...


@dataclass(slots=True, kw_only=True)
class Organization:
    """An organization; its rules by direction and name."""

    id: str
    arn: str
    domains: frozenset[str]
    users: frozenset[str]
    answer_seconds: float
    seconds_per_minute: float
    rules: dict[str, dict[str, Rule]] = field(default_factory=lambda: {INBOUND: {}, OUTBOUND: {}})

    def holds(self, address: str) -> bool:
        """Whether the address is in one of the organization's domains."""
        return address.casefold().rpartition("@")[2] in self.domains


@dataclass(slots=True, kw_only=True)
class Flow:
    """A message in flow; ``open`` while a synchronous function is at work on it."""

    id: str
    organization: Organization
    direction: str
    raw: bytes
    mail_from: str
    rcpt_tos: Sequence[str]
    submit: Callable[[bytes, list[str]], str] | None = None
    open: bool = False
    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a message for a recipient; ``added`` who was none of it."""

    kind: str
    text: str = _BOUNCE
    added: bool = False


# --- rules -------------------------------------------------------------------------------------


def specificity(pattern: str, address: str) -> int:
    """How exactly a pattern takes an address: 0 for ``*`` up to 3 for an address; -1 not at all."""
    pattern, address = pattern.casefold(), address.casefold()
    domain = address.rpartition("@")[2]
    if pattern == "*":
        return 0
    if pattern.startswith("*."):
        return 1 if domain.endswith(pattern[1:]) else -1
    if "@" in pattern:
        return 3 if pattern == address else -1
    return 2 if pattern == domain else -1


def patterns_of(rule: Rule, direction: str) -> tuple[list[str], list[str]]:
    """The patterns for the sender and for the destinations."""
    origin = "OriginRuleCondition" if direction == INBOUND else "SenderRuleCondition"
    condition = rule.get("Condition") or {}
    senders = (condition.get(origin) or {}).get("Patterns")
    destinations = (condition.get("DestinationRuleCondition") or {}).get("Patterns")
    return list(senders or []), list(destinations or [])


def best(patterns: Sequence[str], address: str) -> int:
    """The specificity of the pattern that takes the address most exactly."""
    return max((specificity(pattern, address) for pattern in patterns), default=-1)


def taken(rule: Rule, direction: str, sender: str, recipients: Sequence[str]) -> list[str]:
    """The recipients that a rule takes; none if it does not take the sender."""
    senders, destinations = patterns_of(rule, direction)
    if best(senders, sender) < 0:
        return []
    return [address for address in recipients if best(destinations, address) >= 0]


def action_of(rule: Rule, direction: str) -> Mapping[str, Any]:
    """The Lambda action of a rule."""
    found: Mapping[str, Any] = (rule.get("Action") or {}).get(f"{direction}LambdaAction") or {}
    return found


def check_rule(rule: Any, direction: str, others: Sequence[Rule]) -> None:
    """Refuse a rule that WorkMail's documentation contradicts."""

    def need(good: bool, text: str) -> None:
        if not good:
            raise Refused("InvalidParameterException", text)

    need(isinstance(rule, dict) and isinstance(rule.get("Name"), str), "Rule.Name is missing")
    senders, destinations = patterns_of(rule, direction)
    need(bool(senders and destinations), "Rule.Condition needs patterns for both sides")
    for pattern in (*senders, *destinations):
        good = isinstance(pattern, str) and _PATTERN.fullmatch(pattern) is not None
        need(good, f"{pattern!r} is not a pattern: mailbox@domain, domain, *.domain or *")
    need(len(senders) <= MAX_PATTERNS, f"a rule has at most {MAX_PATTERNS} sender patterns")
    total = len(senders) + sum(len(patterns_of(other, direction)[0]) for other in others)
    if total > MAX_ORGANIZATION_PATTERNS:
        raise Refused("LimitExceededException", "an organization has at most 1,000 sender patterns")
    action = action_of(rule, direction)
    need(
        list(rule.get("Action") or {}) == [f"{direction}LambdaAction"] and bool(action.get("Arn")),
        f"here a rule has one action, {direction}LambdaAction, with an Arn",
    )
    if (asked := action.get("SynchronousLambdaParameters")) is None:
        return
    minutes, fallback = asked.get("RetryPeriodMinutes"), asked.get("FallbackAction") or {}
    need(destinations == ["*"], "a synchronous rule matches only the destination *")
    need(
        isinstance(minutes, int) and not isinstance(minutes, bool) and 0 <= minutes <= MAX_MINUTES,
        f"RetryPeriodMinutes is not one of 0 to {MAX_MINUTES}",
    )
    known = len(fallback) == 1 and set(fallback) <= set(_FALLBACKS[direction])
    need(known, f"FallbackAction is not one of {', '.join(_FALLBACKS[direction])}")


# --- event and answer --------------------------------------------------------------------------


def flow_event(flow: Flow, recipients: Sequence[str], invocation_id: str) -> dict[str, Any]:
    """What a function is told of a message."""
    headers: dict[str, str] = {}
    for name, value in receiving.read_headers(flow.raw):
        headers.setdefault(name.lower(), receiving.decode(value))
    event: dict[str, Any] = {
        "summaryVersion": "2019-07-28",
        "envelope": {"mailFrom": {"address": flow.mail_from}, "recipients": []},
        "messageId": flow.id,
        "invocationId": invocation_id,
        "flowDirection": flow.direction.upper(),
        "truncated": False,
    }
    sender = parseaddr(headers.get("sender") or headers.get("from", ""))[1]
    if sender:
        event["sender"] = {"address": sender}
    if "subject" in headers:
        event["subject"] = headers["subject"][:MAX_SUBJECT]
    size = len(json.dumps(event))
    for address in recipients:
        one = {"address": address}
        size += len(json.dumps(one)) + 2
        if size > MAX_EVENT_BYTES:
            event["truncated"] = True
            break
        event["envelope"]["recipients"].append(one)
    return event


def read_answer(
    payload: bytes, direction: str, recipients: Sequence[str], *, fallback: Fate
) -> dict[str, Fate]:
    """What an answer says for each recipient, and for addresses that it adds."""
    if len(payload) > MAX_ANSWER_BYTES:
        raise WrongAnswer(f"the answer has {len(payload)} bytes, more than {MAX_ANSWER_BYTES}")
    try:
        answer = json.loads(payload)
    except ValueError:
        raise WrongAnswer("the answer is not JSON") from None
    actions = answer.get("actions") if isinstance(answer, dict) else None
    if not isinstance(actions, list):
        raise WrongAnswer("the answer has no list of actions")
    if len(actions) > MAX_ACTIONS:
        raise WrongAnswer(f"the answer has {len(actions)} actions, more than {MAX_ACTIONS}")
    rest: Fate | None = None
    named: dict[str, tuple[str, Fate]] = {}
    for number, entry in enumerate(actions):
        fate, everyone, addresses = _action(entry, f"actions[{number}]", direction)
        if everyone:
            if rest is not None:
                raise WrongAnswer("two actions are for all recipients")
            rest = fate
        for address in addresses:
            if address.casefold() in named:
                raise WrongAnswer(f"{address} is in two actions")
            named[address.casefold()] = (address, fate)
    if direction == OUTBOUND and len(named) > MAX_OUTBOUND:
        raise WrongAnswer(f"the answer names {len(named)} recipients, more than {MAX_OUTBOUND}")
    fates: dict[str, Fate] = {}
    for address in recipients:
        own = named.pop(address.casefold(), None)
        fates[address] = own[1] if own else rest or fallback
    for address, fate in named.values():
        fates[address] = Fate(fate.kind, fate.text, added=True)
    return fates


def _action(entry: Any, path: str, direction: str) -> tuple[Fate, bool, list[str]]:
    action = entry.get("action") if isinstance(entry, dict) else None
    if not isinstance(action, dict):
        raise WrongAnswer(f"{path}.action is missing")
    kind = action.get("type")
    if not isinstance(kind, str) or kind not in _TYPES[direction]:
        raise WrongAnswer(f"{path}.action.type is {kind!r}")
    parameters = action.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise WrongAnswer(f"{path}.action.parameters is not an object")
    text = parameters.get("bounceMessage", _BOUNCE)
    if not isinstance(text, str):
        raise WrongAnswer(f"{path}.action.parameters.bounceMessage is not a string")
    everyone, addresses = entry.get("allRecipients", False), entry.get("recipients") or []
    if not isinstance(everyone, bool):
        raise WrongAnswer(f"{path}.allRecipients is {everyone!r}, not a boolean")
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        raise WrongAnswer(f"{path}.recipients is not a list of addresses")
    return Fate(kind, text), everyone, addresses


def check_content(content: bytes) -> None:
    """Refuse content that WorkMail would not take for a message."""
    if any(len(line) > MAX_LINE for line in re.split(rb"(?<=\n)", content)):
        raise Refused("MessageRejected", f"A line is longer than {MAX_LINE} characters.")
    message = message_from_bytes(content)
    if not message.keys() or any(part.defects for part in message.walk()):
        raise Refused("MessageRejected", "The content is not a well-formed MIME message.")


# --- the service -------------------------------------------------------------------------------


class WorkMail:
    """Organizations, and the mail that flows in and out of them."""

    def __init__(
        self, *, endpoint: str, region: str, journal: Journal, account: Account, workers: int = 4
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._journal = journal
        self._account = account
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="mailroom-workmail")
        self._closing = Event()
        self._lock = Lock()
        self._organizations: dict[str, Organization] = {}
        self._flows: dict[str, Flow] = {}
        self._delivered: list[dict[str, Any]] = []
        self._bounced: list[dict[str, Any]] = []
        self._clients: dict[tuple[str, float], Any] = {}
        self._clients_lock = Lock()
        self._streams: set[str] = set()

    def close(self) -> None:
        """Drop what has not been begun, and wait for what has, which asks no function again."""
        self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def add_organization(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Make an organization, or give it other domains and users."""
        name = str(data.get("OrganizationId"))
        if not _ORGANIZATION.fullmatch(name):
            raise Refused("InvalidParameterException", f"{name!r} is not m- and 32 hex digits")
        domains = frozenset(str(one).casefold() for one in data.get("Domains") or [])
        users = frozenset(str(one).casefold() for one in data.get("Users") or [])
        for user in users:
            if user.rpartition("@")[2] not in domains:
                raise Refused("InvalidParameterException", f"{user} is in none of the domains")
        for other in self._organizations.values():
            if other.id != name and other.domains & domains:
                raise Refused("InvalidParameterException", f"{other.id} has that domain already")
        made = Organization(
            id=name,
            arn=f"arn:aws:workmail:{self._region}:{clients.ACCOUNT}:organization/{name}",
            domains=domains,
            users=users,
            answer_seconds=float(data.get("AnswerSeconds", ANSWER_SECONDS)),
            seconds_per_minute=float(data.get("SecondsPerMinute", SECONDS_PER_MINUTE)),
        )
        if name in self._organizations:
            made.rules = self._organizations[name].rules
        self._organizations[name] = made
        return {"OrganizationId": name, "OrganizationArn": made.arn}

    def deliveries(self) -> dict[str, Any]:
        """Everything that was delivered into mailboxes, and everything that was bounced."""
        return {"Delivered": list(self._delivered), "Bounced": list(self._bounced)}

    def call(self, operation: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one of the unpublished operations, or where an organization logs its events."""
        match = _OPERATION.fullmatch(operation)
        if match is None and operation != _MONITORING:
            raise Refused("UnknownOperationException", f"no operation {operation} here")
        organization = self._organizations.get(str(data.get("OrganizationId")))
        if organization is None:
            raise Refused("OrganizationNotFoundException", "there is no such organization")
        if match is None:
            scope = f"{self._region}:{clients.ACCOUNT}"
            return {
                "RoleArn": f"arn:aws:iam::{clients.ACCOUNT}:role/WorkMailEvents",
                "LogGroupArn": f"arn:aws:logs:{scope}:log-group:{_log_group(organization)}:*",
            }
        verb, direction = match[1], f"{match[2]}bound"
        rules = organization.rules[direction]
        if verb == "List":
            return {f"{direction}MailFlowRuleSummaries": [{"RuleName": name} for name in rules]}
        if verb == "Test":
            return {"MatchedRules": _tested(rules, direction, data)}
        rule = data.get("Rule") or {}
        name = str(data.get("RuleName") or rule.get("Name"))
        if verb == "Create":
            if name in rules:
                raise Refused("NameAvailabilityException", f"there is a rule {name} already")
        elif name not in rules:
            raise Refused("EntityNotFoundException", f"there is no rule {name}")
        if verb == "Describe":
            return {"Rule": dict(rules[name])}
        if verb == "Delete":
            del rules[name]
        else:
            others = [other for key, other in rules.items() if key != name]
            check_rule(rule, direction, others)
            rules[name] = rule
        return {}

    # --- message flow --------------------------------------------------------------------------

    def message_arn(self, message_id: str) -> str:
        """What a permission for the message flow names."""
        flow = self._flow(message_id)
        way = "incoming" if flow.direction == INBOUND else "outgoing"
        scope = f"arn:aws:workmailmessageflow:{self._region}:{clients.ACCOUNT}"
        return f"{scope}:message/{flow.organization.id}/{way}/{flow.id}"

    def read(self, message_id: str) -> bytes:
        """The content of a message in flow."""
        return self._flow(message_id).raw

    def replace(self, message_id: str, data: Mapping[str, Any]) -> None:
        """Take other content for a message; it matters only while a synchronous rule runs."""
        flow = self._flow(message_id)
        given = (data.get("content") or {}).get("s3Reference") or {}
        bucket, key = str(given.get("bucket", "")), str(given.get("key", ""))
        headers = receiving.read_headers(flow.raw)
        if any(n.lower() == "x-mailroom-workmail" and v.strip() == "frozen" for n, v in headers):
            raise Refused("MessageFrozen", "The message cannot be changed.")
        content = None
        if _KEY.fullmatch(key):
            content = self._account.fetch(
                bucket, key, given.get("objectVersion"), message=self.message_arn(message_id)
            )
        if content is None:
            raise Refused("InvalidContentLocation", f"WorkMail cannot read s3://{bucket}/{key}")
        check_content(content)
        with self._lock:
            if flow.open:
                flow.raw = content

    def _flow(self, message_id: str) -> Flow:
        flow = self._flows.get(message_id)
        if flow is None or time.monotonic() - flow.since > _KEPT_SECONDS:
            raise Refused(
                "ResourceNotFoundException", f"There is no message {message_id}.", status=404
            )
        return flow

    # --- mail ----------------------------------------------------------------------------------

    def receives(self, address: str) -> bool:
        """Whether mail for this address comes to an organization here."""
        return self._holder(address) is not None

    def sends(self, address: str) -> bool:
        """Whether this is the address of a user of an organization."""
        holder = self._holder(address)
        return holder is not None and address.casefold() in holder.users

    def receive(self, raw: bytes, *, mail_from: str, rcpt_tos: Sequence[str], tls: bool) -> str:
        """Take a message for addresses that `receives` knows; the rules follow on their own."""
        message_id = ""
        for organization in self._organizations.values():
            own = [address for address in rcpt_tos if organization.holds(address)]
            if own:
                message_id = self._begin(organization, INBOUND, raw, mail_from, own, tls=tls)
        return message_id

    def send(
        self,
        raw: bytes,
        *,
        mail_from: str,
        rcpt_tos: Sequence[str],
        submit: Callable[[bytes, list[str]], str],
    ) -> str:
        """Take a message of a user; ``submit`` sends what is for others than the organization."""
        organization = self._holder(mail_from)
        assert organization is not None
        return self._begin(
            organization, OUTBOUND, raw, mail_from, rcpt_tos, tls=True, submit=submit
        )

    def _holder(self, address: str) -> Organization | None:
        found = (one for one in self._organizations.values() if one.holds(address))
        return next(found, None)

    def _begin(
        self,
        organization: Organization,
        direction: str,
        raw: bytes,
        mail_from: str,
        rcpt_tos: Sequence[str],
        *,
        tls: bool,
        submit: Callable[[bytes, list[str]], str] | None = None,
    ) -> str:
        flow = Flow(
            id=str(uuid.uuid4()),
            organization=organization,
            direction=direction,
            raw=raw,
            mail_from=mail_from,
            rcpt_tos=list(rcpt_tos),
            submit=submit,
        )
        self._flows[flow.id] = flow
        headers = {name.lower(): value for name, value in receiving.read_headers(raw)}
        self._journal.write(
            "accepted",
            message_id=flow.id,
            mail_from=mail_from,
            rcpt_tos=list(rcpt_tos),
            subject=receiving.printable(headers.get("subject", "")),
            size=len(raw),
            tls=tls,
            unverified=[],
        )
        self._pool.submit(self._process, flow)
        return flow.id

    def _process(self, flow: Flow) -> None:
        started = time.perf_counter()
        try:
            self._run_rules(flow)
        except Exception:
            _log.exception("mail flow failed")
        finally:
            self._journal.write(
                "finished", message_id=flow.id, stopped_by=None, ms=_milliseconds(started)
            )

    def _run_rules(self, flow: Flow) -> None:
        direction = flow.direction
        found = []
        for rule in list(flow.organization.rules[direction].values()):
            own = taken(rule, direction, flow.mail_from, flow.rcpt_tos)
            if own:
                exactly = best(patterns_of(rule, direction)[0], flow.mail_from)
                found.append((exactly, rule, own))
        found.sort(key=lambda one: (-one[0], str(one[1]["Name"])))
        asked = [one for one in found if "SynchronousLambdaParameters" in _lambda(one[1], flow)]
        told = [one for one in found if one not in asked]
        for _, rule, own in (*told, *asked[:1]):
            self._journal.write(
                "rule", message_id=flow.id, rule=rule["Name"], recipients=own, verdicts={}
            )
        for _, rule, own in told:
            self._tell(flow, rule, own)
        fates, name = {address: Fate("DEFAULT") for address in flow.rcpt_tos}, ""
        for _, rule, own in asked[:1]:
            fates, name = {**fates, **self._ask(flow, rule, own)}, str(rule["Name"])
        self._deliver(flow, fates, name)

    # --- functions -----------------------------------------------------------------------------

    def _tell(self, flow: Flow, rule: Rule, recipients: Sequence[str]) -> None:
        started = time.perf_counter()
        event = flow_event(flow, recipients, uuid.uuid4().hex)
        error, outcome = None, "accepted"
        try:
            self._invoke(flow, rule, event, "Event")
        except (WrongAnswer, ClientError, BotoCoreError) as failure:
            error, outcome = str(failure), "failed"
        self._note(flow, rule, "Lambda", outcome, started, error=error, kind="Event")
        self._applied(flow, rule, recipients, ["LAMBDA"])

    def _ask(self, flow: Flow, rule: Rule, recipients: Sequence[str]) -> dict[str, Fate]:
        asked = _lambda(rule, flow)["SynchronousLambdaParameters"]
        kind = next(iter(asked["FallbackAction"]))
        fallback = Fate(_FALLBACKS[flow.direction][kind])
        event = flow_event(flow, recipients, uuid.uuid4().hex)
        minutes = int(asked["RetryPeriodMinutes"])
        deadline = time.monotonic() + minutes * flow.organization.seconds_per_minute
        fates = None
        while fates is None:
            fates = self._attempt(flow, rule, event, recipients, fallback)
            if fates is None:
                over = time.monotonic() + _RETRY_SECONDS > deadline
                if over or self._closing.wait(_RETRY_SECONDS):
                    break
        if fates is None:
            fates = dict.fromkeys(recipients, fallback)
            self._note(flow, rule, "Fallback", fallback.kind, time.perf_counter())
        kinds = sorted({fate.kind for fate in fates.values()})
        self._applied(flow, rule, recipients, ["LAMBDA", *kinds])
        return fates

    def _attempt(
        self,
        flow: Flow,
        rule: Rule,
        event: Mapping[str, Any],
        recipients: Sequence[str],
        fallback: Fate,
    ) -> dict[str, Fate] | None:
        started = time.perf_counter()
        flow.open = True
        try:
            payload = self._invoke(flow, rule, event, "RequestResponse")
            fates = read_answer(payload, flow.direction, recipients, fallback=fallback)
        except ReadTimeoutError:
            error = f"no answer within {flow.organization.answer_seconds:g} seconds"
        except (WrongAnswer, ClientError, BotoCoreError) as failure:
            error = str(failure)
        else:
            outcome = ", ".join(sorted({fate.kind for fate in fates.values()}))
            self._note(flow, rule, "Lambda", outcome, started, kind="RequestResponse")
            return fates
        finally:
            with self._lock:
                flow.open = False
        self._note(flow, rule, "Lambda", "failed", started, error=error, kind="RequestResponse")
        return None

    def _invoke(self, flow: Flow, rule: Rule, event: Mapping[str, Any], kind: str) -> bytes:
        arn = str(_lambda(rule, flow)["Arn"])
        if not self._account.may_invoke(arn, organization=flow.organization.arn):
            raise WrongAnswer(f"WorkMail has no permission to invoke {arn}")
        answer = self._client("lambda", flow.organization.answer_seconds).invoke(
            FunctionName=arn, InvocationType=kind, Payload=json.dumps(event).encode()
        )
        payload: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            raise WrongAnswer(payload.decode("utf-8", "replace"))
        return payload

    # --- delivery ------------------------------------------------------------------------------

    def _deliver(self, flow: Flow, fates: Mapping[str, Fate], rule: str) -> None:
        started = time.perf_counter()
        spam = flow.direction == INBOUND and receiving.verdicts_of(flow.raw).spam == "FAIL"
        outcomes: dict[str, list[str]] = {}
        leaving: list[str] = []
        for address, fate in fates.items():
            own = flow.organization.holds(address)
            if fate.added and (
                fate.kind in ("DROP", "BOUNCE") or (flow.direction == INBOUND and not own)
            ):
                outcome = "skipped"
            elif fate.kind == "DROP":
                outcome = "dropped"
            elif fate.kind == "BOUNCE":
                outcome = self._bounce(flow, address, fate.text, rule)
            elif not own:
                leaving.append(address)
                continue
            elif address.casefold() not in flow.organization.users:
                outcome = self._bounce(flow, address, "550 5.1.1 There is no such user.", rule)
            else:
                junk = fate.kind == "MOVE_TO_JUNK" or (spam and fate.kind == "DEFAULT")
                outcome = "junk" if junk else "inbox"
                self._delivered.append(
                    {
                        "MessageId": flow.id,
                        "Address": address.casefold(),
                        "Folder": outcome,
                        "Bcc": fate.added,
                        "Raw": base64.b64encode(flow.raw).decode(),
                    }
                )
            outcomes.setdefault(outcome, []).append(address)
        described = {"Name": rule}
        for outcome, addresses in outcomes.items():
            self._note(flow, described, "Flow", outcome, started, recipients=addresses)
        if leaving and flow.submit is not None:
            try:
                sent = flow.submit(flow.raw, leaving)
            except SesError as error:
                text = f"{error.code}: {error.message}"
                self._note(
                    flow, described, "Flow", "failed", started, recipients=leaving, error=text
                )
            else:
                self._note(flow, described, "Flow", "sent", started, recipients=leaving, sent=sent)

    def _bounce(self, flow: Flow, address: str, text: str, rule: str) -> str:
        if not flow.mail_from:
            # RFC 5321, 6.1: nothing may be sent back to the null reverse-path.
            return "skipped"
        self._bounced.append(
            {
                "MessageId": flow.id,
                "To": flow.mail_from,
                "Recipient": address,
                "Message": text,
                "Rule": rule,
            }
        )
        return "bounced"

    # --- what is told of it --------------------------------------------------------------------

    def _note(
        self,
        flow: Flow,
        rule: Rule,
        action: str,
        outcome: str,
        started: float,
        *,
        kind: str | None = None,
        recipients: Sequence[str] | None = None,
        error: str | None = None,
        sent: str | None = None,
    ) -> None:
        detail: dict[str, Any] = {"organizationArn": flow.organization.arn}
        if kind is not None:
            detail |= {"functionArn": _lambda(rule, flow)["Arn"], "invocationType": kind}
        if recipients is not None:
            detail["recipients"] = ", ".join(recipients)
        if error is not None:
            detail["error"] = error
        if sent is not None:
            detail["sentMessageId"] = sent
        self._journal.write(
            "action",
            message_id=flow.id,
            rule=rule["Name"],
            action=action,
            outcome=outcome,
            ms=_milliseconds(started),
            detail=detail,
        )

    def _applied(
        self, flow: Flow, rule: Rule, recipients: Sequence[str], actions: list[str]
    ) -> None:
        """Log a RULE_APPLIED event where an organization's monitoring does."""
        now = int(datetime.now(UTC).timestamp() * 1000)
        record = {
            "eventTimestamp": now,
            "traceId": flow.id,
            "event": {
                "eventName": "RULE_APPLIED",
                "messageId": flow.id,
                "from": flow.mail_from,
                "recipients": list(recipients),
                "flowDirection": flow.direction.upper(),
                "ruleName": rule["Name"],
                "ruleType": f"{flow.direction.upper()}_RULE",
                "ruleActions": actions,
            },
        }
        logs, group = self._client("logs", 60.0), _log_group(flow.organization)
        try:
            with self._lock:
                if group not in self._streams:
                    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                        logs.create_log_group(logGroupName=group)
                    logs.create_log_stream(logGroupName=group, logStreamName="events")
                    self._streams.add(group)
            logs.put_log_events(
                logGroupName=group,
                logStreamName="events",
                logEvents=[{"timestamp": now, "message": json.dumps(record)}],
            )
        except (ClientError, BotoCoreError):
            _log.exception("no RULE_APPLIED could be logged")

    def _client(self, service: str, seconds: float) -> Any:
        with self._clients_lock:
            key = (service, seconds)
            if key not in self._clients:
                session = clients.session(region=self._region)
                # A repeated invocation is WorkMail's own to decide on.
                self._clients[key] = clients.client(
                    session, service, self._endpoint, read_timeout=seconds, retries=0
                )
            return self._clients[key]


def _tested(
    rules: Mapping[str, Rule], direction: str, data: Mapping[str, Any]
) -> list[dict[str, Any]]:
    sender = str((data.get("Origin") or {}).get("FromEmailAddress", ""))
    recipient = str((data.get("Destination") or {}).get("DestinationEmailAddress", ""))
    return [
        {"Action": rule["Action"], "MatchedRuleName": name}
        for name, rule in rules.items()
        if taken(rule, direction, sender, [recipient])
    ]


def _log_group(organization: Organization) -> str:
    return f"/aws/workmail/events/{organization.id}"


def _lambda(rule: Rule, flow: Flow) -> Mapping[str, Any]:
    return action_of(rule, flow.direction)


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
