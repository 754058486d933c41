"""The compliance app: ``cdk deploy --app "python examples/workmail/app.py"``.

Pass your organization and domain as context values:
``-c organization=m-0123456789abcdef0123456789abcdef -c domain=example.org``.
"""

import os

import aws_cdk as cdk
from compliance import Compliance

app = cdk.App()
Compliance(
    app,
    "Compliance",
    organization_id=app.node.try_get_context("organization")
    or "m-0123456789abcdef0123456789abcdef",
    domain=app.node.try_get_context("domain") or "example.com",
    env=cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        region=os.environ.get("CDK_DEFAULT_REGION"),
    ),
)
app.synth()
