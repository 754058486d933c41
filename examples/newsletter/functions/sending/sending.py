"""Send the newsletter: one templated mail to each reader, tagged with the issue.

Invoke it with ``{"issue": "47", "readers": [{"address": …, "name": …}]}``. It returns the message
id for each address, the error code for each failure, and the addresses whose outcome is unknown.
"""

from __future__ import annotations

import os
from typing import Any

from mailroom.sending import ListManagement, NotSent, OutcomeUnknown, Sender

sender = Sender(from_address=os.environ["FROM_ADDRESS"])


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    sent: dict[str, str] = {}
    failed: dict[str, str] = {}
    unknown: list[str] = []
    for reader in event["readers"]:
        address = reader["address"]
        data = {key: value for key, value in reader.items() if key != "address"}
        try:
            sent[address] = sender.send_template(
                to=[address],
                template=os.environ["TEMPLATE"],
                data={**data, "issue": event["issue"]},
                tags={"issue": event["issue"]},
                list_management=ListManagement(
                    os.environ["CONTACT_LIST"], topic=os.environ["TOPIC"]
                ),
            ).message_id
        except NotSent as error:
            failed[address] = error.code
        except OutcomeUnknown:
            # The mail may have been sent, so it must not be retried automatically.
            unknown.append(address)
    return {"sent": sent, "failed": failed, "unknown": unknown}
