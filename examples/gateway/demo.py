"""``make demo``: deploy the office's relay to a local AWS, send mail through it, show what happens.

Mail comes in over SMTP with STARTTLS and a login. Exits with 1 if anything is not as expected.
"""

import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

from mailroom import mime
from mailroom_local import Credentials, LocalAws, MessageRecord, SmtpRefused

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from demonstration import demonstrate, differences, output, played  # noqa: E402 (the folder above is not on the path)

CLERK, CUSTOMER = "clerk@example.com", "jane@customer.example"
DISCLAIMER = "This message is confidential."


def prepare(aws: LocalAws) -> None:
    aws.verify_identity("example.com")


def check(aws: LocalAws) -> Iterator[str]:
    return played(aws, SCENARIOS)


def letter_to_a_customer(aws: LocalAws) -> list[str]:
    before = len(aws.sent())
    record = deliver(aws, letter(CLERK, CUSTOMER, "Your order", "It is on its way.\n"))
    copies = aws.sent()[before:]
    text = mime.read(copies[0]["Raw"]).get_content() if copies else ""
    return differences(
        ("actions", path(record), ["Archive", "WriteToS3", "InvokeLambda", "Drop"]),
        ("mails sent", [copy["To"] for copy in copies], [[CUSTOMER]]),
        ("the disclaimer is there", DISCLAIMER in text, True),
        ("subjects in the archive", archived(aws, "Your order"), ["Your order"]),
    )


def scan(aws: LocalAws) -> list[str]:
    before = len(aws.sent())
    record = deliver(aws, letter("scanner@example.com", CUSTOMER, "Scan", "See attached.\n"))
    copies = aws.sent()[before:]
    return differences(
        ("actions", path(record), ["Archive", "Send", "Drop"]),
        ("mails sent", [copy["To"] for copy in copies], [[CUSTOMER]]),
        (
            "the disclaimer is there",
            any(DISCLAIMER.encode() in one["Raw"] for one in copies),
            False,
        ),
    )


def blocked_address(aws: LocalAws) -> list[str]:
    try:
        deliver(aws, letter(CLERK, "inbox@leaks.example", "Plans", "Have a look.\n"))
    except SmtpRefused as refusal:
        return differences(("SMTP reply code", refusal.code, 550))
    return ["the mail was accepted although its recipient is blocked"]


def stranger(aws: LocalAws) -> list[str]:
    before = len(aws.sent())
    record = deliver(aws, letter("boss@other.example", CUSTOMER, "Pay this", "Now.\n"))
    return differences(
        ("actions", path(record), ["WriteToS3", "Drop"]),
        ("number of mails sent", len(aws.sent()) - before, 0),
    )


def wrong_password(aws: LocalAws) -> list[str]:
    try:
        deliver(aws, letter(CLERK, CUSTOMER, "Hello", "Hi.\n"), password="not the password")  # noqa: S106
    except SmtpRefused as refusal:
        return differences(("SMTP reply code", refusal.code, 535))
    return ["the mail was accepted although the password is wrong"]


def letter(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    return message


def deliver(aws: LocalAws, message: EmailMessage, *, password: str | None = None) -> MessageRecord:
    """Log in at the gateway, with the password of its secret by default, and send."""
    sent = aws.send(
        message,
        mail_from=message["From"],
        rcpt_tos=[message["To"]],
        gateway=point(aws),
        credentials=None if password is None else Credentials(user=point(aws), password=password),
    )
    return aws.wait(sent.message_id)


def point(aws: LocalAws) -> str:
    return output(aws, "Office", "User")


def path(record: MessageRecord) -> list[str]:
    return [action.kind for action in record.actions]


def archived(aws: LocalAws, subject: str) -> list[str]:
    """The subjects of the archived mails that a search for the subject finds."""
    client = aws.client("mailmanager")
    search = client.start_archive_search(
        ArchiveId=output(aws, "Office", "ArchiveId"),
        FromTimestamp=time.time() - 3600,
        ToTimestamp=time.time() + 60,
        MaxResults=10,
        Filters={
            "Include": [
                {
                    "StringExpression": {
                        "Evaluate": {"Attribute": "SUBJECT"},
                        "Operator": "CONTAINS",
                        "Values": [subject],
                    }
                }
            ]
        },
    )["SearchId"]
    while client.get_archive_search(SearchId=search)["Status"]["State"] != "COMPLETED":
        time.sleep(0.1)
    return [row["Subject"] for row in client.get_archive_search_results(SearchId=search)["Rows"]]


SCENARIOS: dict[str, Callable[[LocalAws], list[str]]] = {
    "a letter to a customer": letter_to_a_customer,
    "a scan": scan,
    "a letter to a blocked address": blocked_address,
    "a mail in the name of a stranger": stranger,
    "a client with a wrong password": wrong_password,
}

if __name__ == "__main__":
    demonstrate(HERE, prepare, check)
