"""The newsletter app: ``cdk deploy --app "python examples/newsletter/app.py"``.

Pass your domain as a context value: ``-c domain=example.org``.
"""

import os

import aws_cdk as cdk
from newsletter import Newsletter

app = cdk.App()
Newsletter(
    app,
    "Newsletter",
    domain=app.node.try_get_context("domain") or "example.com",
    env=cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        region=os.environ.get("CDK_DEFAULT_REGION"),
    ),
)
app.synth()
