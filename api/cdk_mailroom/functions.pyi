__all__ = ["FunctionOptions", "PythonFunction"]

class FunctionOptions(TypedDict):
    architecture: lambda_.Architecture | None
    environment: Mapping[str, str] | None
    layers: Sequence[lambda_.ILayerVersion] | None
    log_addresses: bool | None
    log_retention: logs.RetentionDays | None
    memory_size: int | None
    requirements: str | Path | None
    reserved_concurrency: int | None
    runtime: lambda_.Runtime | None
    security_groups: Sequence[ec2.ISecurityGroup] | None
    timeout: Duration | None
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    ...

class PythonFunction:
    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
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
    reserved_concurrency: int | None
    timeout: Duration
    ...
