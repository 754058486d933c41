"""Identities, events, suppression, alarms, queues and SMTP users of an account."""

import json
from datetime import UTC, datetime, timedelta

from mailroom_cli.doctor import run
from mailroom_cli.doctor.findings import Level

from .conftest import REGION, Account


def test_an_account_without_identities_neither_sends_nor_receives(account: Account) -> None:
    account.mends("identities", "none", lambda: account.verify("example.com"))
    assert [one.level for one in account.look("identities")] == [Level.OK]


def test_a_configuration_set_without_destination_publishes_nothing(account: Account) -> None:
    account.client("sesv2").create_configuration_set(ConfigurationSetName="out")
    assert account.mends("events", "no-destination").level is Level.NOTE


def test_a_topic_without_subscription_reaches_nobody(account: Account) -> None:
    topic = account.topic(subscribed=False)
    account.publishing(SnsDestination={"TopicArn": topic})
    finding = account.mends("events", "no-subscription", account.topic)
    assert finding.level is Level.PROBLEM
    assert [one.check for one in account.look("events")] == ["reached"]


def test_a_subscription_that_nobody_has_confirmed_reaches_nobody(account: Account) -> None:
    topic = account.topic(subscribed=False)
    account.publishing(SnsDestination={"TopicArn": topic})
    account.client("sns").subscribe(
        TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/hook"
    )
    finding = account.mends("events", "unconfirmed", account.topic)
    assert "waiting: http://127.0.0.1:9/hook" in finding.found


def test_a_topic_that_is_gone_or_closed_to_ses_loses_events(account: Account) -> None:
    topic = account.topic()
    account.publishing(SnsDestination={"TopicArn": topic})
    sns = account.client("sns")
    policy = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    closed = json.dumps({"Version": "2012-10-17", "Statement": []})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=closed)
    account.mends(
        "events",
        "topic-permission",
        lambda: sns.set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=policy
        ),
    )
    sns.delete_topic(TopicArn=topic)
    account.mends("events", "topic")


def test_a_disabled_destination_gets_no_events(account: Account) -> None:
    account.publishing(SnsDestination={"TopicArn": account.topic()}, Enabled=False)
    account.mends("events", "disabled")
    assert [one.check for one in account.look("events")] == ["reached"]


def test_bounces_that_no_destination_gets_are_unread(account: Account) -> None:
    account.publishing(
        SnsDestination={"TopicArn": account.topic()}, MatchingEventTypes=["COMPLAINT"]
    )
    assert account.find("events", "unread").found.endswith("nobody reads BOUNCE events")


def test_events_on_the_default_bus_need_a_rule_with_a_target(account: Account) -> None:
    bus = f"arn:aws:events:{REGION}:{account.id}:event-bus/default"
    account.publishing(EventBridgeDestination={"EventBusArn": bus})
    events = account.client("events")
    assert "no rule of the default event bus" in account.find("events", "no-bus-rule").found
    pattern = json.dumps({"source": ["aws.ses"]})
    events.put_rule(Name="mail", EventPattern=pattern)
    assert "mail takes them, and" in account.find("events", "no-bus-rule").found
    queue = f"arn:aws:sqs:{REGION}:{account.id}:letters"
    account.mends(
        "events",
        "no-bus-rule",
        lambda: events.put_targets(Rule="mail", Targets=[{"Id": "1", "Arn": queue}]),
    )


def test_a_delivery_stream_that_is_gone_loses_events(account: Account) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    put = {"Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": "*"}
    iam, firehose = account.client("iam"), account.client("firehose")
    role = iam.create_role(
        RoleName="ToStream",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [put]})
    iam.put_role_policy(RoleName="ToStream", PolicyName="put", PolicyDocument=document)
    bucket = f"arn:aws:s3:::{account.bucket()}"

    def make() -> str:
        arn: str = firehose.create_delivery_stream(
            DeliveryStreamName="events",
            ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": bucket},
        )["DeliveryStreamARN"]
        return arn

    account.publishing(KinesisFirehoseDestination={"DeliveryStreamArn": make(), "IamRoleArn": role})
    assert [one.check for one in account.look("events")] == ["reached"]
    firehose.delete_delivery_stream(DeliveryStreamName="events")
    account.mends("events", "stream", make)
    iam.update_assume_role_policy(
        RoleName="ToStream", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    )
    assert "does not trust SES" in account.find("events", "stream-permission").found


def test_addresses_of_ones_domains_that_are_suppressed_are_found(account: Account) -> None:
    account.verify("example.com")
    sesv2 = account.client("sesv2")
    for address, reason in (("support@example.com", "BOUNCE"), ("ann@example.net", "COMPLAINT")):
        sesv2.put_suppressed_destination(EmailAddress=address, Reason=reason)
    listed = account.find("suppression", "listed")
    assert listed.found == "2 addresses suppressed: 1 by bounce, 1 by complaint"
    assert "support@example.com" in account.mends("suppression", "own-address").found


def test_an_account_that_does_not_suppress_after_bounces_is_found(account: Account) -> None:
    account.client("sesv2").put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    assert "after a bounce" in account.mends("suppression", "not-heeded").found


def test_a_raised_alarm_about_mail_is_a_problem_and_one_of_lambda_a_warning(
    account: Account,
) -> None:
    cloudwatch = account.client("cloudwatch")
    for name, namespace in (("mail", "AWS/SES"), ("errors", "AWS/Lambda"), ("cpu", "AWS/EC2")):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"look after {name}",
            Namespace=namespace,
            MetricName="PublishFailure",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    found = run.worst_first(account.look("alarms"))
    raised = [one for one in found if one.check == "raised"]
    assert [one.level for one in raised] == [Level.PROBLEM, Level.WARNING]
    assert "look after mail" in raised[0].found
    assert account.find("alarms", "no-action").found.endswith("mail")
    for name in ("mail", "errors"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="mended")
    assert account.find("alarms", "raised").level is Level.OK


def test_rates_are_judged_as_aws_does(account: Account) -> None:
    cloudwatch = account.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="AWS/SES",
        MetricData=[
            {"MetricName": "Reputation.BounceRate", "Value": 0.06},
            {"MetricName": "Reputation.ComplaintRate", "Value": 0.0004},
        ],
    )
    bounces, complaints = account.look("reputation", now=datetime.now(UTC) + timedelta(minutes=1))
    assert (bounces.level, complaints.level) == (Level.PROBLEM, Level.OK)
    assert bounces.found == "bounce rate 6.00%: from 5.0%, AWS reviews the account"


def test_messages_in_a_dead_letter_queue_are_a_problem(account: Account) -> None:
    sqs = account.client("sqs")
    letters = sqs.create_queue(QueueName="letters")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{account.id}:letters"
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
    sqs.create_queue(QueueName="events", Attributes={"RedrivePolicy": redrive})
    assert account.find("queues", "dead-letters").level is Level.OK
    sqs.send_message(QueueUrl=letters, MessageBody="{}")
    finding = account.mends("queues", "dead-letters", lambda: sqs.purge_queue(QueueUrl=letters))
    assert finding.found == "1 message in the dead-letter queue letters"
    assert finding.command == "mailroom replay letters --to events"


def test_the_queue_for_failed_calls_of_a_handler_is_a_dead_letter_queue(account: Account) -> None:
    account.function(Environment={"Variables": {"MAILROOM_HANDLER": "app:on_mail"}})
    sqs = account.client("sqs")
    url = sqs.create_queue(QueueName="failed")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{account.id}:failed"
    account.client("lambda").put_function_event_invoke_config(
        FunctionName="Support", DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    finding = account.find("queues", "dead-letters")
    assert finding.found == "1 message in the dead-letter queue failed, of calls of Support"
    account.run(finding.command)


def test_keys_of_smtp_users_are_judged_by_age_and_use(account: Account) -> None:
    iam = account.client("iam")
    for user, action in (("smtp", "ses:SendRawEmail"), ("reader", "s3:GetObject")):
        iam.create_user(UserName=user)
        iam.create_access_key(UserName=user)
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document)
    assert account.find("smtp_users", "keys").found == "1 user may send; no key is old"
    later = datetime.now(UTC) + timedelta(days=100)
    [finding] = account.look("smtp_users", now=later)
    assert finding.found.endswith("not used in the 100 days since it was made")
    account.run(finding.command)
    assert [one.check for one in account.look("smtp_users", now=later)] == ["keys"]
