"""The office relay: ``cdk deploy --app "python examples/gateway/app.py"``.

Pass your domain, a verified identity, as a context value: ``-c domain=example.org``.
"""

import os

import aws_cdk as cdk
from office import Office

app = cdk.App()
Office(
    app,
    "Office",
    domain=app.node.try_get_context("domain") or "example.com",
    env=cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        region=os.environ.get("CDK_DEFAULT_REGION"),
    ),
)
app.synth()
