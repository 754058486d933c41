"""A function for mail that a topic, a queue or a bucket brings."""

from __future__ import annotations

import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from synthesis import FOLDER, Template, cycle, new_stack, refuses, warnings_of

from cdk_mailroom import InboundMail, MailFunction, PythonHandler, actions, handlers

from .test_bundled_handlers import allowed

FUNCTION = "Mail/Function"


@pytest.fixture(scope="module")
def template() -> Template:
    """One function that all three call."""
    stack = new_stack()
    inbound = InboundMail(stack, "Inbound")
    topic = sns.Topic(stack, "Topic")
    rule = inbound.add_rule("Rule", recipients=["a@example.com"], before=[actions.Sns(topic=topic)])
    mail = MailFunction(stack, "Mail", handler=PythonHandler(FOLDER, "app:on_mail"))
    mail.on_topic(topic)
    mail.on_queue(sqs.Queue(stack, "Queue"))
    mail.on_bucket(inbound.bucket, prefix=rule.stored.prefix)
    return Template(stack)


def test_it_runs_the_users_function_by_the_same_entry_point(template):
    """That of a receipt rule's handler."""
    assert template.at(FUNCTION)["Handler"] == "mailroom.entry.receiving.handler"
    environment = template.environment(FUNCTION)
    assert environment == {"MAILROOM_HANDLER": "app:on_mail", "MAILROOM_RULE": "Mail"}


def test_its_function_is_for_what_it_may_do_besides(stack):
    """As every construct shows what it made."""
    mail = MailFunction(stack, "Mail", handler=PythonHandler(FOLDER, "app:on_mail"))
    table = dynamodb.TableV2(
        stack, "Table", partition_key={"name": "id", "type": dynamodb.AttributeType.STRING}
    )
    table.grant_read_data(mail.function)
    assert ("dynamodb:GetItem", "<Table.Arn>") in allowed(Template(stack), FUNCTION)


def test_it_may_read_what_is_below_the_prefix_and_take_from_the_queue(template):
    """And hand over what failed, and write its log."""
    assert allowed(template, FUNCTION) == {
        ("s3:GetObject", "<Inbound/Bucket.Arn>/Rule/*"),
        *(
            (f"sqs:{action}", "<Queue.Arn>")
            for action in (
                "ChangeMessageVisibility",
                "DeleteMessage",
                "GetQueueAttributes",
                "GetQueueUrl",
                "ReceiveMessage",
            )
        ),
        ("sqs:SendMessage", "<Mail/DeadLetterQueue.Arn>"),
        *((f"logs:{action}", "<Mail/Logs.Arn>") for action in ("CreateLogStream", "PutLogEvents")),
    }


def test_messages_of_a_queue_fail_one_by_one(template):
    """Without that, Lambda would delete those that failed."""
    (mapping,) = template.of("AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BatchSize"] == 10


def test_the_topic_and_the_bucket_call_it(template):
    """The bucket for new objects below the prefix only."""
    (subscription,) = template.of("AWS::SNS::Subscription").values()
    assert subscription["Protocol"] == "lambda"
    (notified,) = template.of("Custom::S3BucketNotifications").values()
    (call,) = notified["NotificationConfiguration"]["LambdaFunctionConfigurations"]
    assert call["Events"] == ["s3:ObjectCreated:*"]
    assert call["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "Rule/"}]


def test_what_fails_is_kept_and_raises_an_alarm(template):
    """As for a receipt rule's handler."""
    (config,) = template.of("AWS::Lambda::EventInvokeConfig").values()
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == "<Mail/DeadLetterQueue.Arn>"
    assert "Mail/DeadLetterAlarm" in template.of("AWS::CloudWatch::Alarm")


def test_what_the_topic_cannot_hand_over_is_kept_too(template):
    """SNS gives up at once when it may not call the function, and tells nobody."""
    (subscription,) = template.of("AWS::SNS::Subscription").values()
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": "<Mail/DeadLetterQueue.Arn>"}
    statements = template.at("Mail/DeadLetterQueue/Policy")["PolicyDocument"]["Statement"]
    (allowing,) = [one for one in statements if one["Effect"] == "Allow"]
    assert allowing["Principal"] == {"Service": "sns.amazonaws.com"}
    assert allowing["Condition"] == {"ArnEquals": {"aws:SourceArn": "<Topic>"}}


def test_a_topic_may_have_the_key_of_the_dead_letter_queue(stack):
    key = kms.Key(stack, "Key")
    mail = MailFunction(
        stack, "Mail", handler=PythonHandler(FOLDER, "app:on_mail"), encryption_key=key
    )
    mail.on_topic(sns.Topic(stack, "Topic", master_key=key))
    made = Template(stack)
    assert cycle(made.references) == []
    statements = made.at("Key")["KeyPolicy"]["Statement"]
    (granted,) = [one for one in statements if "sns.amazonaws.com" in str(one["Principal"])]
    assert granted["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert "aws:SourceArn" in granted["Condition"]["ArnLike"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: "app:on_mail", ("handler is 'app:on_mail'", "pass PythonHandler")),
        (
            lambda: PythonHandler(FOLDER, "app:on_mail", synchronous=True),
            ("synchronous is True", "nothing waits"),
        ),
        (
            lambda: PythonHandler(FOLDER, "app:on_mail", remember_handled=True),
            ("remember_handled is True",),
        ),
        (lambda: handlers.Forward(to=["a@example.net"]), ("handler is 'Forward'",)),
    ],
)
def test_a_handler_that_does_not_fit_is_refused(stack, make, words):
    """And leaves nothing behind, so that the corrected call works."""
    with refuses(*words):
        MailFunction(stack, "Mail", handler=make())
    MailFunction(stack, "Mail", handler=PythonHandler(FOLDER, "app:on_mail"))


@pytest.mark.parametrize("kind", ["BucketMail", "ReceivedMail", "BucketMail | ReceivedMail"])
def test_a_function_may_say_that_s3_calls_it(stack, tmp_path, kind):
    """A rule's handler may not: SES knows the envelope."""
    (tmp_path / "app.py").write_text(
        f"from mailroom.receiving import BucketMail, ReceivedMail\ndef on_mail(mail: {kind}): ...\n"
    )
    MailFunction(stack, "Mail", handler=PythonHandler(tmp_path, "app:on_mail"))
    if kind == "BucketMail":
        with refuses("BucketMail", "ReceivedMail"):
            InboundMail(stack, "Inbound").add_rule(
                "Rule", recipients=["a@example.com"], handler=PythonHandler(tmp_path, "app:on_mail")
            )


def test_a_queue_that_would_lose_mail_is_warned_of(stack):
    """What fails at every try stays in it until its retention ends."""
    mail = MailFunction(stack, "Mail", handler=PythonHandler(FOLDER, "app:on_mail"))
    kept = sqs.DeadLetterQueue(queue=sqs.Queue(stack, "Dead"), max_receive_count=5)
    mail.on_queue(sqs.Queue(stack, "Kept", dead_letter_queue=kept))
    assert not warnings_of(stack)
    mail.on_queue(sqs.Queue(stack, "Queue"))
    ((warning,),) = warnings_of(stack).values()
    assert warning.startswith("Stack/Mail: the queue Stack/Queue has no dead-letter queue")


def test_fifo_queues_topics_and_wrong_sizes_are_refused(stack):
    """SES publishes to no FIFO topic."""
    mail = MailFunction(stack, "Mail", handler=PythonHandler(FOLDER, "app:on_mail"))
    with refuses("topic is", "standard topic"):
        mail.on_topic(sns.Topic(stack, "Topic", fifo=True))
    with refuses("queue is", "standard queue", "batch_size is 11", "1 to 10"):
        mail.on_queue(sqs.Queue(stack, "Queue", fifo=True), batch_size=11)
