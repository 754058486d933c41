__all__ = [
    "AutomaticMail",
    "DeadlineReached",
    "HandlerDied",
    "HandlerExited",
    "HandlerNotFound",
    "InvalidAnswer",
    "InvalidMessage",
    "InvalidQuery",
    "InvalidSignature",
    "MailroomError",
    "MalformedEvent",
    "MessageNotStored",
    "MissingField",
    "NotConfigured",
    "NotHandedOn",
    "NotSent",
    "OutOfTime",
    "OutcomeUnknown",
    "QueryFailed",
    "QueryOutOfTime",
    "UnknownInvocation",
]

class AutomaticMail(MailroomError):
    def __init__(
        self,
        text: str,
        *,
        reason: str,
    ) -> None: ...
    reason: object
    ...

class DeadlineReached(BaseException):
    def __init__(
        self,
        owner: object,
    ) -> None: ...
    owner: object
    ...

class HandlerDied(MailroomError): ...
class HandlerExited(MailroomError): ...
class HandlerNotFound(MailroomError): ...
class InvalidAnswer(MailroomError, TypeError): ...
class InvalidMessage(MailroomError, ValueError): ...
class InvalidQuery(MailroomError, ValueError): ...
class InvalidSignature(MailroomError, ValueError): ...
class MailroomError(Exception): ...
class MalformedEvent(MailroomError, ValueError): ...
class MessageNotStored(MailroomError, LookupError): ...
class MissingField(MailroomError, LookupError): ...
class NotConfigured(MailroomError): ...

class NotHandedOn(MailroomError):
    def __init__(
        self,
        text: str,
        *,
        code: str = "",
    ) -> None: ...
    code: object
    ...

class NotSent(MailroomError):
    def __init__(
        self,
        text: str,
        *,
        code: str = "",
        reason: str = "",
    ) -> None: ...
    code: object
    reason: object
    ...

class OutOfTime(MailroomError, TimeoutError): ...
class OutcomeUnknown(MailroomError): ...

class QueryFailed(MailroomError):
    def __init__(
        self,
        text: str,
        *,
        remedy: str,
        reason: str = "",
        query_id: str = "",
    ) -> None: ...
    query_id: object
    reason: object
    remedy: object
    text: object
    ...

class QueryOutOfTime(QueryFailed, TimeoutError):
    def __init__(
        self,
        text: str,
        *,
        remedy: str,
        reason: str = "",
        query_id: str = "",
    ) -> None: ...
    query_id: object
    reason: object
    remedy: object
    text: object
    ...

class UnknownInvocation(MailroomError, ValueError): ...
