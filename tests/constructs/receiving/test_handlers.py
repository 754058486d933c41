"""`PythonHandler` and the bundled behaviours: options, environment, and exact permissions."""

from __future__ import annotations

import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from synthesis import ACCOUNT, FOLDER, REGION, Template, synthesized

from cdk_mailroom import InboundMail, PythonHandler, actions, handlers

SES = f"arn:aws:ses:{REGION}:{ACCOUNT}"
QUEUE = "<Inbound/DeadLetterQueue.Arn>"


def function(rule, place="Handler"):
    """Return the path of a rule's function."""
    return f"Inbound/{rule}/{place}/Function"


@pytest.fixture(scope="module")
def in_vpc() -> Template:
    """One handler in a network."""

    def build(stack):
        vpc = ec2.Vpc(
            stack,
            "Vpc",
            nat_gateways=0,
            max_azs=1,
            subnet_configuration=[
                ec2.SubnetConfiguration(name=name, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
                for name in ("One", "Two")
            ],
        )
        InboundMail(stack, "Inbound").add_rule(
            "Support",
            recipients=["a@example.com"],
            handler=PythonHandler(
                FOLDER,
                "app:on_mail",
                vpc=vpc,
                vpc_subnets=ec2.SubnetSelection(subnet_group_name="Two"),
                security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
            ),
        )

    return synthesized(build)


def test_a_handler_is_python_313_on_arm_with_the_runtimes_entry_point(template):
    """The defaults that the documentation promises."""
    plain = template.at(function("Plain"))
    assert plain["Runtime"] == "python3.13"
    assert plain["Architectures"] == ["arm64"]
    assert plain["Handler"] == "mailroom.entry.receiving.handler"
    assert (plain["MemorySize"], plain["Timeout"]) == (512, 60)
    assert plain["LoggingConfig"]["LogFormat"] == "JSON"


def test_the_users_function_is_named_in_the_environment(template):
    """The runtime resolves it when Lambda initialises the function."""
    assert template.environment(function("Plain")) == {
        "MAILROOM_HANDLER": "app:on_mail",
        "MAILROOM_RULE": "Plain",
        "MAILROOM_BUCKET": "<Inbound/Bucket>",
        "MAILROOM_PREFIX": "Plain/",
    }


def test_each_option_of_a_handler_reaches_lambda(template):
    """memory_size=, timeout=, layers=, runtime=, architecture=, reserved_concurrency=."""
    full = template.at(function("Options"))
    assert (full["MemorySize"], full["Timeout"]) == (1024, 180)
    assert full["Layers"] == [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:theirs:1"]
    assert (full["Runtime"], full["Architectures"]) == ("python3.12", ["x86_64"])
    assert full["ReservedConcurrentExecutions"] == 2


def test_environment_and_switches_reach_the_runtime(template):
    """environment=, log_addresses=, remember_handled=."""
    environment = template.environment(function("Options"))
    assert environment["TABLE"] == "tickets"
    assert environment["MAILROOM_LOG_ADDRESSES"] == "1"
    assert environment["MAILROOM_MARK_PREFIX"].startswith("handled/Options-")


def test_log_retention_is_applied(template):
    """log_retention=."""
    assert template.at("Inbound/Options/Handler/Logs")["RetentionInDays"] == 7


def test_mail_that_a_handler_fails_on_is_kept(template):
    """Lambda retries twice, for six hours at most, then hands it to the queue."""
    config = template.at("Inbound/Plain/Handler/Function/EventInvokeConfig")
    assert config["MaximumRetryAttempts"] == 2
    assert config["MaximumEventAgeInSeconds"] == 6 * 3600
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": QUEUE}}


def test_a_handler_reads_its_own_rules_mail_and_nothing_else(template):
    """Exactly this: reading its prefix, writing to the queue, writing its log."""
    assert allowed(template, function("Plain")) == {
        ("s3:GetObject", "<Inbound/Bucket.Arn>/Plain/*"),
        *queue_and_log("Plain"),
    }


def test_a_handler_that_reads_no_mail_gets_no_s3(template):
    """read_mail=False: neither a permission nor the bucket's name."""
    assert allowed(template, function("Blind")) == queue_and_log("Blind")
    assert set(template.environment(function("Blind"))) == {"MAILROOM_HANDLER", "MAILROOM_RULE"}


def test_a_handler_of_a_rule_that_stores_nothing_gets_no_s3(template):
    """store=False: there is nothing to read."""
    assert allowed(template, function("Storeless")) == queue_and_log("Storeless")


def test_marks_of_two_handlers_of_a_rule_are_kept_apart():
    """Otherwise the second would take the first one's mark for its own, and do nothing."""

    def build(stack):
        handler = PythonHandler(FOLDER, "app:on_mail", remember_handled=True)
        InboundMail(stack, "Inbound").add_rule(
            "Support", recipients=["a@example.com"], handler=handler, after=[handler]
        )

    template = synthesized(build)
    one, two = (
        template.environment(function("Support", place))["MAILROOM_MARK_PREFIX"]
        for place in ("Handler", "After1")
    )
    assert one != two


def test_marks_can_be_written_and_looked_up_below_their_prefix_only(template):
    """remember_handled= adds writing marks, and listing them, not the mail."""
    marks = template.environment(function("Options"))["MAILROOM_MARK_PREFIX"]
    assert allowed(template, function("Options")) == {
        ("s3:GetObject", "<Inbound/Bucket.Arn>/Options/*"),
        ("s3:PutObject", f"<Inbound/Bucket.Arn>/{marks}*"),
        ("s3:ListBucket", "<Inbound/Bucket.Arn>"),
        *queue_and_log("Options"),
    }
    [listing] = [
        one for one in template.statements(function("Options")) if one["Action"] == "s3:ListBucket"
    ]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": f"{marks}*"}}


def test_ses_waits_for_a_synchronous_handler(template):
    """SES gives up after 30 s, so the function ends before that."""
    assert template.actions("Gate")[-1]["LambdaAction"]["InvocationType"] == "RequestResponse"
    assert template.at(function("Gate"))["Timeout"] == 25


def test_a_synchronous_handler_reports_its_failures_itself(template):
    """Lambda's destinations serve asynchronous calls only, so the runtime gets the queue."""
    assert "Inbound/Gate/Handler/Function/EventInvokeConfig" not in template.resources
    environment = template.environment(function("Gate"))
    assert environment["MAILROOM_ON_ERROR"] == "stop_rule"
    assert environment["MAILROOM_FAILURE_QUEUE"] == "<Inbound/DeadLetterQueue>"


def test_a_synchronous_handler_knows_that_ses_waits(template):
    """An event that cannot be read does not say so."""
    assert template.environment(function("Gate"))["MAILROOM_SYNCHRONOUS"] == "1"
    assert "MAILROOM_SYNCHRONOUS" not in template.environment(function("Plain"))


def test_ses_may_call_a_handler_for_our_rules_only(template):
    """Principal, source account and source ARN."""
    assert template.at("Inbound/Plain/Handler/Function/AllowSes") == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "<Inbound/Plain/Handler/Function.Arn>",
        "Principal": "ses.amazonaws.com",
        "SourceAccount": ACCOUNT,
        "SourceArn": f"{SES}:receipt-rule-set/<Inbound/RuleSet>:receipt-rule/*",
    }


def test_no_handler_may_do_anything_to_everything(template):
    """The one resource "*" is that of SES's account-wide calls, and the handlers' none."""
    everything = [
        (path, statement["Action"])
        for path, policy in template.of("AWS::IAM::Policy").items()
        for statement in policy["PolicyDocument"]["Statement"]
        if "*"
        in (
            [statement["Resource"]]
            if isinstance(statement["Resource"], str)
            else statement["Resource"]
        )
    ]
    assert {path.split("/")[0] for path, _ in everything} == {"MailroomReceiptRules"}


def test_a_handler_in_a_network_has_its_subnets_and_security_groups(in_vpc):
    """vpc=, vpc_subnets=, security_groups=."""
    config = in_vpc.at(function("Support"))["VpcConfig"]
    assert config["SubnetIds"] == ["<Vpc/TwoSubnet1/Subnet>"]
    assert config["SecurityGroupIds"] == ["<Group.GroupId>"]


def test_a_handler_in_a_network_may_manage_its_interfaces(in_vpc):
    """Lambda creates network interfaces as the function's role; that needs resource "*".

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    role = in_vpc.at("Inbound/Support/Handler/Role")
    assert [arn.rpartition("/")[2] for arn in role["ManagedPolicyArns"]] == [
        "AWSLambdaVPCAccessExecutionRole"
    ]


def test_readers_may_decrypt_with_a_customer_key():
    """A reader gets kms:Decrypt, a writer kms:GenerateDataKey, and both no more than that."""

    def build(stack):
        key = kms.Key(stack, "Key")
        bucket = s3.Bucket(stack, "Mail", encryption=s3.BucketEncryption.KMS, encryption_key=key)
        inbound = InboundMail(stack, "Inbound", bucket=bucket)
        inbound.add_rule(
            "Reader", recipients=["a@example.com"], handler=PythonHandler(FOLDER, "app:on_mail")
        )
        inbound.add_rule("Writer", recipients=["b@example.com"], handler=handlers.SaveAttachments())
        inbound.add_rule(
            "Blind",
            recipients=["c@example.com"],
            handler=PythonHandler(FOLDER, "app:on_mail", read_mail=False),
        )

    template = synthesized(build)

    def with_key(rule):
        return {
            action
            for action, resource in allowed(template, function(rule))
            if resource == "<Key.Arn>"
        }

    assert with_key("Reader") == {"kms:Decrypt"}
    assert with_key("Writer") == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert with_key("Blind") == set()


def test_a_subclass_can_add_permissions_and_settings():
    """The documented extension point: call __init__ with the code, grant in configure()."""

    class OpenTicket(PythonHandler):
        def __init__(self, *, table):
            super().__init__(FOLDER, "app:on_mail", memory_size=256)
            self._table = table

        def configure(self, function, context):
            function.add_environment("TABLE", self._table.table_name)
            self._table.grant(function, "dynamodb:PutItem")

    def build(stack):
        table = dynamodb.Table(
            stack,
            "Tickets",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        )
        inbound = InboundMail(stack, "Inbound")
        handler = OpenTicket(table=table)
        inbound.add_rule("One", recipients=["a@example.com"], handler=handler)
        inbound.add_rule("Two", recipients=["b@example.com"], handler=handler)

    template = synthesized(build)
    for rule in ("One", "Two"):
        assert template.environment(function(rule))["TABLE"] == "<Tickets>"
        assert ("dynamodb:PutItem", "<Tickets.Arn>") in allowed(template, function(rule))


def test_a_handler_can_run_before_and_after_another():
    """Every handler is an action, so one rule may run several."""

    def build(stack):
        InboundMail(stack, "Inbound").add_rule(
            "Support",
            recipients=["a@example.com"],
            before=[handlers.RejectSpam()],
            handler=PythonHandler(FOLDER, "app:on_mail"),
            after=[handlers.SaveAttachments(), actions.Stop()],
        )

    template = synthesized(build)
    called = [
        one["LambdaAction"]["FunctionArn"]
        for one in template.actions("Support")
        if "LambdaAction" in one
    ]
    assert called == [
        f"<{function('Support', place)}.Arn>" for place in ("Before1", "Handler", "After1")
    ]


def test_the_code_may_come_in_a_layer(stack):
    """folder=None: nothing can be found at synth, so nothing is looked for."""
    InboundMail(stack, "Inbound").add_rule(
        "Support", recipients=["a@example.com"], handler=PythonHandler(None, "theirs.mail:on_mail")
    )
    assert (
        Template(stack).environment(function("Support"))["MAILROOM_HANDLER"]
        == "theirs.mail:on_mail"
    )


def allowed(template: Template, path: str) -> set[tuple[str, str]]:
    """Return each action that the function at *path* is allowed, with its resource."""
    statements = template.statements(path)
    assert {one["Effect"] for one in statements} == {"Allow"}
    return {
        (action, resource)
        for one in statements
        for action in _list(one["Action"])
        for resource in _list(one["Resource"])
        if resource != "<AWS::NoValue>"
    }


def queue_and_log(rule: str) -> set[tuple[str, str]]:
    """Return what every handler may do: hand over what failed, and write its own log."""
    return {
        ("sqs:SendMessage", QUEUE),
        *(
            (f"logs:{action}", f"<Inbound/{rule}/Handler/Logs.Arn>")
            for action in ("CreateLogStream", "PutLogEvents")
        ),
    }


def _list(value):
    return [value] if isinstance(value, str) else value
