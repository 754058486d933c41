"""Mail that a check sends to the account's own domain, as it arrives there."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from conformance.place import Place


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """An address in the verified domain, and the bucket that its mail is stored in."""

    address: str
    bucket: str


def reader(place: Place) -> Mailbox:
    """A new address that receives."""
    address, bucket = place.address("reader"), place.bucket()
    if not place.is_local:
        place.rule({"S3Action": {"BucketName": bucket}}, to=address)
    return Mailbox(address=address, bucket=bucket)


def arrived(
    place: Place, mailbox: Mailbox, message_id: str, *, seconds: float = 180
) -> EmailMessage:
    """A message that was sent to the mailbox, as it arrived there.

    The local AWS keeps sent mail to itself, so there it is what the recipient would get.

    Raises:
        TimeoutError: If it does not arrive in time.
    """

    def stored() -> list[bytes]:
        if place.site.local is not None:
            sent = place.site.local.sent()
            return [each["Raw"] for each in sent if each["MessageId"] == message_id]
        found = [place.read(mailbox.bucket, key) for key in place.keys(mailbox.bucket)]
        return [each for each in found if message_id.encode() in each]

    found = place.until(stored, seconds=seconds)
    if not found:
        raise TimeoutError(f"the mail to {mailbox.address} did not arrive within {seconds:g} s")
    return message_from_bytes(found[0], policy=default)
