__all__ = [
    "Activation",
    "ActiveRuleSet",
    "EVERY_RECIPIENT",
    "EveryRecipient",
    "HandledRule",
    "InboundMail",
    "InboundRule",
    "MailFunction",
]

class Activation(StrEnum):
    JOIN: object = "join"
    NONE: object = "none"
    REFUSE: object = "refuse"
    REPLACE: object = "replace"
    ...

class ActiveRuleSet(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_set: ses.IReceiptRuleSet,
        activation: Activation | str = Activation.REFUSE,
    ) -> None: ...
    rule_set_name: object
    ...

EVERY_RECIPIENT: Final = EveryRecipient.EVERY_RECIPIENT

class EveryRecipient(Enum):
    EVERY_RECIPIENT: object = "every recipient"
    ...

class HandledRule(InboundRule):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        options: RuleOptions,
        place: RulePlace,
    ) -> None: ...
    def add_action(
        self,
        construct_id: str,
        action: Action,
    ) -> None: ...
    dead_letter_queue: sqs.IQueue
    failure_alarms: Sequence[cloudwatch.Alarm]
    function: lambda_.Function
    def grant_read_mail(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    rule: ses.ReceiptRule
    stored: StoredMail | None
    ...

class InboundMail(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rule_set: ses.IReceiptRuleSet | None = None,
        rule_set_name: str | None = None,
        after_rule: ses.IReceiptRule | None = None,
        activation: Activation | str | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        retention: Retention | None = None,
        removal_policy: RemovalPolicy | None = None,
        hosted_zone: route53.IHostedZone | CrossAccountZone | None = None,
        domain: str | None = None,
        identity: SendingIdentity | ses.IEmailIdentity | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None: ...
    def add_ip_filter(
        self,
        construct_id: str,
        *,
        cidr: str,
        allow: bool = False,
    ) -> ses.ReceiptFilter: ...
    def add_rule(
        self,
        construct_id: str,
        *,
        recipients: Sequence[str] | EveryRecipient,
        handler: ReceiptAction | None = None,
        before: Sequence[ReceiptAction | NativeAction] = (),
        after: Sequence[ReceiptAction | NativeAction] = (),
        store: actions.S3 | bool = True,
        rule_name: str | None = None,
        enabled: bool = True,
        scan: bool = True,
        require_tls: bool = True,
    ) -> InboundRule: ...
    alarms: Mapping[str, cloudwatch.Alarm]
    bucket: s3.IBucket
    dead_letter_alarm: object
    dead_letter_queue: object
    def grant_read_mail(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    rule_set: ses.IReceiptRuleSet
    rules: Sequence[InboundRule]
    ...

class InboundRule(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        options: RuleOptions,
        place: RulePlace,
    ) -> None: ...
    def add_action(
        self,
        construct_id: str,
        action: Action,
    ) -> None: ...
    dead_letter_queue: sqs.IQueue
    failure_alarms: Sequence[cloudwatch.Alarm]
    function: lambda_.IFunction | None
    def grant_read_mail(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    rule: ses.ReceiptRule
    stored: StoredMail | None
    ...

class MailFunction(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: PythonHandler,
        encryption_key: kms.IKey | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None: ...
    dead_letter_alarm: cloudwatch.Alarm
    dead_letter_queue: sqs.IQueue
    function: lambda_.Function
    def on_bucket(
        self,
        bucket: s3.IBucket,
        *,
        prefix: str,
    ) -> None: ...
    def on_queue(
        self,
        queue: sqs.IQueue,
        *,
        batch_size: int = 10,
    ) -> lambda_.EventSourceMapping: ...
    def on_topic(
        self,
        topic: sns.ITopic,
    ) -> None: ...
    ...
