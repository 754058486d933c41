"""The cdk-nag findings (AwsSolutions) that the help desk acknowledges, with its reasons.

The library acknowledges what it causes itself. To use them:
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

REVIEWED = {
    "Inbound/Bucket": {
        "AwsSolutions-S1": "CloudTrail's data events, where they are on, log who reads mail; "
        "server access logs would need a second bucket, which a team can pass if it wants one",
    },
}
