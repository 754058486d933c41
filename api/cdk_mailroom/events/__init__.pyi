__all__ = [
    "Alerts",
    "BUNDLED",
    "Bundled",
    "BusPipeline",
    "EventPipeline",
    "EventPublishing",
    "EventType",
    "Pipeline",
]

class Alerts:
    def __init__(
        self,
        *,
        window: Duration | None = None,
        delay_warning: Duration | None = None,
    ) -> None: ...
    delay_warning: Duration | None
    window: Duration | None
    ...

BUNDLED: Final = Bundled()

class Bundled: ...

class BusPipeline(Pipeline):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: PipelineSettings,
        configuration_set_name: str,
    ) -> None: ...
    age_alarm: object
    alarms: Mapping[str, cloudwatch.Alarm]
    dead_letter_alarm: object
    dead_letter_queue: object
    function: object
    isolation_age_alarm: object
    isolation_queue: object
    queue: object
    rule: object
    types: object
    undelivered_alarm: object
    ...

class EventPipeline(Pipeline):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: PipelineSettings,
        topic: sns.ITopic,
    ) -> None: ...
    age_alarm: object
    alarms: Mapping[str, cloudwatch.Alarm]
    dead_letter_alarm: object
    dead_letter_queue: object
    function: object
    isolation_age_alarm: object
    isolation_queue: object
    queue: object
    subscription: object
    types: object
    ...

class EventPublishing(EventDestinations):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        configuration_set: ses.IConfigurationSet | None = None,
        configuration_set_name: str | None = None,
        topic: sns.ITopic | None = None,
        encryption_key: kms.IKey | None = None,
        identities: Sequence[ses.IEmailIdentity | str] | None = None,
        event_table: dynamodb.ITable | None = None,
        retention: Retention | None = None,
        alert_topic: sns.ITopic | None = None,
        alerts: Alerts | None = None,
        suppress: bool = True,
        maximum_concurrency: int = 10,
        reputation_alarms: bool = True,
    ) -> None: ...
    def add_destination(
        self,
        construct_id: str,
        *,
        destination: ses.EventDestination,
        types: EventType | Sequence[EventType],
    ) -> ses.ConfigurationSetEventDestination: ...
    alarms: Mapping[str, cloudwatch.Alarm]
    alert_topic: sns.ITopic
    configuration_set: ses.IConfigurationSet
    configuration_set_arn: str
    configuration_set_name: object
    def configure_sender(
        self,
        grantee: iam.IGrantable,
    ) -> None: ...
    environment: Mapping[str, str]
    event_table: dynamodb.ITable
    def grant_send(
        self,
        grantee: iam.IGrantable,
        *,
        from_address: str | None = None,
        templates: Sequence[str] = (),
        bulk: bool = False,
        tenants: Sequence[TenantOfSender | str] = (),
        endpoint: Endpoint | None = None,
        tracking: TrackingGrant = False,
    ) -> iam.Grant: ...
    lake: EventLake | None
    def on(
        self,
        types: EventType | Sequence[EventType],
        *handlers: PythonHandler | Bundled,
    ) -> EventPipeline: ...
    def on_bus(
        self,
        types: EventType | Sequence[EventType],
        *handlers: PythonHandler | Bundled | events.IRuleTarget,
    ) -> BusPipeline | events.Rule: ...
    pipelines: Mapping[EventType, EventPipeline]
    def to_event_bus(
        self,
        types: EventType | Sequence[EventType] | None = None,
        *,
        archive: Retention | None = None,
    ) -> events.Archive | None: ...
    def to_lake(
        self,
        lake: EventLake | None = None,
        *,
        types: EventType | Sequence[EventType] | None = None,
    ) -> EventLake: ...
    def to_metrics(
        self,
        dimensions: Sequence[ses.CloudWatchDimension],
        *,
        types: EventType | Sequence[EventType] | None = None,
    ) -> ses.CfnConfigurationSetEventDestination: ...
    topic: sns.ITopic
    ...

class EventType(StrEnum):
    BOUNCE: object = "Bounce"
    CLICK: object = "Click"
    COMPLAINT: object = "Complaint"
    DELIVERY: object = "Delivery"
    DELIVERY_DELAY: object = "DeliveryDelay"
    OPEN: object = "Open"
    REJECT: object = "Reject"
    RENDERING_FAILURE: object = "Rendering Failure"
    SEND: object = "Send"
    SUBSCRIPTION: object = "Subscription"
    ...

class Pipeline(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: PipelineSettings,
    ) -> None: ...
    age_alarm: object
    alarms: Mapping[str, cloudwatch.Alarm]
    dead_letter_alarm: object
    dead_letter_queue: object
    function: object
    isolation_age_alarm: object
    isolation_queue: object
    queue: object
    types: object
    ...
