"""Mail through ingress points that the API made: the parts of the local AWS together."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from local.gateway.managing import Manager
from mailroom_local import Credentials, IngressPoint, LocalAws, MailroomError, SmtpRefused

RAW = b"From: Jane <jane@example.net>\r\nSubject: Hello\r\n\r\nHi\r\n"


class Office(Manager):
    """An account with a role for its rules, and points of every kind."""

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.aws.verify_identity("example.com", account=self.account, region=self.region)
        self.bucket = f"mail-{self.account}"
        self.client("s3").create_bucket(Bucket=self.bucket)
        trust = {"Statement": [self.to_ses("sts:AssumeRole", resource="mailmanager-rule-set")]}
        del trust["Statement"][0]["Resource"]
        self.role = self.client("iam").create_role(
            RoleName="gateway", AssumeRolePolicyDocument=json.dumps(trust)
        )["Role"]["Arn"]

    def allow(self, *statements: dict[str, Any]) -> None:
        policy = {"Statement": [{"Effect": "Allow", **one} for one in statements]}
        self.client("iam").put_role_policy(
            RoleName="gateway", PolicyName="rules", PolicyDocument=json.dumps(policy)
        )

    def serving(self, name: str, *rules: Any, **fields: Any) -> IngressPoint:
        """An active point with these rules, as LocalAws lists it."""
        targets = {"TrafficPolicyId": self.policy(f"{name}-policy")}
        targets["RuleSetId"] = self.rule_set(*rules, name=f"{name}-rules")
        made = self.point(name, **{"TlsPolicy": "REQUIRED", **targets, **fields})

        def listed() -> list[IngressPoint]:
            return [point for point in self.aws.ingress_points() if point.id == made]

        [found] = self.aws.wait_until(listed, lambda one: one[0].status == "ACTIVE", seconds=5)
        return found

    def send(self, point: IngressPoint, **options: Any) -> Any:
        sent = self.aws.send(
            RAW,
            mail_from="jane@example.net",
            **{"rcpt_tos": ["support@example.com"], "gateway": point.id, **options},
        )
        return self.aws.wait(sent.message_id, seconds=15, handlers=False)


@pytest.fixture(scope="module")
def office(aws: LocalAws) -> Iterator[Office]:
    made = Office(aws)
    yield made
    for point in aws.ingress_points():
        if point.account == made.account:
            made.api.delete_ingress_point(IngressPointId=point.id)


def test_a_message_is_stored_archived_and_bounced_as_the_role_allows(office: Office) -> None:
    office.allow(
        {
            "Action": ["s3:PutObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{office.bucket}", f"arn:aws:s3:::{office.bucket}/*"],
        },
        {
            "Action": "ses:SendBounce",
            "Resource": f"{office.arn}:identity/example.com",
            "Condition": {"StringEquals": {"ses:FromAddress": "postmaster@example.com"}},
        },
    )
    archive = office.made("CreateArchive", ArchiveName="mail")
    bounce = {"StatusCode": "5.1.1", "SmtpReplyCode": "550", "DiagnosticMessage": "Unknown user"}
    store = {"WriteToS3": {"RoleArn": office.role, "S3Bucket": office.bucket, "S3Prefix": "in/"}}
    point = office.serving(
        "store",
        {
            "Name": "store",
            "Actions": [
                store,
                {"Archive": {"TargetArchive": archive}},
                *(
                    {"Bounce": {"RoleArn": office.role, "Sender": f"{name}@example.com", **bounce}}
                    for name in ("postmaster", "other")
                ),
            ],
        },
    )
    story = office.send(point)
    assert [(one.kind, one.outcome) for one in story.actions] == [
        ("WriteToS3", "done"),
        ("Archive", "done"),
        ("Bounce", "done"),
        ("Bounce", "failed"),
    ]
    assert "does not allow ses:SendBounce" in story.actions[3].detail["error"]
    stored = office.client("s3").get_object(Bucket=office.bucket, Key=f"in/{story.message_id}")
    assert stored["Body"].read().endswith(RAW)
    kept = office.api.get_archive_message(ArchivedMessageId=story.actions[1].detail["archivedAs"])
    assert kept["Envelope"] == {
        "Helo": "[127.0.0.1]",
        "From": "jane@example.net",
        "To": ["support@example.com"],
    }
    assert kept["Metadata"]["IngressPointId"] == point.id
    [bounced] = [one for one in office.aws.messages() if one.operation == "SendBounce"][-1:]
    assert (bounced.mail_from, bounced.rcpt_tos) == ("postmaster@example.com", ["jane@example.net"])


def test_a_role_of_another_service_is_a_failure(office: Office) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
    trust["Statement"][0]["Principal"] = {"Service": "lambda.amazonaws.com"}  # type: ignore[assignment]
    role = office.client("iam").create_role(
        RoleName="other", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]
    actions = [
        {"WriteToS3": {"RoleArn": arn, "S3Bucket": office.bucket}}
        for arn in (role, role.replace("other", "nobody"))
    ]
    story = office.send(office.serving("role", {"Name": "store", "Actions": actions}))
    first, second = (one.detail["error"] for one in story.actions)
    assert "does not let ses.amazonaws.com assume it" in first
    assert "does not exist" in second


def test_the_password_of_a_point_comes_from_its_secret(office: Office) -> None:
    key = office.key(office.to_ses("kms:Decrypt", resource=None, via="secretsmanager"))
    secret = office.secret({"password": "correct-horse"}, "secretsmanager:GetSecretValue", key=key)
    point = office.serving(
        "auth", Type="AUTH", IngressPointConfiguration={"SecretArn": secret}, TlsPolicy="FIPS"
    )
    assert office.send(point).tls
    given = Credentials(user=point.id, password="correct-horse")
    assert office.send(point, credentials=given).message_id
    with pytest.raises(SmtpRefused) as refused:
        office.send(point, credentials=Credentials(user=point.id, password="another"))
    assert refused.value.code == 535


def test_a_client_certificate_is_shown(office: Office, tmp_path: Path) -> None:
    authority = trustme.CA()
    configuration = {
        "TlsAuthConfiguration": {"TrustStore": {"CAContent": authority.cert_pem.bytes().decode()}}
    }
    point = office.serving(
        "mutual", Type="MTLS", IngressPointConfiguration=configuration, TlsPolicy="FIPS"
    )
    certificate = tmp_path / "client.pem"
    authority.issue_cert("mx.example.net").private_key_and_cert_chain_pem.write_to_path(certificate)
    assert office.send(point, client_certificate=certificate).tls
    with pytest.raises(SmtpRefused) as refused:
        office.send(point)
    assert refused.value.code == 530


def test_the_logs_arrive_in_the_group_of_their_delivery(office: Office) -> None:
    point = office.serving("logged")
    logs = office.client("logs")
    group = f"arn:aws:logs:{office.region}:{office.account}:log-group:/gateway:*"
    logs.create_log_group(logGroupName="/gateway")
    destination = logs.put_delivery_destination(
        name="group", deliveryDestinationConfiguration={"destinationResourceArn": group}
    )["deliveryDestination"]["arn"]
    found = office.api.get_ingress_point(IngressPointId=point.id)
    rule_set = office.api.get_rule_set(RuleSetId=found["RuleSetId"])["RuleSetArn"]
    for name, arn, log_type in (
        ("policy", found["IngressPointArn"], "TRAFFIC_POLICY_DEBUG_LOGS"),
        ("accepted", found["IngressPointArn"], "APPLICATION_LOGS"),
        ("rules", rule_set, "APPLICATION_LOGS"),
    ):
        logs.put_delivery_source(name=name, resourceArn=arn, logType=log_type)
        logs.create_delivery(deliverySourceName=name, deliveryDestinationArn=destination)
    story = office.send(point)
    written = [
        json.loads(event["message"])
        for event in logs.filter_log_events(logGroupName="/gateway")["events"]
    ]
    assert len(written) == 3
    assert {one.get("message_id") for one in written} == {story.message_id, None}


def test_a_policy_meets_the_addons_of_the_messages_header(office: Office) -> None:
    """At RCPT TO it has not seen the header, so LocalAws says it before."""
    subscription = office.made("CreateAddonSubscription", AddonName="SPAMHAUS_DBL")
    instance = office.made("CreateAddonInstance", AddonSubscriptionId=subscription)
    analysis = {
        "Analyzer": office.api.get_addon_instance(AddonInstanceId=instance)["AddonInstanceArn"],
        "ResultField": "isListed",
    }
    listed = {"BooleanExpression": {"Evaluate": {"Analysis": analysis}, "Operator": "IS_TRUE"}}
    policy = office.policy(
        "addons",
        DefaultAction="ALLOW",
        PolicyStatements=[{"Action": "DENY", "Conditions": [listed]}],
    )
    point = office.serving("addons", TrafficPolicyId=policy)
    assert office.send(point).message_id
    with pytest.raises(SmtpRefused):
        office.aws.send(
            b"X-Mailroom-Addon: SPAMHAUS_DBL.isListed=true\r\n" + RAW,
            mail_from="jane@example.net",
            rcpt_tos=["support@example.com"],
            gateway="addons",
        )


def test_an_unknown_gateway_is_an_error_that_names_the_others(office: Office) -> None:
    office.serving("known")
    with pytest.raises(MailroomError) as error:
        office.aws.send(RAW, mail_from="", rcpt_tos=["a@example.com"], gateway="unknown")
    assert "no ingress point is named 'unknown'" in str(error.value)
    assert "known" in error.value.remedy


def test_a_part_of_the_name_is_enough_if_no_other_one_has_it(office: Office) -> None:
    point = office.serving("Stack-Warehouse-51AE0462")
    office.serving("Stack-Workshop-51AE0462")
    assert office.send(point, gateway="warehouse").gateway["point"] == point.id
    with pytest.raises(MailroomError, match="2 ingress points have 'stack-w' in their name"):
        office.send(point, gateway="stack-w")


def test_credentials_without_a_gateway_are_an_error(aws: LocalAws) -> None:
    with pytest.raises(MailroomError, match="credentials has no effect"):
        aws.send(
            RAW,
            mail_from="",
            rcpt_tos=["a@example.com"],
            credentials=Credentials(user="a", password="b"),
        )
