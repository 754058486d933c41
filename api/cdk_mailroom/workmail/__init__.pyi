__all__ = [
    "Asynchronous",
    "BlockSensitive",
    "Disclaimer",
    "EmailFlowRule",
    "ExperimentalFlowRule",
    "ExternalBanner",
    "Fallback",
    "FlowDirection",
    "FlowHandler",
    "FlowMetrics",
    "Journal",
    "RestrictRecipients",
    "SensitivePattern",
    "StopAction",
    "StripAttachments",
    "Synchronous",
    "UnreadableAction",
]

class Asynchronous:
    def __init__(
        self,
        *,
        alert_topic: sns.ITopic | None = None,
    ) -> None: ...
    alert_topic: sns.ITopic | None
    ...

class BlockSensitive(_Bundled):
    def __init__(
        self,
        *,
        patterns: Sequence[SensitivePattern],
        domains: Sequence[str] = (),
        action: StopAction | str = StopAction.BOUNCE,
        message: str | None = None,
        block_encrypted: bool = True,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: object
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class Disclaimer(_Bundled):
    def __init__(
        self,
        *,
        text: str,
        html: str | None = None,
        unreadable: UnreadableAction | str = UnreadableAction.DELIVER,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: object
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class EmailFlowRule(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        organization_id: str,
        direction: FlowDirection | str,
        handler: FlowHandler | PythonHandler,
        mode: Synchronous | Asynchronous,
        senders: Sequence[str] = (checks.ANY,),
        destinations: Sequence[str] = (checks.ANY,),
        rule_name: str | None = None,
        bucket: s3.IBucket | None = None,
        remember_answers: bool = False,
    ) -> None: ...
    answers: object
    bucket: object
    console_steps: object
    dead_letter_alarm: object
    dead_letter_queue: object
    destinations: object
    direction: object
    function: lambda_.Function
    mode: object
    organization_arn: str
    organization_id: object
    permission: object
    rule: object
    rule_name: object
    senders: object
    ...

class ExperimentalFlowRule(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        flow: EmailFlowRule,
    ) -> None: ...
    resource: object
    ...

class ExternalBanner(_Bundled):
    def __init__(
        self,
        *,
        domains: Sequence[str],
        text: str,
        html: str | None = None,
        unreadable: UnreadableAction | str = UnreadableAction.JUNK,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: object
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class Fallback(StrEnum):
    BOUNCE: object = "BOUNCE"
    BYPASS_SPAM_CHECK: object = "BYPASS_SPAM_CHECK"
    DEFAULT: object = "DEFAULT"
    DROP: object = "DROP"
    MOVE_TO_JUNK: object = "MOVE_TO_JUNK"
    ...

class FlowDirection(StrEnum):
    INBOUND: object = "INBOUND"
    OUTBOUND: object = "OUTBOUND"
    ...

class FlowHandler(PythonFunction):
    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
        *,
        read_mail: bool = True,
        replaces: bool = False,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: str | None
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class FlowMetrics(_Bundled):
    def __init__(
        self,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: object
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class Journal(_Bundled):
    def __init__(
        self,
        *,
        bucket: s3.IBucket,
        prefix: str = "journal/",
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: str | None
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class RestrictRecipients(_Bundled):
    def __init__(
        self,
        *,
        groups: Sequence[str],
        domains: Sequence[str],
        senders: Sequence[str] = (),
        action: StopAction | str = StopAction.BOUNCE,
        message: str | None = None,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: object
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class SensitivePattern:
    def __init__(
        self,
        *,
        name: str,
        pattern: str,
        check: str | None = None,
    ) -> None: ...
    check: str | None
    name: str
    pattern: str
    ...

class StopAction(StrEnum):
    BOUNCE: object = "bounce"
    DROP: object = "drop"
    ...

class StripAttachments(_Bundled):
    def __init__(
        self,
        *,
        extensions: Sequence[str] = (),
        max_bytes: int | None = None,
        notice: str | None = None,
        unreadable: UnreadableAction | str = UnreadableAction.BOUNCE,
    ) -> None: ...
    def check(
        self,
        problems: Problems,
    ) -> None: ...
    def check_argument(
        self,
        problems: Problems,
        given: str,
        classes: Sequence[str],
        base: str | None = None,
    ) -> None: ...
    def configure_flow(
        self,
        function: lambda_.Function,
    ) -> None: ...
    def create(
        self,
        scope: Construct,
        *,
        entry: str,
        specs: Sequence[str],
        description: str,
        environment: Mapping[str, str] | None = None,
        dead_letter_queue: sqs.IQueue | None = None,
    ) -> lambda_.Function: ...
    default_memory_size: int
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    only: object
    read_mail: bool
    replaces: bool
    reserved_concurrency: int | None
    timeout: Duration
    ...

class Synchronous:
    def __init__(
        self,
        *,
        timeout: Duration,
        fallback: Fallback | str,
    ) -> None: ...
    fallback: Fallback | str
    timeout: Duration
    ...

class UnreadableAction(StrEnum):
    BOUNCE: object = "bounce"
    DELIVER: object = "deliver"
    DROP: object = "drop"
    JUNK: object = "junk"
    ...
