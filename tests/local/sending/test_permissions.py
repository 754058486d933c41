"""With permissions enforced, a role may do what its policies allow, and no more."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mailroom_local.control import clients

Invoke = Callable[..., str]

READ = "import boto3; return boto3.client('s3').get_object(**event)['Body'].read().decode()"
SEND = ("sesv2", "send_email")
RAW = ("ses", "send_raw_email")
BULK = ("sesv2", "send_bulk_email")


@pytest.fixture(scope="module")
def role(account: Any) -> Callable[..., str]:
    """Make a role with these statements, for functions and for the account itself."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com", "AWS": f"arn:aws:iam::{account.id}:root"},
        "Action": "sts:AssumeRole",
    }

    def make(*statements: dict[str, Any]) -> str:
        name = account.name("role")
        arn: str = account.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
        )["Role"]["Arn"]
        if statements:
            document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
            account.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        return arn

    return make


@pytest.fixture
def invoke(account: Any, role: Callable[..., str]) -> Invoke:
    """Run a body in a function whose role has these statements; the answer, or its error."""

    def run(body: str, event: dict[str, Any], *statements: dict[str, Any]) -> str:
        function = account.function(body)
        account.functions.update_function_configuration(
            FunctionName=function, Role=role(*statements)
        )
        with account.aws.permissions_enforced():
            answer = account.functions.invoke(
                FunctionName=function, Payload=json.dumps(event).encode()
            )
        return str(answer["Payload"].read().decode())

    return run


@pytest.fixture(scope="module")
def call(account: Any, role: Callable[..., str]) -> Invoke:
    """Call an operation with the credentials of such a role, which a function would have too."""
    # One session: its service models are loaded once.
    session = clients.session(region=account.region)
    sts = account.aws.client("sts")

    def run(operation: tuple[str, str], event: dict[str, Any], *statements: dict[str, Any]) -> str:
        given = sts.assume_role(RoleArn=role(*statements), RoleSessionName="mail")["Credentials"]
        client: Any = session.client(
            operation[0],
            endpoint_url=account.aws.server.endpoint,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}),
        )
        with account.aws.permissions_enforced():
            try:
                answer = getattr(client, operation[1])(**event)
            except ClientError as error:
                return str(error)
        return json.dumps({key: answer[key] for key in answer if key != "ResponseMetadata"})

    return run


def allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    """A statement of a role's policy."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}


def test_a_function_reads_only_where_its_role_lets_it(account: Any, invoke: Invoke) -> None:
    """A grant on one prefix is none on another."""
    bucket = account.bucket()
    for key in ("in/a", "out/a"):
        account.s3.put_object(Bucket=bucket, Key=key, Body=b"content")
    grant = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/in/*")
    assert invoke(READ, {"Bucket": bucket, "Key": "in/a"}, grant) == '"content"'
    assert "AccessDenied" in invoke(READ, {"Bucket": bucket, "Key": "out/a"}, grant)
    assert "AccessDenied" in invoke(READ, {"Bucket": bucket, "Key": "in/a"})


def test_a_bucket_that_requires_tls_can_be_read(account: Any, invoke: Invoke) -> None:
    """On AWS the same call would have come over TLS."""
    bucket = account.bucket(policy=False)
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": [deny]}))
    account.s3.put_object(Bucket=bucket, Key="a", Body=b"content")
    grant = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    assert invoke(READ, {"Bucket": bucket, "Key": "a"}, grant) == '"content"'


def mail(**fields: Any) -> dict[str, Any]:
    """A message from sales@permitted.example."""
    return {
        "FromEmailAddress": "Sales <sales@permitted.example>",
        "Destination": {"ToAddresses": ["team@example.net"]},
        "Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
        **fields,
    }


def test_sending_needs_permission_on_the_identity(account: Any, call: Invoke) -> None:
    """The verified domain here; and the From address that the policy's condition names."""
    account.aws.verify_identity("permitted.example")
    domain = f"arn:aws:ses:{account.region}:{account.id}:identity/permitted.example"
    from_sales = {"StringEquals": {"ses:FromAddress": "sales@permitted.example"}}
    from_other = {"StringEquals": {"ses:FromAddress": "other@permitted.example"}}
    assert "-000000" in call(SEND, mail(), allow("ses:SendEmail", domain, **from_sales))
    assert "AccessDenied" in call(SEND, mail(), allow("ses:SendEmail", domain, **from_other))
    assert "AccessDenied" in call(SEND, mail(), allow("ses:SendEmail", domain + "x"))
    assert account.aws.sent()[-1]["To"] == ["team@example.net"]


def test_sending_needs_permission_on_the_configuration_set_too(account: Any, call: Invoke) -> None:
    """The identity alone is not enough (aws/aws-cdk#34402)."""
    account.aws.verify_identity("permitted.example")
    name = account.name("set")
    account.aws.client("sesv2").create_configuration_set(ConfigurationSetName=name)
    scope = f"arn:aws:ses:{account.region}:{account.id}"
    identity = allow("ses:SendEmail", f"{scope}:identity/permitted.example")
    both = [identity, allow("ses:SendEmail", f"{scope}:configuration-set/{name}")]
    event = mail(ConfigurationSetName=name)
    assert "AccessDenied" in call(SEND, event, identity)
    assert "-000000" in call(SEND, event, *both)


def test_api_v1_asks_for_the_same_resources(account: Any, call: Invoke) -> None:
    """The identity, by the sender's address, and the configuration set, also one in a header."""
    account.aws.verify_identity("permitted.example")
    name = account.name("set")
    account.ses.create_configuration_set(ConfigurationSet={"Name": name})
    scope = f"arn:aws:ses:{account.region}:{account.id}"
    from_sales = {"StringEquals": {"ses:FromAddress": "sales@permitted.example"}}
    identity = allow("ses:SendRawEmail", f"{scope}:identity/permitted.example", **from_sales)
    both = [identity, allow("ses:SendRawEmail", f"{scope}:configuration-set/{name}")]
    text = "From: sales@permitted.example\nTo: team@example.net\n"
    assert "-000000" in call(RAW, {"RawMessage": {"Data": f"{text}\nHi"}}, identity)
    assert "AccessDenied" in call(
        RAW, {"RawMessage": {"Data": text.replace("sales", "other") + "\nHi"}}, identity
    )
    data = f"{text}X-SES-CONFIGURATION-SET: {name}\n\nHi"
    assert "AccessDenied" in call(RAW, {"RawMessage": {"Data": data}}, identity)
    assert "-000000" in call(RAW, {"RawMessage": {"Data": data}}, *both)


def test_bulk_mail_needs_both_permissions(account: Any, call: Invoke) -> None:
    """What API v2 calls it and what API v1 does, on the same resources."""
    account.aws.verify_identity("permitted.example")
    domain = f"arn:aws:ses:{account.region}:{account.id}:identity/permitted.example"
    event = {
        "FromEmailAddress": "sales@permitted.example",
        "DefaultContent": {
            "Template": {"TemplateContent": {"Subject": "x", "Text": "x"}, "TemplateData": "{}"}
        },
        "BulkEmailEntries": [{"Destination": {"ToAddresses": ["team@example.net"]}}],
    }
    both = [allow(f"ses:SendBulk{name}", domain) for name in ("Email", "TemplatedEmail")]
    assert "SUCCESS" in call(BULK, event, *both)
    assert "AccessDenied" in call(BULK, event, both[0])
    assert "AccessDenied" in call(BULK, event, both[1])
    # A bulk call has no key for the address, so that no condition on it is true.
    sales = {"StringEquals": {"ses:FromAddress": "sales@permitted.example"}}
    limited = allow("ses:SendBulkEmail", domain, **sales)
    assert "AccessDenied" in call(BULK, event, limited, both[1])


def test_raw_content_is_sent_by_the_permission_for_raw_mail(account: Any, call: Invoke) -> None:
    """Although the operation of API v2 is SendEmail (anymail/django-anymail#384)."""
    account.aws.verify_identity("permitted.example")
    domain = f"arn:aws:ses:{account.region}:{account.id}:identity/permitted.example"
    raw = b"From: sales@permitted.example\n\nHi\n"
    event = mail(Content={"Raw": {"Data": raw}})
    assert "-000000" in call(SEND, event, allow("ses:SendRawEmail", domain))
    assert "AccessDenied" in call(SEND, event, allow("ses:SendEmail", domain))


def test_a_stored_template_needs_permission_too(account: Any, call: Invoke) -> None:
    """For ses:SendTemplatedEmail, on identity and template."""
    account.aws.verify_identity("permitted.example")
    name = account.name("template")
    account.v2.create_email_template(
        TemplateName=name, TemplateContent={"Subject": "x", "Text": "x"}
    )
    scope = f"arn:aws:ses:{account.region}:{account.id}"
    identity = allow("ses:SendTemplatedEmail", f"{scope}:identity/permitted.example")
    both = [identity, allow("ses:SendTemplatedEmail", f"{scope}:template/{name}")]
    event = mail(Content={"Template": {"TemplateName": name, "TemplateData": "{}"}})
    assert "-000000" in call(SEND, event, *both)
    assert "AccessDenied" in call(SEND, event, identity)


def test_a_permission_may_be_for_one_tenant_only(account: Any, call: Invoke) -> None:
    """The condition is on what the call names; without a tenant it is not met."""
    account.aws.verify_identity("permitted.example")
    domain = f"arn:aws:ses:{account.region}:{account.id}:identity/permitted.example"
    name = account.name("tenant")
    account.v2.create_tenant(TenantName=name)
    account.v2.create_tenant_resource_association(TenantName=name, ResourceArn=domain)
    own = allow("ses:SendEmail", domain, StringEquals={"ses:TenantName": name})
    assert "-000000" in call(SEND, mail(TenantName=name), own)
    assert "AccessDenied" in call(SEND, mail(), own)
    assert "AccessDenied" in call(SEND, mail(TenantName="other"), own)


def test_what_a_call_says_of_tracking_needs_a_permission_of_its_own(
    account: Any, call: Invoke
) -> None:
    """On no resource; a condition may allow turning it off only."""
    account.aws.verify_identity("permitted.example")
    domain = f"arn:aws:ses:{account.region}:{account.id}:identity/permitted.example"
    send, action = allow("ses:SendEmail", domain), "ses:ApplyTrackingConfigurationOverrides"
    off = allow(action, "*", StringEquals={"ses:OpenTrackingEnabled": "DISABLED"})

    def event(value: str) -> dict[str, Any]:
        return mail(ConfigurationOverrides={"Tracking": {"OpenTrackingEnabled": value}})

    assert action in call(SEND, event("DISABLED"), send)
    assert "-000000" in call(SEND, event("ENABLED"), send, allow(action, "*"))
    assert "-000000" in call(SEND, event("DISABLED"), send, off)
    assert "AccessDenied" in call(SEND, event("ENABLED"), send, off)
