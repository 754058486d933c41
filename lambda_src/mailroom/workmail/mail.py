"""Decide on mail in flow: a typed view of what WorkMail tells a function, and a checked answer.

The user writes a plain function::

    def on_flow(mail: FlowMail) -> Answer | None:
        return mail.answer().drop(recipients=["old@example.com"]).default()

and `handler` below is what Lambda calls; what the construct sets is listed there.

**WorkMail takes no new customers since 2026-04-30 and ends on 2027-03-31.** The same function runs
behind an SES receipt rule by way of `mailroom.handlers.workmail.receipt_rule`.

WorkMail's side is documented at
https://docs.aws.amazon.com/workmail/latest/adminguide/lambda.html and
https://docs.aws.amazon.com/workmail/latest/adminguide/lambda-content.html
"""

from __future__ import annotations

import json
import os
import re
import time
from enum import StrEnum

from mailroom import _runtime
from mailroom._views import optional, required
from mailroom.errors import (
    InvalidAnswer,
    MailroomError,
    MessageNotStored,
    NotConfigured,
    UnknownInvocation,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from email.message import EmailMessage
    from io import BufferedIOBase
    from typing import Any, Protocol

    Action = tuple["ActionType", str | None]

    class Flow(Protocol):
        """Where messages in flow are; `MessageFlow` in Lambda, memory in a unit test."""

        def open(self, message_id: str) -> BufferedIOBase: ...
        def replace(self, message_id: str, content: bytes) -> None: ...


__all__ = [
    "ActionType",
    "Answer",
    "Direction",
    "FlowMail",
    "InProgress",
    "MessageFlow",
    "MessageFrozen",
    "MessageNotFound",
    "NotReplaceable",
    "OutOfTime",
    "handler",
]

MAX_SECONDS = 15.0
MAX_ANSWER_BYTES = 256 * 1024
MAX_ACTIONS = 10
MAX_RECIPIENTS = 500
MAX_LINE = 998
"""RFC 5322 §2.1.1, line end excluded; with it, WorkMail's limit of 1,000."""

_MARGIN = 1.0  # for a cold start, which WorkMail's clock counts and ours does not see
_CHUNK = 64 * 1024
_KEPT_SECONDS = 24 * 3600  # as long as WorkMail keeps the message, and six times any rule's timeout
_LEASE_SECONDS = 20  # the function is dead after 15


class MessageNotFound(MessageNotStored):
    """WorkMail has no such message: it keeps them for 24 hours."""


class MessageFrozen(MailroomError):
    """WorkMail lets nobody change this message, as a rule because it was redirected."""


class NotReplaceable(MailroomError, ValueError):
    """The message cannot be replaced by this content, or not by this function."""


class OutOfTime(MailroomError, TimeoutError):
    """WorkMail's 15 s are about to pass; it will ask again until the rule's timeout."""


class InProgress(MailroomError):
    """Another attempt for the same invocation id is still at work; WorkMail will ask again."""


class Direction(StrEnum):
    """Which of the organization's two flows the mail is in."""

    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


class ActionType(StrEnum):
    """What WorkMail can do for a recipient, in its own words."""

    DEFAULT = "DEFAULT"
    BOUNCE = "BOUNCE"
    DROP = "DROP"
    BYPASS_SPAM_CHECK = "BYPASS_SPAM_CHECK"
    MOVE_TO_JUNK = "MOVE_TO_JUNK"


_INBOUND_ONLY = frozenset((ActionType.BYPASS_SPAM_CHECK, ActionType.MOVE_TO_JUNK))


class FlowMail:
    """One mail on its way through WorkMail; a view of the event, which stays reachable as ``raw``.

    Nothing is copied or checked until it is asked for, and only a missing key that was asked for
    raises (`MissingField`, with its path). Header fields and body are not in the event; see `read`.
    """

    __slots__ = ("_answer", "_deadline", "_flow", "raw")

    def __init__(
        self, raw: Mapping[str, Any], *, flow: Flow | None = None, deadline: float | None = None
    ) -> None:
        self.raw = raw
        self._flow = flow
        self._deadline = deadline
        self._answer: Answer | None = None

    @property
    def summary_version(self) -> str | None:
        """The event's version as WorkMail says it; of no consequence, as several are in use."""
        return optional(self.raw, "summaryVersion", "summaryVersion", str)

    @property
    def message_id(self) -> str:
        """WorkMail's own id of this mail, by which its content is read and replaced."""
        return required(self.raw, "messageId", "messageId", str)

    @property
    def invocation_id(self) -> str:
        """The id of this question; the same when WorkMail asks again."""
        return required(self.raw, "invocationId", "invocationId", str)

    @property
    def direction(self) -> str:
        """``INBOUND`` or ``OUTBOUND``; equal to a member of `Direction`."""
        return required(self.raw, "flowDirection", "flowDirection", str)

    @property
    def source(self) -> str:
        """The envelope sender (MAIL FROM); empty for the null reverse-path of a bounce."""
        envelope = required(self.raw, "envelope", "envelope", dict)
        found = optional(envelope, "mailFrom", "envelope.mailFrom", dict) or {}
        return optional(found, "address", "envelope.mailFrom.address", str) or ""

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients; only the first of them if `truncated`."""
        envelope = required(self.raw, "envelope", "envelope", dict)
        found = required(envelope, "recipients", "envelope.recipients", list)
        path = "envelope.recipients[{}].address"
        return [
            required(one if isinstance(one, dict) else {}, "address", path.format(number), str)
            for number, one in enumerate(found)
        ]

    @property
    def sender(self) -> str | None:
        """The address in ``Sender`` or ``From``; ``None`` where WorkMail leaves it out."""
        found = optional(self.raw, "sender", "sender", dict) or {}
        return optional(found, "address", "sender.address", str)

    @property
    def subject(self) -> str | None:
        """The ``Subject``, of which WorkMail gives 256 characters; ``None`` if there is none."""
        return optional(self.raw, "subject", "subject", str)

    @property
    def truncated(self) -> bool:
        """Whether WorkMail cut the event at 128 KB, and so does not name all recipients."""
        return self.raw.get("truncated") is True

    @property
    def remaining_seconds(self) -> float:
        """How long this function can still work before its answer would come too late."""
        return MAX_SECONDS if self._deadline is None else self._deadline - time.monotonic()

    def answer(self) -> Answer:
        """Begin the answer; the function has to return it."""
        self._answer = Answer(self)
        return self._answer

    def open(self) -> BufferedIOBase:
        """Open the whole message as a binary stream; it need never fit in memory.

        Close it, or use it in a ``with``. Raises `MessageNotFound` after 24 hours, and
        `NotConfigured` if the function was not granted to read.
        """
        self.check_time()
        return self._need_flow().open(self.message_id)

    def read(self) -> EmailMessage:
        """Fetch and parse the whole message; raises what `open` raises.

        Parsing holds about three times the message's size in memory.
        """
        from email import policy
        from email.message import EmailMessage
        from email.parser import BytesFeedParser

        parser = BytesFeedParser(EmailMessage, policy=policy.default)
        with self.open() as stream:
            while chunk := stream.read(_CHUNK):
                parser.feed(chunk)
        return parser.close()

    def replace(self, message: EmailMessage | bytes) -> None:
        """Put *message* in the place of this one, for all recipients.

        Prefer bytes: they are taken as they are, while the ``email`` package writes parts anew that
        nobody changed. `mailroom.handlers.workmail._message` shows how to change single parts.

        Raises `NotReplaceable`, before WorkMail is asked, if the rule is asynchronous (WorkMail
        would say yes and change nothing), for malformed MIME and for lines of more than 998
        characters; and after, if WorkMail refuses or gives other content back than it was given.
        Raises `MessageFrozen`, `MessageNotFound`, and `NotConfigured` without a bucket. Which
        header fields must not change, AWS does not say; keep to additions.
        """
        self.check_time()
        flow = self._need_flow()
        content = checked_content(message)
        flow.replace(self.message_id, content)

    def check_time(self) -> None:
        """Raise `OutOfTime` if an answer would come too late; for the middle of long work."""
        if self.remaining_seconds <= 0:
            raise OutOfTime(f"the {MAX_SECONDS:g} s in which WorkMail wants an answer have passed")

    def _need_flow(self) -> Flow:
        if self._flow is None:
            raise NotConfigured(
                "this function may not read messages: set read_mail=True where the handler is "
                "declared (MAILROOM_FLOW_CONTENT is not set)"
            )
        return self._flow

    def __repr__(self) -> str:
        return f"<FlowMail {self.raw.get('messageId')}>"


class Answer:
    """What is to happen to a mail, for each recipient; refuses what WorkMail would not obey.

    Every method returns the answer itself. Without *recipients* an action is for all whom no other
    action names; with them, for those alone. What breaks a documented limit raises `InvalidAnswer`
    with that limit, at once if it can be known, else when the answer is given.
    """

    __slots__ = ("_mail", "_named", "_own", "_rest")

    def __init__(self, mail: FlowMail) -> None:
        self._mail = mail
        # In the spelling of the event, found by the spelling that is alike for all.
        self._own = {address.casefold(): address for address in mail.recipients}
        self._rest: Action | None = None
        self._named: dict[str, tuple[str, Action]] = {}

    def default(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Deliver as if there were no rule."""
        return self._add(ActionType.DEFAULT, recipients)

    def bounce(self, message: str, *, recipients: Sequence[str] | None = None) -> Answer:
        """Do not deliver, and tell the sender so, with *message*."""
        if not isinstance(message, str) or not message.strip():
            raise InvalidAnswer(f"the bounce message is {message!r:.80}; say why, in a string")
        if any("\ud800" <= char <= "\udfff" for char in message):
            raise InvalidAnswer("the bounce message has lone surrogates, which no JSON can carry")
        return self._add(ActionType.BOUNCE, recipients, message)

    def drop(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Do not deliver, and tell nobody."""
        return self._add(ActionType.DROP, recipients)

    def move_to_junk(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Deliver into the junk folder; inbound only."""
        return self._add(ActionType.MOVE_TO_JUNK, recipients)

    def bypass_spam_check(self, *, recipients: Sequence[str] | None = None) -> Answer:
        """Deliver without looking for spam; inbound only."""
        return self._add(ActionType.BYPASS_SPAM_CHECK, recipients)

    def deliver_also(self, recipients: Sequence[str]) -> Answer:
        """Deliver to *recipients* too, to whom the mail was not sent; the others do not see them.

        Inbound mail goes to addresses of the own organization only, says AWS.
        """
        return self._add(ActionType.DEFAULT, recipients, added=True)

    def payload(self) -> dict[str, Any]:
        """Return what WorkMail is told, in the fewest actions; raise `InvalidAnswer` if it may not.

        Answered for are all recipients, since WorkMail gives those that it finds nowhere to the
        rule's fallback, which is meant for failures.
        """
        self._check_covered()
        groups: dict[Action, list[str]] = {}
        rest = self._everybodys()
        for key, (address, action) in self._named.items():
            if action != rest or key not in self._own:
                groups.setdefault(action, []).append(address)
        actions: list[dict[str, Any]] = []
        if rest is not None:
            actions.append({"action": _written(rest), "allRecipients": True})
        actions += [
            {"action": _written(action), "recipients": addresses}
            for action, addresses in groups.items()
        ]
        if len(actions) > MAX_ACTIONS:
            raise InvalidAnswer(
                f"the answer has {len(actions)} actions; WorkMail takes {MAX_ACTIONS} unique ones: "
                "give fewer different bounce messages"
            )
        answer = {"actions": actions}
        # Escaped it is never shorter than what Lambda sends.
        size = len(json.dumps(answer))
        if size > MAX_ANSWER_BYTES:
            raise InvalidAnswer(
                f"the answer has {size} bytes; WorkMail takes {MAX_ANSWER_BYTES}: name fewer "
                "recipients, by giving the commonest action without recipients"
            )
        return answer

    def _everybodys(self) -> Action | None:
        """Return the action for all whom no other names, if there is anybody left."""
        if self._mail.truncated or not self._own.keys() <= self._named.keys():
            return self._rest
        # One action for each of them is one for all of them.
        actions = {action for key, (_, action) in self._named.items() if key in self._own}
        return actions.pop() if len(actions) == 1 else None

    def _check_covered(self) -> None:
        if self._rest is not None:
            return
        if self._mail.truncated:
            raise InvalidAnswer(
                "WorkMail named only some of the recipients (truncated): give one action without "
                "recipients, for the others"
            )
        missing = self._own.keys() - self._named.keys()
        if missing or not self._own:
            raise InvalidAnswer(
                f"nobody answered for {len(missing) or 'any'} of {len(self._own)} recipients, whom "
                "WorkMail would give to the rule's fallback; give one action without recipients"
            )

    def _add(
        self,
        kind: ActionType,
        recipients: Sequence[str] | None,
        text: str | None = None,
        *,
        added: bool = False,
    ) -> Answer:
        direction = self._mail.direction
        if kind in _INBOUND_ONLY and direction != Direction.INBOUND:
            raise InvalidAnswer(f"{kind} is for INBOUND mail; this is {direction}")
        action = (kind, text)
        if recipients is None:
            if self._rest not in (None, action):
                raise InvalidAnswer(f"all recipients have {_name(self._rest)} already, not {kind}")
            self._rest = action
            return self
        if isinstance(recipients, str) or not all(isinstance(one, str) for one in recipients):
            raise InvalidAnswer(f"recipients is {recipients!r:.80}; give a list of addresses")
        if not recipients:
            raise InvalidAnswer("recipients is empty, which would not mean all; leave it out")
        for address in recipients:
            self._name(address, action, added=added)
        total = len(self._own.keys() | self._named.keys())
        if direction == Direction.OUTBOUND and total > max(MAX_RECIPIENTS, len(self._own)):
            raise InvalidAnswer(f"{total} recipients; WorkMail takes {MAX_RECIPIENTS} outbound")
        return self

    def _name(self, address: str, action: Action, *, added: bool) -> None:
        key = address.casefold()
        if key not in self._own and not added and not self._mail.truncated:
            raise InvalidAnswer(
                "a recipient that the mail does not have; to deliver to somebody else as well, "
                "call deliver_also()"
            )
        if added and (not _ADDRESS.fullmatch(address) or key in self._own):
            raise InvalidAnswer(
                "deliver_also() takes plain addresses that the mail does not have yet"
            )
        before = self._named.get(key)
        if before is not None and before[1] != action:
            raise InvalidAnswer(
                f"one recipient has {before[1][0]} and {action[0]}; WorkMail takes one action each"
            )
        self._named[key] = (self._own.get(key, address), action)

    @property
    def kinds(self) -> list[str]:
        """The types of the actions in this answer, sorted, each once."""
        actions = [action for _, action in self._named.values()]
        return sorted({kind for kind, _ in [*actions, *([self._rest] if self._rest else [])]})

    def __repr__(self) -> str:
        return f"<Answer {','.join(self.kinds)}>"


_ADDRESS = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,255}")


def _name(action: Action | None) -> str:
    return "nothing" if action is None else action[0]


def _written(action: Action) -> dict[str, Any]:
    kind, text = action
    if text is None:
        return {"type": kind.value}
    return {"type": kind.value, "parameters": {"bounceMessage": text}}


def checked_content(message: EmailMessage | bytes) -> bytes:
    """Return *message* as bytes; raise `NotReplaceable` if WorkMail would not take them."""
    if isinstance(message, bytes):
        content = message
    else:
        from email import policy

        try:
            content = message.as_bytes(policy=policy.SMTP)
        except Exception as error:  # the package raises whatever its parts do
            raise NotReplaceable(f"the message cannot be written: {error}") from error
    if b"\x00" in content or re.search(rb"\r(?!\n)", content):
        raise NotReplaceable("the message has a NUL or a carriage return outside of a line end")
    longest = max(map(len, content.splitlines()), default=0)
    if longest > MAX_LINE:
        raise NotReplaceable(
            f"the message has a line of {longest} characters; WorkMail takes {MAX_LINE} and the "
            "line end: write that part as quoted-printable or base64"
        )
    _check_structure(content)
    return content


def _check_structure(content: bytes) -> None:
    from email import policy
    from email.message import EmailMessage
    from email.parser import BytesFeedParser

    parser = BytesFeedParser(EmailMessage, policy=policy.default)
    for start in range(0, len(content), _CHUNK):
        parser.feed(content[start : start + _CHUNK])
    message = parser.close()
    if not message.keys():
        raise NotReplaceable("the message has no header")
    for part in message.walk():
        # Defects of single fields are the sender's own; those of the structure lose parts.
        if part.defects:
            raise NotReplaceable(
                f"the message is malformed: {type(part.defects[0]).__name__} in a part of the type "
                f"{part.get_content_type()}"
            )


class MessageFlow:
    """The message flow API, and the bucket from which WorkMail takes changed messages."""

    __slots__ = ("_client", "_s3", "bucket", "prefix", "synchronous")

    def __init__(
        self,
        *,
        bucket: str | None = None,
        prefix: str = "changed/",
        synchronous: bool = True,
        client: Any = None,
        s3: Any = None,
    ) -> None:
        if not re.fullmatch(r"[a-zA-Z0-9\-/]*", prefix):
            raise NotConfigured(f"the prefix {prefix!r} is not of letters, digits, '-' and '/'")
        self.bucket = bucket
        self.prefix = prefix
        self.synchronous = synchronous
        self._client = client
        self._s3 = s3

    @property
    def client(self) -> Any:
        """The client of the service ``workmailmessageflow``."""
        if self._client is None:
            self._client = _runtime.client("workmailmessageflow")
        return self._client

    @property
    def s3(self) -> Any:
        """The S3 client."""
        if self._s3 is None:
            self._s3 = _runtime.client("s3")
        return self._s3

    def open(self, message_id: str) -> BufferedIOBase:
        """Open the message; see `FlowMail.open`."""
        from io import BufferedReader

        answer = self._ask("get_raw_message_content", messageId=message_id)
        return BufferedReader(answer["messageContent"], _CHUNK)

    def replace(self, message_id: str, content: bytes) -> None:
        """Store *content*, put it in the message's place, and see that it is there."""
        if not self.synchronous:
            raise NotReplaceable(
                "the rule is asynchronous: WorkMail would accept the content and deliver the "
                "message unchanged; use a synchronous rule"
            )
        if not self.bucket:
            raise NotConfigured(
                "this function may not replace messages: set replaces=True where the handler is "
                "declared (MAILROOM_FLOW_BUCKET is not set)"
            )
        key = self._store(message_id, content)
        place = {"bucket": self.bucket, "key": key}
        self._ask("put_raw_message_content", messageId=message_id, content={"s3Reference": place})
        with self.open(message_id) as stream:
            there = stream.read()
        # The header may have got a trace field meanwhile; the body is nobody's to touch.
        if _body(there) != _body(content):
            raise NotReplaceable(
                "WorkMail took the new content and gives another back; the mail was not changed "
                "as it should have been"
            )

    def _store(self, message_id: str, content: bytes) -> str:
        from base64 import b64encode
        from hashlib import sha256

        digest = sha256(content)
        # Named by its content, so that a retry writes the same object. No dot, no underscore:
        # WorkMail would not find it.
        name = re.sub(r"[^a-zA-Z0-9\-]", "-", message_id)
        key = f"{self.prefix}{name}/{digest.hexdigest()[:32]}"
        self.s3.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=content,
            ContentType="message/rfc822",
            ChecksumSHA256=b64encode(digest.digest()).decode(),
        )
        return key

    def _ask(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self.client, operation)(**arguments)
        except self.client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ResourceNotFoundException":
                raise MessageNotFound(
                    "WorkMail has no such message; it keeps them for 24 hours"
                ) from error
            if code == "MessageFrozen":
                raise MessageFrozen(
                    "WorkMail does not let this message be changed; it was redirected, perhaps"
                ) from error
            if code in ("MessageRejected", "InvalidContentLocation"):
                raise NotReplaceable(
                    f"WorkMail refuses the new content ({code}): "
                    f"{error.response['Error'].get('Message', '')}"
                ) from error
            raise


def _body(content: bytes) -> bytes:
    found = re.search(rb"\r?\n\r?\n", content)
    return b"" if found is None else b"\n".join(content[found.end() :].splitlines()).rstrip()


class Answers:
    """The table of answers already given, so that a repeated question gets the same one.

    An attempt claims the invocation id, works, and stores its answer. A repetition gets the answer;
    or, while the first is at work, `InProgress`; or, if the first raised, the claim. If the first
    died without a word, its claim runs out after 20 s, and the repetition does the work again: it
    is done at least once, and WorkMail is told one thing only. Entries expire after a day.
    """

    __slots__ = ("_client", "_prefix", "table")

    def __init__(self, table: str, *, prefix: str = "", client: Any = None) -> None:
        self.table = table
        self._prefix = prefix
        self._client = client

    @property
    def client(self) -> Any:
        """The DynamoDB client."""
        if self._client is None:
            self._client = _runtime.client("dynamodb")
        return self._client

    def claim(self, invocation_id: str, attempt: str) -> tuple[Any] | None:
        """Return ``(answer,)`` if there is one, else ``None``: the work is the caller's."""
        now = int(time.time())
        try:
            self.client.put_item(
                TableName=self.table,
                Item={
                    **self._key(invocation_id),
                    "attempt": {"S": attempt},
                    "lease": {"N": str(now + _LEASE_SECONDS)},
                    "expires_at": {"N": str(now + _KEPT_SECONDS)},
                },
                ConditionExpression=(
                    "attribute_not_exists(id) OR (attribute_not_exists(answer) AND lease < :now)"
                ),
                ExpressionAttributeValues={":now": {"N": str(now)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self.client.exceptions.ConditionalCheckFailedException as error:
            found = error.response.get("Item") or {}
            if "answer" in found:
                return (json.loads(found["answer"]["S"]),)
            raise InProgress("another attempt has this invocation id; ask again") from None
        return None

    def store(self, invocation_id: str, attempt: str, answer: Any) -> None:
        """Keep *answer*; raise `InProgress` if the claim ran out and somebody else has it."""
        try:
            self.client.update_item(
                TableName=self.table,
                Key=self._key(invocation_id),
                UpdateExpression="SET answer = :answer",
                ConditionExpression="attempt = :attempt",
                ExpressionAttributeValues={
                    ":answer": {"S": json.dumps(answer)},
                    ":attempt": {"S": attempt},
                },
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            raise InProgress("this attempt took so long that another has begun") from None

    def release(self, invocation_id: str, attempt: str) -> None:
        """Give the claim back, so that the next attempt need not wait for it to run out."""
        try:
            self.client.delete_item(
                TableName=self.table,
                Key=self._key(invocation_id),
                ConditionExpression="attempt = :attempt AND attribute_not_exists(answer)",
                ExpressionAttributeValues={":attempt": {"S": attempt}},
            )
        except Exception as error:  # the claim runs out by itself, and the first error matters more
            _runtime.log("WARNING", "mailroom.workmail.release", error=type(error).__name__)

    def _key(self, invocation_id: str) -> dict[str, dict[str, str]]:
        return {"id": {"S": f"{self._prefix}{invocation_id}"}}


class _Settings:
    """The environment, read once per process."""

    __slots__ = ("answers", "flow", "function", "log_addresses", "rule", "synchronous")

    function: Callable[[FlowMail], object]
    flow: Flow | None

    def __init__(self) -> None:
        self.function = _runtime.resolve(_runtime.setting("MAILROOM_FLOW_HANDLER"))
        self.rule = os.environ.get("MAILROOM_RULE")
        self.log_addresses = os.environ.get("MAILROOM_LOG_ADDRESSES") == "1"
        mode = os.environ.get("MAILROOM_FLOW_MODE", "synchronous")
        if mode not in ("synchronous", "asynchronous"):
            raise NotConfigured(
                f"MAILROOM_FLOW_MODE is {mode!r}; it must be 'synchronous' or 'asynchronous'"
            )
        self.synchronous = mode == "synchronous"
        self.flow = None
        bucket = os.environ.get("MAILROOM_FLOW_BUCKET")
        if bucket or os.environ.get("MAILROOM_FLOW_CONTENT") == "1":
            # At init, where Lambda gives a whole core, rather than inside the first request.
            self.flow = MessageFlow(
                bucket=bucket,
                synchronous=self.synchronous,
                client=_runtime.client("workmailmessageflow"),
                s3=_runtime.client("s3") if bucket else None,
            )
        table = os.environ.get("MAILROOM_FLOW_TABLE")
        self.answers = (
            Answers(table, prefix=f"{self.rule or ''}/", client=_runtime.client("dynamodb"))
            if table
            else None
        )


_settings: _Settings | None = None


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any] | None:
    """Lambda's entry point: give the mail in *event* to the user's function, return its answer.

    ``MAILROOM_FLOW_HANDLER``: the function, ``module:function``. A name of its own, so that one
    folder can have functions for WorkMail and for SES, and import both sides in either.
    ``MAILROOM_FLOW_MODE``: ``synchronous`` (default) or ``asynchronous``.
    ``MAILROOM_FLOW_CONTENT=1``: the function may read messages. ``MAILROOM_FLOW_BUCKET``: and
    replace them, by way of this bucket. ``MAILROOM_FLOW_TABLE``: repeated questions get the same
    answer; see `Answers`.

    Synchronous: the function returns an `Answer`, or ``None`` for `Answer.default` to all, but not
    ``None`` after it began an answer. Whatever raises propagates: WorkMail asks again until the
    rule's timeout, then the rule's fallback applies. Of WorkMail's 15 s the last is kept back: a
    function that is still at work then gets `OutOfTime` raised inside it, which in contrast to
    being killed leaves a log line that says where, and gives the claim back.

    Asynchronous: exceptions propagate, so that Lambda retries and then sends the event to the
    on-failure queue. WorkMail does not wait; an answer is ignored, with a warning in the log.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    settings = _settings
    started = time.monotonic()
    _check_event(event)
    mail = FlowMail(event, flow=settings.flow, deadline=_deadline(started, context, settings))
    try:
        answer, outcome = _once(mail, context, settings)
        if settings.synchronous:
            mail.check_time()
    except BaseException as error:
        _log(mail, "failed", started, settings, error)
        raise
    _log(mail, outcome, started, settings)
    return answer


def _deadline(started: float, context: Any, settings: _Settings) -> float | None:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    of_function = None if remaining is None else started + remaining() / 1000 - _MARGIN
    if not settings.synchronous:
        return of_function
    of_workmail = started + MAX_SECONDS - _MARGIN
    return of_workmail if of_function is None else min(of_workmail, of_function)


def _once(mail: FlowMail, context: Any, settings: _Settings) -> tuple[dict[str, Any] | None, str]:
    answers = settings.answers
    if answers is None:
        return _decide(mail, settings)
    invocation_id = mail.invocation_id
    attempt = f"{getattr(context, 'aws_request_id', None) or 'local'}-{time.time_ns()}"
    known = answers.claim(invocation_id, attempt)
    if known is not None:
        return known[0], "repeated"
    try:
        result = _decide(mail, settings)
    except BaseException:
        answers.release(invocation_id, attempt)
        raise
    answers.store(invocation_id, attempt, result[0])
    return result


def _decide(mail: FlowMail, settings: _Settings) -> tuple[dict[str, Any] | None, str]:
    with _Alarm(mail.remaining_seconds if mail._deadline is not None else None):
        answer = settings.function(mail)
    # Once more, in case that what the alarm raised was caught inside.
    mail.check_time()
    if not settings.synchronous:
        return None, "handled" if answer is None else "answer ignored: nobody waits for it"
    checked = checked_answer(mail, answer)
    return checked.payload(), ",".join(checked.kinds)


def checked_answer(mail: FlowMail, answer: object) -> Answer:
    """Return what the function answered about *mail*; ``None`` becomes `Answer.default`."""
    if answer is None:
        if mail._answer is not None:
            raise InvalidAnswer("the handler began an answer and did not return it")
        return Answer(mail).default()
    if not isinstance(answer, Answer):
        raise InvalidAnswer(
            f"the handler answered {type(answer).__name__} {answer!r:.80}; allowed are None and "
            "what mail.answer() returns"
        )
    if answer._mail is not mail:
        raise InvalidAnswer("the handler answered for another mail than it was asked about")
    return answer


class _Alarm:
    """Raises `OutOfTime` inside the block when time is up; only the main thread has one."""

    __slots__ = ("_before", "_seconds")

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._before: Any = None

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        if self._seconds <= 0:
            raise OutOfTime("there was no time left before the work began")
        import signal

        try:
            self._before = signal.signal(signal.SIGALRM, self._ring)
        except ValueError:  # another thread, in somebody's test
            return
        signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import signal

            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)

    @staticmethod
    def _ring(*_: object) -> None:
        raise OutOfTime(
            f"the handler was still at work when WorkMail's {MAX_SECONDS:g} s, less what an answer "
            "needs, were over"
        )


def _check_event(event: object) -> None:
    if isinstance(event, dict) and "messageId" in event and "envelope" in event:
        return
    shape = (
        f"a mapping with the keys {sorted(map(str, event))[:8]}"
        if isinstance(event, dict)
        else type(event).__name__
    )
    raise UnknownInvocation(f"expected an event of WorkMail's message flow, got {shape}")


def _log(
    mail: FlowMail,
    outcome: str,
    started: float,
    settings: _Settings,
    error: BaseException | None = None,
) -> None:
    raw = mail.raw
    fields: dict[str, Any] = {
        "message_id": raw.get("messageId"),
        "invocation_id": raw.get("invocationId"),
        "direction": raw.get("flowDirection"),
        "rule": settings.rule,
        "outcome": outcome,
        "ms": round((time.monotonic() - started) * 1000, 1),
    }
    if error is not None:
        fields["error"] = type(error).__name__
        fields["at"] = _runtime.where(error)
    if settings.log_addresses:
        fields["envelope"] = raw.get("envelope")
        fields["sender"] = raw.get("sender")
        fields["detail"] = None if error is None else str(error)
    level = "INFO" if error is None else "ERROR"
    if outcome.startswith("answer ignored"):
        level = "WARNING"
    _runtime.log(level, "mailroom.workmail", **fields)


# Lambda imports this module while it initialises: a wrong name then fails before any mail is taken.
# Last in the file, because the user's module imports this one while this one is being imported.
if "MAILROOM_FLOW_HANDLER" in os.environ:
    _settings = _Settings()
