"""A function for received mail that no receipt rule calls: by a topic, a queue or a bucket."""

from __future__ import annotations

from aws_cdk import Annotations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as s3_notifications
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk_mailroom import _alarms, _queues
from cdk_mailroom._checks import Problems, check_number, check_prefix
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._objects import grant_read
from cdk_mailroom._quotas import LAMBDA_BATCH
from cdk_mailroom.actions.settings import check_topic
from cdk_mailroom.events.access import SNS, allow_service, grant_key, sns_of_account
from cdk_mailroom.handlers import PythonHandler

__all__ = ["MailFunction"]


class MailFunction(MailConstruct):
    """The reading side of `actions.Sns`, of a rule's topic, and of a bucket that has mail.

    Creates the handler's function, a dead-letter queue, and an alarm on it. The function is called
    with a ``ReceivedMail`` for each mail, whichever way it comes::

        archive = MailFunction(self, "Archive", handler=PythonHandler("archive", "app:on_mail"))
        archive.on_topic(topic)

    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        handler: PythonHandler,
        encryption_key: kms.IKey | None = None,
        alert_topic: sns.ITopic | None = None,
    ) -> None:
        """Create the function; nothing calls it until one of the methods is used.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            handler: The function, of one argument, the mail. Not a synchronous one.
            encryption_key: Encrypts the dead-letter queue; SQS's own key by default.
            alert_topic: The topic that the alarm publishes to; none by default.

        Raises:
            ConfigurationError: The handler does not fit.
        """
        problems = Problems(scope, construct_id)
        if isinstance(handler, PythonHandler):
            handler.check_for_events(problems)
            handler.check_argument(problems, "a MailFunction", ["BucketMail"], base="ReceivedMail")
        else:
            problems.add("handler", handler, "pass PythonHandler(folder, 'module:function')")
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self._dead_letter_queue = _queues.dead_letter_queue(self, key=encryption_key)
        self._dead_letter_alarm = _alarms.dead_letter_alarm(
            self,
            self._dead_letter_queue,
            description=f"Mail that {self.node.path} failed to handle",
            topic=alert_topic,
        )
        self._function = handler.create(
            self,
            entry="mailroom.entry.receiving",
            specs=[handler.handler],
            description=f"Handles the mail that comes to {construct_id}",
            environment={"MAILROOM_HANDLER": handler.handler, "MAILROOM_RULE": construct_id},
            dead_letter_queue=self._dead_letter_queue,
        )

    @property
    def function(self) -> lambda_.Function:
        """The handler's function."""
        return self._function

    @property
    def dead_letter_queue(self) -> sqs.IQueue:
        """Takes what the function failed to handle, except for what a queue brought."""
        return self._dead_letter_queue

    @property
    def dead_letter_alarm(self) -> cloudwatch.Alarm:
        """Goes off while something is in the dead-letter queue."""
        return self._dead_letter_alarm

    def on_topic(self, topic: sns.ITopic) -> None:
        """Call the function for each notification of a receipt rule that *topic* gets.

        What SNS cannot hand to the function goes to the dead-letter queue.

        If the mail is not in the notifications, as only `actions.Sns` puts it there, let the
        function read it: ``rule.grant_read_mail(mail_function.function)``.

        Args:
            topic: The topic of `actions.Sns`, or of another action; not a FIFO topic.

        Raises:
            ConfigurationError: The topic is a FIFO topic.
        """
        problems = Problems(self)
        check_topic(problems, topic)
        problems.raise_if_any()
        subscription = topic.add_subscription(subscriptions.LambdaSubscription(self._function))
        letters, key = self._dead_letter_queue, self._dead_letter_queue.encryption_master_key
        policy = allow_service(letters, SNS, topic.topic_arn).policy_dependable
        if key is not None:
            grant_key(self, key, sns_of_account(topic))
        resource = subscription.node.default_child
        assert isinstance(resource, sns.CfnSubscription)
        # Not dead_letter_queue=, which names the topic in the policy of the queue's key: a topic
        # with the same key would then depend on itself.
        resource.redrive_policy = {"deadLetterTargetArn": letters.queue_arn}
        if policy is not None:
            subscription.node.add_dependency(policy)

    def on_queue(self, queue: sqs.IQueue, *, batch_size: int = 10) -> lambda_.EventSourceMapping:
        """Call the function for what *queue* gets: notifications of rules, or events of S3.

        Each message fails by itself and becomes visible again; how often, and what takes it then,
        is for the queue's own dead-letter queue; synth warns if it has none. The queue's visibility
        timeout should be six times the function's timeout.

        Args:
            queue: A standard queue, which subscribes to the topic or is notified by the bucket.
            batch_size: How many messages one call gets at most, 1 to 10.

        Raises:
            ConfigurationError: The batch size is out of bounds, or the queue is a FIFO queue.
        """
        problems = Problems(self)
        if queue.fifo:
            problems.add(
                "queue", queue.node.path, "pass a standard queue: SES publishes to no FIFO"
            )
        check_number(problems, "batch_size", batch_size, LAMBDA_BATCH, "messages")
        problems.raise_if_any()
        if isinstance(queue, sqs.Queue) and queue.dead_letter_queue is None:
            Annotations.of(self).add_warning_v2(
                "cdk-mailroom:queue-without-dead-letters",
                f"the queue {queue.node.path} has no dead-letter queue, so mail that fails at "
                "every try is lost when the queue's retention ends: make it with "
                "dead_letter_queue=sqs.DeadLetterQueue(queue=…, max_receive_count=5)",
            )
        queue.grant_consume_messages(self._function)
        # Without batch item failures, Lambda would delete what failed.
        return lambda_.EventSourceMapping(
            self,
            f"Queue{queue.node.addr[-8:]}",
            target=self._function,
            event_source_arn=queue.queue_arn,
            batch_size=batch_size,
            report_batch_item_failures=True,
        )

    def on_bucket(self, bucket: s3.IBucket, *, prefix: str) -> None:
        """Call the function for each new object below *prefix*, with a ``BucketMail``.

        S3 does not know the envelope or SES's verdicts: prefer a rule's handler, or its topic.
        Grants reading the objects.

        Args:
            bucket: The bucket that rules store mail in.
            prefix: Where, such as ``rule.stored.prefix``: everything below it is taken for mail.

        Raises:
            ConfigurationError: The prefix cannot be one.
        """
        problems = Problems(self)
        check_prefix(problems, "prefix", prefix)
        problems.raise_if_any()
        grant_read(self._function, bucket, prefix)
        bucket.add_event_notification(
            s3.EventType.OBJECT_CREATED,
            s3_notifications.LambdaDestination(self._function),
            s3.NotificationKeyFilter(prefix=prefix),
        )
