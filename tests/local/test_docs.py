"""The examples of docs/local-aws.md, run unchanged on the local AWS of this folder."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import LocalAws

PAGE = Path(__file__).parents[2] / "docs" / "local-aws.md"
TEXT = PAGE.read_text()
# Each is preceded by as many lines as on the page, so that a traceback shows the right one.
EXAMPLES = [
    "\n" * TEXT[: found.start(1)].count("\n") + found[1]
    for found in re.finditer(r"```python\n(.*?)```", TEXT, re.DOTALL)
]
TESTS = re.findall(r"^def (test_\w+)", "".join(EXAMPLES), re.MULTILINE)

HANDLER = """
import boto3

def on_mail(mail):
    if not mail.subject:
        raise ValueError("no subject")
    print("ticket:", mail.subject)
    boto3.client("sesv2").send_email(
        FromEmailAddress="support@example.com",
        Destination={"ToAddresses": [mail.source]},
        ConfigurationSetName="docs",
        Content={
            "Simple": {
                "Subject": {"Data": f"Re: {mail.subject}"},
                "Body": {"Text": {"Data": "We are on our way."}},
            }
        },
    )
"""


@pytest.fixture(scope="module")
def app(account: Any, aws: LocalAws) -> Iterator[None]:
    """What the page's app would have deployed."""
    account.v2.create_configuration_set(ConfigurationSetName="docs")
    topic, _ = account.topic()
    account.destination("docs", "SEND", "DELIVERY", "BOUNCE", SnsDestination={"TopicArn": topic})
    account.v2.create_email_identity(EmailIdentity="example.com", ConfigurationSetName="docs")
    aws.verify_identity("example.com")
    yield
    account.v2.delete_email_identity(EmailIdentity="example.com")
    # The tests of the whole folder share it.
    aws.verify_identity("example.com")


@pytest.fixture
def rule(account: Any, app: None, active: str, functions: str) -> None:
    account.rule(
        active,
        {"S3Action": {"BucketName": account.bucket()}},
        {"LambdaAction": {"FunctionArn": functions, "InvocationType": "Event"}},
        Recipients=["support@example.com"],
    )


@pytest.fixture(scope="module")
def functions(account: Any) -> str:
    """The app's handler."""
    allowed = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
             "Action": "sts:AssumeRole"}  # fmt: skip
    role = account.iam.create_role(
        RoleName="docs", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )["Role"]["Arn"]
    account.iam.put_role_policy(
        RoleName="docs", PolicyName="send", PolicyDocument=json.dumps({"Statement": [allowed]})
    )
    arn: str = account.handler(HANDLER, MAILROOM_HANDLER="app:on_mail")
    account.functions.update_function_configuration(FunctionName=arn, Role=role)
    return arn


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    """What the examples define, one after the other."""
    found: dict[str, Any] = {}
    for example in EXAMPLES:
        exec(compile(example, str(PAGE), "exec"), found)  # our own page
    return found


@pytest.mark.usefixtures("rule")
@pytest.mark.parametrize("name", TESTS)
def test_an_example_holds(examples: dict[str, Any], aws: LocalAws, name: str) -> None:
    examples[name](aws)


def test_everything_that_local_aws_offers_is_on_the_page() -> None:
    offered = {
        name
        for name, _ in inspect.getmembers(LocalAws)
        if not name.startswith("_") and "workmail" not in name and name != "mailbox"
    }
    assert len(offered) > 15
    missing = {name for name in offered if not re.search(rf"\b{name}\b", TEXT)}
    assert not missing
