"""Where events go: matching types, the enabled flag, and each kind of destination."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

BOUNCE = "bounce@simulator.amazonses.com"


def wait_for(account: Any, read: Any) -> Any:
    return account.aws.wait_until(read, bool, seconds=10)


def statement(account: Any, topic: str, source: str) -> str:
    """A topic policy that lets SES publish on behalf of this configuration set."""
    source_arn = f"arn:aws:ses:{account.region}:{account.id}:configuration-set/{source}"
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ses.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": topic,
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": account.id},
                        "ArnEquals": {"aws:SourceArn": source_arn},
                    },
                }
            ],
        }
    )


def test_a_topic_gets_the_types_it_asked_for(account: Any) -> None:
    """And the plain validation text before all of them."""
    name = account.name("set")
    account.v2.create_configuration_set(ConfigurationSetName=name)
    topic, queue = account.topic()
    account.destination(name, "BOUNCE", SnsDestination={"TopicArn": topic})
    account.story(account.mail(BOUNCE, ConfigurationSetName=name))
    text, event = account.bodies(queue)
    assert text == "Successfully validated SNS topic for Amazon SES event publishing."
    assert json.loads(event)["eventType"] == "Bounce"


def test_a_disabled_destination_gets_nothing(account: Any) -> None:
    """Until it is enabled, by either API."""
    name, _ = account.configuration_set()
    topic = account.sns.create_topic(Name=account.name("topic"))["TopicArn"]
    destination = account.destination(
        name, "SEND", enabled=False, SnsDestination={"TopicArn": topic}
    )
    message_id = account.mail(ConfigurationSetName=name)
    account.story(message_id)
    record = account.aws.message(message_id, handlers=False)
    assert [event.destinations for event in record.events] == [[], []]
    account.ses.update_configuration_set_event_destination(
        ConfigurationSetName=name,
        EventDestination={
            "Name": destination,
            "Enabled": True,
            "MatchingEventTypes": ["renderingFailure", "send"],
            "SNSDestination": {"TopicARN": topic},
        },
    )
    message_id = account.mail(ConfigurationSetName=name)
    account.story(message_id)
    record = account.aws.message(message_id, handlers=False)
    assert [[told["outcome"] for told in event.destinations] for event in record.events] == [
        ["published"],
        [],
    ]


def test_both_apis_and_cloudformation_feed_one_store(account: Any) -> None:
    """A set made by v1 gets a destination by v2, another by a stack, and v1 shows both."""
    name = account.name("set")
    account.ses.create_configuration_set(ConfigurationSet={"Name": name})
    topic, _ = account.topic()
    account.destination(name, "RENDERING_FAILURE", SnsDestination={"TopicArn": topic})
    account.deploy(
        {
            "Destination": {
                "Type": "AWS::SES::ConfigurationSetEventDestination",
                "Properties": {
                    "ConfigurationSetName": name,
                    "EventDestination": {
                        "Name": "from-stack",
                        "Enabled": True,
                        "MatchingEventTypes": ["deliveryDelay"],
                        "SnsDestination": {"TopicARN": topic},
                    },
                },
            }
        }
    )
    found = account.ses.describe_configuration_set(
        ConfigurationSetName=name, ConfigurationSetAttributeNames=["eventDestinations"]
    )["EventDestinations"]
    assert [each["MatchingEventTypes"] for each in found] == [
        ["renderingFailure"],
        ["deliveryDelay"],
    ]
    assert found[1]["SNSDestination"] == {"TopicARN": topic}
    account.ses.delete_configuration_set(ConfigurationSetName=name)
    with pytest.raises(account.v2.exceptions.NotFoundException):
        account.v2.get_configuration_set(ConfigurationSetName=name)


def test_a_stack_fails_where_ses_refuses(account: Any) -> None:
    """A set that does not exist, a topic that SES may not publish to; in the words of a stack."""
    properties = {
        "ConfigurationSetName": "nowhere",
        "EventDestination": {
            "Enabled": True,
            "MatchingEventTypes": ["send"],
            "SnsDestination": {"TopicARN": "arn:aws:sns:us-east-1:000000000000:none"},
        },
    }
    kind = "AWS::SES::ConfigurationSetEventDestination"
    stack = account.deploy({"Destination": {"Type": kind, "Properties": properties}})
    assert "Error Code: ConfigurationSetDoesNotExist" in account.reasons(stack["StackName"])
    properties["ConfigurationSetName"], _ = account.configuration_set()
    stack = account.deploy({"Destination": {"Type": kind, "Properties": properties}})
    assert "Error Code: InvalidSNSDestination" in account.reasons(stack["StackName"])


def test_a_failed_destination_is_in_the_journal(account: Any) -> None:
    """The topic was deleted since; the other events go on."""
    name, _ = account.configuration_set()
    topic = account.sns.create_topic(Name=account.name("topic"))["TopicArn"]
    account.destination(name, "SEND", SnsDestination={"TopicArn": topic})
    account.sns.delete_topic(TopicArn=topic)
    message_id = account.mail(ConfigurationSetName=name)
    account.story(message_id)
    first, second = account.aws.message(message_id, handlers=False).events
    assert first.destinations[0]["outcome"] == "failed"
    assert "NotFound" in first.destinations[0]["error"]
    assert second.kind == "Delivery"


def test_a_configuration_set_has_ten_destinations_at_most(account: Any, refusal: Any) -> None:
    """As its quota says."""
    name, _ = account.configuration_set()
    topic = account.sns.create_topic(Name=account.name("topic"))["TopicArn"]
    for _number in range(10):
        account.destination(name, "SEND", SnsDestination={"TopicArn": topic})
    with pytest.raises(ClientError) as error:
        account.destination(name, "SEND", SnsDestination={"TopicArn": topic})
    assert refusal(error)[0] == "LimitExceededException"


def test_ses_must_be_allowed_to_publish(account: Any, refusal: Any) -> None:
    """Checked when the destination is written, as the policy says it: for this set only."""
    name, _ = account.configuration_set()
    topic = account.sns.create_topic(Name=account.name("topic"))["TopicArn"]
    destination = {
        "Name": "d",
        "Enabled": True,
        "MatchingEventTypes": ["send"],
        "SNSDestination": {"TopicARN": topic},
    }

    def create() -> None:
        account.ses.create_configuration_set_event_destination(
            ConfigurationSetName=name, EventDestination=destination
        )

    policy = statement(account, topic, "other")
    account.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    with pytest.raises(ClientError) as error:
        create()
    assert refusal(error)[0] == "InvalidSNSDestination"
    policy = statement(account, topic, name)
    account.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    create()


def test_ses_must_be_allowed_to_use_the_topics_key(account: Any, refusal: Any) -> None:
    """The key that AWS manages for SNS never admits it."""
    name, _ = account.configuration_set()
    topic = account.sns.create_topic(
        Name=account.name("topic"), Attributes={"KmsMasterKeyId": "alias/aws/sns"}
    )["TopicArn"]
    with pytest.raises(ClientError) as error:
        account.destination(name, "SEND", SnsDestination={"TopicArn": topic})
    assert refusal(error)[0] == "BadRequestException"


def test_a_fifo_topic_is_refused(account: Any) -> None:
    """SES publishes to standard topics only."""
    name, _ = account.configuration_set()
    topic = account.sns.create_topic(
        Name=account.name("topic") + ".fifo", Attributes={"FifoTopic": "true"}
    )["TopicArn"]
    with pytest.raises(ClientError):
        account.destination(name, "SEND", SnsDestination={"TopicArn": topic})


def test_the_event_bus_gets_events_of_source_aws_ses(account: Any) -> None:
    """With the detail type that AWS documents, and the event as detail."""
    name, _ = account.configuration_set()
    bus = f"arn:aws:events:{account.region}:{account.id}:event-bus/default"
    account.destination(name, "BOUNCE", EventBridgeDestination={"EventBusArn": bus})
    _, queue = account.topic()
    rules = account.aws.client("events")
    rule = account.name("rule")
    pattern = {"source": ["aws.ses"], "detail-type": ["Email Bounced"]}
    rules.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    target = f"arn:aws:sqs:{account.region}:{account.id}:{queue.rpartition('/')[2]}"
    rules.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": target}])
    account.story(account.mail(BOUNCE, ConfigurationSetName=name))
    (body,) = account.bodies(queue)
    event = json.loads(body)
    assert event["source"] == "aws.ses"
    assert event["resources"][0].endswith(f":configuration-set/{name}")
    assert event["detail"]["eventType"] == "Bounce"
    with pytest.raises(ClientError):
        account.destination(name, "SEND", EventBridgeDestination={"EventBusArn": bus + "s"})


def test_a_delivery_stream_gets_a_line_for_each_event(account: Any, refusal: Any) -> None:
    """Through a role that SES may assume for this configuration set, and that may put records."""
    name, _ = account.configuration_set()
    stream, role, bucket = (account.name(kind) for kind in ("stream", "role", "lake"))
    account.s3.create_bucket(Bucket=bucket)
    source_arn = f"arn:aws:ses:{account.region}:{account.id}:configuration-set/{name}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceArn": source_arn}},
    }
    role_arn = account.iam.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    arn = account.aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=stream,
        ExtendedS3DestinationConfiguration={
            "RoleARN": role_arn,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0},
        },
    )["DeliveryStreamARN"]
    target = {"IamRoleArn": role_arn, "DeliveryStreamArn": arn}
    with pytest.raises(ClientError) as error:
        account.destination(name, "SEND", KinesisFirehoseDestination=target)
    assert role_arn in refusal(error)[1]
    grant = {"Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": arn}
    account.iam.put_role_policy(
        RoleName=role,
        PolicyName="put",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [grant]}),
    )
    account.destination(name, "SEND", KinesisFirehoseDestination=target)
    account.story(account.mail(ConfigurationSetName=name))
    found = wait_for(account, lambda: account.s3.list_objects_v2(Bucket=bucket).get("Contents"))
    lines = account.read(bucket, found[0]["Key"])
    assert lines.endswith(b"}\n")
    assert json.loads(lines)["eventType"] == "Send"


def test_metrics_have_dimensions_from_tags_and_headers(account: Any) -> None:
    """Or the default value, when the message does not say."""
    name, _ = account.configuration_set()
    sources = {"campaign": "MESSAGE_TAG", "Subject": "EMAIL_HEADER", "colour": "LINK_TAG"}
    configurations = [
        {"DimensionName": key, "DimensionValueSource": source, "DefaultDimensionValue": "none"}
        for key, source in sources.items()
    ]
    account.destination(
        name, "SEND", CloudWatchDestination={"DimensionConfigurations": configurations}
    )
    tags = [{"Name": "campaign", "Value": name}]
    account.story(account.mail(ConfigurationSetName=name, EmailTags=tags))
    values = {"campaign": name, "Subject": "Subject", "colour": "none"}
    assert total(account, "Send", values) == 1


def test_reputation_metrics_follow_bounces_and_complaints(account: Any) -> None:
    """As shares of what was sent, for the configuration set and for the account."""
    name, _ = account.configuration_set()
    for to in (BOUNCE, "complaint@simulator.amazonses.com", "a@example.net", "b@example.net"):
        account.story(account.mail(to, ConfigurationSetName=name))
    dimensions = {"ses:configuration-set": name}
    assert total(account, "Reputation.BounceRate", dimensions, "Minimum") == 0.0
    assert total(account, "Reputation.BounceRate", dimensions, "Maximum") == 1.0
    assert total(account, "Reputation.ComplaintRate", dimensions, "Maximum") == 0.5
    assert total(account, "Reputation.BounceRate", {}, "Maximum") > 0


def total(account: Any, metric: str, dimensions: dict[str, str], statistic: str = "Sum") -> float:
    points = account.aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SES",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=datetime.now(UTC) - timedelta(minutes=10),
        EndTime=datetime.now(UTC) + timedelta(minutes=10),
        Period=3600,
        Statistics=[statistic],
    )["Datapoints"]
    return float(points[0][statistic])
