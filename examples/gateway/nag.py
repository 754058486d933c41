"""The cdk-nag findings (AwsSolutions) that the office relay accepts, each with the reason.

The library acknowledges the findings that its own resources cause. To acknowledge these too, call
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

REVIEWED = {
    "Office/Bucket": {
        "AwsSolutions-S1": "CloudTrail data events, if enabled, log who reads mail; server access "
        "logs would need a second bucket, which a team can add if it wants one",
    },
}
