"""The cdk-nag findings (AwsSolutions) that the newsletter accepts, each with the reason.

The library acknowledges the findings that its own resources cause. To acknowledge these too, call
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

_LOGGING = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

REVIEWED = {
    "Send": {
        "AwsSolutions-L1": "Python 3.13 is also the runtime of the library's own functions, and "
        "the version that the tests use",
    },
    "Send/ServiceRole": {
        f"AwsSolutions-IAM4[Policy::{_LOGGING}]": "Lambda's default policy: it only lets the "
        "function write logs",
    },
}
