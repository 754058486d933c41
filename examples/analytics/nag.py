"""The cdk-nag findings (AwsSolutions) that the analytics app acknowledges, with its reasons.

The library acknowledges what it causes itself. To use them:
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

REVIEWED = {
    "Outbound/Lake/Bucket": {
        "AwsSolutions-S1": "CloudTrail's data events, where they are on, log who reads the lake; "
        "server access logs would need a second bucket, which is the organization's to choose",
    },
}
