__all__ = [
    "Bounce",
    "Click",
    "Complaint",
    "Delivery",
    "DeliveryDelay",
    "EventType",
    "Mail",
    "Open",
    "Recipient",
    "Reject",
    "RenderingFailure",
    "Send",
    "SendingEvent",
    "SkippedRecord",
    "Subscription",
    "TopicPreferences",
    "UnknownEvent",
    "parse",
    "records",
]

class Bounce(_Feedback):
    DETAIL: object = "bounce"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    bounce_sub_type: str
    bounce_type: str
    bounced_recipients: list[Recipient]
    detail: Mapping[str, Any]
    feedback_id: str
    key: str
    mail: Mail
    raw: object
    recipients: list[str]
    remote_mta_ip: str | None
    reporting_mta: str | None
    timestamp: datetime
    type: str
    ...

class Click(SendingEvent):
    DETAIL: object = "click"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    automated: bool | None
    detail: Mapping[str, Any]
    ip_address: str | None
    key: str
    link: str | None
    link_tags: Mapping[str, list[str]]
    mail: Mail
    raw: object
    recipients: list[str]
    timestamp: datetime
    type: str
    user_agent: str | None
    ...

class Complaint(_Feedback):
    DETAIL: object = "complaint"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    arrival_date: datetime | None
    complained_recipients: list[Recipient]
    complaint_feedback_type: str | None
    complaint_sub_type: str | None
    detail: Mapping[str, Any]
    feedback_id: str
    is_complaint: bool
    key: str
    mail: Mail
    raw: object
    recipients: list[str]
    timestamp: datetime
    type: str
    user_agent: str | None
    ...

class Delivery(SendingEvent):
    DETAIL: object = "delivery"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    detail: Mapping[str, Any]
    key: str
    mail: Mail
    processing_time_millis: int
    raw: object
    recipients: list[str]
    remote_mta_ip: str | None
    reporting_mta: str | None
    smtp_response: str | None
    timestamp: datetime
    type: str
    ...

class DeliveryDelay(SendingEvent):
    DETAIL: object = "deliveryDelay"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    delay_type: str
    delayed_recipients: list[Recipient]
    detail: Mapping[str, Any]
    expiration_time: datetime | None
    key: str
    mail: Mail
    raw: object
    recipients: list[str]
    reporting_mta: str | None
    timestamp: datetime
    type: str
    ...

from cdk_mailroom.events import EventType as EventType

class Mail(View):
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    caller_identity: str | None
    common_headers: Mapping[str, Any]
    configuration_set: str | None
    destination: list[str]
    headers: Headers
    headers_truncated: bool
    message_id: str
    raw: Mapping[str, Any]
    sending_account_id: str | None
    source: str | None
    source_arn: str | None
    source_ip: str | None
    subject: str | None
    tags: Mapping[str, list[str]]
    tenant: str | None
    timestamp: datetime
    ...

class Open(SendingEvent):
    DETAIL: object = "open"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    automated: bool | None
    detail: Mapping[str, Any]
    ip_address: str | None
    key: str
    mail: Mail
    raw: object
    recipients: list[str]
    timestamp: datetime
    type: str
    user_agent: str | None
    ...

class Recipient(View):
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    action: str | None
    diagnostic_code: str | None
    email_address: str
    raw: Mapping[str, Any]
    status: str | None
    ...

class Reject(SendingEvent):
    DETAIL: object = "reject"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    detail: Mapping[str, Any]
    key: str
    mail: Mail
    raw: object
    reason: str | None
    recipients: list[str]
    timestamp: datetime
    type: str
    ...

class RenderingFailure(SendingEvent):
    DETAIL: object = "failure"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    detail: Mapping[str, Any]
    error_message: str
    key: str
    mail: Mail
    missing_attribute: str | None
    raw: object
    recipients: list[str]
    template_name: str
    timestamp: datetime
    type: str
    ...

class Send(SendingEvent):
    DETAIL: object = "send"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    detail: Mapping[str, Any]
    key: str
    mail: Mail
    raw: object
    recipients: list[str]
    timestamp: datetime
    type: str
    ...

class SendingEvent(View):
    DETAIL: object = ""
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    detail: Mapping[str, Any]
    key: str
    mail: Mail
    raw: object
    recipients: list[str]
    timestamp: datetime
    type: str
    ...

class SkippedRecord:
    def __init__(
        self,
        reason: str,
        body: object,
        *,
        control: bool = False,
    ) -> None: ...
    body: object
    control: object
    reason: object
    ...

class Subscription(SendingEvent):
    DETAIL: object = "subscription"
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    contact_list: str
    detail: Mapping[str, Any]
    key: str
    mail: Mail
    new_topic_preferences: TopicPreferences
    old_topic_preferences: TopicPreferences
    raw: object
    recipients: list[str]
    source: str | None
    timestamp: datetime
    type: str
    ...

class TopicPreferences(View):
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    raw: Mapping[str, Any]
    topic_subscription_status: Mapping[str, str]
    unsubscribe_all: bool
    ...

class UnknownEvent(SendingEvent):
    DETAIL: object = ""
    def __init__(
        self,
        raw: Mapping[str, Any],
    ) -> None: ...
    detail: Mapping[str, Any]
    key: str
    mail: Mail
    raw: object
    recipients: list[str]
    timestamp: datetime
    type: str
    ...

def parse(
    payload: Mapping[str, Any] | str | bytes,
) -> SendingEvent: ...
def records(
    event: Mapping[str, Any],
) -> Iterator[tuple[str, SendingEvent | SkippedRecord]]: ...
