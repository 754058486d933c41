"""What is refused at synth: with argument, value and remedy, all problems of a call together."""

from __future__ import annotations

import re

import aws_cdk as cdk
import pytest
from aws_cdk import CfnParameter, Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ses as ses
from aws_cdk import aws_ses_actions as ses_actions
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, new_stack

from cdk_mailroom import ConfigurationError, InboundMail, PythonHandler, actions, handlers


def refuses(*words: str):
    """Expect one `ConfigurationError` that contains each of *words*."""
    return pytest.raises(
        ConfigurationError, match="(?s)" + "".join(f"(?=.*{re.escape(word)})" for word in words)
    )


@pytest.fixture
def inbound(stack) -> InboundMail:
    """Return an inbound with everything left to its default."""
    return InboundMail(stack, "Inbound")


def add(inbound: InboundMail, **options):
    """Add a rule that is right but for *options*."""
    return inbound.add_rule("Rule", **{"recipients": ["a@example.com"], **options})


def python(**options) -> PythonHandler:
    """Return a handler that is right but for *options*."""
    return PythonHandler(FOLDER, options.pop("handler", "app:on_mail"), **options)


# InboundMail


def test_a_name_for_a_given_rule_set(stack):
    """Whoever made the set has named it."""
    given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stack, "Theirs", "theirs")
    with refuses("rule_set_name is 'ours'", "omit it", "rule_set"):
        InboundMail(stack, "Inbound", rule_set=given, rule_set_name="ours")


def test_joining_with_a_given_rule_set(stack):
    """Joining means whatever set is active."""
    given = ses.ReceiptRuleSet.from_receipt_rule_set_name(stack, "Theirs", "theirs")
    with refuses("rule_set is 'Stack/Theirs'", "omit it", "active"):
        InboundMail(stack, "Inbound", rule_set=given, activation="join")


def test_a_rule_to_follow_in_a_new_rule_set(stack):
    """A new set has no rule yet."""
    theirs = ses.ReceiptRule.from_receipt_rule_name(stack, "First", "first")
    with refuses("after_rule is 'Stack/First'", "pass the rule_set"):
        InboundMail(stack, "Inbound", after_rule=theirs)


def test_an_unknown_activation(stack):
    """The message lists what there is."""
    with refuses("activation is 'steal'", "refuse", "join", "replace"):
        InboundMail(stack, "Inbound", activation="steal")


def test_a_malformed_rule_set_name(stack):
    """The same grammar as a rule's."""
    with refuses("rule_set_name is 'a b'", "letters"):
        InboundMail(stack, "Inbound", rule_set_name="a b")


def test_options_of_a_bucket_that_is_not_ours(stack):
    """Retention, removal policy and key belong where the bucket is made; all are reported."""
    with refuses("retention is", "removal_policy is 'DESTROY'", "given bucket"):
        InboundMail(
            stack,
            "Inbound",
            bucket=s3.Bucket(stack, "Mine"),
            retention=Duration.days(1),
            removal_policy=RemovalPolicy.DESTROY,
        )


def test_an_unknown_retention(stack):
    """A word other than the one that is known."""
    with refuses("retention is 'always'", "forever"):
        InboundMail(stack, "Inbound", retention="always")


def test_a_domain_without_a_zone(stack):
    """There is nowhere to put its records."""
    with refuses("domain is 'example.com'", "hosted_zone"):
        InboundMail(stack, "Inbound", domain="example.com")


def test_a_domain_outside_the_zone(stack):
    """ "notexample.com" ends in "example.com" and still lies elsewhere."""
    zone = route53.PublicHostedZone(stack, "Zone", zone_name="example.com")
    with refuses("domain is 'notexample.com'", "zone example.com"):
        InboundMail(stack, "Inbound", hosted_zone=zone, domain="notexample.com")


def test_a_zone_without_a_name(stack):
    """A zone imported by its id alone cannot tell which domain it is."""
    zone = route53.HostedZone.from_hosted_zone_id(stack, "Zone", "Z1")
    with refuses("hosted_zone is 'Stack/Zone'", "from_hosted_zone_attributes"):
        InboundMail(stack, "Inbound", hosted_zone=zone)


# add_rule


def test_an_empty_list_of_recipients(inbound):
    """For SES that is a catch-all, which must be asked for by name."""
    with refuses("recipients is []", "EVERY_RECIPIENT"):
        add(inbound, recipients=[])


def test_a_string_for_recipients(inbound):
    """A string is a sequence of letters to Python."""
    with refuses("recipients is 'a@example.com'", "['a@example.com']"):
        add(inbound, recipients="a@example.com")


def test_501_recipients(inbound):
    """500 is SES's limit."""
    with refuses("len(recipients) is 501", "500"):
        add(inbound, recipients=[f"a{number}@example.com" for number in range(501)])


def test_500_recipients_are_fine(inbound):
    """The limit itself is allowed."""
    assert add(inbound, recipients=[f"a{number}@example.com" for number in range(500)])


@pytest.mark.parametrize(
    "recipient",
    ["", "@", "a@", "@example.com", "a b@example.com", "example", "a@example", "..example.com",
     "a@-example.com", "a@example.com\n", "a@exämple.com", "A <a@example.com>", "a@b@example.com",
     "*@example.com ", "a..b@example.com", ".a@example.com", None, 7],
)  # fmt: skip
def test_a_malformed_recipient(inbound, recipient):
    """SES would refuse it while the stack deploys, or never match it."""
    with refuses(f"recipients[1] is {recipient!r}", "user@example.com"):
        add(inbound, recipients=["a@example.com", recipient])


def test_a_recipient_named_twice(inbound):
    """Letter case makes no difference."""
    with refuses("recipients[1] is 'A@Example.com'", "duplicate"):
        add(inbound, recipients=["a@example.com", "A@Example.com"])


@pytest.mark.parametrize("name", ["", "-a", "a-", "_a", "a b", "a.b", "ä", "a" * 64, "a\n"])
def test_a_malformed_rule_name(inbound, name):
    """Letters, digits, hyphen, underscore; a letter or digit at each end; under 64."""
    with refuses(f"rule_name is {name!r}", "64"):
        add(inbound, rule_name=name)


def test_a_rule_name_of_63_characters_is_fine(inbound):
    """ "Less than 64", says SES."""
    assert add(inbound, rule_name="a" * 63)


def test_eleven_actions(inbound):
    """The stored copy and the handler count."""
    headers = [ses_actions.AddHeader(name=f"X-{number}", value="1") for number in range(9)]
    with refuses("len(actions) is 11", "10", "second rule"):
        add(inbound, handler=python(), after=headers)


def test_ten_actions_are_fine(inbound):
    """The limit itself is allowed."""
    headers = [ses_actions.AddHeader(name=f"X-{number}", value="1") for number in range(8)]
    assert add(inbound, handler=python(), after=headers)


def test_a_rule_that_does_nothing(inbound):
    """It would swallow mail without a trace."""
    with refuses("handler is None", "do nothing"):
        add(inbound, store=False)


def test_a_rule_beyond_the_200th(stack, monkeypatch):
    """A rule set holds 200."""
    monkeypatch.setattr("cdk_mailroom.receiving.inbound.RULES_PER_RULE_SET", 1)
    inbound = InboundMail(stack, "Inbound")
    add(inbound)
    with refuses("len(rules) is 2", "several recipients"):
        inbound.add_rule("Second", recipients=["b@example.com"])


def test_an_action_behind_a_stop(inbound):
    """It could never run."""
    with refuses("actions[0] is 'Stop'", "put it last"):
        add(inbound, before=[actions.Stop()])


def test_a_handler_given_as_a_plain_function(inbound):
    """The commonest slip: the function itself instead of where it is."""
    with refuses("<built-in function print>", "PythonHandler"):
        add(inbound, handler=print)


@pytest.mark.parametrize("place", ["before", "after"])
def test_something_that_is_no_action(inbound, place):
    """Found here, not as a fault in JavaScript."""
    with refuses("is 'stop': pass PythonHandler", "aws_ses_actions"):
        add(inbound, **{place: ["stop"]})


def test_all_problems_of_one_rule_together(inbound):
    """Nobody should have to deploy five times to hear of five mistakes."""
    with refuses("recipients[0]", "rule_name", "actions[0]", "len(actions)"):
        add(
            inbound,
            recipients=["nonsense"],
            rule_name="-",
            before=[actions.Stop()],
            after=[ses_actions.AddHeader(name="X-A", value="1") for _ in range(9)],
        )


def test_the_message_names_the_rule(inbound):
    """An app may have many."""
    with refuses("Stack/Inbound/Rule:"):
        add(inbound, rule_name="-")


# add_ip_filter


@pytest.mark.parametrize(
    "cidr",
    ["", "nonsense", "203.0.113.1/24", "203.0.113.0/33", "203.0.113.0/255.255.255.0", 7, None],
)
def test_a_bad_cidr(inbound, cidr):
    """An address, or a range in CIDR notation whose host bits are zero."""
    with refuses(f"cidr is {cidr!r}", "203.0.113.0/24"):
        inbound.add_ip_filter("Filter", cidr=cidr)


def test_a_filter_beyond_the_100th(inbound, monkeypatch):
    """An account has 100."""
    monkeypatch.setattr("cdk_mailroom.receiving.inbound.IP_FILTERS", 1)
    inbound.add_ip_filter("First", cidr="203.0.113.1")
    with refuses("len(filters) is 2", "allows 1"):
        inbound.add_ip_filter("Second", cidr="203.0.113.2")


# PythonHandler


@pytest.mark.parametrize(
    ("handler", "remedy"),
    [
        ("app:on_male", "did you mean 'on_mail'?"),
        ("ap:on_mail", "did you mean 'app'?"),
        ("app", "module:function"),
        ("app:", "module:function"),
        ("app.on_mail", "module:function"),
        ("../app:on_mail", "module:function"),
        ("app:FACTORY()", "module:function"),
        ("app:on_mail_later", "async def"),
        ("app:takes_nothing", "one argument"),
        ("app:takes_two", "one argument"),
        ("app:takes_keyword", "one argument"),
    ],
)
def test_a_function_that_cannot_be_called(handler, remedy):
    """Found by parsing, before anything is deployed."""
    with refuses(f"handler is '{handler}'", remedy):
        python(handler=handler)


@pytest.mark.parametrize(
    "handler", ["app:on_mail", "app:with_default", "app:with_rest", "app:FACTORY"]
)
def test_a_function_that_takes_one_argument_is_fine(handler):
    """So is a name that is bound to something that cannot be looked into."""
    assert python(handler=handler)


def test_a_function_behind_a_star_import_is_not_refused(tmp_path):
    """What a star brings cannot be known without importing, so nothing is said about it."""
    (tmp_path / "app.py").write_text("from elsewhere import *\n")
    assert PythonHandler(tmp_path, "app:on_mail")


def test_a_function_defined_under_a_condition_is_found(tmp_path):
    """At the module's level is wherever it is not inside a function or class."""
    (tmp_path / "app.py").write_text(
        "try:\n    import fast\nexcept ImportError:\n    def on_mail(mail): ...\n"
    )
    assert PythonHandler(tmp_path, "app:on_mail")


def test_a_function_in_a_package_is_found(tmp_path):
    """Both a module inside a package, and a package itself."""
    (tmp_path / "team").mkdir()
    for name in ("__init__.py", "mail.py"):
        (tmp_path / "team" / name).write_text("def on_mail(mail): ...\n")
    assert PythonHandler(tmp_path, "team.mail:on_mail")
    assert PythonHandler(tmp_path, "team:on_mail")


def test_a_module_that_does_not_parse(tmp_path):
    """With file and line."""
    (tmp_path / "app.py").write_text("\n\ndef on_mail(mail:\n")
    with refuses("app.py:3", "not valid Python"):
        PythonHandler(tmp_path, "app:on_mail")


def test_a_folder_that_is_not_there(tmp_path):
    """And why a relative one may be elsewhere than one thinks."""
    with refuses(f"folder is '{tmp_path / 'nowhere'}'", "Path(__file__)"):
        PythonHandler(tmp_path / "nowhere", "app:on_mail")


def test_requirements_that_are_not_there(tmp_path):
    """The file must exist."""
    with refuses("requirements is", "no such file"):
        python(requirements=tmp_path / "nowhere.txt")


@pytest.mark.parametrize("seconds", [31, 300])
def test_a_synchronous_handler_that_may_take_longer_than_ses_waits(seconds):
    """SES gives up after 30 s and goes on without the answer."""
    with refuses(f"timeout is '{seconds}", "30"):
        python(synchronous=True, timeout=Duration.seconds(seconds))


def test_a_synchronous_handler_of_30_seconds_is_fine():
    """The limit itself is allowed."""
    assert python(synchronous=True, timeout=Duration.seconds(30))


@pytest.mark.parametrize(
    "timeout", [Duration.seconds(0), Duration.seconds(901), Duration.millis(1500)], ids=str
)
def test_a_timeout_that_lambda_does_not_take(timeout):
    """Whole seconds, 1 to 900."""
    with refuses("timeout is", "1 to 900"):
        python(timeout=timeout)


@pytest.mark.parametrize("memory", [127, 10_241, 512.5, "512", True])
def test_a_memory_size_that_lambda_does_not_take(memory):
    """A whole number of MiB, 128 to 10,240."""
    with refuses(f"memory_size is {memory!r}", "128 to 10240"):
        python(memory_size=memory)


def test_an_environment_value_that_is_no_string():
    """jsii's own message would name neither the variable nor the value."""
    with refuses("environment['LIMIT'] is 5", "string"):
        python(environment={"LIMIT": 5})


@pytest.mark.parametrize("name", ["MAILROOM_HANDLER", "MAILROOM_ANYTHING"])
def test_an_environment_name_of_the_runtime(name):
    """It would be overwritten, or change what the runtime does."""
    with refuses(f"environment['{name}']", "reserved"):
        python(environment={name: "x"})


@pytest.mark.parametrize("name", ["AWS_REGION", "1ST", "WITH-HYPHEN", "", "_X"])
def test_an_environment_name_that_lambda_does_not_take(name):
    """Letters, digits and underscore, a letter first, and none of Lambda's own.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    with refuses(f"environment['{name}']", "Lambda"):
        python(environment={name: "x"})


def test_an_error_policy_without_waiting():
    """SES does not hear of an asynchronous failure."""
    with refuses("on_error is 'continue'", "synchronous=True"):
        python(on_error="continue")


def test_an_unknown_error_policy():
    """The message lists what there is."""
    with refuses("on_error is 'ignore'", "stop_rule_set"):
        python(synchronous=True, on_error="ignore")


def test_marks_without_the_bucket():
    """The marks lie there."""
    with refuses("remember_handled is True", "read_mail=True"):
        python(remember_handled=True, read_mail=False)


def test_marks_in_a_rule_that_stores_nothing(inbound):
    """There is no bucket for them."""
    with refuses("remember_handled is True", "store"):
        add(inbound, store=False, handler=python(remember_handled=True))


def test_six_layers(stack):
    """Lambda takes five."""
    layers = [
        lambda_.LayerVersion.from_layer_version_arn(
            stack, f"L{number}", f"arn:aws:lambda:eu-west-1:1:layer:l:{number}"
        )
        for number in range(6)
    ]
    with refuses("len(layers) is 6", "5"):
        python(layers=layers)


def test_subnets_without_a_network():
    """They have no effect."""
    with refuses("vpc is None", "vpc_subnets"):
        python(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))


@pytest.mark.parametrize("runtime", ["NODEJS_22_X", "PYTHON_3_10"])
def test_a_runtime_that_the_code_does_not_run_on(runtime):
    """The bundled runtime is Python 3.11 and later."""
    with refuses("runtime is", "3.11"):
        python(runtime=getattr(lambda_.Runtime, runtime))


def test_all_problems_of_one_handler_together():
    """And the message says whose they are."""
    with refuses(
        "PythonHandler 'app:on_male'", "handler is", "memory_size", "timeout", "environment"
    ):
        python(
            handler="app:on_male",
            memory_size=1,
            timeout=Duration.hours(1),
            environment={"MAILROOM_X": "1"},
        )


def test_client_side_encryption_with_a_reader(stack, inbound):
    """What SES encrypts on its side, no Python client can read."""
    key = kms.Key(stack, "Key")
    store = actions.S3(bucket=inbound.bucket, client_side_key=key)
    with refuses("client_side_key is 'Stack/Key'", "read_mail=False"):
        add(inbound, store=store, handler=python())


def test_client_side_encryption_without_a_reader_is_fine(stack, inbound):
    """Somebody else reads it."""
    store = actions.S3(bucket=inbound.bucket, client_side_key=kms.Key(stack, "Key"))
    assert add(inbound, store=store, handler=python(read_mail=False))


# Bundled behaviours


@pytest.mark.parametrize("to", [[], "a@example.net"])
def test_forwarding_to_nobody_or_to_a_string(to):
    """A list of at least one."""
    with refuses(f"to is {to!r}", "list"):
        handlers.Forward(to=to)


def test_forwarding_to_malformed_addresses():
    """Each is named, and the sender too."""
    with refuses("to[0] is 'example.net'", "to[2] is 'A <a@example.net>'", "from_address is 'x'"):
        handlers.Forward(to=["example.net", "a@example.net", "A <a@example.net>"], from_address="x")


@pytest.mark.parametrize("handler", [
    lambda: handlers.Forward(to=["a@example.net"], from_address="b@example.com"),
    handlers.SaveAttachments,
], ids=["Forward", "SaveAttachments"])  # fmt: skip
def test_a_behaviour_that_needs_the_message_in_a_rule_that_stores_none(inbound, handler):
    """The event has no body."""
    with refuses("store is False", "stored"):
        add(inbound, store=False, handler=handler())


def test_a_sender_that_the_recipients_do_not_tell(inbound):
    """A rule for every recipient has none of its own."""
    from cdk_mailroom import EVERY_RECIPIENT

    with refuses("from_address is None", "verified"):
        add(inbound, recipients=EVERY_RECIPIENT, handler=handlers.Forward(to=["a@example.net"]))


def test_forwarding_unscanned_mail_by_accident(inbound):
    """It would all end in the dead-letter queue."""
    with refuses("scan is False", "forward_unscanned=True"):
        add(inbound, scan=False, handler=handlers.Forward(to=["a@example.net"]))


def test_a_spam_gate_without_a_scan(inbound):
    """SES would know no verdict."""
    with refuses("scan is False", "spam and virus"):
        add(inbound, scan=False, handler=handlers.RejectSpam())


def test_an_empty_answer():
    """An auto-reply without text."""
    with refuses("text is ' '"):
        handlers.AutoReply(text=" ")


def test_an_answer_too_long_for_lambda():
    """It travels in the environment, which has 4 KB."""
    with refuses("len(text + html) is 3002", "3000"):
        handlers.AutoReply(text="x" * 2000, html="ä" * 501)


@pytest.mark.parametrize("window", [Duration.seconds(0), Duration.millis(500)], ids=str)
def test_a_window_that_is_no_whole_number_of_seconds(window):
    """The runtime would refuse it, at the first mail."""
    with refuses("window is", "whole seconds"):
        handlers.AutoReply(text="Thanks", window=window)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ({}, ["verdicts is {}", "at least one"]),
        (
            {"spamm": {"FAIL": "STOP_RULE"}},
            ["verdicts is 'spamm'", "spam, virus, spf, dkim, dmarc"],
        ),
        ({"spam": {"FAILED": "STOP_RULE"}}, ["verdicts['spam'] is 'FAILED'", "PASS, FAIL, GRAY"]),
        ({"spam": {"FAIL": "BOUNCE"}}, ["verdicts['spam']['FAIL'] is 'BOUNCE'", "STOP_RULE_SET"]),
    ],
)
def test_verdicts_that_would_leave_the_gate_open(verdicts, words):
    """A slip would otherwise be noticed by its spam."""
    with refuses(*words):
        handlers.RejectSpam(verdicts=verdicts)


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": "/x"},
        {"prefix": "x" * 901},
        {"max_bytes": 0},
        {"max_count": 0},
        {"max_count": 501},
    ],
)
def test_limits_of_saving_attachments(options):
    """Each by its name."""
    with refuses(next(iter(options))):
        handlers.SaveAttachments(**options)


# Actions


@pytest.mark.parametrize("prefix", ["/mail", "x" * 901])
def test_a_prefix_that_leaves_no_room(inbound, prefix):
    """S3 takes 1,024 bytes, the message id included."""
    with refuses("prefix is", "900"):
        actions.S3(bucket=inbound.bucket, prefix=prefix)


@pytest.mark.parametrize("action", ["S3", "Sns", "InvokeFunction"])
def test_a_fifo_topic(stack, inbound, action):
    """SES cannot publish to one; ours say so at once."""
    topic = sns.Topic(stack, "Topic", fifo=True)
    make = {
        "S3": lambda: actions.S3(bucket=inbound.bucket, topic=topic),
        "Sns": lambda: actions.Sns(topic=topic),
        "InvokeFunction": lambda: actions.InvokeFunction(slow(stack), topic=topic),
    }[action]
    with refuses("topic is 'Stack/Topic'", "standard"):
        make()


@pytest.mark.parametrize("imported", [False, True], ids=["made", "imported"])
@pytest.mark.parametrize("action", ["Sns", "Stop", "Bounce", "S3", "Lambda", "WorkMail"])
def test_a_fifo_topic_in_an_action_of_aws_cdk_lib(stack, inbound, imported, action):
    """Each but AddHeader may have a topic, and none checks it."""
    topic = (
        sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:eu-west-1:1:x.fifo")
        if imported
        else sns.Topic(stack, "Topic", fifo=True)
    )
    make = {
        "Sns": lambda: ses_actions.Sns(topic=topic),
        "Stop": lambda: ses_actions.Stop(topic=topic),
        "Bounce": lambda: ses_actions.Bounce(
            sender="a@example.com", template=ses_actions.BounceTemplate.MAILBOX_FULL, topic=topic
        ),
        "S3": lambda: ses_actions.S3(bucket=inbound.bucket, topic=topic),
        "Lambda": lambda: ses_actions.Lambda(function=slow(stack), topic=topic),
        "WorkMail": lambda: ses_actions.WorkMail(
            organization_arn="arn:aws:workmail:eu-west-1:1:organization/m", topic=topic
        ),
    }[action]
    with refuses("actions[1]", "fifo" if imported else "Topic", "standard"):
        add(inbound, after=[make()])


def test_a_slow_function_of_theirs_called_synchronously(stack):
    """SES gives up after 30 s."""
    with refuses("timeout is '300", "30"):
        actions.InvokeFunction(slow(stack), synchronous=True)


def test_a_slow_function_in_an_action_of_aws_cdk_lib(stack, inbound):
    """aws-cdk-lib takes it without a word."""
    action = ses_actions.Lambda(
        function=slow(stack),
        invocation_type=ses_actions.LambdaInvocationType.REQUEST_RESPONSE,
    )
    with refuses("actions[1]", "300", "30"):
        add(inbound, after=[action])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("X-Header", "a\r\nBcc: b@example.com", ["value", "line breaks"]),
        ("X-Header", "x" * 2049, ["value", "2048"]),
        ("X_Header", "x", ["name is 'X_Header'", "hyphens"]),
        ("X" * 51, "x", ["name is", "50"]),
    ],
)
def test_a_bad_header(inbound, name, value, words):
    """Also if the action is not aws-cdk-lib's, which checks some of it in JavaScript."""

    class Header(actions.ReceiptAction):
        def bind(self, scope, context):
            return actions.BoundAction(
                action=ses.CfnReceiptRule.ActionProperty(
                    add_header_action=ses.CfnReceiptRule.AddHeaderActionProperty(
                        header_name=name, header_value=value
                    )
                )
            )

    with refuses("actions[1]", *words):
        add(inbound, after=[Header()])


# Tokens


def test_tokens_are_not_judged():
    """What CloudFormation will know only when it deploys, cannot be checked at synth."""
    stack = new_stack()

    def text(name):
        return CfnParameter(stack, name).value_as_string

    inbound = InboundMail(stack, "Inbound", rule_set_name=text("Set"))
    inbound.add_rule(
        "Rule",
        recipients=[text("Recipient"), "a@example.com"],
        rule_name=text("RuleName"),
        store=actions.S3(bucket=inbound.bucket, prefix=text("Prefix")),
        before=[ses_actions.AddHeader(name="X-A", value=text("Header"))],
        handler=PythonHandler(
            FOLDER,
            "app:on_mail",
            environment={"VALUE": text("Value")},
            memory_size=CfnParameter(stack, "Memory", type="Number").value_as_number,
            timeout=Duration.seconds(CfnParameter(stack, "Timeout", type="Number").value_as_number),
        ),
        after=[
            handlers.Forward(to=[text("To")], from_address=text("From")),
            handlers.AutoReply(
                text=text("Text"),
                from_address=text("From2"),
                window=Duration.seconds(
                    CfnParameter(stack, "Window", type="Number").value_as_number
                ),
            ),
        ],
    )
    inbound.add_ip_filter("Filter", cidr=text("Cidr"))
    template = Template(stack)
    assert template.rule("Rule")["Recipients"] == ["<Recipient>", "a@example.com"]
    assert template.rule("Rule")["Name"] == "<RuleName>"
    assert template.at("Inbound/Rule/Handler/Function")["Timeout"] == "<Timeout>"
    assert (
        template.environment("Inbound/Rule/After2/Function")["MAILROOM_REPLY_WINDOW_SECONDS"]
        == "<Window>"
    )


def test_a_list_of_recipients_may_be_a_token(stack):
    """A parameter of type CommaDelimitedList is one element that stands for many."""
    recipients = CfnParameter(stack, "Recipients", type="CommaDelimitedList").value_as_list
    add(InboundMail(stack, "Inbound"), recipients=recipients)
    assert Template(stack).rule("Rule")["Recipients"] == "<Recipients>"


def test_the_domain_of_a_sender_that_is_a_token_is_granted(stack):
    """CloudFormation can cut the domain out of the address as well."""
    sender = CfnParameter(stack, "From").value_as_string
    add(
        InboundMail(stack, "Inbound"),
        handler=handlers.Forward(to=["a@example.net"], from_address=sender),
    )
    [sending] = [
        one
        for one in Template(stack).statements("Inbound/Rule/Handler/Function")
        if "ses:SendEmail" in one["Action"]
    ]
    assert sending["Condition"] == {"StringEquals": {"ses:FromAddress": "<From>"}}
    assert any("Fn::Select" in resource for resource in sending["Resource"])


def slow(stack: cdk.Stack) -> lambda_.Function:
    """Return a function that may take five minutes."""
    return lambda_.Function(
        stack,
        "Slow",
        code=lambda_.Code.from_inline("def handler(event, context): ..."),
        handler="index.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
        timeout=Duration.minutes(5),
    )
