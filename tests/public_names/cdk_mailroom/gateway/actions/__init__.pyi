__all__ = ['AddHeader', 'Archive', 'Bounce', 'BoundGatewayAction', 'DeliverToQBusiness', 'DeliverToWorkMail', 'Drop', 'GatewayAction', 'GatewayContext', 'InvokeFunction', 'MailFrom', 'OnFailure', 'Payload', 'Publish', 'Relay', 'RelayServer', 'ReplaceRecipients', 'Send', 'Store', 'TargetArchive']
class AddHeader(GatewayAction):
    def __init__(
        self,
        name: str,
        value: str,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    name: object
    sends: bool
    settles: object
    value: object
    ...
class Archive(GatewayAction):
    def __init__(
        self,
        archive: TargetArchive | str,
        *,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    archive_id: object
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    on_failure: object
    sends: bool
    settles: bool
    ...
class Bounce(GatewayAction):
    def __init__(
        self,
        *,
        sender: str,
        diagnostic: str,
        smtp_reply_code: str = '550',
        status_code: str = '5.7.1',
        message: str | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    diagnostic: object
    message: object
    on_failure: object
    sender: object
    sends: bool
    settles: bool
    smtp_reply_code: object
    status_code: object
    ...
class BoundGatewayAction:
    def __init__(
        self,
        *,
        action: ses.CfnMailManagerRuleSet.RuleActionProperty,
        dependencies: list[IDependable] = list(),
        function: lambda_.IFunction | None = None,
        failure_alarms: Sequence[cloudwatch.Alarm] = (),
    ) -> None: ...
    action: ses.CfnMailManagerRuleSet.RuleActionProperty
    dependencies: list[IDependable]
    failure_alarms: Sequence[cloudwatch.Alarm]
    function: lambda_.IFunction | None
    ...
class DeliverToQBusiness(GatewayAction):
    def __init__(
        self,
        *,
        application_id: str,
        index_id: str,
        encryption_key: kms.IKey | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    application_id: object
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    encryption_key: object
    index_id: object
    on_failure: object
    sends: bool
    settles: bool
    ...
class DeliverToWorkMail(GatewayAction):
    def __init__(
        self,
        organization_arn: str,
        *,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    on_failure: object
    organization_arn: object
    sends: bool
    settles: bool
    ...
class Drop(GatewayAction):
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    sends: bool
    settles: bool
    ...
class GatewayAction(ABC):
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    sends: bool
    settles: bool
    ...
class GatewayContext(RuleContext):
    def __init__(
        self,
        *,
        kind: RuleKind = RuleKind.RECEIPT,
        stack: Stack,
        rule_id: str,
        recipients: Sequence[str],
        scanned: bool,
        stored: StoredMail | None,
        dead_letter_queue: sqs.IQueue,
        alert_topic: sns.ITopic | None,
        role: iam.Role,
        on_failure: OnFailure | str,
        retry: Duration,
    ) -> None: ...
    alert_topic: sns.ITopic | None
    dead_letter_queue: sqs.IQueue
    kind: RuleKind
    on_failure: OnFailure | str
    recipients: Sequence[str]
    retry: Duration
    role: iam.Role
    rule_id: str
    scanned: bool
    stack: Stack
    stored: StoredMail | None
    ...
class InvokeFunction(GatewayAction):
    def __init__(
        self,
        function: lambda_.IFunction,
        *,
        synchronous: bool = False,
        retry: Duration | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    function: object
    on_failure: object
    retry: object
    sends: bool
    settles: bool
    synchronous: object
    ...
class MailFrom(StrEnum):
    PRESERVE: object = 'PRESERVE'
    REPLACE: object = 'REPLACE'
    ...
class OnFailure(StrEnum):
    CONTINUE: object = 'CONTINUE'
    DROP: object = 'DROP'
    ...
class Payload(StrEnum):
    CONTENT: object = 'CONTENT'
    HEADERS: object = 'HEADERS'
    ...
class Publish(GatewayAction):
    def __init__(
        self,
        topic: sns.ITopic,
        *,
        payload: Payload | str = Payload.CONTENT,
        base64: bool = False,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    base64: object
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    on_failure: object
    payload: object
    sends: bool
    settles: bool
    topic: object
    ...
class Relay(GatewayAction):
    def __init__(
        self,
        relay: RelayServer | str,
        *,
        mail_from: MailFrom | str = MailFrom.PRESERVE,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    mail_from: object
    on_failure: object
    relay_id: object
    sends: object
    settles: bool
    ...
class RelayServer(Protocol):
    relay_id: str
    ...
class ReplaceRecipients(GatewayAction):
    def __init__(
        self,
        *addresses: str,
    ) -> None: ...
    addresses: object
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    sends: bool
    settles: object
    ...
class Send(GatewayAction):
    def __init__(
        self,
        *,
        identities: Sequence[SendingIdentity | ses.IEmailIdentity | str],
        configuration_set_name: str | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    configuration_set_name: object
    identities: object
    on_failure: object
    sends: object
    settles: bool
    ...
class Store(GatewayAction):
    def __init__(
        self,
        bucket: s3.IBucket,
        *,
        prefix: str = '',
        encryption_key: kms.IKey | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: GatewayContext,
    ) -> BoundGatewayAction: ...
    bucket: object
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    encryption_key: object
    on_failure: object
    prefix: object
    sends: bool
    settles: bool
    ...
class TargetArchive(Protocol):
    archive_id: str
    ...
