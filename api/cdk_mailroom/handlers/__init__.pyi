__all__ = [
    "AutoReply",
    "Disposition",
    "Forward",
    "OnError",
    "PythonHandler",
    "RejectSpam",
    "SaveAttachments",
    "ToEventBus",
    "ToQueue",
    "ToStateMachine",
    "ToTopic",
    "Webhook",
]

class AutoReply(PythonHandler):
    def __init__(
        self,
        *,
        text: str,
        html: str | None = None,
        subject: str | None = None,
        from_address: str | None = None,
        window: Duration | None = None,
        configuration_set_name: str | None = None,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    synchronous: bool
    timeout: Duration
    ...

class Disposition(StrEnum):
    CONTINUE: object = "CONTINUE"
    STOP_RULE: object = "STOP_RULE"
    STOP_RULE_SET: object = "STOP_RULE_SET"
    ...

class Forward(PythonHandler):
    def __init__(
        self,
        *,
        to: Sequence[str],
        from_address: str | None = None,
        subject_prefix: str | None = None,
        configuration_set_name: str | None = None,
        forward_unscanned: bool = False,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: object
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    synchronous: bool
    timeout: Duration
    ...

class OnError(StrEnum):
    CONTINUE: object = "continue"
    RAISE: object = "raise"
    STOP_RULE: object = "stop_rule"
    STOP_RULE_SET: object = "stop_rule_set"
    ...

class PythonHandler(PythonFunction, ReceiptAction):
    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
        *,
        synchronous: bool = False,
        on_error: OnError | str | None = None,
        read_mail: bool = True,
        remember_handled: bool = False,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    synchronous: bool
    timeout: Duration
    ...

class RejectSpam(PythonHandler):
    def __init__(
        self,
        *,
        verdicts: Mapping[str, Mapping[str, Disposition | str]] | None = None,
        stop_unchecked: bool = True,
        on_error: OnError | str | None = None,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    synchronous: bool
    timeout: Duration
    ...

class SaveAttachments(PythonHandler):
    def __init__(
        self,
        *,
        bucket: s3.IBucket | None = None,
        prefix: str = "attachments/",
        max_bytes: int = ses.RECEIVED_BYTES,
        max_count: int = 100,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: object
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    synchronous: bool
    timeout: Duration
    ...

class ToEventBus(HandOn):
    def __init__(
        self,
        bus: events.IEventBus,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    def set_up(
        self,
        function: lambda_.Function,
        settings: Mapping[str, str | None],
    ) -> None: ...
    synchronous: bool
    timeout: Duration
    ...

class ToQueue(HandOn):
    def __init__(
        self,
        queue: sqs.IQueue,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    def set_up(
        self,
        function: lambda_.Function,
        settings: Mapping[str, str | None],
    ) -> None: ...
    synchronous: bool
    timeout: Duration
    ...

class ToStateMachine(HandOn):
    def __init__(
        self,
        machine: stepfunctions.IStateMachine,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    def set_up(
        self,
        function: lambda_.Function,
        settings: Mapping[str, str | None],
    ) -> None: ...
    synchronous: bool
    timeout: Duration
    ...

class ToTopic(HandOn):
    def __init__(
        self,
        topic: sns.ITopic,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    def set_up(
        self,
        function: lambda_.Function,
        settings: Mapping[str, str | None],
    ) -> None: ...
    synchronous: bool
    timeout: Duration
    ...

class Webhook(HandOn):
    def __init__(
        self,
        url: str,
        *,
        secret: secretsmanager.ISecret,
        allow_http: bool = False,
        allow_private: bool = False,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None: ...
    def bind(
        self,
        scope: Construct,
        context: RuleContext,
    ) -> BoundAction: ...
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
    def check_events(
        self,
        problems: Problems,
        given: str,
        types: Sequence[EventType],
    ) -> None: ...
    def check_for_events(
        self,
        problems: Problems,
    ) -> None: ...
    def check_rule(
        self,
        problems: Problems,
        facts: RuleFacts,
    ) -> None: ...
    def configure(
        self,
        function: lambda_.Function,
        context: RuleContext,
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
    default_memory_size: object
    default_seconds: int
    folder: Path | None
    handler: str
    longest_seconds: int
    needs_mail: bool
    read_mail: bool
    remember_handled: bool
    reserved_concurrency: int | None
    def set_up(
        self,
        function: lambda_.Function,
        settings: Mapping[str, str | None],
    ) -> None: ...
    synchronous: bool
    timeout: Duration
    ...
