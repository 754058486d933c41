"""Permissions around `EventPublishing`: what is granted, and what is not."""

from __future__ import annotations

import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from synthesis import ACCOUNT, FOLDER, REGION, Template, new_stack, synthesized, warnings_of

from cdk_mailroom import BUNDLED, EventPublishing, EventType, PythonHandler

OURS = f"arn:aws:ses:{REGION}:{ACCOUNT}"


def yours() -> PythonHandler:
    """Return a handler of the user's."""
    return PythonHandler(FOLDER, "app:on_mail")


@pytest.fixture(scope="module")
def plain() -> Template:
    """Each type separately with its bundled behaviour, and one with a custom function."""

    def build(stack):
        out = EventPublishing(stack, "Out")
        for kind in EventType:
            if kind is not EventType.OPEN:
                out.on(kind)
        out.on(EventType.OPEN, yours())

    return synthesized(build)


@pytest.fixture(scope="module")
def keyed() -> Template:
    """A customer key, and an alert topic on another."""

    def build(stack):
        out = EventPublishing(
            stack,
            "Out",
            encryption_key=kms.Key(stack, "Key"),
            alert_topic=sns.Topic(stack, "Alerts", master_key=kms.Key(stack, "AlertKey")),
        )
        out.on(EventType.BOUNCE)
        out.on(EventType.COMPLAINT, BUNDLED, yours())
        out.on(EventType.OPEN, yours())

    return synthesized(build)


def publishers(template: Template, topic: str) -> list[dict]:
    """Return the statements that allow publishing to *topic*."""
    statements = template.at(f"{topic}/Policy")["PolicyDocument"]["Statement"]
    return [one for one in statements if one["Effect"] == "Allow"]


def actions_of(template: Template, function: str) -> dict[str, object]:
    """Return each action that the function may do, with its resource."""
    found = {}
    for statement in template.statements(function):
        assert "Condition" not in statement
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            found[action] = statement["Resource"]
    return found


QUEUE_ACTIONS = {
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
}
LOG_ACTIONS = {"logs:CreateLogStream", "logs:PutLogEvents"}


# SES, SNS, CloudWatch


def test_ses_may_publish_for_this_configuration_set_only(plain):
    """No one else may, nor may SES for another account or set."""
    [statement] = publishers(plain, "Out/Topic")
    statement.pop("Sid", None)
    assert statement == {
        "Action": "sns:Publish",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"{OURS}:configuration-set/<Out/ConfigurationSet>"},
        },
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Resource": "<Out/Topic>",
    }


def test_only_alarms_of_this_account_may_publish_alerts(plain):
    """One statement however many alarms there are; SES publishes no alerts."""
    [statement] = publishers(plain, "Out/AlertTopic")
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_topics_take_tls_only(plain):
    """Both of them."""
    for topic in ("Out/Topic", "Out/AlertTopic"):
        first = plain.at(f"{topic}/Policy")["PolicyDocument"]["Statement"][0]
        assert first["Effect"] == "Deny"
        assert first["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("queue", ["Queue", "DeadLetterQueue"])
def test_only_our_topic_may_fill_a_queue(plain, queue):
    """SNS puts into the dead-letter queue what it cannot put into the queue."""
    statements = plain.at(f"Out/Bounce/{queue}/Policy")["PolicyDocument"]["Statement"]
    assert [one for one in statements if one["Effect"] == "Allow"] == [
        {
            "Action": "sqs:SendMessage",
            "Condition": {"ArnEquals": {"aws:SourceArn": "<Out/Topic>"}},
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Resource": f"<Out/Bounce/{queue}.Arn>",
        }
    ]


def test_a_customer_key_admits_three_services_for_this_account_only(keyed):
    """SES and CloudWatch publish to encrypted topics, SNS writes to encrypted queues."""
    statements = keyed.at("Key")["KeyPolicy"]["Statement"]
    assert statements[0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    found = {one["Principal"]["Service"]: one for one in statements[1:]}
    assert len(found) == len(statements) - 1
    assert set(found) == {"ses.amazonaws.com", "sns.amazonaws.com"}
    for one in found.values():
        assert one["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
        assert one["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert {name: one["Condition"]["ArnLike"] for name, one in found.items()} == {
        "ses.amazonaws.com": {"aws:SourceArn": f"{OURS}:configuration-set/<Out/ConfigurationSet>"},
        # Not the topic's own ARN: the topic waits for the key.
        "sns.amazonaws.com": {"aws:SourceArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:*"},
    }


def test_the_key_of_the_alert_topic_admits_alarms(keyed):
    """This holds for any key; nothing else is admitted."""
    [_, statement] = keyed.at("AlertKey")["KeyPolicy"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_one_key_for_everything_admits_all_three_services():
    """The default for the alert topic is the same key."""

    def build(stack):
        EventPublishing(stack, "Out", encryption_key=kms.Key(stack, "Key")).on(EventType.BOUNCE)

    statements = synthesized(build).at("Key")["KeyPolicy"]["Statement"]
    assert sorted(one["Principal"].get("Service", "") for one in statements) == [
        "",
        "cloudwatch.amazonaws.com",
        "ses.amazonaws.com",
        "sns.amazonaws.com",
    ]


# Functions


def test_only_sqs_itself_fills_the_isolation_queue(plain):
    """Moving an event there needs no permission, so its policy grants none."""
    statements = plain.at("Out/Bounce/IsolationQueue/Policy")["PolicyDocument"]["Statement"]
    assert [one["Effect"] for one in statements] == ["Deny"]


def read_and_log(path):
    """Return what every function of a pipeline may do: read its queues, and log."""
    queues = [f"<{path}/IsolationQueue.Arn>", f"<{path}/Queue.Arn>"]
    return {
        **{key: list(queues) for key in QUEUE_ACTIONS},
        **dict.fromkeys(LOG_ACTIONS, f"<{path}/Logs.Arn>"),
    }


@pytest.mark.parametrize("kind", [kind for kind in EventType if kind is not EventType.OPEN])
def test_a_bundled_behaviour_has_the_permissions_that_its_module_needs(plain, kind):
    """They are those in its docstring, plus reading its queue and logging."""
    from importlib import import_module

    documented = import_module(f"mailroom.handlers.events.{kind.name.lower()}").__doc__ or ""
    _, _, permissions = documented.partition("\nPermissions\n")
    permissions = permissions.partition("\nMetrics\n")[0]
    expected = {
        action: resource
        for action, resource in {
            "dynamodb:PutItem": "<Out/EventTable.Arn>",
            "sns:Publish": "<Out/AlertTopic>",
            "ses:PutSuppressedDestination": "*",
        }.items()
        if action in permissions
    }
    path = f"Out/{kind.replace(' ', '')}"
    assert actions_of(plain, f"{path}/Function") == {
        **expected,
        **read_and_log(path),
    }


def test_only_functions_that_alert_get_the_alert_topic(plain):
    """The setting goes with the permission."""
    told = {
        path.split("/")[1]
        for path in plain.of("AWS::Lambda::Function")
        if "MAILROOM_ALERT_TOPIC" in plain.environment(path)
    }
    assert told == {"Complaint", "DeliveryDelay", "Reject", "RenderingFailure", "Subscription"}


def test_a_custom_function_may_record_and_nothing_else(plain):
    """It gets no topic or suppression list, and none of the bundled behaviours' settings."""
    assert actions_of(plain, "Out/Open/Function") == {
        "dynamodb:PutItem": "<Out/EventTable.Arn>",
        **read_and_log("Out/Open"),
    }
    assert set(plain.environment("Out/Open/Function")) == {
        "MAILROOM_EVENT_TABLE",
        "MAILROOM_EVENT_TTL_DAYS",
        "MAILROOM_HANDLERS",
    }


def test_suppressing_can_be_switched_off():
    """Then no function has the permission, and a setting keeps them from trying."""

    def build(stack):
        out = EventPublishing(stack, "Out", suppress=False)
        out.on([EventType.BOUNCE, EventType.COMPLAINT])

    template = synthesized(build)
    assert "ses:PutSuppressedDestination" not in actions_of(template, "Out/Bounce/Function")
    assert template.environment("Out/Bounce/Function")["MAILROOM_SUPPRESS"] == "0"


def test_types_together_have_the_permissions_of_each():
    """One function, one role."""

    def build(stack):
        EventPublishing(stack, "Out").on([EventType.BOUNCE, EventType.REJECT])

    found = actions_of(synthesized(build), "Out/Bounce/Function")
    assert {"ses:PutSuppressedDestination", "sns:Publish", "dynamodb:PutItem"} <= set(found)


@pytest.mark.parametrize("pipeline", ["Bounce", "Open"])
def test_functions_may_use_the_customer_key(keyed, pipeline):
    """They read the queue and write to the table, with a custom function alone as well."""
    found = actions_of(keyed, f"Out/{pipeline}/Function")
    assert {action: key for action, key in found.items() if action.startswith("kms:")} == (
        dict.fromkeys(("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"), "<Key.Arn>")
    )


def test_functions_that_alert_may_use_the_alert_topics_key(keyed):
    """Publishing to an encrypted topic needs it; other functions do not."""

    def on_alert_key(function):
        return {
            action
            for statement in keyed.statements(function)
            if "<AlertKey.Arn>" in str(statement["Resource"])
            for action in statement["Action"]
        }

    assert on_alert_key("Out/Complaint/Function") == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert on_alert_key("Out/Bounce/Function") == set()


def test_a_given_tables_key_is_granted():
    """The table's owner chose the key."""

    def build(stack):
        text = dynamodb.AttributeType.STRING
        table = dynamodb.Table(
            stack,
            "Table",
            partition_key=dynamodb.Attribute(name="message_id", type=text),
            sort_key=dynamodb.Attribute(name="at", type=text),
            encryption_key=kms.Key(stack, "Key"),
        )
        EventPublishing(stack, "Out", event_table=table).on(EventType.BOUNCE)

    found = actions_of(synthesized(build), "Out/Bounce/Function")
    assert found["dynamodb:PutItem"] == "<Table.Arn>"
    assert found["kms:GenerateDataKey*"] == "<Key.Arn>"


# grant_send


def function(stack, construct_id="Sender"):
    """Return a function of the user's."""
    return lambda_.Function(
        stack,
        construct_id,
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
    )


SENDING = [
    "ses:SendEmail",
    "ses:SendRawEmail",
    "ses:SendTemplatedEmail",
]


def sending(build) -> dict:
    """Return the statement that `build` gives a role, which it is called with."""

    def with_role(stack):
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        assert build(stack, role).success

    policy = synthesized(with_role).at("Role/DefaultPolicy")["PolicyDocument"]
    [statement] = policy["Statement"]
    assert statement["Action"] == SENDING
    return statement


def test_a_sender_needs_identity_configuration_set_and_templates():
    """SES checks each of them; identities can be names or constructs."""

    def build(stack, role):
        identity = ses.EmailIdentity(stack, "Id", identity=ses.Identity.domain("example.org"))
        out = EventPublishing(stack, "Out", identities=["example.com", "me@example.net", identity])
        return out.grant_send(role, templates=["Welcome"])

    statement = sending(build)
    assert sorted(statement["Resource"]) == [
        f"{OURS}:configuration-set/<Out/ConfigurationSet>",
        f"{OURS}:identity/<Id>",
        f"{OURS}:identity/example.com",
        f"{OURS}:identity/me@example.net",
        f"{OURS}:template/Welcome",
    ]
    assert "Condition" not in statement


def test_all_identities_are_granted_if_none_are_named():
    """Of this account; that is the documented default."""
    statement = sending(lambda stack, role: EventPublishing(stack, "Out").grant_send(role))
    assert f"{OURS}:identity/*" in statement["Resource"]
    assert "*" not in statement["Resource"]


def test_a_sender_can_be_limited_to_one_address():
    """By the condition that SES documents for it."""
    statement = sending(
        lambda stack, role: EventPublishing(stack, "Out", identities=["example.com"]).grant_send(
            role, from_address="news@example.com"
        )
    )
    assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": "news@example.com"}}


def test_a_function_that_sends_gets_the_configuration_set():
    """Without it, its mail would have no events."""

    def build(stack):
        EventPublishing(stack, "Out").grant_send(function(stack))

    template = synthesized(build)
    assert template.environment("Sender") == {
        "MAILROOM_CONFIGURATION_SET": "<Out/ConfigurationSet>"
    }


# What is imported


def test_resources_made_in_the_app_raise_no_warning():
    """Everything that can be granted is granted."""
    stack = new_stack()
    out = EventPublishing(stack, "Out", encryption_key=kms.Key(stack, "Key"))
    out.on(list(EventType))
    assert warnings_of(stack) == {}


def test_an_imported_topic_raises_a_warning_about_its_policy():
    """The warning names the service and the conditions."""
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:{REGION}:{ACCOUNT}:theirs")
    EventPublishing(stack, "Out", topic=topic, configuration_set_name="ours").on(EventType.BOUNCE)
    [(code, [text])] = warnings_of(stack).items()
    assert code == "cdk-mailroom:imported-topic"
    for word in (
        "Stack/Out: ",
        ":theirs",
        "ses.amazonaws.com",
        "sns:Publish",
        "aws:SourceAccount",
        f"{OURS}:configuration-set/ours",
    ):
        assert word in text


def test_the_key_of_an_imported_topic_raises_a_warning():
    """It is raised if the import names a key."""
    stack = new_stack()
    topic = sns.Topic.from_topic_attributes(
        stack,
        "Topic",
        topic_arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:theirs",
        key_arn=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k",
    )
    EventPublishing(stack, "Out", topic=topic).on(EventType.BOUNCE)
    found = warnings_of(stack)
    assert set(found) == {"cdk-mailroom:imported-topic", "cdk-mailroom:imported-key"}
    [text] = found["cdk-mailroom:imported-key"]
    assert "key/k" in text
    assert "ses.amazonaws.com" in text


def test_an_imported_key_raises_a_warning_for_each_service():
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k")
    EventPublishing(stack, "Out", encryption_key=key).on(EventType.BOUNCE)
    found = warnings_of(stack)
    keys = found.pop("cdk-mailroom:imported-key")
    [alarms] = found.pop("cdk-mailroom:imported-alert-topic")
    assert not found
    text = " ".join([*keys, alarms])
    for service in ("ses.amazonaws.com", "sns.amazonaws.com", "cloudwatch.amazonaws.com"):
        assert service in text
    assert "kms:GenerateDataKey*" in text


def test_an_imported_alert_topic_raises_one_warning():
    """The number of alarms makes no difference."""
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Alerts", f"arn:aws:sns:{REGION}:{ACCOUNT}:theirs")
    out = EventPublishing(stack, "Out", alert_topic=topic)
    out.on(EventType.BOUNCE)
    out.on(EventType.COMPLAINT)
    [(code, texts)] = warnings_of(stack).items()
    assert code == "cdk-mailroom:imported-alert-topic"
    assert len(texts) == 1
    assert "cloudwatch.amazonaws.com" in texts[0]


def test_an_imported_table_needs_no_warning():
    """The functions' roles grant the writing."""

    def build(stack):
        table = dynamodb.Table.from_table_name(stack, "Table", "theirs")
        EventPublishing(stack, "Out", event_table=table).on(EventType.BOUNCE)
        assert warnings_of(stack) == {}

    found = actions_of(synthesized(build), "Out/Bounce/Function")
    assert found["dynamodb:PutItem"] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/theirs"
