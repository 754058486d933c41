"""Passwords and keys: SES must be allowed to read them, and no answer shows them."""

import json
from typing import Any

import pytest

from local.gateway.managing import CERTIFICATE, Manager
from mailroom_local import LocalAws

READ = "secretsmanager:GetSecretValue"
RELAY = "mailmanager-smtp-relay"
PASSWORD = {"password": "correct-horse-battery"}


@pytest.fixture
def manager(aws: LocalAws) -> Manager:
    """The Mail Manager of a new account."""
    return Manager(aws, region="eu-west-1")


def authenticated(manager: Manager, secret: str) -> dict[str, Any]:
    """The input for an ingress point whose password is in a secret."""
    return manager.of_point(Type="AUTH", IngressPointConfiguration={"SecretArn": secret})


def decrypting(manager: Manager, **options: Any) -> dict[str, Any]:
    """What the key of an ingress point's secret allows."""
    return manager.to_ses("kms:Decrypt", **{"via": "secretsmanager", **options})


def test_a_secret_that_ses_may_read_makes_an_authenticated_ingress_point(manager: Manager) -> None:
    """Its policy and its key's policy are those of the developer guide."""
    secret = manager.secret(PASSWORD, READ, key=manager.key(decrypting(manager)))
    point = manager.made("CreateIngressPoint", **authenticated(manager, secret))
    found = manager.call("GetIngressPoint", IngressPointId=point)[1]
    assert found["IngressPointAuthConfiguration"] == {"SecretArn": secret}


def refused_secrets() -> dict[str, Any]:
    """Secrets that SES cannot use, and what the refusal says."""

    def secret(says: str, value: Any = PASSWORD, **options: Any) -> Any:
        def make(manager: Manager) -> tuple[str, str]:
            key = manager.key(decrypting(manager))
            given = {"key": key, **options}
            actions = given.pop("actions", (READ,))
            return manager.secret(value, *actions, **given), says

        return make

    def key(says: str, **options: Any) -> Any:
        def make(manager: Manager) -> tuple[str, str]:
            statements = [decrypting(manager, **options)] if options else []
            return manager.secret(PASSWORD, READ, key=manager.key(*statements)), says

        return make

    return {
        "no policy": secret(READ, actions=()),
        "a policy for another action": secret(READ, actions=("secretsmanager:DescribeSecret",)),
        "a policy for relays": secret(READ, resource=RELAY),
        "a policy for another service": secret(READ, principal="lambda.amazonaws.com"),
        "a policy for another account": secret(READ, account="999999999999"),
        "the key of AWS": secret("not a customer managed KMS key", key=None),
        "a key for its account only": key("kms:Decrypt"),
        "a key for another service": key("kms:Decrypt", principal="s3.amazonaws.com"),
        "a key by way of another service": key("kms:Decrypt", via="s3"),
        "a key for relays": key("kms:Decrypt", resource=RELAY),
        "no JSON": secret("not a JSON object", value="correct-horse-battery"),
        "another key in it": secret("the one key password", value={"Password": "x" * 12}),
        "two keys in it": secret("the one key password", value={**PASSWORD, "username": "a"}),
    }


@pytest.mark.parametrize("case", refused_secrets())
def test_a_secret_that_ses_cannot_use_makes_no_ingress_point(manager: Manager, case: str) -> None:
    """The refusal says what to allow, and does not show the password."""
    secret, says = refused_secrets()[case](manager)
    code, text = manager.refusal("CreateIngressPoint", **authenticated(manager, secret))
    assert code == "ValidationException"
    assert says in text
    assert PASSWORD["password"] not in text
    assert manager.call("ListIngressPoints")[1]["IngressPoints"] == []


def test_a_secret_that_does_not_exist_is_refused(manager: Manager) -> None:
    """The service model only checks the form of its ARN."""
    arn = f"arn:aws:secretsmanager:eu-west-1:{manager.account}:secret:gone-abcdef"
    code, text = manager.refusal("CreateIngressPoint", **authenticated(manager, arn))
    assert code == "ValidationException"
    assert "does not exist" in text


def test_a_relay_reads_user_and_password(manager: Manager) -> None:
    """It also needs permission to describe the secret and its key."""
    actions = (READ, "secretsmanager:DescribeSecret")
    statement = manager.to_ses(
        "kms:Decrypt", "kms:DescribeKey", resource=RELAY, via="secretsmanager"
    )
    secret = manager.secret(
        {"username": "office", "password": "s3cret-s3cret"},
        *actions,
        resource=RELAY,
        key=manager.key(statement),
    )
    server = {"RelayName": "office", "ServerName": "mail.example.com", "ServerPort": 587}
    relay = manager.made("CreateRelay", Authentication={"SecretArn": secret}, **server)
    _, found = manager.call("GetRelay", RelayId=relay)
    assert found["Authentication"] == {"SecretArn": secret}
    assert "s3cret" not in json.dumps(found)
    manager.client("secretsmanager").delete_resource_policy(SecretId=secret)
    changed = {"RelayId": relay, "Authentication": {"SecretArn": secret}}
    assert manager.refusal("UpdateRelay", **changed)[0] == "ValidationException"


def test_the_key_of_an_archive_must_not_ask_for_a_source(manager: Manager) -> None:
    """Archives do not name one, as the developer guide says."""
    actions = ("kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey")
    good = manager.key(manager.to_ses(*actions, resource=None))
    archive = manager.made("CreateArchive", ArchiveName="archive", KmsKeyArn=good)
    assert manager.call("GetArchive", ArchiveId=archive)[1]["KmsKeyArn"] == good
    for key in (manager.key(manager.to_ses(*actions, resource="mailmanager-archive")), good[:-1]):
        code, text = manager.refusal("CreateArchive", ArchiveName="another", KmsKeyArn=key)
        assert code == "ValidationException"
        assert "KMS key" in text


def test_no_answer_shows_a_password_or_a_certificate(manager: Manager) -> None:
    """What is written is not read; certificates only on request."""
    secrets = ("first-password", "second-password", "MIIB")
    configuration = {"SmtpPassword": "first-password"}
    point = manager.point(Type="AUTH", IngressPointConfiguration=configuration)
    store = {"TrustStore": {"CAContent": CERTIFICATE}}
    mutual = manager.point(
        "mutual", Type="MTLS", IngressPointConfiguration={"TlsAuthConfiguration": store}
    )
    changed = {"SmtpPassword": "second-password"}
    answers = [
        manager.call("UpdateIngressPoint", IngressPointId=point, IngressPointConfiguration=changed),
        manager.call("GetIngressPoint", IngressPointId=point),
        manager.call("GetIngressPoint", IngressPointId=mutual),
        manager.call("ListIngressPoints"),
        manager.call(
            "UpdateIngressPoint",
            IngressPointId=point,
            IngressPointConfiguration={"SmtpPassword": "second-password~"},
        ),
    ]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 400]
    assert not any(secret in json.dumps(answers) for secret in secrets)
    versions = answers[1][1]["IngressPointAuthConfiguration"]["IngressPointPasswordConfiguration"]
    assert versions["SmtpPasswordVersion"] != versions["PreviousSmtpPasswordVersion"]
    asked = {"IngressPointId": mutual, "IncludeTrustStoreContents": "INCLUDE"}
    _, found = manager.call("GetIngressPoint", **asked)
    assert found["IngressPointAuthConfiguration"]["TlsAuthConfiguration"] == store
