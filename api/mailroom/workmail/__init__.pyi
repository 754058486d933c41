__all__ = [
    "ANSWER_SECONDS",
    "ActionType",
    "Answer",
    "AnswerTable",
    "Direction",
    "FlowMail",
    "InProgress",
    "MessageFlow",
    "MessageFrozen",
    "MessageNotFound",
    "NotReplaceable",
    "OutOfTime",
    "checked_content",
]
ANSWER_SECONDS: object = 15.0

class ActionType(StrEnum):
    BOUNCE: object = "BOUNCE"
    BYPASS_SPAM_CHECK: object = "BYPASS_SPAM_CHECK"
    DEFAULT: object = "DEFAULT"
    DROP: object = "DROP"
    MOVE_TO_JUNK: object = "MOVE_TO_JUNK"
    ...

class Answer:
    def __init__(
        self,
        recipients: Sequence[str],
        *,
        direction: str,
        truncated: bool,
    ) -> None: ...
    def bounce(
        self,
        message: str,
        *,
        recipients: Sequence[str] | None = None,
    ) -> Answer: ...
    def bypass_spam_check(
        self,
        *,
        recipients: Sequence[str] | None = None,
    ) -> Answer: ...
    def default(
        self,
        *,
        recipients: Sequence[str] | None = None,
    ) -> Answer: ...
    def deliver_also(
        self,
        recipients: Sequence[str],
    ) -> Answer: ...
    def drop(
        self,
        *,
        recipients: Sequence[str] | None = None,
    ) -> Answer: ...
    kinds: list[str]
    def move_to_junk(
        self,
        *,
        recipients: Sequence[str] | None = None,
    ) -> Answer: ...
    def payload(
        self,
    ) -> dict[str, Any]: ...
    ...

class AnswerTable:
    def __init__(
        self,
        table: str,
        *,
        prefix: str = "",
        client: Any = None,
    ) -> None: ...
    def claim(
        self,
        invocation_id: str,
        attempt: str,
    ) -> tuple[Any] | None: ...
    client: Any
    def release(
        self,
        invocation_id: str,
        attempt: str,
    ) -> None: ...
    def store(
        self,
        invocation_id: str,
        attempt: str,
        answer: Any,
    ) -> None: ...
    table: object
    ...

class Direction(StrEnum):
    INBOUND: object = "INBOUND"
    OUTBOUND: object = "OUTBOUND"
    ...

class FlowMail:
    def __init__(
        self,
        raw: Mapping[str, Any],
        *,
        flow: Flow | None = None,
        deadline: float | None = None,
    ) -> None: ...
    def answer(
        self,
    ) -> Answer: ...
    def check_time(
        self,
    ) -> None: ...
    def checked_answer(
        self,
        returned: object,
    ) -> Answer: ...
    direction: str
    invocation_id: str
    message_id: str
    def open(
        self,
    ) -> BufferedIOBase: ...
    raw: object
    def read(
        self,
    ) -> EmailMessage: ...
    recipients: list[str]
    remaining_seconds: float
    def replace(
        self,
        message: EmailMessage | bytes,
    ) -> None: ...
    sender: str | None
    source: str
    subject: str | None
    summary_version: str | None
    truncated: bool
    ...

class InProgress(MailroomError): ...

class MessageFlow:
    def __init__(
        self,
        *,
        bucket: str | None = None,
        prefix: str = "changed/",
        synchronous: bool = True,
        client: Any = None,
        s3: Any = None,
    ) -> None: ...
    bucket: object
    client: Any
    def open(
        self,
        message_id: str,
    ) -> BufferedIOBase: ...
    prefix: object
    def replace(
        self,
        message_id: str,
        content: bytes,
    ) -> None: ...
    s3: Any
    synchronous: object
    ...

class MessageFrozen(MailroomError): ...
class MessageNotFound(MessageNotStored): ...
class NotReplaceable(MailroomError, ValueError): ...

from mailroom.errors import OutOfTime as OutOfTime

def checked_content(
    message: EmailMessage | bytes,
) -> bytes: ...
