"""The topics of an identity's feedback: named, greeted and read again."""

import json
from typing import Any


def test_a_feedback_topic_is_greeted_and_can_be_read_again(account: Any) -> None:
    """Also that an identity without one has none."""
    account.aws.verify_identity("feedback.example")
    topic, queue = account.topic()
    names = ["feedback.example", "sending.example", "unknown.example"]

    def attributes() -> dict[str, Any]:
        found = account.ses.get_identity_notification_attributes(Identities=names)
        return dict(found["NotificationAttributes"])

    of = {"Identity": "feedback.example", "NotificationType": "Complaint"}
    account.ses.set_identity_notification_topic(**of, SnsTopic=topic)
    (greeting,) = account.bodies(queue)
    assert json.loads(greeting)["notificationType"] == "AmazonSnsSubscriptionSucceeded"
    assert "'Complaint'" in json.loads(greeting)["message"]
    found = attributes()
    assert list(found) == names[:2]
    assert found["feedback.example"]["ComplaintTopic"] == topic
    assert "ComplaintTopic" not in found["sending.example"]
    account.ses.set_identity_notification_topic(**of)
    assert "ComplaintTopic" not in attributes()["feedback.example"]
    assert account.bodies(queue, wait=0) == []
