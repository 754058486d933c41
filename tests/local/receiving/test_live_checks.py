"""A rule is refused unless SES may carry out its actions, by the API as by CloudFormation."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def rule_set(account: Any) -> str:
    """A new rule set."""
    return account.rule_set()


def source_arn(account: Any, rule_set: str, rule: str = "*") -> str:
    """On whose behalf SES says it acts."""
    scope = f"{account.region}:{account.id}"
    return f"arn:aws:ses:{scope}:receipt-rule-set/{rule_set}:receipt-rule/{rule}"


def invoke(arn: str) -> dict[str, Any]:
    """A Lambda action."""
    return {"LambdaAction": {"FunctionArn": arn}}


def store(bucket: str, **fields: str) -> dict[str, Any]:
    """An S3 action."""
    return {"S3Action": {"BucketName": bucket, **fields}}


def code_of(account: Any, rule_set: str, action: dict[str, Any]) -> str | None:
    """The error code that a rule with this action gets, if any."""
    try:
        account.rule(rule_set, action)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


def test_a_function_that_ses_may_not_invoke_is_refused(
    account: Any, rule_set: str, refusal: Any
) -> None:
    """The permission must exist before the rule."""
    arn = account.function(permission=False)
    with pytest.raises(ClientError) as error:
        account.rule(rule_set, invoke(arn))
    assert refusal(error) == ("InvalidLambdaFunction", f"Could not invoke Lambda function: {arn}")
    assert account.order(rule_set) == []


@pytest.mark.parametrize("which", ["account", "set", "rule"])
def test_the_conditions_of_a_permission_are_compared_with_the_rule(
    account: Any, rule_set: str, which: str
) -> None:
    """The right account, rule set and rule name open; wrong ones do not."""
    right = {
        "account": {"SourceAccount": account.id},
        "set": {"SourceArn": source_arn(account, rule_set)},
        "rule": {"SourceArn": source_arn(account, rule_set, "named")},
    }[which]
    wrong = {
        "account": {"SourceAccount": "111122223333"},
        "set": {"SourceArn": source_arn(account, "another")},
        "rule": {"SourceArn": source_arn(account, rule_set, "other")},
    }[which]
    arn = account.function(permission=False)
    account.permit(arn, **wrong)
    with pytest.raises(account.ses.exceptions.InvalidLambdaFunctionException):
        account.rule(rule_set, invoke(arn), Name="named")
    account.permit(arn, **right)
    account.rule(rule_set, invoke(arn), Name="named")


def test_a_function_that_is_missing_or_in_another_region_is_refused(
    account: Any, rule_set: str
) -> None:
    """Function, topic and key must be in the rule's region."""
    arn = account.function()
    elsewhere = arn.replace(account.region, "eu-west-1")
    assert code_of(account, rule_set, invoke(elsewhere)) == "InvalidLambdaFunction"
    assert code_of(account, rule_set, invoke(arn + "-gone")) == "InvalidLambdaFunction"


def test_a_bucket_needs_a_policy_for_ses(account: Any, rule_set: str, refusal: Any) -> None:
    """No policy, one for another account, one for another prefix: all refused."""
    bucket = account.bucket(policy=False)
    with pytest.raises(ClientError) as error:
        account.rule(rule_set, store(bucket))
    assert refusal(error) == ("InvalidS3Configuration", f"Could not write to bucket: {bucket}")

    other = account.bucket_policy(
        bucket, condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}
    )
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(other))
    assert code_of(account, rule_set, store(bucket)) == "InvalidS3Configuration"

    narrow = account.bucket_policy(bucket)
    narrow["Statement"][0]["Resource"] = f"arn:aws:s3:::{bucket}/in/*"
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(narrow))
    assert code_of(account, rule_set, store(bucket)) == "InvalidS3Configuration"
    assert code_of(account, rule_set, store(bucket, ObjectKeyPrefix="in/")) is None


def test_a_deny_overrides_an_allow(account: Any, rule_set: str) -> None:
    """As everywhere in IAM."""
    bucket = account.bucket()
    policy = account.bucket_policy(bucket)
    policy["Statement"] += account.bucket_policy(bucket, effect="Deny")["Statement"]
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert code_of(account, rule_set, store(bucket)) == "InvalidS3Configuration"


def test_requiring_tls_does_not_lock_out_ses(account: Any, rule_set: str) -> None:
    """SES writes over TLS, so the customary denial of plain HTTP does not meet it."""
    bucket = account.bucket()
    policy = account.bucket_policy(bucket)
    policy["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )
    account.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert code_of(account, rule_set, store(bucket)) is None


def test_an_encrypted_bucket_needs_its_key_to_admit_ses(account: Any, rule_set: str) -> None:
    """SSE-KMS: GenerateDataKey and Decrypt, both, for SES."""
    bucket = account.bucket()
    key = account.kms.create_key()["KeyMetadata"]
    account.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": key["Arn"],
                    }
                }
            ]
        },
    )
    assert code_of(account, rule_set, store(bucket)) == "InvalidS3Configuration"
    admit(account, key["KeyId"], "kms:GenerateDataKey*")
    assert code_of(account, rule_set, store(bucket)) == "InvalidS3Configuration"
    admit(account, key["KeyId"], "kms:GenerateDataKey*", "kms:Decrypt")
    assert code_of(account, rule_set, store(bucket)) is None


def test_a_bucket_encrypted_with_the_managed_key_is_refused(account: Any, rule_set: str) -> None:
    """The policy of aws/s3 cannot be changed to admit SES."""
    bucket = account.bucket()
    account.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )
    assert code_of(account, rule_set, store(bucket)) == "InvalidS3Configuration"


def test_client_side_encryption_needs_its_key_too(account: Any, rule_set: str) -> None:
    """A KmsKeyArn that SES may not use is an invalid S3 configuration."""
    bucket = account.bucket()
    key = account.kms.create_key()["KeyMetadata"]
    action = store(bucket, KmsKeyArn=key["Arn"])
    assert code_of(account, rule_set, action) == "InvalidS3Configuration"
    admit(account, key["KeyId"], "kms:GenerateDataKey*")
    assert code_of(account, rule_set, action) is None


def admit(account: Any, key: str, *actions: str) -> None:
    """Let SES do this with the key."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": list(actions),
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account.id}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


@pytest.mark.parametrize(("trusted", "allowed"), [(True, True), (False, True), (True, False)])
def test_a_role_must_trust_ses_and_may_write(
    account: Any, rule_set: str, trusted: bool, allowed: bool
) -> None:
    """With a role the bucket needs no policy for SES."""
    bucket = account.bucket(policy=False)
    principal = "ses.amazonaws.com" if trusted else "lambda.amazonaws.com"
    trust = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    name = account.name("role")
    role = account.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )["Role"]["Arn"]
    grant = {
        "Effect": "Allow",
        "Action": "s3:PutObject" if allowed else "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    account.iam.put_role_policy(
        RoleName=name, PolicyName="write", PolicyDocument=json.dumps({"Statement": [grant]})
    )
    expected = None if trusted and allowed else "InvalidS3Configuration"
    assert code_of(account, rule_set, store(bucket, IamRoleArn=role)) == expected


def test_a_topic_of_the_same_account_needs_no_policy(account: Any, rule_set: str) -> None:
    """A topic that is not there, and a FIFO topic, are refused; for every kind of action."""
    topic, _ = account.topic()
    fifo = account.sns.create_topic(Name="mail.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    assert code_of(account, rule_set, {"SNSAction": {"TopicArn": topic}}) is None
    assert code_of(account, rule_set, {"SNSAction": {"TopicArn": fifo}}) == "InvalidSnsTopic"
    gone = {"StopAction": {"Scope": "RuleSet", "TopicArn": topic + "-gone"}}
    assert code_of(account, rule_set, gone) == "InvalidSnsTopic"


def test_a_topic_that_denies_ses_is_refused(account: Any, rule_set: str) -> None:
    """Ownership is not enough against an explicit denial."""
    topic, _ = account.topic()
    statement = {
        "Effect": "Deny",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    account.sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Statement": [statement]}),
    )
    assert code_of(account, rule_set, {"SNSAction": {"TopicArn": topic}}) == "InvalidSnsTopic"


def test_an_encrypted_topic_needs_its_key_to_admit_ses(account: Any, rule_set: str) -> None:
    """The managed key alias/aws/sns never does."""
    topic, _ = account.topic()
    key = account.kms.create_key()["KeyMetadata"]
    action = {"SNSAction": {"TopicArn": topic}}
    for chosen in (key["KeyId"], "alias/aws/sns"):
        account.sns.set_topic_attributes(
            TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=chosen
        )
        assert code_of(account, rule_set, action) == "InvalidSnsTopic"
    account.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key["KeyId"]
    )
    admit(account, key["KeyId"], "kms:GenerateDataKey*", "kms:Decrypt")
    assert code_of(account, rule_set, action) is None


def test_an_update_is_checked_like_a_creation(account: Any, rule_set: str) -> None:
    """And what was there before stays when it is refused."""
    name = account.rule(rule_set)
    changed = {"Name": name, "Actions": [invoke(account.function(permission=False))]}
    with pytest.raises(account.ses.exceptions.InvalidLambdaFunctionException):
        account.ses.update_receipt_rule(RuleSetName=rule_set, Rule=changed)
    rule = account.ses.describe_receipt_rule(RuleSetName=rule_set, RuleName=name)["Rule"]
    assert (rule["Enabled"], rule.get("Actions", [])) == (True, [])


def test_ses_writes_its_setup_notification_to_the_bucket(account: Any, rule_set: str) -> None:
    """Once for each bucket and prefix that a rule begins to write to."""
    bucket = account.bucket()
    name = account.rule(rule_set, store(bucket, ObjectKeyPrefix="in/"))
    assert b"Setup Notification" in account.read(bucket, "in/AMAZON_SES_SETUP_NOTIFICATION")
    account.s3.delete_object(Bucket=bucket, Key="in/AMAZON_SES_SETUP_NOTIFICATION")
    changed = {"Name": name, "Actions": [store(bucket, ObjectKeyPrefix=p) for p in ("in/", "b")]}
    account.ses.update_receipt_rule(RuleSetName=rule_set, Rule=changed)
    objects = account.s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert [found["Key"] for found in objects] == ["b/AMAZON_SES_SETUP_NOTIFICATION"]
