"""Which passwords an ingress point accepts, as its secret or its configuration changes."""

import json

import pytest

from local.gateway.managing import Manager
from mailroom_local import LocalAws, SmtpRefused
from mailroom_local.control import Credentials

READ = "secretsmanager:GetSecretValue"


@pytest.fixture
def manager(aws: LocalAws) -> Manager:
    """The Mail Manager of a new account."""
    return Manager(aws, region="eu-west-1")


def replies(manager: Manager, point: str, *passwords: str) -> list[int]:
    """The last reply to a mail that is sent with each password."""
    found = []
    for password in passwords:
        try:
            manager.aws.send(
                b"Subject: x\r\n\r\nx\r\n",
                mail_from="jane@example.net",
                rcpt_tos=["support@example.com"],
                gateway=point,
                credentials=Credentials(user=point, password=password),
            )
        except SmtpRefused as refusal:
            found.append(refusal.code)
        else:
            found.append(250)
    return found


def test_a_secret_that_rotates_keeps_its_previous_password_valid(manager: Manager) -> None:
    """Only the one before; and none once SES may no longer read the secret."""
    secrets = manager.client("secretsmanager")
    key = manager.key(manager.to_ses("kms:Decrypt", via="secretsmanager"))
    secret = manager.secret({"password": "first-password"}, READ, key=key)
    point = manager.point(Type="AUTH", IngressPointConfiguration={"SecretArn": secret})
    for password in ("second-password", "third-password"):
        value = json.dumps({"password": password})
        secrets.put_secret_value(SecretId=secret, SecretString=value)
    tried = ("third-password", "second-password", "first-password")
    assert replies(manager, point, *tried) == [250, 250, 535]
    secrets.delete_resource_policy(SecretId=secret)
    assert replies(manager, point, "third-password") == [535]


def test_a_password_that_is_replaced_stays_valid_for_a_while(manager: Manager) -> None:
    """Fourteen days on AWS, and here."""
    configuration = {"SmtpPassword": "first-password"}
    point = manager.point(Type="AUTH", IngressPointConfiguration=configuration)
    for password in ("second-password", "third-password"):
        changed = {"SmtpPassword": password}
        manager.call("UpdateIngressPoint", IngressPointId=point, IngressPointConfiguration=changed)
    tried = ("third-password", "second-password", "first-password")
    assert replies(manager, point, *tried) == [250, 250, 535]
