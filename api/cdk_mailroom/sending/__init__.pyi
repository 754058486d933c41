__all__ = [
    "ContactList",
    "CrossAccountZone",
    "EmailTemplate",
    "MultiRegionEndpoint",
    "OwnKey",
    "SendingIdentity",
    "SmtpCredentials",
    "Tenant",
    "runtime_code",
]

class ContactList(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        contact_list_name: str,
        topics: Mapping[str, str],
        opted_in: Sequence[str] = (),
        description: str | None = None,
    ) -> None: ...
    contact_list_name: object
    ...

class CrossAccountZone:
    def __init__(
        self,
        *,
        zone_name: str,
        hosted_zone_id: str,
        role: iam.IRole,
    ) -> None: ...
    hosted_zone_id: str
    role: iam.IRole
    zone_name: str
    ...

class EmailTemplate(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str | Path,
        template_name: str | None = None,
    ) -> None: ...
    folder: object
    sample: object
    template_name: object
    ...

class MultiRegionEndpoint(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        region: str,
    ) -> None: ...
    endpoint_id: object
    endpoint_name: object
    region: object
    ...

class OwnKey:
    def __init__(
        self,
        *,
        selector: str,
        private_key: SecretValue,
        public_key: str | None = None,
    ) -> None: ...
    private_key: SecretValue
    public_key: str | None
    selector: str
    ...

class SendingIdentity(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: str | None = None,
        address: str | None = None,
        hosted_zone: route53.IHostedZone | CrossAccountZone | None = None,
        own_key: OwnKey | None = None,
        mail_from_domain: str | None = None,
        reject_without_mx: bool = False,
        dmarc: str | None = None,
        publishing: EventPublishing | None = None,
        configuration_set: ses.IConfigurationSet | None = None,
        feedback_forwarding: bool | None = None,
    ) -> None: ...
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
    hosted_zone: object
    identity: object
    name: object
    publishing: object
    records: object
    ...

class SmtpCredentials(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        identities: Sequence[ses.IEmailIdentity | SendingIdentity | str],
        publishing: EventPublishing | None = None,
        from_address: str | None = None,
        encryption_key: kms.IKey | None = None,
        rotation: str = "1",
    ) -> None: ...
    def grant_read(
        self,
        grantee: iam.IGrantable,
    ) -> iam.Grant: ...
    secret: object
    user: object
    ...

class Tenant(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tenant_name: str,
        identities: Sequence[ses.IEmailIdentity | str],
        configuration_sets: Sequence[ses.IConfigurationSet | str] = (),
        templates: Sequence[EmailTemplate | str] = (),
        suppression_reasons: ses.SuppressionReasons | None = None,
    ) -> None: ...
    tenant_arn: object
    tenant_name: object
    ...

def runtime_code(
    folder: str | Path,
    *,
    requirements: str | Path | None = None,
    runtime: lambda_.Runtime | None = None,
    architecture: lambda_.Architecture | None = None,
) -> lambda_.AssetCode: ...
