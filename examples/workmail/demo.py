"""``make demo``, last part: send an organization's mail through its email flow rules.

Only WorkMail itself is simulated: the CDK CLI deploys the app, the rules are read from its
outputs, mail comes in over SMTP and goes out by authenticated submission, and the functions run
under their own roles. Exits with 1 if anything is not as expected.
"""

import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from mailroom_local import LocalAws

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from demonstration import demonstrate  # noqa: E402 (the folder above is not on the path)

ORGANIZATION = "m-0123456789abcdef0123456789abcdef"
ANN, CUSTOMER = "ann@example.com", "jane@customer.example"
CARD = "4111 1111 1111 1111"
SECONDS = 30.0


def prepare(aws: LocalAws) -> None:
    aws.workmail_organization(ORGANIZATION, domains=["example.com"], users=[ANN])
    aws.workmail_rules_from_stack("Compliance", organization_id=ORGANIZATION)


def check(aws: LocalAws) -> Iterator[str]:
    yield from card_number(aws)
    yield from disclaimer(aws)
    yield from banner(aws)


def card_number(aws: LocalAws) -> list[str]:
    aws.submit(
        letter(ANN, CUSTOMER, "The card", f"It is {CARD}.\n"), mail_from=ANN, rcpt_tos=[CUSTOMER]
    )
    bounces = aws.wait_until(aws.workmail_bounces, bool, seconds=SECONDS)
    reason = bounces[0]["Message"] if bounces else None
    return show("a mail with a card number", f"bounced to {ANN}: {reason}", bool(reason))


def disclaimer(aws: LocalAws) -> list[str]:
    before = len(aws.sent())
    aws.submit(
        letter(ANN, CUSTOMER, "Hello", "See you tomorrow.\n"), mail_from=ANN, rcpt_tos=[CUSTOMER]
    )
    sent = aws.wait_until(lambda: aws.sent()[before:], bool, seconds=SECONDS)
    text = body(sent[-1]["Raw"]) if sent else ""
    ending = text.strip().splitlines()[-1] if text else "nothing"
    good = "See you tomorrow." in text and ending != "See you tomorrow."
    return show("a mail to a customer", f"sent with this last line: {ending}", good)


def banner(aws: LocalAws) -> list[str]:
    aws.send(letter(CUSTOMER, ANN, "Hi Ann", "How are you?\n"), mail_from=CUSTOMER, rcpt_tos=[ANN])
    received = aws.wait_until(lambda: aws.mailbox(ANN), bool, seconds=SECONDS)
    text = body(received[-1]["Raw"]) if received else ""
    first = text.strip().splitlines()[0] if text else "nothing"
    good = "How are you?" in text and first != "How are you?"
    return show("a mail from outside", f"delivered to {ANN} with this first line: {first}", good)


def show(title: str, what: str, good: bool) -> list[str]:
    print(f"── {title}\n  {what}\n  {'✓ as expected' if good else '✗ not as expected'}\n")
    return [] if good else [f"{title}: {what}"]


def letter(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{subject.replace(' ', '.')}@example.com>"
    message.set_content(text)
    return message


def body(raw: bytes) -> str:
    part = message_from_bytes(raw, policy=policy.default).get_body(preferencelist=("plain",))
    return "" if part is None else str(part.get_content())


if __name__ == "__main__":
    demonstrate(HERE, prepare, check)
