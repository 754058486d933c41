"""The cdk-nag findings (AwsSolutions) that the newsletter acknowledges, with its reasons.

The library acknowledges what it causes itself. To use them:
``cdk_mailroom.nag.acknowledge(stack, REVIEWED)``.
"""

_LOGGING = "arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

REVIEWED = {
    "Send": {
        "AwsSolutions-L1": "Python 3.13 is what the functions of the library run on as well, and "
        "what the tests run the code with",
    },
    "Send/ServiceRole": {
        f"AwsSolutions-IAM4[Policy::{_LOGGING}]": "Lambda's own default: it lets the function "
        "write logs, and nothing else",
    },
}
