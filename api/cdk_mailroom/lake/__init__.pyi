__all__ = ["EventLake", "LakeBuffer", "LakeFormat", "LakeQueries", "LakeStorage", "named_queries"]

class EventLake(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stream: IDeliveryStreamRef | None = None,
        bucket: s3.IBucket | None = None,
        encryption_key: kms.IKey | None = None,
        format: LakeFormat | str = LakeFormat.PARQUET,
        transform: PythonHandler | None = None,
        pseudonym_secret: secretsmanager.ISecret | None = None,
        retention: Retention | None = None,
        storage: LakeStorage | None = None,
        buffer: LakeBuffer | None = None,
        queries: LakeQueries | None = None,
        freshness_limit: Duration | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None: ...
    alarms: object
    alert_topic: sns.ITopic | None
    bucket: s3.IBucket
    database_name: object
    environment: Mapping[str, str]
    format: object
    function: lambda_.Function | None
    def grant_query(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    prefix: object
    queries: object
    def send_alarms_to(
        self,
        topic: sns.ITopic,
    ) -> None: ...
    stream: IDeliveryStreamRef
    stream_arn: object
    stream_name: object
    table: object
    workgroup: object
    workgroup_name: object
    ...

class LakeBuffer:
    def __init__(
        self,
        *,
        size: Size | None = None,
        interval: Duration | None = None,
    ) -> None: ...
    interval: Duration | None
    size: Size | None
    ...

class LakeFormat(StrEnum):
    JSON: object = "json"
    PARQUET: object = "parquet"
    ...

class LakeQueries:
    def __init__(
        self,
        *,
        database_name: str | None = None,
        workgroup_name: str | None = None,
        scan_limit: Size | None = None,
        first_day: date | None = None,
        result_prefix: str = "results/",
        result_retention: Retention | None = None,
    ) -> None: ...
    database_name: str | None
    first_day: date | None
    result_prefix: str
    result_retention: Retention | None
    scan_limit: Size | None
    workgroup_name: str | None
    ...

class LakeStorage:
    def __init__(
        self,
        *,
        prefix: str = "events/",
        error_prefix: str = "errors/",
        infrequent_access_after: Duration | Literal["never"] | None = None,
        glacier_after: Duration | Literal["never"] | None = None,
    ) -> None: ...
    error_prefix: str
    glacier_after: Duration | Literal["never"] | None
    infrequent_access_after: Duration | Literal["never"] | None
    prefix: str
    ...

def named_queries() -> dict[str, str]: ...
