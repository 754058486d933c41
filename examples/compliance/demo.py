"""``make demo``, last part: an organization's mail passes its email flow rules.

Everything but WorkMail itself is the real thing: the CDK CLI deploys the app, the rules are read
from its outputs, mail goes in by SMTP and out by authenticated submission, and the functions run
under their own roles. Exits with 1 if anything differs from what is promised.
"""

import smtplib
import ssl
import sys
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from mailroom_local import LocalAws
from mailroom_local.progress import Terminal

HERE = Path(__file__).parent
ORGANIZATION = "m-0123456789abcdef0123456789abcdef"
ANN, CUSTOMER = "ann@example.com", "jane@customer.example"
CARD = "4111 1111 1111 1111"
SECONDS = 30.0


def main() -> int:
    started = time.monotonic()
    with LocalAws(progress=Terminal()) as aws:
        aws.deploy(cwd=HERE, app=f"{sys.executable} app.py")
        aws.workmail_organization(ORGANIZATION, domains=["example.com"], users=[ANN])
        aws.workmail_rules_from_stack("Compliance", organization_id=ORGANIZATION)
        print()
        with aws.permissions_enforced():
            failures = [*card_number(aws), *disclaimer(aws), *banner(aws)]
    took = time.monotonic() - started
    if failures:
        print("\nThis differs from what was expected:")
        print("".join(f"  - {failure}\n" for failure in failures), end="")
        return 1
    print(f"\nAll as expected, in {took:.0f} s. Nothing is left running.")
    return 0


def card_number(aws: LocalAws) -> list[str]:
    submit(aws, letter(ANN, CUSTOMER, "The card", f"It is {CARD}.\n"))
    bounces = aws.wait_until(aws.workmail_bounces, bool, seconds=SECONDS)
    told = bounces[0]["Message"] if bounces else None
    return show("a mail with a card number", f"{ANN} is told: {told}", bool(told))


def disclaimer(aws: LocalAws) -> list[str]:
    submit(aws, letter(ANN, CUSTOMER, "Hello", "See you tomorrow.\n"))
    sent = aws.wait_until(aws.sent, bool, seconds=SECONDS)
    text = body(sent[-1]["Raw"]) if sent else ""
    ending = text.strip().splitlines()[-1] if text else "nothing"
    good = "See you tomorrow." in text and ending != "See you tomorrow."
    return show("a mail to a customer", f"it leaves with: {ending}", good)


def banner(aws: LocalAws) -> list[str]:
    aws.send(letter(CUSTOMER, ANN, "Hi Ann", "How are you?\n"), mail_from=CUSTOMER, rcpt_tos=[ANN])
    received = aws.wait_until(lambda: aws.mailbox(ANN), bool, seconds=SECONDS)
    text = body(received[-1]["Raw"]) if received else ""
    first = text.strip().splitlines()[0] if text else "nothing"
    good = "How are you?" in text and first != "How are you?"
    return show("a mail from outside", f"{ANN} reads first: {first}", good)


def show(title: str, what: str, good: bool) -> list[str]:
    print(f"── {title}\n  {what}\n  {'✓ as expected' if good else '✗ not as expected'}\n")
    return [] if good else [f"{title}: {what}"]


def letter(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{subject.replace(' ', '.')}@example.com>"
    message.set_content(text)
    return message


def submit(aws: LocalAws, message: EmailMessage) -> None:
    """Send as a mail program does: submission with STARTTLS, user and password."""
    certificate = aws.state.temporary / "smtp.pem"
    with smtplib.SMTP("127.0.0.1", aws.submission_port, timeout=SECONDS) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=str(certificate)))
        smtp.login(aws.credentials.user, aws.credentials.password)
        smtp.send_message(message)


def body(raw: bytes) -> str:
    part = message_from_bytes(raw, policy=policy.default).get_body(preferencelist=("plain",))
    return "" if part is None else str(part.get_content())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; nothing is left running")
