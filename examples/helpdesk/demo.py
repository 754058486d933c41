"""``make demo``: deploy the help desk to a local AWS, send it real mail, show what happens.

The CDK CLI deploys the app, mail comes in over SMTP with STARTTLS, the receipt rules run, and the
Python handlers run. Exits with 1 if anything is not as expected.
"""

import sys
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

from boto3.dynamodb.types import TypeDeserializer

from mailroom import mime
from mailroom.testing import reply_message
from mailroom_local import LocalAws, MessageRecord, SmtpRefused

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from demonstration import demonstrate, differences, output, played  # noqa: E402 (the folder above is not on the path)

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
CUSTOMER = "jane@customer.example"


def prepare(aws: LocalAws) -> None:
    aws.verify_identity("example.com")


def check(aws: LocalAws) -> Iterator[str]:
    return played(aws, SCENARIOS)


def plain(aws: LocalAws) -> list[str]:
    record = deliver(aws, letter("support@example.com", "The printer is on fire", "Help!\n"))
    found = ticket(aws, record)
    return differences(
        ("actions", path(record), ["S3", "Lambda", "S3", "Lambda", "Lambda"]),
        ("the spam gate's disposition", record.actions[1].outcome, "CONTINUE"),
        ("ticket subject", found.get("subject"), "The printer is on fire"),
        ("ticket status", found.get("status"), "open"),
    )


def answered(aws: LocalAws) -> list[str]:
    """The customer answers to the address that the first answer has, as mail programs do."""
    first = ticket(aws, deliver(aws, letter("support@example.com", "It is stuck", "Help!\n")))
    [ours] = answers(aws, "It is stuck")
    reply = reply_message(ours, text="It is fine now.\n", from_=CUSTOMER)
    second = ticket(aws, deliver(aws, reply))
    return differences(
        ("number of answers", len(answers(aws, "It is stuck")), 1),
        ("our answer's recipient", ours["To"], f"Jane Doe <{CUSTOMER}>"),
        ("excerpt of the second mail", second.get("excerpt"), "It is fine now."),
        ("ticket of the second mail", second.get("ticket"), first.get("ticket")),
    )


def answers(aws: LocalAws, subject: str) -> list[EmailMessage]:
    """Return our answers to the mail with this subject."""
    sent = (mime.read(one["Raw"]) for one in aws.sent())
    return [one for one in sent if one["Subject"] == f"Re: {subject}"]


def with_attachment(aws: LocalAws) -> list[str]:
    message = letter("support@example.com", "Log file", "See attached.\n")
    message.add_attachment(
        b"12:00 fire\n", maintype="text", subtype="x-log", filename="printer.log"
    )
    record = deliver(aws, message)
    found = ticket(aws, record)
    return differences(
        ("attachments in the ticket", found.get("attachments"), 1),
        (
            "attachment objects",
            stored(aws, f"attachments/{record.message_id}/"),
            ["01-printer.log", "manifest.json"],
        ),
    )


def spam(aws: LocalAws) -> list[str]:
    record = deliver(aws, letter("support@example.com", "You have won", GTUBE))
    return differences(
        ("actions", path(record), ["S3", "Lambda"]),
        ("the spam gate's disposition", record.actions[-1].outcome, "STOP_RULE_SET"),
        ("ticket", ticket(aws, record), {}),
    )


def sales(aws: LocalAws) -> list[str]:
    before = len(aws.sent())
    deliver(aws, letter("sales@example.com", "An offer, please", "For 1,000 printers.\n"))
    sent = aws.sent()[before:]
    return differences(
        ("number of forwarded mails", len(sent), 1),
        ("forwarded to", sent[-1]["To"] if sent else None, ["team@example.net"]),
    )


def mistyped(aws: LocalAws) -> list[str]:
    try:
        deliver(aws, letter("suport@example.com", "Typo", "Who reads this?\n"))
    except SmtpRefused as refusal:
        return differences(("SMTP reply code", refusal.code, 550))
    return ["the mail was accepted although no rule matches its recipient"]


def letter(to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Jane Doe <{CUSTOMER}>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{subject.replace(' ', '.')}@customer.example>"
    message.set_content(text)
    return message


def deliver(aws: LocalAws, message: EmailMessage) -> MessageRecord:
    sent = aws.send(message, mail_from=CUSTOMER, rcpt_tos=[message["To"]])
    return aws.wait(sent.message_id)


def path(record: MessageRecord) -> list[str]:
    return [action.kind for action in record.actions]


def ticket(aws: LocalAws, record: MessageRecord) -> dict[str, object]:
    table = output(aws, "HelpDesk", "TicketTable")
    answer = aws.client("dynamodb").get_item(TableName=table, Key={"id": {"S": record.message_id}})
    plain_value = TypeDeserializer().deserialize
    return {name: plain_value(value) for name, value in answer.get("Item", {}).items()}


def stored(aws: LocalAws, prefix: str) -> list[str]:
    found = aws.client("s3").list_objects_v2(
        Bucket=output(aws, "HelpDesk", "MailBucket"), Prefix=prefix
    )
    return [item["Key"].removeprefix(prefix) for item in found.get("Contents", ())]


SCENARIOS: dict[str, Callable[[LocalAws], list[str]]] = {
    "a plain mail": plain,
    "a mail with an attachment": with_attachment,
    "a mail that is answered, and its answer": answered,
    "a spam mail": spam,
    "a mail for sales": sales,
    "a mail to a mistyped address": mistyped,
}

if __name__ == "__main__":
    demonstrate(HERE, prepare, check)
