"""Which permissions the role of an action needs.

https://docs.aws.amazon.com/ses/latest/dg/eb-policies.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mailroom_local.gateway.message import Message
from mailroom_local.mail.headers import address_of, header_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An account and a region, with the identities that are verified there."""

    account: str
    region: str
    identities: Collection[str]

    def identity(self, address: str) -> str:
        """The ARN of the identity that an address is sent from: itself, or the closest domain."""
        labels = address.rpartition("@")[2].split(".")
        domains = [".".join(labels[start:]) for start in range(len(labels))]
        known = (one for one in (address, *domains) if one in self.identities)
        return f"arn:aws:ses:{self}:identity/{next(known, domains[0])}"

    def __str__(self) -> str:
        return f"{self.region}:{self.account}"


def asked(
    kind: str, fields: Mapping[str, Any], message: Message, here: Place
) -> list[tuple[str, str]]:
    """The actions of IAM that an action of a rule performs, each with its resource."""
    match kind:
        case "WriteToS3":
            bucket = f"arn:aws:s3:::{fields['S3Bucket']}"
            found = [
                ("s3:PutObject", f"{bucket}/{object_key(fields, message)}"),
                ("s3:ListBucket", bucket),
            ]
            key = fields.get("S3SseKmsKeyId", "")
            if key:
                arn = key if key.startswith("arn:") else f"arn:aws:kms:{here}:key/{key}"
                found.append(("kms:GenerateDataKey", arn))
            return found
        case "InvokeLambda":
            return [("lambda:InvokeFunction", fields["FunctionArn"])]
        case "PublishToSns":
            return [("sns:Publish", fields["TopicArn"])]
        case "Bounce":
            return [("ses:SendBounce", here.identity(fields["Sender"]))]
        case "Send":
            sender = address_of(header_of(message.headers(), "From") or "")
            return [("ses:SendRawEmail", here.identity(sender))]
        case "DeliverToMailbox":
            return [("workmail:DeliverToMailbox", fields["MailboxArn"])]
        case "DeliverToQBusiness":
            application = f"arn:aws:qbusiness:{here}:application/{fields['ApplicationId']}"
            index = f"{application}/index/{fields['IndexId']}"
            return [("qbusiness:BatchPutDocument", index)]
    return []


def context(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """The condition keys that a policy of the role may ask for."""
    # Written as the emulator compares them.
    return {"ses:fromaddress": fields["Sender"]} if kind == "Bounce" else {}


def object_key(fields: Mapping[str, Any], message: Message) -> str:
    """Where WriteToS3 puts a message."""
    return f"{fields.get('S3Prefix') or ''}{message.message_id}"
