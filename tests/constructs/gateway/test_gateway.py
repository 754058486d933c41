"""Ingress point, traffic policy, rule set, and what comes with them."""

from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from synthesis import ACCOUNT, FOLDER, REGION, Template, cycle, new_stack, refuses, synthesized

from cdk_mailroom import ConfigurationError, CrossAccountZone, MailGateway, PythonHandler, gateway
from cdk_mailroom.gateway import mail_from, recipient, source_ip


def rule(gate, construct_id="Rule", **options):
    """Add a rule that is right but for *options*."""
    return gate.add_rule(construct_id, **{"after": [gateway.actions.Drop()], **options})


def test_an_open_point_requires_tls_and_serves_ipv4(whole):
    """What nothing was said about."""
    point = whole.at("Gateway/IngressPoint")
    name = point.pop("IngressPointName")
    assert name.startswith("Stack-Gateway-")
    assert len(name) <= 63
    assert point == {
        "Type": "OPEN",
        "TlsPolicy": "REQUIRED",
        "NetworkConfiguration": {"PublicNetworkConfiguration": {"IpType": "IPV4"}},
        "RuleSetId": "<Gateway/RuleSet.RuleSetId>",
        "TrafficPolicyId": "<Gateway/TrafficPolicy.TrafficPolicyId>",
    }


def test_recipients_are_closed(whole):
    """All others are refused when the client names them."""
    assert whole.at("Gateway/TrafficPolicy") == {
        "DefaultAction": "DENY",
        "TrafficPolicyName": whole.at("Gateway/TrafficPolicy")["TrafficPolicyName"],
        "PolicyStatements": [
            {
                "Action": "ALLOW",
                "Conditions": [
                    {
                        "StringExpression": {
                            "Evaluate": {"Attribute": "RECIPIENT"},
                            "Operator": operator,
                            "Values": [value],
                        }
                    }
                ],
            }
            for operator, value in (("ENDS_WITH", "@example.com"), ("EQUALS", "abuse@example.org"))
        ],
    }


def test_a_rule_has_its_conditions_and_its_actions_in_order(rules):
    """Every action of which AWS has one says what happens if it fails."""
    role = "<Gateway/Role.Arn>"
    assert rules["Support"] == {
        "Name": "Support",
        "Conditions": [
            {
                "StringExpression": {
                    "Evaluate": {"Attribute": "RECIPIENT"},
                    "Operator": "EQUALS",
                    "Values": ["support@example.com"],
                }
            },
            {
                "NumberExpression": {
                    "Evaluate": {"Attribute": "MESSAGE_SIZE"},
                    "Operator": "LESS_THAN",
                    "Value": 5_000_000,
                }
            },
        ],
        "Unless": [
            {
                "VerdictExpression": {
                    "Evaluate": {"Attribute": "DKIM"},
                    "Operator": "EQUALS",
                    "Values": ["FAIL"],
                }
            }
        ],
        "Actions": [
            {"AddHeader": {"HeaderName": "X-Seen", "HeaderValue": "yes"}},
            {
                "WriteToS3": {
                    "RoleArn": role,
                    "S3Bucket": "<Gateway/Bucket>",
                    "S3Prefix": "Support/",
                    "ActionFailurePolicy": "DROP",
                }
            },
            {
                "InvokeLambda": {
                    "RoleArn": role,
                    "FunctionArn": "<Gateway/Support/Handler/Function.Arn>",
                    "InvocationType": "EVENT",
                    "RetryTimeMinutes": 240,
                    "ActionFailurePolicy": "DROP",
                }
            },
            {"Drop": {}},
        ],
    }


def test_mail_is_stored_as_inbound_mail_stores_it(whole):
    """Encrypted, private, for 90 days, and kept when the stack is deleted."""
    bucket = whole.at("Gateway/Bucket")
    assert bucket["PublicAccessBlockConfiguration"] == dict.fromkeys(
        (
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ),
        True,
    )
    assert {"ExpirationInDays": 90, "Status": "Enabled"} in bucket["LifecycleConfiguration"][
        "Rules"
    ]
    assert whole.resources["Gateway/Bucket"]["DeletionPolicy"] == "Retain"


def test_one_key_encrypts_bucket_queue_and_log(whole):
    """The log by its exact name, for CloudWatch Logs in this region."""
    assert whole.at("Keyed/DeadLetterQueue")["KmsMasterKeyId"] == "<Key.Arn>"
    encryption = whole.at("Keyed/Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption[0]["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == "<Key.Arn>"
    log = whole.at("Keyed/Logs")
    assert log["KmsKeyId"] == "<Key.Arn>"
    (statement,) = [
        one
        for one in whole.at("Key")["KeyPolicy"]["Statement"]
        if one["Principal"] == {"Service": f"logs.{REGION}.amazonaws.com"}
    ]
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{log['LogGroupName']}"
    assert statement["Condition"] == {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn}}


def test_a_function_of_a_gateway_reads_its_own_mail_only(whole):
    """What it needs is in its environment, as for a receipt rule."""
    assert whole.environment("Gateway/Support/Handler/Function") == {
        "MAILROOM_HANDLER": "app:on_mail",
        "MAILROOM_RULE": "Support",
        "MAILROOM_BUCKET": "<Gateway/Bucket>",
        "MAILROOM_PREFIX": "Support/",
    }
    assert whole.statements("Gateway/Support/Handler/Function") == [
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": "<Gateway/Support/Handler/Logs.Arn>",
        },
        {
            "Action": "sqs:SendMessage",
            "Effect": "Allow",
            "Resource": "<Gateway/DeadLetterQueue.Arn>",
        },
        {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": "<Gateway/Bucket.Arn>/Support/*",
        },
    ]


def test_a_synchronous_function_knows_that_it_is(whole, rules):
    """Whether Mail Manager's event says so is not documented."""
    assert whole.environment("Gateway/Gate/Handler/Function") == {
        "MAILROOM_HANDLER": "app:on_mail",
        "MAILROOM_RULE": "Gate",
        "MAILROOM_ON_ERROR": "stop_rule",
        "MAILROOM_FAILURE_QUEUE": "<Gateway/DeadLetterQueue>",
        "MAILROOM_SYNCHRONOUS": "1",
    }
    (action,) = rules["Gate"]["Actions"]
    assert action["InvokeLambda"]["InvocationType"] == "REQUEST_RESPONSE"


def test_no_function_has_a_permission_for_ses(whole):
    """Mail Manager calls as the role of the gateway."""
    assert whole.of("AWS::Lambda::Permission") == {}


def test_everything_exists_before_what_uses_it(whole):
    """Also the permissions: Mail Manager may look at them when a rule set is created."""
    assert cycle(whole.references) == []
    assert "Gateway/Role/DefaultPolicy" in whole.needs("Gateway/RuleSet")
    assert {"Gateway/RuleSet", "Gateway/TrafficPolicy"} <= whole.needs("Gateway/IngressPoint")


def test_the_name_of_a_point_and_of_what_logs_it_changes_when_it_is_replaced():
    """Two may not have one name, and CloudFormation makes the new one first."""
    logs = gateway.Logs(actions=False, accepted=True)

    def name(**options):
        template = synthesized(
            lambda stack: rule(
                MailGateway(stack, "G", recipients=["@a.example"], logs=logs, **options)
            )
        )
        point = template.at("G/IngressPoint")["IngressPointName"]
        source = template.at("G/AcceptedSource")["Name"]
        # CloudWatch refuses another point for the same source.
        assert source.endswith(point[-9:])
        return point

    names = [
        name(),
        name(access=gateway.Open(network=gateway.PublicNetwork(dual_stack=True))),
        name(access=gateway.Open(network=gateway.VpcEndpoint("vpce-0123456789abcdef0"))),
        name(access=gateway.Authenticated()),
    ]
    assert len(set(names)) == len(names)
    assert name(access=gateway.Open(tls="OPTIONAL")) == names[0]


@pytest.mark.parametrize(
    ("domain", "name"), [(None, "example.com."), ("in.example.com", "in.example.com.")]
)
def test_the_mx_record_leads_to_the_point(domain, name):
    """It is published after the point, by whose host it is."""

    def build(stack):
        zone = route53.HostedZone(stack, "Zone", zone_name="example.com")
        gate = MailGateway(
            stack,
            "Gateway",
            recipients=["@example.com", "@in.example.com"],
            hosted_zone=zone,
            domain=domain,
        )
        rule(gate)
        cdk.CfnOutput(stack, "Mx", value=gate.mx)

    template = synthesized(build)
    record = template.at("Gateway/MxRecord")
    assert record["Name"] == name
    assert record["ResourceRecords"] == ["10 <Gateway/IngressPoint.ARecord>"]
    assert template.readable(template.raw["Outputs"]["Mx"]["Value"]) == record["ResourceRecords"][0]


def test_the_zone_of_another_account_gets_the_mx_record():
    """As with InboundMail."""

    def build(stack):
        role = cdk.aws_iam.Role.from_role_arn(stack, "R", "arn:aws:iam::999988887777:role/dns")
        zone = CrossAccountZone(zone_name="example.com", hosted_zone_id="Z1", role=role)
        rule(MailGateway(stack, "Gateway", recipients=["@example.com"], hosted_zone=zone))

    records = synthesized(build).at("Gateway/ZoneRecords/Default")["Records"]
    assert records == [
        {"Name": "example.com", "Type": "MX", "Value": "10 <Gateway/IngressPoint.ARecord>"}
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recipients": ["@example.org"]}, ("recipients", "@example.com")),
        (
            {"access": gateway.Open(network=gateway.VpcEndpoint("vpce-0123456789abcdef0"))},
            ("hosted_zone", "no public"),
        ),
        ({"access": gateway.Authenticated()}, ("hosted_zone is 'example.com'", "log in")),
        ({"domain": "example.org"}, ("domain", "the zone example.com")),
        ({"domain": "-"}, ("domain", "such as 'example.com'")),
    ],
)
def test_an_mx_record_that_would_lose_mail_is_refused(stack, options, words):
    """It would lead to where nothing is accepted, or nowhere."""
    zone = route53.HostedZone(stack, "Zone", zone_name="example.com")
    given = {"recipients": ["@example.com"], "hosted_zone": zone, **options}
    with refuses(*words):
        MailGateway(stack, "Gateway", **given)


def test_a_domain_without_a_zone_is_refused(stack):
    """Nothing would be published."""
    with refuses("domain", "hosted_zone"):
        MailGateway(stack, "Gateway", recipients=["@example.com"], domain="example.com")


def test_a_gateway_without_a_rule_fails_the_synth(stack):
    """It would accept mail, and nobody would get it."""
    MailGateway(stack, "Gateway", recipients=["@example.com"])
    with pytest.raises(RuntimeError, match="no rule"):
        cdk.App.of(stack).synth()


@pytest.mark.parametrize(
    ("action", "when"),
    [
        ("Send", []),
        ("Relay", []),
        ("Send", [mail_from.ends_with("@example.com")]),
        ("Send", [recipient.is_not("a@example.com"), source_ip.not_in_range("192.0.2.0/24")]),
    ],
)
def test_an_open_relay_fails_the_synth(stack, action, when):
    """Anyone could send to anyone; who the sender is can be forged."""
    gate = MailGateway(stack, "Gateway", recipients=gateway.ANY_RECIPIENT)
    made = {
        "Send": gateway.actions.Send(identities=["example.com"]),
        "Relay": gateway.actions.Relay("r-1"),
    }[action]
    rule(gate, before=[made], when=when)
    with pytest.raises(RuntimeError, match="open relay"):
        cdk.App.of(stack).synth()


def test_a_smart_host_with_a_password_may_send_to_anyone():
    """So may an open point whose rule has conditions."""

    def build(stack):
        for name, access, when in (
            ("Office", gateway.Authenticated(), []),
            ("Limited", gateway.Open(), [recipient.ends_with("@example.com")]),
            ("Near", gateway.Open(), [source_ip.in_range("192.0.2.0/24")]),
        ):
            gate = MailGateway(stack, name, recipients=gateway.ANY_RECIPIENT, access=access)
            rule(gate, when=when, before=[gateway.actions.Send(identities=["example.com"])])

    assert synthesized(build).at("Office/TrafficPolicy")["PolicyStatements"] == []


def test_a_closed_gateway_says_so_only_if_asked(whole):
    """At its creation, AWS refuses a status."""

    def build(stack):
        rule(MailGateway(stack, "Gateway", recipients=["@example.com"], status="CLOSED"))

    assert synthesized(build).at("Gateway/IngressPoint")["StatusToUpdate"] == "CLOSED"
    assert "StatusToUpdate" not in whole.at("Gateway/IngressPoint")


def test_several_gateways_share_one_rule_set():
    """Rules, bucket and queue are those of the one that made them."""

    def build(stack):
        first = MailGateway(stack, "First", recipients=["@example.com"])
        rule(first)
        second = MailGateway(
            stack,
            "Second",
            recipients=gateway.ANY_RECIPIENT,
            access=gateway.Authenticated(),
            rule_set=first,
        )
        assert second.rules == first.rules
        assert second.bucket is first.bucket
        assert second.dead_letter_queue is first.dead_letter_queue
        with pytest.raises(ConfigurationError, match="where, the rule set is made"):
            rule(second, "Other")

    template = synthesized(build)
    assert list(template.of("AWS::SES::MailManagerRuleSet")) == ["First/RuleSet"]
    assert template.at("Second/IngressPoint")["RuleSetId"] == "<First/RuleSet.RuleSetId>"
    assert len(template.of("AWS::S3::Bucket")) == 1


def test_a_rule_set_and_a_policy_that_exist_are_named_by_their_ids():
    """Nothing is created in their place."""

    def build(stack):
        gate = MailGateway(stack, "Gateway", rule_set="rs-theirs", traffic="tp-theirs")
        assert gate.rules == ()
        with pytest.raises(ConfigurationError, match="knows its id only"):
            _ = gate.bucket
        with pytest.raises(ConfigurationError, match="rule set is made"):
            rule(gate)

    template = synthesized(build)
    point = template.at("Gateway/IngressPoint")
    assert (point["RuleSetId"], point["TrafficPolicyId"]) == ("rs-theirs", "tp-theirs")
    assert list(template.resources) == ["Gateway/IngressPoint"]


def test_an_ingress_point_that_exists_gets_a_rule_set_to_be_given_to_it():
    """CloudFormation cannot change what it has not made."""

    def build(stack):
        zone = route53.HostedZone.from_hosted_zone_attributes(
            stack, "Zone", hosted_zone_id="Z1", zone_name="example.com"
        )
        point = gateway.ExistingIngressPoint(ingress_point_id="inp-1", host="a.b.amazonaws.com")
        gate = MailGateway(
            stack,
            "Gateway",
            access=point,
            hosted_zone=zone,
            logs=gateway.Logs(accepted=True),
        )
        rule(gate)
        assert gate.ingress_point_id == "inp-1"

    template = synthesized(build)
    assert template.at("Gateway/MxRecord")["ResourceRecords"] == ["10 a.b.amazonaws.com"]
    assert template.of("AWS::SES::MailManagerIngressPoint") == {}
    assert template.of("AWS::SES::MailManagerTrafficPolicy") == {}
    assert template.at("Gateway/AcceptedSource")["ResourceArn"] == (
        f"arn:aws:ses:{REGION}:{ACCOUNT}:mailmanager-ingress-point/inp-1"
    )


EXISTING = gateway.ExistingIngressPoint(ingress_point_id="inp-1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ("recipients is None", "ANY_RECIPIENT")),
        ({"recipients": ["@a.example"], "traffic": "tp-1"}, ("recipients", "omit it")),
        ({"recipients": ["@a.example"], "traffic": 5}, ("traffic is 5", "TrafficPolicy")),
        ({"recipients": ["@a.example"], "access": "OPEN"}, ("access is 'OPEN'", "Open()")),
        ({"recipients": ["@a.example"], "status": "closed"}, ("status is 'closed'", "CLOSED")),
        ({"recipients": ["@a.example"], "retention": 5}, ("retention is 5", "Duration")),
        (
            {
                "recipients": ["@a.example"],
                "rule_set": "rs-1",
                "retention": "forever",
                "removal_policy": cdk.RemovalPolicy.DESTROY,
            },
            ("retention", "removal_policy", "has its own"),
        ),
        ({"access": EXISTING, "recipients": ["@a.example"]}, ("recipients", "exists")),
        ({"access": EXISTING, "rule_set": "rs-1"}, ("rule_set", "nothing is made")),
    ],
)
def test_arguments_that_do_not_fit_are_refused(stack, options, words):
    """By name, all of one call together, and nothing is left."""
    with refuses(*words):
        MailGateway(stack, "Gateway", **options)
    assert stack.node.try_find_child("Gateway") is None


def test_a_given_bucket_has_its_own_retention(stack):
    """An option without effect is refused."""
    with refuses("retention", "given bucket"):
        MailGateway(
            stack,
            "Gateway",
            recipients=["@a.example"],
            bucket=s3.Bucket(stack, "Bucket"),
            retention="forever",
        )


def test_what_clients_need_is_there_or_said_to_be_missing(stack):
    """An open point has no user, a private one no host."""
    gate = MailGateway(
        stack,
        "Gateway",
        recipients=["@a.example"],
        access=gateway.Open(network=gateway.VpcEndpoint("vpce-0123456789abcdef0")),
    )
    for name, words in (("host", "VPC"), ("mx", "VPC"), ("user", "log in"), ("secret", "log in")):
        with pytest.raises(ConfigurationError, match=words):
            getattr(gate, name)


def test_mail_may_be_read_by_whoever_is_granted_it(stack):
    """All of the bucket, or one rule's."""
    reader = cdk.aws_iam.Role(stack, "R", assumed_by=cdk.aws_iam.AccountRootPrincipal())
    gate = MailGateway(stack, "Gateway", recipients=["@a.example"])
    stored = gate.add_rule("Rule")
    unstored = rule(gate, "Unstored", store=False)
    stored.grant_read_mail(reader)
    with pytest.raises(ConfigurationError, match="stores no mail"):
        unstored.grant_read_mail(reader)
    template = Template(stack)
    assert template.at("R/DefaultPolicy")["PolicyDocument"]["Statement"] == [
        {"Action": "s3:GetObject", "Effect": "Allow", "Resource": "<Gateway/Bucket.Arn>/Rule/*"}
    ]


def test_a_stack_without_a_region_says_what_it_cannot_know():
    """The template fits any region but for the TLS policy."""
    stack = new_stack(region=None)
    gate = MailGateway(stack, "Gateway", recipients=["@a.example"])
    rule(gate, handler=PythonHandler(FOLDER, "app:on_mail"), before=[])
    assert Template(stack).at("Gateway/IngressPoint")["TlsPolicy"] == "REQUIRED"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("access", ""),
        ("alert_topic", "arn:aws:sns:eu-west-1:111122223333:topic"),
        ("bucket", "my-bucket"),
        ("domain", 5),
        ("encryption_key", "alias/mine"),
        ("hosted_zone", "example.com"),
        ("access", "inp-1"),
        ("logs", True),
        ("recipients", [None]),
        ("recipients", 5),
        ("removal_policy", "retain"),
        ("rule_set", 5),
    ],
)
def test_an_argument_of_another_type_is_refused_by_name(stack, argument, value):
    """Nothing is left, so that a corrected call may use the same id."""
    zone = route53.HostedZone(stack, "Zone", zone_name="example.com")
    given = {"recipients": ["@example.com"], "hosted_zone": zone, argument: value}
    with refuses(argument, "pass" if argument != "recipients" else "recipients"):
        MailGateway(stack, "Gateway", **given)
    assert stack.node.try_find_child("Gateway") is None


@pytest.mark.parametrize(
    ("argument", "value"), [("store", 5), ("store", ""), ("rule_name", 5), ("on_failure", ["DROP"])]
)
def test_an_argument_of_a_rule_of_another_type_is_refused_by_name(stack, argument, value):
    gate = MailGateway(stack, "Gateway", recipients=["@example.com"])
    with refuses(f"{argument} is"):
        gate.add_rule("Rule", **{argument: value})
