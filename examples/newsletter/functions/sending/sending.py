"""Sends the newsletter: one templated mail to each reader, tagged with the issue.

Invoke it with ``{"issue": "47", "readers": [{"address": …, "name": …}]}``; it answers which
message went to whom, and why any did not go.
"""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_ses = boto3.client("sesv2")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    sent: dict[str, str] = {}
    failed: dict[str, str] = {}
    for reader in event["readers"]:
        try:
            answer = _ses.send_email(**mail_to(reader, event["issue"]))
        except ClientError as error:
            failed[reader["address"]] = error.response["Error"]["Code"]
        except BotoCoreError as error:
            # Also if SES cannot be reached: whoever invokes this again must know who has the mail.
            failed[reader["address"]] = type(error).__name__
        else:
            sent[reader["address"]] = answer["MessageId"]
    return {"sent": sent, "failed": failed}


def mail_to(reader: dict[str, str], issue: str) -> dict[str, Any]:
    """Return the arguments of one ``SendEmail``."""
    data = {key: value for key, value in reader.items() if key != "address"}
    return {
        "FromEmailAddress": os.environ["FROM_ADDRESS"],
        "Destination": {"ToAddresses": [reader["address"]]},
        "Content": {
            "Template": {
                "TemplateName": os.environ["TEMPLATE"],
                "TemplateData": json.dumps({**data, "issue": issue}),
            }
        },
        "ConfigurationSetName": os.environ["MAILROOM_CONFIGURATION_SET"],
        "EmailTags": [{"Name": "issue", "Value": issue}],
        "ListManagementOptions": {
            "ContactListName": os.environ["CONTACT_LIST"],
            "TopicName": os.environ["TOPIC"],
        },
    }
