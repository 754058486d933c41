"""What cdk-nag's AwsSolutions pack finds in the newsletter, and why the newsletter means it.

What the library itself causes, the library answers for; this is what is the app's to decide.
"""

import aws_cdk as cdk

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


def acknowledge(stack: cdk.Stack) -> None:
    for path, findings in REVIEWED.items():
        scope = stack
        for name in path.split("/"):
            scope = scope.node.find_child(name)
        for rule, reason in findings.items():
            cdk.Validations.of(scope).acknowledge(cdk.Acknowledgment(id=rule, reason=reason))
