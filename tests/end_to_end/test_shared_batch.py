"""Events that end their function's process, through the deployed pipeline; begun by `letters`."""

import json
from typing import Any

from end_to_end.letters.batch import DEADLY, INNOCENT


def test_only_events_that_end_the_process_become_dead_letters(letters: Any) -> None:
    """The nine that shared their batches are handled, and no queue holds any more of them."""
    sqs, logs = letters.aws.client("sqs"), letters.aws.client("logs")

    def waiting(queue: str) -> int:
        found = sqs.get_queue_attributes(QueueUrl=letters[queue], AttributeNames=["All"])
        return sum(
            int(found["Attributes"][f"ApproximateNumberOfMessages{name}"])
            for name in ("", "NotVisible")
        )

    letters.aws.wait_until(
        lambda: waiting("Queue") + waiting("IsolationQueue"), lambda left: left == 0, seconds=60
    )
    dead = sqs.receive_message(QueueUrl=letters["DeadLetterQueue"], MaxNumberOfMessages=10)
    names = [json.loads(each["Body"])["mail"]["messageId"] for each in dead["Messages"]]
    assert sorted(names) == sorted(DEADLY)
    lines = [
        json.loads(each["message"])
        for each in logs.filter_log_events(logGroupName=letters["Logs"])["events"]
        if each["message"].startswith("{")
    ]
    handled = {line.get("message_id") for line in lines if line.get("outcome") == "handled"}
    assert handled >= set(INNOCENT)
