"""An organization, and the mail that its users send and get."""

import itertools
import smtplib
import ssl
from typing import Any

from mailroom_local import MessageRecord

_numbers = itertools.count(1)
DEFAULT = '{"action": {"type": "DEFAULT"}, "allRecipients": True}'


class Organization:
    """An organization of its own for a test, with the users ann and bob."""

    def __init__(self, account: Any, **options: Any) -> None:
        number = next(_numbers)
        self.account, self.aws = account, account.aws
        self.id = f"m-{number:032x}"
        self.domain = f"office{number}.example"
        self.ann, self.bob = f"ann@{self.domain}", f"bob@{self.domain}"
        self.aws.workmail_organization(
            self.id, domains=[self.domain], users=[self.ann, self.bob], **options
        )

    @property
    def arn(self) -> str:
        return f"arn:aws:workmail:{self.account.region}:{self.account.id}:organization/{self.id}"

    def function(self, body: str, *, source: str | None = None) -> str:
        arn = self.account.function(body, permission=False)
        self.account.functions.add_permission(
            FunctionName=arn,
            StatementId=self.account.name("statement"),
            Action="lambda:InvokeFunction",
            Principal=f"workmail.{self.account.region}.amazonaws.com",
            SourceArn=source or self.arn,
            SourceAccount=self.account.id,
        )
        return arn

    def rule(
        self,
        function: str,
        *,
        direction: str = "Inbound",
        senders: str = "*",
        minutes: int | None = 0,
        fallback: str = "BounceAction",
    ) -> dict[str, Any]:
        action: dict[str, Any] = {"Arn": function}
        if minutes is not None:
            action["SynchronousLambdaParameters"] = {
                "RetryPeriodMinutes": minutes,
                "FallbackAction": {fallback: {}},
            }
        origin = "OriginRuleCondition" if direction == "Inbound" else "SenderRuleCondition"
        return {
            "Name": self.account.name("flow"),
            "Condition": {
                origin: {"Patterns": [senders]},
                "DestinationRuleCondition": {"Patterns": ["*"]},
            },
            "Action": {f"{direction}LambdaAction": action},
        }

    def runs(self, body: str, *, direction: str = "Inbound", **options: Any) -> str:
        rule = self.rule(self.function(body), direction=direction, **options)
        self.aws.workmail_rule(self.id, rule, direction=direction)
        return str(rule["Name"])

    def answers(self, *actions: str, **options: Any) -> str:
        """A rule whose function gives these actions, in Python, with ``ANN`` and ``BOB``."""
        text = ", ".join(actions).replace("ANN", self.ann).replace("BOB", self.bob)
        return self.runs(f'return {{"actions": [{text}]}}', **options)

    def send(self, *to: str, **options: Any) -> MessageRecord:
        return self.account.send(to=list(to or (self.ann, self.bob)), **options)

    def submit(self, *to: str) -> MessageRecord:
        raw = f"From: {self.ann}\r\nTo: {', '.join(to)}\r\nSubject: Out\r\n\r\nHi\r\n"
        context = ssl._create_unverified_context()  # loopback
        with smtplib.SMTP("127.0.0.1", self.aws.submission_port, timeout=20) as smtp:
            smtp.starttls(context=context)
            smtp.login(self.aws.credentials.user, self.aws.credentials.password)
            smtp.mail(self.ann)
            for address in to:
                smtp.rcpt(address)
            reply = smtp.data(raw.encode())[1].decode()
        return self.aws.wait(reply.rpartition(" ")[2], seconds=15, handlers=False)

    def folders(self, address: str) -> list[str]:
        return [one["Folder"] for one in self.aws.mailbox(address)]

    def bounced(self, record: MessageRecord) -> dict[str, str]:
        found = self.aws.workmail_bounces()
        return {
            one["Recipient"]: one["Message"]
            for one in found
            if one["MessageId"] == record.message_id
        }
