__all__ = [
    "AddHeader",
    "Bounce",
    "BounceTemplate",
    "BoundAction",
    "EmailEncoding",
    "InvokeFunction",
    "NativeAction",
    "ReceiptAction",
    "RuleContext",
    "RuleFacts",
    "S3",
    "Sns",
    "Stop",
    "StoredMail",
    "UNKNOWN_FAILURE",
    "WorkMail",
]
from aws_cdk.aws_ses_actions import AddHeader as AddHeader
from aws_cdk.aws_ses_actions import Bounce as Bounce
from aws_cdk.aws_ses_actions import BounceTemplate as BounceTemplate

class BoundAction:
    def __init__(
        self,
        *,
        action: ses.ReceiptRuleActionConfig,
        dependencies: list[IDependable] = list(),
        function: lambda_.IFunction | None = None,
        failure_alarms: Sequence[cloudwatch.Alarm] = (),
        iam_role_arn: str | None = None,
    ) -> None: ...
    action: ses.ReceiptRuleActionConfig
    dependencies: list[IDependable]
    failure_alarms: Sequence[cloudwatch.Alarm]
    function: lambda_.IFunction | None
    iam_role_arn: str | None
    ...

from aws_cdk.aws_ses_actions import EmailEncoding as EmailEncoding

class InvokeFunction(ReceiptAction):
    def __init__(
        self,
        function: lambda_.IFunction,
        *,
        synchronous: bool = False,
        topic: sns.ITopic | None = None,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    function: object
    synchronous: object
    topic: object
    ...

class NativeAction(Protocol):
    def bind(
        self,
        rule: IReceiptRuleRef,
    ) -> ses.ReceiptRuleActionConfig: ...
    ...

class ReceiptAction(ABC):
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    ...

class RuleContext(RuleFacts):
    def __init__(
        self,
        *,
        stack: Stack,
        rule_id: str,
        recipients: Sequence[str],
        scanned: bool,
        stored: StoredMail | None,
        rule: ses.ReceiptRule,
        rule_set_name: str,
        rule_name: str | None,
        dead_letter_queue: sqs.IQueue,
        alert_topic: sns.ITopic | None,
    ) -> None: ...
    account: str
    alert_topic: sns.ITopic | None
    dead_letter_queue: sqs.IQueue
    recipients: Sequence[str]
    rule: ses.ReceiptRule
    rule_id: str
    rule_name: str | None
    rule_set_name: str
    scanned: bool
    def service_principal(
        self,
        near: IConstruct,
    ) -> iam.ServicePrincipal: ...
    def source_arn(
        self,
        near: IConstruct,
    ) -> str: ...
    stack: Stack
    stored: StoredMail | None
    ...

class RuleFacts:
    def __init__(
        self,
        *,
        stack: Stack,
        rule_id: str,
        recipients: Sequence[str],
        scanned: bool,
        stored: StoredMail | None,
    ) -> None: ...
    recipients: Sequence[str]
    rule_id: str
    scanned: bool
    stack: Stack
    stored: StoredMail | None
    ...

class S3(ReceiptAction):
    def __init__(
        self,
        *,
        bucket: s3.IBucket,
        prefix: str = "",
        role: iam.IRole | None = None,
        topic: sns.ITopic | None = None,
        client_side_key: kms.IKey | None = None,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
    bucket: object
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    client_side_key: object
    object_prefix: str
    prefix: object
    role: object
    topic: object
    ...

class Sns(ReceiptAction):
    def __init__(
        self,
        *,
        topic: sns.ITopic,
        encoding: EmailEncoding | None = None,
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    encoding: object
    topic: object
    ...

from aws_cdk.aws_ses_actions import Stop as Stop

class StoredMail:
    def __init__(
        self,
        *,
        bucket: s3.IBucket,
        prefix: str,
        client_side_key: kms.IKey | None = None,
    ) -> None: ...
    bucket: s3.IBucket
    client_side_key: kms.IKey | None
    prefix: str
    ...

UNKNOWN_FAILURE: object = BounceTemplate(
    message="Unknown failure", smtp_reply_code="550", status_code="5.0.0"
)
from aws_cdk.aws_ses_actions import WorkMail as WorkMail
