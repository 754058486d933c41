"""The cdk-nag findings (AwsSolutions) that the compliance app accepts, each with the reason.

The library acknowledges the findings that its own resources cause. To acknowledge these too, call
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

REVIEWED = {
    "Journal": {
        "AwsSolutions-S1": "CloudTrail data events, if enabled, log who reads the journal; "
        "server access logs would need a second bucket",
    },
}
