"""Arguments of a `PythonHandler`, and of the bundled behaviours, that are refused at synth."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from synthesis import FOLDER, refuses

from cdk_mailroom import InboundMail, PythonHandler, actions, handlers


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
def test_a_function_that_cannot_be_called_is_refused(handler, remedy):
    """Found by parsing, before anything is deployed."""
    with refuses(f"handler is '{handler}'", remedy):
        python(handler=handler)


@pytest.mark.parametrize(
    "handler", ["app:on_mail", "app:with_default", "app:with_rest", "app:FACTORY"]
)
def test_a_function_that_takes_one_argument_is_accepted(handler):
    """So is a name that is bound to something that cannot be looked into."""
    assert python(handler=handler)


def test_a_function_behind_a_star_import_is_not_refused(tmp_path):
    """What a star brings cannot be known without importing, so nothing is said about it."""
    (tmp_path / "app.py").write_text("from elsewhere import *\n")
    (tmp_path / "elsewhere.py").write_text("")
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


def test_a_module_that_does_not_parse_is_refused(tmp_path):
    """With file and line."""
    (tmp_path / "app.py").write_text("\n\ndef on_mail(mail:\n")
    with refuses("app.py:3", "not valid Python"):
        PythonHandler(tmp_path, "app:on_mail")


def test_a_missing_folder_is_refused(tmp_path):
    """The error explains where a relative folder is looked for."""
    with refuses(f"folder is '{tmp_path / 'nowhere'}'", "Path(__file__)"):
        PythonHandler(tmp_path / "nowhere", "app:on_mail")


def test_a_missing_requirements_file_is_refused(tmp_path):
    """The file must exist."""
    with refuses("requirements is", "no such file"):
        python(requirements=tmp_path / "nowhere.txt")


@pytest.mark.parametrize("seconds", [31, 300])
def test_a_synchronous_handler_that_may_take_longer_than_ses_waits_is_refused(seconds):
    """SES gives up after 30 s and goes on without the answer."""
    with refuses(f"timeout is '{seconds}", "30"):
        python(synchronous=True, timeout=Duration.seconds(seconds))


def test_a_synchronous_handler_of_30_seconds_is_accepted():
    """The limit itself is allowed."""
    assert python(synchronous=True, timeout=Duration.seconds(30))


@pytest.mark.parametrize(
    "timeout",
    [Duration.seconds(0), Duration.seconds(901), Duration.millis(1500)],
    ids=["0 s", "901 s", "1.5 s"],
)
def test_a_timeout_outside_lambdas_range_is_refused(timeout):
    """Whole seconds, 1 to 900."""
    with refuses("timeout is", "1 to 900"):
        python(timeout=timeout)


@pytest.mark.parametrize("memory", [127, 10_241, 512.5, "512", True])
def test_a_memory_size_outside_lambdas_range_is_refused(memory):
    """A whole number of MiB, 128 to 10,240."""
    with refuses(f"memory_size is {memory!r}", "128 to 10240"):
        python(memory_size=memory)


def test_an_environment_value_that_is_not_a_string_is_refused():
    """jsii's own message would name neither the variable nor the value."""
    with refuses("environment['LIMIT'] is 5", "string"):
        python(environment={"LIMIT": 5})


@pytest.mark.parametrize("name", ["MAILROOM_HANDLER", "MAILROOM_ANYTHING"])
def test_an_environment_name_of_the_runtime_is_refused(name):
    """It would be overwritten, or change what the runtime does."""
    with refuses(f"environment['{name}']", "reserved"):
        python(environment={name: "x"})


# "Defined runtime environment variables" of Lambda's guide, without those that it lets one set.
RESERVED = [
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
]


@pytest.mark.parametrize("name", [*RESERVED, "1ST", "WITH-HYPHEN", "", "_X"])
def test_an_environment_name_that_lambda_rejects_is_refused(name):
    """Letters, digits and underscore, a letter first, and none of Lambda's own.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    with refuses(f"environment['{name}']", "Lambda"):
        python(environment={name: "x"})


def test_an_error_policy_without_waiting_is_refused():
    """SES does not learn of an asynchronous failure."""
    with refuses("on_error is 'continue'", "synchronous=True"):
        python(on_error="continue")


def test_an_unknown_error_policy_is_refused():
    """The message lists what there is."""
    with refuses("on_error is 'ignore'", "stop_rule_set"):
        python(synchronous=True, on_error="ignore")


def test_marks_without_the_bucket_are_refused():
    """The marks are stored there."""
    with refuses("remember_handled is True", "read_mail=True"):
        python(remember_handled=True, read_mail=False)


def test_marks_in_a_rule_that_stores_nothing_are_refused(inbound):
    """There is no bucket for them."""
    with refuses("remember_handled is True", "store"):
        add(inbound, store=False, handler=python(remember_handled=True))


def test_six_layers_are_refused(stack):
    """Lambda takes five."""
    layers = [
        lambda_.LayerVersion.from_layer_version_arn(
            stack, f"L{number}", f"arn:aws:lambda:eu-west-1:1:layer:l:{number}"
        )
        for number in range(6)
    ]
    with refuses("len(layers) is 6", "5"):
        python(layers=layers)


def test_subnets_without_a_network_are_refused():
    """They have no effect."""
    with refuses("vpc is None", "vpc_subnets"):
        python(vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC))


@pytest.mark.parametrize("runtime", ["NODEJS_22_X", "PYTHON_3_10"])
def test_a_runtime_that_the_code_does_not_run_on_is_refused(runtime):
    """The bundled runtime is Python 3.11 and later."""
    with refuses("runtime is", "3.11"):
        python(runtime=getattr(lambda_.Runtime, runtime))


def test_all_problems_of_one_handler_are_reported_together():
    """The message names the handler."""
    with refuses(
        "PythonHandler 'app:on_male'", "handler is", "memory_size", "timeout", "environment"
    ):
        python(
            handler="app:on_male",
            memory_size=1,
            timeout=Duration.hours(1),
            environment={"MAILROOM_X": "1"},
        )


def test_client_side_encryption_with_a_reader_is_refused(stack, inbound):
    """No Python client can read mail that SES encrypts on the client side."""
    key = kms.Key(stack, "Key")
    store = actions.S3(bucket=inbound.bucket, client_side_key=key)
    with refuses("client_side_key is 'Stack/Key'", "read_mail=False"):
        add(inbound, store=store, handler=python())


def test_client_side_encryption_without_a_reader_is_fine(stack, inbound):
    """Another program reads it."""
    store = actions.S3(bucket=inbound.bucket, client_side_key=kms.Key(stack, "Key"))
    assert add(inbound, store=store, handler=python(read_mail=False))


@pytest.mark.parametrize("to", [[], "a@example.net"])
def test_forwarding_to_nobody_or_to_a_string_is_refused(to):
    """A list of at least one."""
    with refuses(f"to is {to!r}", "list"):
        handlers.Forward(to=to)


def test_forwarding_to_malformed_addresses_is_refused():
    """Each is named, and the sender too."""
    with refuses("to[0] is 'example.net'", "to[2] is 'A <a@example.net>'", "from_address is 'x'"):
        handlers.Forward(to=["example.net", "a@example.net", "A <a@example.net>"], from_address="x")


@pytest.mark.parametrize("handler", [
    lambda: handlers.Forward(to=["a@example.net"], from_address="b@example.com"),
    handlers.SaveAttachments,
], ids=["Forward", "SaveAttachments"])  # fmt: skip
def test_a_behaviour_that_needs_the_message_is_refused_in_a_rule_that_stores_none(inbound, handler):
    """The event has no body."""
    with refuses("store is False", "stored"):
        add(inbound, store=False, handler=handler())


def test_a_sender_that_cannot_be_derived_from_the_recipients_is_refused(inbound):
    """A rule for every recipient has none of its own."""
    from cdk_mailroom import EVERY_RECIPIENT

    with refuses("from_address is None", "verified"):
        add(inbound, recipients=EVERY_RECIPIENT, handler=handlers.Forward(to=["a@example.net"]))


def test_forwarding_unscanned_mail_by_accident_is_refused(inbound):
    """It would all end in the dead-letter queue."""
    with refuses("scan is False", "forward_unscanned=True"):
        add(inbound, scan=False, handler=handlers.Forward(to=["a@example.net"]))


def test_a_spam_gate_without_a_scan_is_refused(inbound):
    """SES would have no verdicts."""
    with refuses("scan is False", "spam and virus"):
        add(inbound, scan=False, handler=handlers.RejectSpam())


def test_an_empty_answer_is_refused():
    """An auto-reply without text."""
    with refuses("text is ' '"):
        handlers.AutoReply(text=" ")


def test_an_answer_too_long_for_lambda_is_refused():
    """It travels in the environment, which has 4 KB."""
    with refuses("len(text + html) is 3002", "3000"):
        handlers.AutoReply(text="x" * 2000, html="ä" * 501)


@pytest.mark.parametrize(
    "window", [Duration.seconds(0), Duration.millis(500)], ids=["0 s", "0.5 s"]
)
def test_a_window_that_is_not_a_whole_number_of_seconds_is_refused(window):
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
def test_verdicts_that_would_leave_the_gate_open_are_refused(verdicts, words):
    """Otherwise a typo would show only when spam arrives."""
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
def test_limits_of_saving_attachments_beyond_their_range_are_refused(options):
    """Each by its name."""
    with refuses(next(iter(options))):
        handlers.SaveAttachments(**options)
