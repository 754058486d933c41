"""What ``Ref`` and ``Fn::GetAtt`` give a template, against the "Return values" of AWS's reference.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest

_TRUST = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
}
_ALLOW = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
_CODE = {"ZipFile": "def handler(event, context): pass"}


def _get(name: str, attribute: str = "Arn") -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


RESOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "Queue": ("AWS::SQS::Queue", {}),
    "Topic": ("AWS::SNS::Topic", {}),
    "Subscription": (
        "AWS::SNS::Subscription",
        {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": _get("Queue")},
    ),
    "LogGroup": ("AWS::Logs::LogGroup", {}),
    "LogStream": ("AWS::Logs::LogStream", {"LogGroupName": {"Ref": "LogGroup"}}),
    "Key": ("AWS::KMS::Key", {"KeyPolicy": {"Statement": []}}),
    "KeyAlias": (
        "AWS::KMS::Alias",
        {"AliasName": "alias/references", "TargetKeyId": {"Ref": "Key"}},
    ),
    "Secret": ("AWS::SecretsManager::Secret", {"GenerateSecretString": {}}),
    "SecretPolicy": (
        "AWS::SecretsManager::ResourcePolicy",
        {"SecretId": {"Ref": "Secret"}, "ResourcePolicy": {"Statement": []}},
    ),
    "Role": ("AWS::IAM::Role", {"AssumeRolePolicyDocument": _TRUST}),
    "ManagedPolicy": ("AWS::IAM::ManagedPolicy", {"PolicyDocument": _ALLOW}),
    "User": ("AWS::IAM::User", {}),
    "Function": (
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": _get("Role"),
            "Code": _CODE,
        },
    ),
    "Version": ("AWS::Lambda::Version", {"FunctionName": {"Ref": "Function"}}),
    "Mapping": (
        "AWS::Lambda::EventSourceMapping",
        {"FunctionName": {"Ref": "Function"}, "EventSourceArn": _get("Queue"), "Enabled": False},
    ),
    "Bucket": ("AWS::S3::Bucket", {}),
    "Table": (
        "AWS::DynamoDB::Table",
        {
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    ),
    "Stream": (
        "AWS::KinesisFirehose::DeliveryStream",
        {
            "ExtendedS3DestinationConfiguration": {
                "BucketARN": _get("Bucket"),
                "RoleARN": _get("Role"),
            }
        },
    ),
    "Database": (
        "AWS::Glue::Database",
        {"CatalogId": {"Ref": "AWS::AccountId"}, "DatabaseInput": {"Name": "references"}},
    ),
    "GlueTable": (
        "AWS::Glue::Table",
        {
            "CatalogId": {"Ref": "AWS::AccountId"},
            "DatabaseName": {"Ref": "Database"},
            "TableInput": {"Name": "rows"},
        },
    ),
    "WorkGroup": ("AWS::Athena::WorkGroup", {"Name": "references"}),
    "NamedQuery": (
        "AWS::Athena::NamedQuery",
        {"Database": {"Ref": "Database"}, "QueryString": "SELECT 1"},
    ),
    "Bus": ("AWS::Events::EventBus", {"Name": "references"}),
    "Rule": ("AWS::Events::Rule", {"EventPattern": {"source": ["aws.ses"]}}),
    "RuleOfBus": (
        "AWS::Events::Rule",
        {"EventBusName": {"Ref": "Bus"}, "EventPattern": {"source": ["mail"]}},
    ),
    "EventArchive": ("AWS::Events::Archive", {"SourceArn": _get("Bus")}),
    "Machine": (
        "AWS::StepFunctions::StateMachine",
        {
            "RoleArn": _get("Role"),
            "DefinitionString": '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}',
        },
    ),
    "Alarm": (
        "AWS::CloudWatch::Alarm",
        {
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "MetricName": "Errors",
            "Namespace": "AWS/Lambda",
            "Period": 60,
            "Statistic": "Sum",
            "Threshold": 1,
        },
    ),
    "Dashboard": ("AWS::CloudWatch::Dashboard", {"DashboardBody": "{}"}),
    "Zone": ("AWS::Route53::HostedZone", {"Name": "references.example"}),
    "Record": (
        "AWS::Route53::RecordSet",
        {
            "HostedZoneId": {"Ref": "Zone"},
            "Name": "mail.references.example",
            "Type": "MX",
            "TTL": "300",
            "ResourceRecords": ["10 mx.example.com"],
        },
    ),
    "ReceiptRuleSet": ("AWS::SES::ReceiptRuleSet", {}),
    "ConfigurationSet": ("AWS::SES::ConfigurationSet", {}),
    "Identity": ("AWS::SES::EmailIdentity", {"EmailIdentity": "references.example"}),
    "ContactList": ("AWS::SES::ContactList", {}),
}
# What follows the stack's name in a name that CloudFormation makes up.
_NAME = r"stack-\d+-{id}-[A-Za-z0-9]+"
# By resource: Ref, then attributes. `{R}` is region and account, `{N}` a name made up. The form of
# such a name is not documented, and ministack has its own for log groups.
EXPECTED: dict[str, dict[str, str]] = {
    "Queue": {
        "": r"https?://.+/\d{12}/{N}",
        "Arn": "arn:aws:sqs:{R}:{N}",
        "QueueName": "{N}",
        "QueueUrl": r"https?://.+/\d{12}/{N}",
    },
    "Topic": {"": "arn:aws:sns:{R}:{N}", "TopicArn": "arn:aws:sns:{R}:{N}", "TopicName": "{N}"},
    "Subscription": {"": r"arn:aws:sns:{R}:stack-\d+-Topic-\w+:[0-9a-f-]{36}"},
    "LogGroup": {"": ".+LogGroup.*", "Arn": r"arn:aws:logs:{R}:log-group:[^:]+LogGroup[^:]*:\*"},
    "LogStream": {"": "{N}"},
    "Key": {"": "[0-9a-f-]{36}", "Arn": "arn:aws:kms:{R}:key/[0-9a-f-]{36}", "KeyId": ".{36}"},
    "KeyAlias": {"": "alias/references"},
    "Secret": {
        "": r"arn:aws:secretsmanager:{R}:secret:{N}-[A-Za-z0-9]{6}",
        "Id": r"arn:aws:secretsmanager:{R}:secret:{N}-[A-Za-z0-9]{6}",
    },
    "SecretPolicy": {"": r"arn:aws:secretsmanager:{R}:secret:stack-\d+-Secret-\w+-\w{6}"},
    "Role": {"": "{N}", "Arn": r"arn:aws:iam::\d{12}:role/{N}", "RoleId": "AROA[A-Z0-9]+"},
    "ManagedPolicy": {"": r"arn:aws:iam::\d{12}:policy/{N}"},
    "User": {"": "{N}", "Arn": r"arn:aws:iam::\d{12}:user/{N}"},
    "Function": {"": "{N}", "Arn": "arn:aws:lambda:{R}:function:{N}"},
    "Version": {"": r"arn:aws:lambda:{R}:function:stack-\d+-Function-\w+:1", "Version": "1"},
    "Mapping": {"": "[0-9a-f-]{36}", "Id": "[0-9a-f-]{36}"},
    # A bucket's name has no capitals.
    "Bucket": {
        "": "stack-.*bucket-.*",
        "Arn": "arn:aws:s3:::stack-.*",
        "DomainName": r"stack-.*\.s3\.amazonaws\.com",
        "RegionalDomainName": r"stack-.*\.s3\.us-east-1\.amazonaws\.com",
    },
    "Table": {
        "": "{N}",
        "Arn": "arn:aws:dynamodb:{R}:table/{N}",
        "StreamArn": "arn:aws:dynamodb:{R}:table/{N}/stream/.+",
    },
    "Stream": {"": "{N}", "Arn": "arn:aws:firehose:{R}:deliverystream/{N}"},
    "Database": {"": "references"},
    "GlueTable": {"": "rows"},
    "WorkGroup": {"": "references"},
    "NamedQuery": {"": "[0-9a-f-]{36}", "NamedQueryId": "[0-9a-f-]{36}"},
    "Bus": {"": "references", "Arn": "arn:aws:events:{R}:event-bus/references", "Name": ".*"},
    "Rule": {"": "{N}", "Arn": "arn:aws:events:{R}:rule/{N}"},
    "RuleOfBus": {"Arn": "arn:aws:events:{R}:rule/references/{N}"},
    "EventArchive": {
        "": "{N}",
        "Arn": "arn:aws:events:{R}:archive/{N}",
    },
    "Machine": {
        "": "arn:aws:states:{R}:stateMachine:{N}",
        "Arn": "arn:aws:states:{R}:stateMachine:{N}",
        "Name": "{N}",
    },
    "Alarm": {"": "{N}", "Arn": "arn:aws:cloudwatch:{R}:alarm:{N}"},
    "Dashboard": {"": "{N}"},
    "Zone": {"": "Z[A-Z0-9]+", "Id": "Z[A-Z0-9]+"},
    "Record": {"": r"mail\.references\.example\.?"},
    "ReceiptRuleSet": {"": "{N}"},
    "ConfigurationSet": {"": "ConfigurationSet-[A-Za-z0-9]+"},
    "Identity": {"": r"references\.example", "DkimDNSTokenName1": r".+\._domainkey\.references.+"},
    "ContactList": {"": "{N}"},
}
CASES = [(resource, name) for resource, values in EXPECTED.items() for name in values]


@pytest.fixture(scope="module")
def outputs(account: Any) -> Iterator[dict[str, str]]:
    """One stack of all of them."""
    outputs = {
        f"X{number}": {"Value": {"Ref": resource} if not name else _get(resource, name)}
        for number, (resource, name) in enumerate(CASES)
    }
    resources = {
        name: {"Type": kind, "Properties": properties}
        for name, (kind, properties) in RESOURCES.items()
    }
    ended = account.deploy(resources, outputs=outputs)
    assert ended["StackStatus"] == "CREATE_COMPLETE", account.reasons(ended["StackName"])
    yield {each["OutputKey"]: each["OutputValue"] for each in ended["Outputs"]}
    account.delete(ended["StackName"])


@pytest.mark.parametrize(("number", "resource", "name"), [(n, *c) for n, c in enumerate(CASES)])
def test_a_template_gets_what_aws_returns(
    account: Any, outputs: dict[str, str], number: int, resource: str, name: str
) -> None:
    """Policies compare with it: a name in place of an ARN permits nothing."""
    pattern = EXPECTED[resource][name]
    pattern = pattern.replace("{R}", f"{account.region}:{account.id}")
    pattern = pattern.replace("{N}", _NAME.replace("{id}", resource))
    assert re.fullmatch(pattern, outputs[f"X{number}"])


def test_a_secret_keeps_its_arn_and_its_policy_when_its_template_changes(account: Any) -> None:
    """What a template calls it is what every operation finds it by."""
    secrets, name = account.aws.client("secretsmanager"), account.name("secret")

    def resources(value: str, action: str) -> dict[str, Any]:
        policy = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        return {
            "Secret": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"Name": name, "SecretString": value},
            },
            "Policy": {
                "Type": "AWS::SecretsManager::ResourcePolicy",
                "Properties": {"SecretId": {"Ref": "Secret"}, "ResourcePolicy": policy},
            },
        }

    stack = account.deploy(resources("first", "secretsmanager:GetSecretValue"))["StackName"]
    arn = account.physical_id(stack, "Secret")
    account.deploy(resources("second", "secretsmanager:DescribeSecret"), stack=stack)
    assert account.physical_id(stack, "Secret") == arn
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "second"
    assert "DescribeSecret" in secrets.get_resource_policy(SecretId=arn)["ResourcePolicy"]
    account.delete(stack)
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.describe_secret(SecretId=arn)
