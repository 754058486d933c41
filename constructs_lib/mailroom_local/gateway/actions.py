"""What the actions of a rule do, through public API calls, as the role that the action names.

https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_RuleAction.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mailroom.ses import RECIPIENTS_PER_MESSAGE, SYNCHRONOUS_SECONDS, Disposition
from mailroom_local._journal import Journal, described
from mailroom_local.control import clients
from mailroom_local.gateway import payloads, roles
from mailroom_local.gateway.message import Message
from mailroom_local.gateway.outbox import Outbox
from mailroom_local.gateway.points import IngressPoint
from mailroom_local.gateway.services import Services
from mailroom_local.receiving import decisions
from mailroom_local.receiving.smtp import OtherReceiver

_INVOCATIONS = {"EVENT": "Event", "REQUEST_RESPONSE": "RequestResponse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An action that is to run on a message, for the recipients that its rule matched."""

    point: IngressPoint
    message: Message
    recipients: Sequence[str]
    kind: str
    fields: Mapping[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    """What the journal shows of the action; running it may add to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an action ended."""

    word: str = "done"
    failure: str = ""
    retriable: bool = False
    """Whether a failure may pass."""
    disposition: Disposition = Disposition.CONTINUE
    dropped: bool = False
    """Whether the recipients get nothing more."""
    replaced: tuple[str, ...] | None = None
    """The recipients in place of those that were matched."""


class Actions:
    """Runs actions in one account and region."""

    def __init__(
        self,
        *,
        endpoint: str,
        account: str,
        region: str,
        services: Services,
        journal: Journal,
        mailboxes: Sequence[OtherReceiver],
    ) -> None:
        self._session = clients.session(region=region, account=account)
        self._endpoint = endpoint
        self._account, self._region = account, region
        self._services = services
        self._mailboxes = mailboxes
        self._outbox = Outbox(journal, region=region)
        self._lock = Lock()
        self._clients: dict[str, Any] = {}

    def run(self, step: Step) -> Outcome:
        """Run an action; what goes wrong is its failure, and never an exception."""
        try:
            if refusal := self._refusal(step):
                return Outcome(word="failed", failure=refusal)
            return self._ACTIONS[step.kind](self, step)
        except (ClientError, BotoCoreError) as error:
            return Outcome(word="failed", failure=str(error), retriable=True)
        except Exception as error:
            # An action must not take the others with it.
            failure, step.settings["place"] = described(error)
            return Outcome(word="failed", failure=failure)

    def _client(self, service: str) -> Any:
        # A session makes one client at a time, and many messages need none.
        with self._lock:
            if service not in self._clients:
                # How often a function is called again is for the rule to say.
                options: dict[str, Any] = {"read_timeout": SYNCHRONOUS_SECONDS, "retries": 0}
                given = options if service == "lambda" else {}
                made = clients.client(self._session, service, self._endpoint, **given)
                self._clients[service] = made
            return self._clients[service]

    def _refusal(self, step: Step) -> str | None:
        role = step.fields.get("RoleArn")
        if role is None:
            return None
        here = roles.Place(
            account=self._account,
            region=self._region,
            identities=self._services.identities(self._account, self._region),
        )
        return self._services.refusal_of_role(
            role,
            roles.asked(step.kind, step.fields, step.message, here),
            source_arn=str(step.point.rule_set.get("RuleSetArn", "")),
            account=self._account,
            region=self._region,
            context=roles.context(step.kind, step.fields),
        )

    def _add_header(self, step: Step) -> Outcome:
        step.message.added.append((step.fields["HeaderName"], step.fields["HeaderValue"]))
        return Outcome()

    def _archive(self, step: Step) -> Outcome:
        message, point = step.message, step.point
        metadata = {
            "IngressPointId": point.id,
            "TrafficPolicyId": point.policy.get("TrafficPolicyId"),
            "RuleSetId": point.rule_set.get("RuleSetId"),
            "SourceArn": point.rule_set.get("RuleSetArn"),
            "SenderIpAddress": message.client.address,
            "SenderHostname": message.client.name,
            "TlsProtocol": message.client.tls_protocol,
            "TlsCipherSuite": message.client.tls_cipher,
        }
        step.settings["archivedAs"] = self._services.keep_in_archive(
            step.fields["TargetArchive"],
            message.content(),
            mail_from=message.mail_from,
            rcpt_tos=list(step.recipients),
            message_id=message.message_id,
            account=self._account,
            region=self._region,
            helo=message.client.name,
            metadata={name: value for name, value in metadata.items() if value is not None},
        )
        return Outcome()

    def _bounce(self, step: Step) -> Outcome:
        fields, sender = step.fields, step.message.mail_from
        if not sender:
            # RFC 5321, 6.1: nothing is ever returned to the null reverse-path.
            step.settings["reason"] = "the message is a notification itself"
            return Outcome(word="skipped")
        step.settings["bounceTo"] = sender
        diagnostic = f"smtp; {fields['SmtpReplyCode']} {fields['DiagnosticMessage']}"
        dsn = {
            "Action": "failed",
            "Status": fields["StatusCode"],
            "DiagnosticCode": diagnostic,
        }
        sent = self._client("ses").send_bounce(
            OriginalMessageId=step.message.message_id,
            BounceSender=fields["Sender"],
            Explanation=fields.get("Message") or fields["DiagnosticMessage"],
            BouncedRecipientInfoList=[
                {"Recipient": recipient, "RecipientDsnFields": dsn} for recipient in step.recipients
            ],
        )
        step.settings["bounceMessageId"] = sent["MessageId"]
        return Outcome()

    def _deliver(self, step: Step) -> Outcome:
        if not self._mailboxes:
            return Outcome(word="recorded")
        message, missing = step.message, list(step.recipients)
        for mailboxes in self._mailboxes:
            own = [recipient for recipient in missing if mailboxes.receives(recipient)]
            missing = [recipient for recipient in missing if recipient not in own]
            if own:
                step.settings["deliveredAs"] = mailboxes.receive(
                    message.content(),
                    mail_from=message.mail_from,
                    rcpt_tos=own,
                    tls=message.client.tls_protocol is not None,
                )
        if missing:
            failure = f"no mailbox of the organization has {', '.join(missing)}"
            return Outcome(word="failed", failure=failure)
        return Outcome()

    def _drop(self, step: Step) -> Outcome:
        return Outcome(word="dropped", dropped=True)

    def _invoke(self, step: Step) -> Outcome:
        invocation = _INVOCATIONS[step.fields["InvocationType"]]
        action = {
            "type": "Lambda",
            "functionArn": step.fields["FunctionArn"],
            "invocationType": invocation,
        }
        event = payloads.lambda_event(step.message, step.recipients, action, now=datetime.now(UTC))
        try:
            answer = self._client("lambda").invoke(
                FunctionName=step.fields["FunctionArn"],
                InvocationType=invocation,
                Payload=json.dumps(event).encode(),
            )
        except ReadTimeoutError:
            failure = f"no answer within {SYNCHRONOUS_SECONDS} seconds"
            return Outcome(word="failed", failure=failure, retriable=True)
        if invocation == "Event":
            return Outcome(word="accepted")
        payload: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            failure = payload.decode("utf-8", "replace")
            return Outcome(word="failed", failure=failure, retriable=True)
        disposition = decisions.disposition_of(payload, failed=False)
        return Outcome(word=disposition.value, disposition=disposition)

    def _publish(self, step: Step) -> Outcome:
        encoding = step.fields.get("Encoding") or "UTF-8"
        payload_type = step.fields.get("PayloadType") or "CONTENT"
        action = {
            "type": "SNS",
            "topicArn": step.fields["TopicArn"],
            "encoding": encoding.replace("-", ""),
        }
        told = payloads.notification(
            step.message,
            step.recipients,
            action,
            payload_type=payload_type,
            encoding=encoding,
            now=datetime.now(UTC),
        )
        self._client("sns").publish(
            TopicArn=step.fields["TopicArn"],
            Subject="Amazon SES Email Receipt Notification",
            Message=json.dumps(told),
        )
        return Outcome()

    def _record(self, step: Step) -> Outcome:
        return Outcome(word="recorded")

    def _relay(self, step: Step) -> Outcome:
        relay = self._services.relay(step.fields["Relay"], self._account, self._region)
        if relay is None:
            return Outcome(word="failed", failure=f"there is no relay {step.fields['Relay']}")
        known = self._services.identities(self._account, self._region)
        reached = [one for one in step.recipients if decisions.belongs(one, known)]
        missing = [one for one in step.recipients if one not in reached]
        if missing:
            step.settings["notRelayed"] = f"not of a verified identity: {', '.join(missing)}"
        if not reached:
            return Outcome(word="failed", failure=step.settings["notRelayed"])
        step.settings["server"] = f"{relay['ServerName']}:{relay['ServerPort']}"
        step.settings["relayedAs"] = self._outbox.relay(
            step.message,
            reached,
            server=step.settings["server"],
            keep_sender=step.fields.get("MailFrom") == "PRESERVE",
        )
        return Outcome()

    def _replace(self, step: Step) -> Outcome:
        return Outcome(replaced=tuple(dict.fromkeys(step.fields["ReplaceWith"])))

    def _send(self, step: Step) -> Outcome:
        content = {"Raw": {"Data": step.message.content()}}
        ids = []
        # A call of SES may name 50 recipients, and a message here may have 100.
        for first in range(0, len(step.recipients), RECIPIENTS_PER_MESSAGE):
            some = list(step.recipients[first : first + RECIPIENTS_PER_MESSAGE])
            sent = self._client("sesv2").send_email(
                Destination={"ToAddresses": some}, Content=content
            )
            ids.append(sent["MessageId"])
        step.settings["sentAs"] = ", ".join(ids)
        return Outcome()

    def _write(self, step: Step) -> Outcome:
        key = roles.object_key(step.fields, step.message)
        step.settings["objectKey"] = key
        encryption = {}
        if kms_key := step.fields.get("S3SseKmsKeyId"):
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        self._client("s3").put_object(
            Bucket=step.fields["S3Bucket"], Key=key, Body=step.message.content(), **encryption
        )
        return Outcome()

    _ACTIONS: Mapping[str, Callable[[Actions, Step], Outcome]] = {
        "AddHeader": _add_header,
        "Archive": _archive,
        "Bounce": _bounce,
        "DeliverToMailbox": _deliver,
        # This service does not exist here, but the journal shows that the action was reached.
        "DeliverToQBusiness": _record,
        "Drop": _drop,
        "InvokeLambda": _invoke,
        "PublishToSns": _publish,
        "Relay": _relay,
        "ReplaceRecipient": _replace,
        "Send": _send,
        "WriteToS3": _write,
    }
