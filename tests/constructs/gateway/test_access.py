"""Who may connect, over which network, and with which TLS policy."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from synthesis import ACCOUNT, REGION, Template, new_stack, refuses

from cdk_mailroom import MailGateway, gateway
from cdk_mailroom._checks import Problems
from cdk_mailroom.gateway import Authenticated, MutualTls, Open, PublicNetwork, Tls, VpcEndpoint

CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
CRL = "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"
ENDPOINT = "vpce-0123456789abcdef0"


def add(stack, construct_id="Gateway", **options):
    """Add a gateway that is right but for *options*."""
    gate = MailGateway(stack, construct_id, recipients=["@example.com"], **options)
    gate.add_rule("Rule", after=[gateway.actions.Drop()], store=False)
    return gate


def ses_may(actions, resource, *, via=None):
    """Return the statement that lets Mail Manager act for the resources of this account only."""
    equal = {"aws:SourceAccount": ACCOUNT} | ({"kms:ViaService": via} if via else {})
    source = f"arn:aws:ses:{REGION}:{ACCOUNT}:mailmanager-{resource}/*"
    return {
        "Action": actions,
        "Condition": {"StringEquals": equal, "ArnLike": {"aws:SourceArn": source}},
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Resource": "*",
    }


@pytest.fixture(scope="module")
def points() -> Template:
    """One gateway for each access."""
    stack = new_stack()
    add(stack, "Login", access=Authenticated())
    key = kms.Key(stack, "Key")
    add(stack, "OwnKey", access=Authenticated(encryption_key=key))
    secret = secretsmanager.Secret(stack, "Secret", encryption_key=kms.Key(stack, "SecretKey"))
    add(stack, "OwnSecret", access=Authenticated(secret=secret))
    trust = kms.Key(stack, "TrustKey")
    add(stack, "Certificates", access=MutualTls(ca=CA, crl=CRL, encryption_key=trust))
    add(stack, "Authority", access=MutualTls(ca=CA))
    add(stack, "Dual", access=Open(network=PublicNetwork(dual_stack=True)))
    endpoint = ec2.InterfaceVpcEndpoint(
        stack,
        "Endpoint",
        vpc=ec2.Vpc(stack, "Vpc", max_azs=1, nat_gateways=0, restrict_default_security_group=False),
        service=ec2.InterfaceVpcEndpointService(
            f"com.amazonaws.{REGION}.mail-manager-smtp.auth", 25
        ),
        subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
    )
    add(stack, "Private", access=Authenticated(tls="OPTIONAL", network=VpcEndpoint(endpoint)))
    return Template(stack)


def test_clients_log_in_with_a_random_password(points):
    """Of characters that Mail Manager allows, as the only key of the secret."""
    secret = points.at("Login/Password")
    assert secret["KmsKeyId"] == "<Login/PasswordKey.Arn>"
    assert secret["GenerateSecretString"] == {
        "SecretStringTemplate": "{}",
        "GenerateStringKey": "password",
        "PasswordLength": 40,
        "ExcludePunctuation": True,
    }
    assert points.at("Login/IngressPoint")["IngressPointConfiguration"] == {
        "SecretArn": "<Login/Password>"
    }


def test_ses_alone_reads_the_password_for_points_of_this_account(points):
    """By the policies of the secret and of its key, and only through Secrets Manager."""
    assert points.at("Login/Password/Policy")["BlockPublicPolicy"] is True
    policy = points.at("Login/Password/Policy")["ResourcePolicy"]["Statement"]
    assert policy == [ses_may("secretsmanager:GetSecretValue", "ingress-point")]
    key = points.at("Login/PasswordKey")["KeyPolicy"]["Statement"]
    via = f"secretsmanager.{REGION}.amazonaws.com"
    services = [one for one in key if "Service" in one["Principal"]]
    assert services == [ses_may("kms:Decrypt", "ingress-point", via=via)]


def test_a_point_waits_for_what_lets_ses_read_its_secret(points):
    """Mail Manager reads it when the point is created."""
    assert {"Login/Password/Policy", "Login/PasswordKey"} <= points.needs("Login/IngressPoint")
    assert {"Secret/Policy", "SecretKey"} <= points.needs("OwnSecret/IngressPoint")


@pytest.mark.parametrize(("name", "key"), [("OwnKey", "Key"), ("OwnSecret", "SecretKey")])
def test_a_key_or_a_secret_may_be_given(points, name, key):
    """It gets the same statements, and nothing is made in its place."""
    made = {path for path in points.resources if path.startswith(f"{name}/Password")}
    assert ("OwnKey/PasswordKey" in made, "OwnSecret/Password" in made) == (False, False)
    services = [
        one
        for one in points.at(key)["KeyPolicy"]["Statement"]
        if one["Principal"] == {"Service": "ses.amazonaws.com"}
    ]
    assert [one["Action"] for one in services] == ["kms:Decrypt"]


def test_clients_show_certificates(points):
    """The trust store's key lets SES decrypt and look at it."""
    assert points.at("Certificates/IngressPoint")["IngressPointConfiguration"] == {
        "TlsAuthConfiguration": {
            "TrustStore": {"CAContent": CA, "CrlContent": CRL, "KmsKeyArn": "<TrustKey.Arn>"}
        }
    }
    services = [
        one
        for one in points.at("TrustKey")["KeyPolicy"]["Statement"]
        if "Service" in one["Principal"]
    ]
    assert services == [ses_may(["kms:Decrypt", "kms:DescribeKey"], "ingress-point")]
    assert points.at("Authority/IngressPoint")["IngressPointConfiguration"] == {
        "TlsAuthConfiguration": {"TrustStore": {"CAContent": CA}}
    }
    assert "TrustKey" in points.needs("Certificates/IngressPoint")


def test_certificates_may_come_from_a_file(stack, tmp_path):
    """As they come from an authority."""
    path = tmp_path / "ca.pem"
    path.write_text(CA)
    add(stack, access=MutualTls(ca=path))
    configuration = Template(stack).at("Gateway/IngressPoint")["IngressPointConfiguration"]
    assert configuration["TlsAuthConfiguration"]["TrustStore"]["CAContent"] == CA


def test_a_network_is_public_for_one_or_both_versions_or_private(points):
    """A private point is reached by its endpoint."""
    assert points.at("Dual/IngressPoint")["NetworkConfiguration"] == {
        "PublicNetworkConfiguration": {"IpType": "DUAL_STACK"}
    }
    private = points.at("Private/IngressPoint")
    assert private["NetworkConfiguration"] == {
        "PrivateNetworkConfiguration": {"VpcEndpointId": "<Endpoint>"}
    }
    assert (private["Type"], private["TlsPolicy"]) == ("AUTH", "OPTIONAL")


@pytest.mark.parametrize("known", [True, False])
def test_an_endpoint_serves_one_point_only(stack, known):
    """A second one fails the deployment."""
    endpoint = ENDPOINT if known else CfnParameter(stack, "Endpoint").value_as_string
    add(stack, "First", access=Open(network=VpcEndpoint(endpoint)))
    with refuses("network.endpoint is", "Stack/First uses it"):
        add(stack, "Second", access=Open(network=VpcEndpoint(endpoint)))
    add(stack, "Public")


PRIVATE = VpcEndpoint(ENDPOINT)
PUBLIC = PublicNetwork()
FREE = [(Open, PUBLIC), (Open, PRIVATE), (Authenticated, PRIVATE)]
FIXED = [(Authenticated, PUBLIC), (MutualTls, PUBLIC), (MutualTls, PRIVATE)]
# By whether the region is in the United States or Canada, what each kind may have, first what it
# has by default. https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
ALLOWED = {
    ("free", False): ["REQUIRED", "OPTIONAL"],
    ("free", True): ["REQUIRED", "OPTIONAL", "FIPS"],
    ("fixed", False): ["REQUIRED"],
    ("fixed", True): ["FIPS"],
}


def access_of(kind, **options):
    """Return an access of *kind*."""
    return kind(ca=CA, **options) if kind is MutualTls else kind(**options)


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1", "ca-central-1", "us-gov-west-1"])
@pytest.mark.parametrize("choice", ["free", "fixed"])
def test_the_tls_policy_is_what_the_region_offers(choice, region):
    """Everything else is refused: the deployment would fail, or could not be changed later."""
    allowed = ALLOWED[choice, region.startswith(("us-", "ca-"))]
    for kind, network in FREE if choice == "free" else FIXED:
        for tls in [None, *Tls]:
            access, problems = access_of(kind, tls=tls, network=network), Problems("Gateway")
            access.check(problems, region)
            if tls is None or tls in allowed:
                problems.raise_if_any()
                assert access.tls_policy(region) == (tls or allowed[0])
            else:
                with refuses("access.tls", tls):
                    problems.raise_if_any()


def test_cloudformation_chooses_the_tls_policy_where_the_region_is_not_known_at_synth():
    """An app without ``env`` can be deployed anywhere."""
    stack = new_stack(region=None)
    add(stack, access=Authenticated())
    template = Template(stack)
    (name,) = template.raw["Conditions"]
    assert name.startswith("GatewayFips")
    point = template.resources["Gateway/IngressPoint"]["Properties"]
    assert point["TlsPolicy"] == {"Fn::If": [name, "FIPS", "REQUIRED"]}
    regions = [one["Fn::Equals"][1] for one in template.raw["Conditions"][name]["Fn::Or"]]
    assert {one.partition("-")[0] for one in regions} == {"us", "ca"}
    # CloudFormation takes no more in one condition.
    assert len(regions) <= 10


def test_a_tls_policy_of_another_region_is_refused(stack):
    """By the region of the stack."""
    with refuses("access.tls is 'FIPS'", "eu-west-1"):
        add(stack, access=Open(tls="FIPS"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: {"access": Open(tls="STARTTLS")}, ("access.tls is 'STARTTLS'", "OPTIONAL")),
        (lambda _: {"access": Open(network="x")}, ("access.network is 'x'", "PublicNetwork()")),
        (
            lambda _: {"access": Open(network=VpcEndpoint("vpc-1"))},
            ("network.endpoint is 'vpc-1'", "vpce-"),
        ),
        (lambda _: {"access": Authenticated(secret="password")}, ("access.secret", "Secret")),
        (
            lambda stack: {"access": Authenticated(secret=secretsmanager.Secret(stack, "S"))},
            ("access.secret is 'Stack/S'", "encryption_key=kms.Key(…)"),
        ),
        (
            lambda stack: {
                "access": Authenticated(
                    secret=secretsmanager.Secret(stack, "S", encryption_key=kms.Key(stack, "K")),
                    encryption_key=kms.Key(stack, "L"),
                )
            },
            ("access.encryption_key is 'Stack/L'", "its own"),
        ),
        (lambda _: {"access": MutualTls(ca="ca.pem")}, ("access.ca is 'ca.pem'", "a Path")),
        (lambda _: {"access": MutualTls(ca=CA, crl=CA)}, ("access.crl", "X509 CRL")),
        (lambda _: {"access": MutualTls(ca=CA + "x" * 500_000)}, ("len(access.ca)", "500000")),
        (
            lambda _: {"access": MutualTls(ca=CA + "-----BEGIN PRIVATE KEY-----")},
            ("access.ca is 'a private key'", "remove it"),
        ),
    ],
)
def test_an_access_or_a_network_that_cannot_work_is_refused(stack, make, words):
    """Before anything is created."""
    with refuses(*words):
        add(stack, **make(stack))


def test_a_file_that_is_not_there_is_named(stack, tmp_path):
    """Instead of an error of Python."""
    with refuses("access.ca", "no such file"):
        add(stack, access=MutualTls(ca=tmp_path / "ca.pem"))
