"""The analytics app: ``cdk deploy --app "python examples/analytics/app.py"``."""

import os

import aws_cdk as cdk
from analytics import Analytics

app = cdk.App()
Analytics(
    app,
    "Analytics",
    env=cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        region=os.environ.get("CDK_DEFAULT_REGION"),
    ),
)
app.synth()
