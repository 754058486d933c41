"""Which permissions the role of an action needs.

https://docs.aws.amazon.com/ses/latest/dg/eb-policies.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom_local.gateway.message import Message
from mailroom_local.mail.headers import address_of, header_of


def asked(
    kind: str, fields: Mapping[str, Any], message: Message, account: str, region: str
) -> list[tuple[str, str]]:
    """The actions of IAM that an action of a rule performs, each with its resource."""
    here = f"{region}:{account}"
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
            return [("ses:SendBounce", _identity(fields["Sender"], here))]
        case "Send":
            sender = address_of(header_of(message.headers(), "From") or "")
            return [("ses:SendRawEmail", _identity(sender, here))]
        case "DeliverToMailbox":
            return [("workmail:DeliverToMailbox", fields["MailboxArn"])]
        case "DeliverToQBusiness":
            application = f"arn:aws:qbusiness:{here}:application/{fields['ApplicationId']}"
            index = f"{application}/index/{fields['IndexId']}"
            return [("qbusiness:BatchPutDocument", index)]
    return []


def context(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """The condition keys that a policy of the role may ask for."""
    return {"ses:FromAddress": fields["Sender"]} if kind == "Bounce" else {}


def object_key(fields: Mapping[str, Any], message: Message) -> str:
    """Where WriteToS3 puts a message."""
    return f"{fields.get('S3Prefix') or ''}{message.message_id}"


def _identity(address: str, here: str) -> str:
    return f"arn:aws:ses:{here}:identity/{address.rpartition('@')[2]}"
