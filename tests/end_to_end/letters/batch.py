"""Events that end the process of their function, among innocent ones."""

import json
from typing import Any

from mailroom.testing import sending_event_payload

DEADLY = ("os._exit", "SIGKILL", "hang", "sys.exit")
INNOCENT = tuple(f"innocent-{number}" for number in range(9))
# Six times the function's timeout otherwise, for each of seven tries.
VISIBILITY_SECONDS = "2"


def begin(app: Any) -> None:
    """Put them into the pipeline's queue, as SNS would, in batches that mix them."""
    functions, sqs = app.aws.client("lambda"), app.aws.client("sqs")
    for queue in (app["Queue"], app["IsolationQueue"]):
        sqs.set_queue_attributes(
            QueueUrl=queue, Attributes={"VisibilityTimeout": VISIBILITY_SECONDS}
        )
    # Lambda would take the first ones before the others are there.
    mapping = app["Mapping"]
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    innocent = iter(INNOCENT)
    mixed = [*(name for deadly in DEADLY for name in (deadly, next(innocent))), *innocent]
    for start in range(0, len(mixed), 10):
        sqs.send_message_batch(
            QueueUrl=app["Queue"],
            Entries=[
                {
                    "Id": str(place),
                    "MessageBody": json.dumps(sending_event_payload("Send", message_id=name)),
                }
                for place, name in enumerate(mixed[start : start + 10])
            ],
        )
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
