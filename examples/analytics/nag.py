"""The cdk-nag findings (AwsSolutions) that the analytics app accepts, each with the reason.

The library acknowledges the findings that its own resources cause. To acknowledge these too, call
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

REVIEWED = {
    "Outbound/Lake/Bucket": {
        "AwsSolutions-S1": "CloudTrail data events, if enabled, log who reads the lake; server "
        "access logs would need a second bucket, which is the organization's choice",
    },
}
