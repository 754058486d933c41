"""``make demo``, second part: send a newsletter and follow each mail to the end.

The app's function sends to a reader, to addresses of the mailbox simulator, and to a reader whose
data lacks a name; one more mail carries a virus. The first reader opens the mail, follows a link
and unsubscribes, using the URLs in the mail. Together they produce all ten event types. The output
is read from the event table, so each line is an SES event that went through topic, queue and
handler. Exits with 1 if anything is not as expected.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from mailroom_cli import event_table, render, timeline
from mailroom_cli.terminal import show
from mailroom_local import LocalAws

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from demonstration import demonstrate, output  # noqa: E402 (the folder above is not on the path)

READER = "jane@customer.example"
BOUNCING = "bounce@simulator.amazonses.com"
COMPLAINING = "complaint@simulator.amazonses.com"

DELAYED = "delay@simulator.mailroom.local"
NAMELESS = "nameless@customer.example"
INFECTED = "colleague@customer.example"
# The harmless standard text for testing virus scanners.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

STORIES = {
    READER: ["Send", "Delivery", "Open", "Click", "Subscription"],
    BOUNCING: ["Send", "Bounce"],
    COMPLAINING: ["Send", "Delivery", "Complaint"],
    DELAYED: ["Send", "DeliveryDelay", "Delivery"],
    NAMELESS: ["Rendering Failure"],
    INFECTED: ["Reject"],
}
SECONDS = 30.0


def prepare(aws: LocalAws) -> None:
    aws.verify_identity("example.com")
    for address in STORIES:
        aws.client("sesv2").create_contact(
            ContactListName="Readers",
            EmailAddress=address,
            TopicPreferences=[{"TopicName": "Weekly", "SubscriptionStatus": "OPT_IN"}],
        )


def check(aws: LocalAws) -> Iterator[str]:
    readers = [{"address": NAMELESS}]
    readers += [
        {"address": address, "name": "Jane"} for address in (READER, BOUNCING, COMPLAINING, DELAYED)
    ]
    sent = send(aws, readers) | {INFECTED: send_virus(aws)}
    read_and_leave(aws, sent[READER])
    for address, expected in STORIES.items():
        yield from story(aws, address, sent[address], expected)
    yield from suppressed(aws, [BOUNCING, COMPLAINING])


def send(aws: LocalAws, readers: list[dict[str, str]]) -> dict[str, str]:
    """Send issue 47 with the app's function; return the message id for each address."""
    event = {"issue": "47", "readers": readers}
    answer = aws.client("lambda").invoke(
        FunctionName=output(aws, "Newsletter", "SendFunction"), Payload=json.dumps(event).encode()
    )
    result = json.load(answer["Payload"])
    if answer.get("FunctionError") or result["failed"] or result["unknown"]:
        raise SystemExit(f"the newsletter was not sent: {result}")
    return dict(result["sent"])


def send_virus(aws: LocalAws) -> str:
    message = EmailMessage()
    message["From"] = "news@example.com"
    message["To"] = INFECTED
    message["Subject"] = "You must see this"
    message.set_content("Open it!\n")
    message.add_attachment(EICAR, maintype="application", subtype="zip", filename="see.zip")
    answer = aws.client("sesv2").send_email(
        Content={"Raw": {"Data": message.as_bytes(policy=policy.SMTP)}},
        ConfigurationSetName=output(aws, "Newsletter", "ConfigurationSet"),
    )
    return str(answer["MessageId"])


def read_and_leave(aws: LocalAws, message_id: str) -> None:
    """Do what a reader's mail program does: fetch the image, follow the link, unsubscribe."""
    sent = next(item for item in aws.sent() if item["MessageId"] == message_id)
    message = message_from_bytes(sent["Raw"], policy=policy.default)
    html = message.get_body(preferencelist=("html",)).get_content()
    opened = re.search(r'<img[^>]+src="([^"]+)"', html)
    followed = re.search(r'<a href="([^"]+)"[^>]*>Read it', html)
    one_click = re.search(r"<(http[^>]+)>", message["List-Unsubscribe"])
    if opened is None or followed is None or one_click is None:
        raise SystemExit(f"the mail has no tracking image, link or unsubscribe URL:\n{html}")
    fetch(opened[1])
    fetch(followed[1], follow=False)
    fetch(one_click[1], data=b"List-Unsubscribe=One-Click")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


def fetch(url: str, *, data: bytes | None = None, follow: bool = True) -> None:
    handlers = [urllib.request.ProxyHandler({}), *(() if follow else (_Stay(),))]
    try:
        urllib.request.build_opener(*handlers).open(url, data=data, timeout=10).read()
    except urllib.error.HTTPError as answer:
        # The link redirects to a site that this demo does not contact.
        if not 300 <= answer.code < 400:
            raise


def story(aws: LocalAws, address: str, message_id: str, expected: list[str]) -> list[str]:
    table = output(aws, "Newsletter", "EventTable")

    def read() -> list[timeline.Entry]:
        return timeline.entries(event_table.read(aws.client("dynamodb"), table, message_id))

    def complete(found: list[timeline.Entry]) -> bool:
        return sorted(entry.kind for entry in found) == sorted(expected)

    found = aws.wait_until(read, complete, seconds=SECONDS)
    print(f"── a mail to {address}")
    if found:
        show(render.story(message_id, found))
    if complete(found):
        print("  ✓ as expected\n")
        return []
    problem = f"{address}: expected {expected}, found {[entry.kind for entry in found]}"
    print(f"  ✗ {problem}\n")
    return [problem]


def suppressed(aws: LocalAws, addresses: list[str]) -> list[str]:
    """Check that exactly the bounced and complaining *addresses* are suppressed."""

    def read() -> list[str]:
        answer = aws.client("sesv2").list_suppressed_destinations()
        return sorted(item["EmailAddress"] for item in answer["SuppressedDestinationSummaries"])

    found = aws.wait_until(read, lambda value: value == sorted(addresses), seconds=SECONDS)
    print(f"── the suppression list: {', '.join(found) or 'empty'}")
    if found == sorted(addresses):
        return []
    return [f"suppression list: expected {sorted(addresses)}, found {found}"]


if __name__ == "__main__":
    demonstrate(HERE, prepare, check)
