"""The cdk-nag findings (AwsSolutions) that the compliance app acknowledges, with its reasons.

The library acknowledges what it causes itself. To use them:
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

REVIEWED = {
    "Journal": {
        "AwsSolutions-S1": "CloudTrail's data events, where they are on, log who reads the "
        "journal; server access logs would need a second bucket",
    },
}
