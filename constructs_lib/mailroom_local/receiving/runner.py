"""Runs receipt rules on the local AWS; what their actions do, they do through public API calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mailroom.ses import SNS_ACTION_BYTES, SYNCHRONOUS_SECONDS, Disposition, object_key
from mailroom_local._background import Background
from mailroom_local._journal import Journal, described, elapsed_ms
from mailroom_local.control import clients
from mailroom_local.mail.headers import decode, header_of, read_headers
from mailroom_local.receiving import decisions, payloads
from mailroom_local.receiving.decisions import InForce, Refusal
from mailroom_local.receiving.encryption import encrypt
from mailroom_local.receiving.in_force import InForceRecords
from mailroom_local.receiving.message import (
    Envelope,
    Match,
    Message,
    new_message_id,
    verdicts_of,
)


class Receiver:
    """Accepts messages, and runs the active rule set's actions on them in the background."""

    def __init__(
        self,
        *,
        endpoint: str,
        region: str,
        account: str,
        journal: Journal,
        in_force: Callable[[str, str], InForce],
        on_accepted: Callable[[str, str], None] | None = None,
        workers: int = 4,
    ) -> None:
        session = clients.session(region=region, account=account)
        self._region = region
        self._account = account
        self._in_force = in_force
        self._journal = journal
        self._on_accepted = on_accepted
        self._rules = InForceRecords(journal)
        self._background = Background(journal, name="receiving", workers=workers)
        self._ses = clients.client(session, "ses", endpoint)
        self._s3 = clients.client(session, "s3", endpoint)
        self._sns = clients.client(session, "sns", endpoint)
        self._kms = clients.client(session, "kms", endpoint)
        # SES never invokes a function twice for one message.
        self._lambda = clients.client(
            session, "lambda", endpoint, read_timeout=SYNCHRONOUS_SECONDS, retries=0
        )

    def admit(self, recipient: str, *, client_address: str, tls: bool) -> Refusal | None:
        """The refusal that answers RCPT TO, if any."""
        now = self._in_force(self._account, self._region)
        if not decisions.client_admitted(now.filters, client_address):
            return Refusal(
                reply="554 5.7.1 Client address is blocked",
                reason=f"an IP filter blocks {client_address}",
            )
        refusal = decisions.refuse_recipient(
            now.rules, recipient, tls=tls, identities=now.identities
        )
        return refusal and replace(refusal, rules=self._rules.version(now))

    def accept(self, raw: bytes, envelope: Envelope) -> str:
        """Accept a message and return its id; the actions run in the background."""
        message = Message(
            message_id=new_message_id(),
            raw=raw,
            envelope=envelope,
            received_at=datetime.now(UTC),
            region=self._region,
            verdicts=verdicts_of(raw),
        )
        headers = read_headers(raw)
        now = self._in_force(self._account, self._region)
        identities = now.identities
        matches = decisions.match_rules(now.rules or [], envelope.rcpt_tos, identities=identities)
        if self._on_accepted is not None:
            self._on_accepted(message.message_id, envelope.mail_from)
        self._journal.keep(message.message_id, raw)
        # Last, as what fails before it is answered with a refusal.
        self._journal.write(
            "accepted",
            message_id=message.message_id,
            mail_from=envelope.mail_from,
            rcpt_tos=list(envelope.rcpt_tos),
            subject=decode(header_of(headers, "Subject") or ""),
            header_id=header_of(headers, "Message-ID"),
            size=len(raw),
            tls=envelope.tls,
            client_address=envelope.client_address,
            rules=self._rules.version(now),
            unverified=[r for r in envelope.rcpt_tos if not decisions.belongs(r, identities)],
        )
        self._background.begin(message.message_id, self._process, message, matches)
        return message.message_id

    def close(self) -> None:
        """Drop queued messages, and wait for those in progress."""
        self._background.close()

    def _process(self, message: Message, matches: list[Match]) -> None:
        started = time.perf_counter()
        stopped_by = None
        # Whatever happens, the story has an end.
        with self._journal.guarded(message.message_id):
            stopped_by = self._run_rules(message, matches)
        self._journal.write(
            "finished",
            message_id=message.message_id,
            stopped_by=stopped_by,
            ms=elapsed_ms(started),
        )

    def _run_rules(self, message: Message, matches: list[Match]) -> str | None:
        """Run each rule's actions; the name of the rule that stopped the rule set, if one did."""
        for match in matches:
            verdicts = message.verdicts.for_rule(match.rule)
            self._journal.write(
                "rule",
                message_id=message.message_id,
                rule=match.name,
                recipients=list(match.recipients),
                verdicts={
                    name: getattr(verdicts, name)
                    for name in ("spam", "virus", "spf", "dkim", "dmarc")
                },
            )
            if self._run_rule(message, match) is Disposition.STOP_RULE_SET:
                return match.name
        return None

    def _run_rule(self, message: Message, match: Match) -> Disposition:
        for action in match.rule.get("Actions", []):
            for kind, fields in action.items():
                disposition = self._run_action(message, match, kind, fields)
                if disposition is not Disposition.CONTINUE:
                    return disposition
        return Disposition.CONTINUE

    def _run_action(
        self, message: Message, match: Match, kind: str, fields: Mapping[str, str]
    ) -> Disposition:
        run = self._ACTIONS[kind]
        name = kind.removesuffix("Action").replace("Workmail", "WorkMail")
        settings = {"type": name} | {
            field[0].lower() + field[1:]: value
            for field, value in fields.items()
            if field not in ("IamRoleArn", "KmsKeyArn", "IAMRoleARN")
        }
        started = time.perf_counter()
        try:
            outcome, disposition = run(self, message, match, fields, settings)
            topic = fields.get("TopicArn")
            if topic and kind != "SNSAction":
                self._publish(topic, self._notification(message, match, settings))
        except (ClientError, BotoCoreError) as error:
            settings["error"] = str(error)
            outcome, disposition = "failed", Disposition.CONTINUE
        except Exception as error:
            # An action must not take the others with it.
            settings["error"], settings["place"] = described(error)
            outcome, disposition = "failed", Disposition.CONTINUE
        detail = {key: value for key, value in settings.items() if key != "type"}
        self._journal.write(
            "action",
            message_id=message.message_id,
            rule=match.name,
            action=name,
            outcome=outcome,
            ms=elapsed_ms(started),
            detail=detail,
        )
        return disposition

    # Each of these runs one kind of action. It may add to `settings`, which functions, topics and
    # the journal get.

    def _store(
        self, message: Message, match: Match, fields: Mapping[str, str], settings: dict[str, str]
    ) -> tuple[str, Disposition]:
        key = object_key(fields.get("ObjectKeyPrefix", ""), message.message_id)
        settings["objectKey"] = key
        body = message.content(match)
        metadata: dict[str, str] = {}
        if key_arn := fields.get("KmsKeyArn"):
            context = {
                "aws:ses:message-id": message.message_id,
                "aws:ses:rule-name": match.name,
                "aws:ses:source-account": self._account,
            }
            body, metadata = encrypt(body, kms=self._kms, key_arn=key_arn, context=context)
        self._s3.put_object(Bucket=fields["BucketName"], Key=key, Body=body, Metadata=metadata)
        return "done", Disposition.CONTINUE

    def _notify(
        self, message: Message, match: Match, fields: Mapping[str, str], settings: dict[str, str]
    ) -> tuple[str, Disposition]:
        content = message.content(match)
        if len(content) > SNS_ACTION_BYTES:
            settings["error"] = "552 5.3.4 the message is larger than 150 KB: SES bounces it"
            settings["bounceTo"] = message.envelope.mail_from
            return "bounced", Disposition.CONTINUE
        encoding = settings.get("encoding", "UTF-8")
        # As recorded: not as the rule has it.
        settings["encoding"] = encoding.replace("-", "").upper()
        notification = self._notification(message, match, settings)
        notification["content"] = payloads.encode_content(content, encoding)
        self._publish(fields["TopicArn"], notification)
        return "done", Disposition.CONTINUE

    def _invoke(
        self, message: Message, match: Match, fields: Mapping[str, str], settings: dict[str, str]
    ) -> tuple[str, Disposition]:
        invocation = settings.setdefault("invocationType", "Event")
        event = payloads.lambda_event(message, match, settings, now=datetime.now(UTC))
        try:
            answer = self._lambda.invoke(
                FunctionName=fields["FunctionArn"],
                InvocationType=invocation,
                Payload=json.dumps(event).encode(),
            )
        except ReadTimeoutError:
            settings["error"] = f"no answer within {SYNCHRONOUS_SECONDS} seconds"
            return "failed", Disposition.CONTINUE
        if invocation == "Event":
            return "accepted", Disposition.CONTINUE
        payload: bytes = answer["Payload"].read()
        failed = "FunctionError" in answer
        disposition = decisions.disposition_of(payload, failed=failed)
        if failed:
            settings["error"] = payload.decode("utf-8", "replace")
            return "failed", disposition
        return disposition.value, disposition

    def _bounce(
        self, message: Message, match: Match, fields: Mapping[str, str], settings: dict[str, str]
    ) -> tuple[str, Disposition]:
        sender = message.envelope.mail_from
        if not sender:
            # RFC 5321, 6.1: nothing is ever returned to the null reverse-path.
            settings["error"] = "the message is a notification itself, so SES sends no bounce"
            return "skipped", Disposition.CONTINUE
        settings["bounceTo"] = sender
        dsn = {
            "Action": "failed",
            "Status": fields.get("StatusCode") or "5.0.0",
            "DiagnosticCode": f"smtp; {fields['SmtpReplyCode']} {fields['Message']}",
        }
        sent = self._ses.send_bounce(
            OriginalMessageId=message.message_id,
            BounceSender=fields["Sender"],
            Explanation=fields["Message"],
            BouncedRecipientInfoList=[
                {"Recipient": recipient, "RecipientDsnFields": dsn}
                for recipient in match.recipients
            ],
        )
        settings["bounceMessageId"] = sent["MessageId"]
        return "done", Disposition.CONTINUE

    def _add_header(
        self, message: Message, match: Match, fields: Mapping[str, str], settings: dict[str, str]
    ) -> tuple[str, Disposition]:
        message.added.append((fields["HeaderName"], fields["HeaderValue"]))
        return "done", Disposition.CONTINUE

    def _stop(
        self, message: Message, match: Match, fields: Mapping[str, str], settings: dict[str, str]
    ) -> tuple[str, Disposition]:
        return Disposition.STOP_RULE_SET.value, Disposition.STOP_RULE_SET

    def _record(
        self, message: Message, match: Match, fields: Mapping[str, str], settings: dict[str, str]
    ) -> tuple[str, Disposition]:
        return "recorded", Disposition.CONTINUE

    _ACTIONS: Mapping[
        str,
        Callable[
            [Receiver, Message, Match, Mapping[str, str], dict[str, str]], tuple[str, Disposition]
        ],
    ] = {
        "AddHeaderAction": _add_header,
        "BounceAction": _bounce,
        # These services do not exist here, but the journal shows that the action was reached.
        "ConnectAction": _record,
        "LambdaAction": _invoke,
        "S3Action": _store,
        "SNSAction": _notify,
        "StopAction": _stop,
        "WorkmailAction": _record,
    }

    def _notification(
        self, message: Message, match: Match, settings: Mapping[str, str]
    ) -> dict[str, Any]:
        return payloads.notification(message, match, settings, now=datetime.now(UTC))

    def _publish(self, topic: str, notification: Mapping[str, Any]) -> None:
        self._sns.publish(
            TopicArn=topic,
            Subject="Amazon SES Email Receipt Notification",
            Message=json.dumps(notification),
        )
