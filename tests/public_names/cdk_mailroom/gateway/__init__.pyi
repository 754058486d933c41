__all__ = ['ANY_RECIPIENT', 'Access', 'Addon', 'AddonName', 'AddonSubscription', 'AddressList', 'Allow', 'AnyCondition', 'AnyRecipient', 'ArchiveRetention', 'Authenticated', 'BoundAccess', 'Certificate', 'Deny', 'DmarcPolicy', 'ExistingAddressList', 'ExistingIngressPoint', 'ExistingMailArchive', 'GatewayRule', 'HandledGatewayRule', 'Logs', 'MailArchive', 'MailGateway', 'MutualTls', 'Network', 'OnFailure', 'Open', 'PolicyCondition', 'PublicNetwork', 'Relay', 'RuleCondition', 'Status', 'Tls', 'TlsVersion', 'TrafficPolicy', 'Verdict', 'VpcEndpoint', 'actions', 'cc', 'certificate', 'dkim', 'dmarc_policy', 'from_', 'header', 'helo', 'mail_from', 'read_receipt_requested', 'recipient', 'sender', 'size', 'source_ip', 'spf', 'subject', 'tls', 'tls_version', 'tls_wrapped', 'to']
ANY_RECIPIENT: Final = AnyRecipient.ANY_RECIPIENT
class Access(ABC):
    def __init__(
        self,
        tls: Tls | str | None,
        network: Network | None,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
    ) -> BoundAccess: ...
    def check(
        self,
        problems: Problems,
        region: str,
    ) -> None: ...
    chosen_by_aws: bool
    kind: str
    network: object
    tls: object
    def tls_policy(
        self,
        region: str,
    ) -> Tls | str: ...
    ...
class Addon:
    def __init__(
        self,
        addon_instance_arn: str,
        name: AddonName | str,
    ) -> None: ...
    addon_instance_arn: str
    def boolean(
        self,
        field: str,
    ) -> AnalysisBoolean: ...
    def string(
        self,
        field: str,
    ) -> AnalysisString: ...
    def verdict(
        self,
        field: str,
    ) -> VerdictAttribute: ...
    ...
class AddonName(StrEnum):
    ABUSIX_MAIL_INTELLIGENCE: object = 'ABUSIX_MAIL_INTELLIGENCE'
    SPAMHAUS_DBL: object = 'SPAMHAUS_DBL'
    TRENDMICRO_VSAPI: object = 'TRENDMICRO_VSAPI'
    VADE_ADVANCED_EMAIL_SECURITY: object = 'VADE_ADVANCED_EMAIL_SECURITY'
    ...
class AddonSubscription(MailConstruct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: AddonName | str,
        accept_terms_and_price: bool = False,
    ) -> None: ...
    addon: Addon
    addon_instance_arn: str
    def boolean(
        self,
        field: str,
    ) -> AnalysisBoolean: ...
    def string(
        self,
        field: str,
    ) -> AnalysisString: ...
    def verdict(
        self,
        field: str,
    ) -> VerdictAttribute: ...
    ...
class AddressList(ExistingAddressList):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        members: Sequence[str] = (),
        members_file: str | Path | None = None,
        name: str | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None: ...
    address_list_arn: object
    address_list_id: object
    @staticmethod
    def from_address_list_arn(
        scope: Construct,
        construct_id: str,
        address_list_arn: str,
    ) -> ExistingAddressList: ...
    def grant_manage(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    def grant_read(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    ...
class Allow:
    def __init__(
        self,
        when: Sequence[PolicyCondition],
    ) -> None: ...
    when: Sequence[PolicyCondition]
    ...
class AnyCondition(RuleCondition, PolicyCondition):
    def __init__(
        self,
        *,
        text: str,
        faults: Faults = (),
        in_policy: ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty,
        in_rule: ses.CfnMailManagerRuleSet.RuleConditionProperty,
        only_in_rules: str | None = None,
        of_addon: bool = False,
        limits_use: bool = False,
    ) -> None: ...
    faults: Faults
    in_policy: ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty
    in_rule: ses.CfnMailManagerRuleSet.RuleConditionProperty
    limits_use: bool
    of_addon: bool
    only_in_rules: str | None
    text: str
    ...
class AnyRecipient(Enum):
    ANY_RECIPIENT: object = 'any recipient'
    ...
class ArchiveRetention(StrEnum):
    EIGHTEEN_MONTHS: object = 'EIGHTEEN_MONTHS'
    EIGHT_YEARS: object = 'EIGHT_YEARS'
    FIVE_YEARS: object = 'FIVE_YEARS'
    FOUR_YEARS: object = 'FOUR_YEARS'
    NINE_MONTHS: object = 'NINE_MONTHS'
    NINE_YEARS: object = 'NINE_YEARS'
    ONE_YEAR: object = 'ONE_YEAR'
    PERMANENT: object = 'PERMANENT'
    SEVEN_YEARS: object = 'SEVEN_YEARS'
    SIX_MONTHS: object = 'SIX_MONTHS'
    SIX_YEARS: object = 'SIX_YEARS'
    TEN_YEARS: object = 'TEN_YEARS'
    THIRTY_MONTHS: object = 'THIRTY_MONTHS'
    THREE_MONTHS: object = 'THREE_MONTHS'
    THREE_YEARS: object = 'THREE_YEARS'
    TWO_YEARS: object = 'TWO_YEARS'
    ...
class Authenticated(Access):
    def __init__(
        self,
        *,
        secret: secretsmanager.ISecret | None = None,
        encryption_key: kms.IKey | None = None,
        tls: Tls | str | None = None,
        network: Network | None = None,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
    ) -> BoundAccess: ...
    def check(
        self,
        problems: Problems,
        region: str,
    ) -> None: ...
    chosen_by_aws: bool
    kind: object
    network: object
    tls: object
    def tls_policy(
        self,
        region: str,
    ) -> Tls | str: ...
    ...
class BoundAccess:
    def __init__(
        self,
        *,
        configuration: ses.CfnMailManagerIngressPoint.IngressPointConfigurationProperty | None = None,
        dependencies: list[IDependable] = list(),
        secret: secretsmanager.ISecret | None = None,
    ) -> None: ...
    configuration: ses.CfnMailManagerIngressPoint.IngressPointConfigurationProperty | None
    dependencies: list[IDependable]
    secret: secretsmanager.ISecret | None
    ...
class Certificate(StrEnum):
    COMMON_NAME: object = 'CN'
    SAN_ADDRESS: object = 'SAN_RFC822_NAME'
    SAN_DIRECTORY_NAME: object = 'SAN_DIRECTORY_NAME'
    SAN_DNS_NAME: object = 'SAN_DNS_NAME'
    SAN_IP_ADDRESS: object = 'SAN_IP_ADDRESS'
    SAN_REGISTERED_ID: object = 'SAN_REGISTERED_ID'
    SAN_URI: object = 'SAN_UNIFORM_RESOURCE_IDENTIFIER'
    SERIAL_NUMBER: object = 'SERIAL_NUMBER'
    ...
class Deny:
    def __init__(
        self,
        when: Sequence[PolicyCondition],
    ) -> None: ...
    when: Sequence[PolicyCondition]
    ...
class DmarcPolicy(StrEnum):
    NONE: object = 'NONE'
    QUARANTINE: object = 'QUARANTINE'
    REJECT: object = 'REJECT'
    ...
class ExistingAddressList(MailConstruct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        address_list_arn: str,
    ) -> None: ...
    address_list_arn: object
    address_list_id: object
    def grant_manage(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    def grant_read(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    ...
class ExistingIngressPoint:
    def __init__(
        self,
        *,
        ingress_point_id: str,
        host: str | None = None,
    ) -> None: ...
    host: str | None
    ingress_point_id: str
    ...
class ExistingMailArchive(MailConstruct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        archive_arn: str,
        encryption_key: kms.IKey | None = None,
    ) -> None: ...
    archive_arn: object
    archive_id: str
    encryption_key: object
    def grant_search(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    ...
class GatewayRule(MailConstruct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        options: GatewayRuleOptions,
        place: GatewayRulePlace,
    ) -> None: ...
    dead_letter_queue: sqs.IQueue
    dependencies: Sequence[IDependable]
    failure_alarms: Sequence[cloudwatch.Alarm]
    function: lambda_.IFunction | None
    def grant_read_mail(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    rule_name: str
    settings: ses.CfnMailManagerRuleSet.RuleProperty
    stored: StoredMail | None
    ...
class HandledGatewayRule(GatewayRule):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        options: GatewayRuleOptions,
        place: GatewayRulePlace,
    ) -> None: ...
    dead_letter_queue: sqs.IQueue
    dependencies: Sequence[IDependable]
    failure_alarms: Sequence[cloudwatch.Alarm]
    function: lambda_.Function
    def grant_read_mail(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    rule_name: str
    settings: ses.CfnMailManagerRuleSet.RuleProperty
    stored: StoredMail | None
    ...
class Logs:
    def __init__(
        self,
        *,
        actions: bool = True,
        accepted: bool = False,
        policy: bool = False,
        retention: logs.RetentionDays | None = None,
    ) -> None: ...
    accepted: bool
    actions: bool
    policy: bool
    retention: logs.RetentionDays | None
    ...
class MailArchive(ExistingMailArchive):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        retention: ArchiveRetention | str | None = None,
        encryption_key: kms.IKey | None = None,
        name: str | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None: ...
    archive_arn: object
    archive_id: str
    encryption_key: object
    @staticmethod
    def from_archive_arn(
        scope: Construct,
        construct_id: str,
        archive_arn: str,
        *,
        encryption_key: kms.IKey | None = None,
    ) -> ExistingMailArchive: ...
    def grant_search(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    ...
class MailGateway(MailConstruct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        recipients: Sequence[str] | AnyRecipient | None = None,
        access: Access | ExistingIngressPoint | None = None,
        traffic: TrafficPolicy | str | None = None,
        rule_set: MailGateway | str | None = None,
        status: Status | str | None = None,
        hosted_zone: route53.IHostedZone | CrossAccountZone | None = None,
        domain: str | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        retention: Retention | None = None,
        removal_policy: RemovalPolicy | None = None,
        logs: Logs | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None: ...
    def add_rule(
        self,
        construct_id: str,
        *,
        when: Sequence[RuleCondition] = (),
        unless: Sequence[RuleCondition] = (),
        handler: GatewayAction | PythonHandler | None = None,
        before: Sequence[GatewayAction | PythonHandler] = (),
        after: Sequence[GatewayAction | PythonHandler] = (),
        store: Store | bool = True,
        rule_name: str | None = None,
        on_failure: OnFailure | str = OnFailure.CONTINUE,
        retry: Duration | None = None,
    ) -> GatewayRule: ...
    alarms: Mapping[str, cloudwatch.Alarm]
    bucket: s3.IBucket
    dead_letter_queue: sqs.IQueue
    def grant_read_mail(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    host: str
    ingress_point: ses.CfnMailManagerIngressPoint | None
    ingress_point_id: str
    log_group: logs.ILogGroup | None
    mx: str
    role: iam.Role
    rule_set: RuleSet | None
    rule_set_id: str
    rules: Sequence[GatewayRule]
    secret: secretsmanager.ISecret
    user: str
    ...
class MutualTls(Access):
    def __init__(
        self,
        *,
        ca: str | Path,
        crl: str | Path | None = None,
        encryption_key: kms.IKey | None = None,
        tls: Tls | str | None = None,
        network: Network | None = None,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
    ) -> BoundAccess: ...
    def check(
        self,
        problems: Problems,
        region: str,
    ) -> None: ...
    chosen_by_aws: bool
    kind: object
    network: object
    tls: object
    def tls_policy(
        self,
        region: str,
    ) -> Tls | str: ...
    ...
class Network(ABC):
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def configuration(
        self,
    ) -> ses.CfnMailManagerIngressPoint.NetworkConfigurationProperty: ...
    private: bool
    ...
from cdk_mailroom.gateway.actions import OnFailure as OnFailure
class Open(Access):
    def __init__(
        self,
        *,
        tls: Tls | str | None = None,
        network: Network | None = None,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
    ) -> BoundAccess: ...
    def check(
        self,
        problems: Problems,
        region: str,
    ) -> None: ...
    chosen_by_aws: bool
    kind: object
    network: object
    tls: object
    def tls_policy(
        self,
        region: str,
    ) -> Tls | str: ...
    ...
class PolicyCondition(Condition):
    def __init__(
        self,
        *,
        text: str,
        faults: Faults = (),
        in_policy: ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty,
    ) -> None: ...
    faults: Faults
    in_policy: ses.CfnMailManagerTrafficPolicy.PolicyConditionProperty
    text: str
    ...
class PublicNetwork(Network):
    def __init__(
        self,
        *,
        dual_stack: bool = False,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def configuration(
        self,
    ) -> ses.CfnMailManagerIngressPoint.NetworkConfigurationProperty: ...
    dual_stack: object
    private: bool
    ...
class Relay(MailConstruct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        server: str,
        port: int = 25,
        secret: secretsmanager.ISecret | None = None,
    ) -> None: ...
    relay_arn: str
    relay_id: str
    ...
class RuleCondition(Condition):
    def __init__(
        self,
        *,
        text: str,
        faults: Faults = (),
        in_rule: ses.CfnMailManagerRuleSet.RuleConditionProperty,
    ) -> None: ...
    faults: Faults
    in_rule: ses.CfnMailManagerRuleSet.RuleConditionProperty
    text: str
    ...
class Status(StrEnum):
    ACTIVE: object = 'ACTIVE'
    CLOSED: object = 'CLOSED'
    ...
class Tls(StrEnum):
    FIPS: object = 'FIPS'
    OPTIONAL: object = 'OPTIONAL'
    REQUIRED: object = 'REQUIRED'
    ...
class TlsVersion(StrEnum):
    TLS1_2: object = 'TLS1_2'
    TLS1_3: object = 'TLS1_3'
    ...
class TrafficPolicy:
    def __init__(
        self,
        *,
        deny_from: Sequence[str] = (),
        minimum_tls: TlsVersionWord | None = None,
        max_message_bytes: int | None = None,
        statements: Sequence[Allow | Deny] = (),
    ) -> None: ...
    deny_from: Sequence[str]
    max_message_bytes: int | None
    minimum_tls: TlsVersionWord | None
    statements: Sequence[Allow | Deny]
    ...
class Verdict(StrEnum):
    FAIL: object = 'FAIL'
    GRAY: object = 'GRAY'
    PASS: object = 'PASS'
    PROCESSING_FAILED: object = 'PROCESSING_FAILED'
    ...
class VpcEndpoint(Network):
    def __init__(
        self,
        endpoint: ec2.IVpcEndpoint | str,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def configuration(
        self,
    ) -> ses.CfnMailManagerIngressPoint.NetworkConfigurationProperty: ...
    private: object
    vpc_endpoint_id: object
    ...
from cdk_mailroom.gateway import actions as actions
cc: Final
def certificate(
    part: Certificate | str,
) -> StringAttribute: ...
dkim: Final
dmarc_policy: Final
from_: Final
def header(
    name: str,
) -> StringAttribute: ...
helo: Final
mail_from: Final
read_receipt_requested: Final
recipient: Final
sender: Final
size: Final
source_ip: Final
spf: Final
subject: Final
tls: Final
tls_version: Final
tls_wrapped: Final
to: Final
