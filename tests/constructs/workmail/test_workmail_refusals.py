"""What WorkMail is documented to refuse is refused at synth, with argument, value and remedy."""

from __future__ import annotations

import pytest
from aws_cdk import CfnParameter, Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from hypothesis import given
from hypothesis import strategies as st
from synthesis import FOLDER, Template, new_stack

from cdk_mailroom import ConfigurationError, InboundMail, PythonHandler
from cdk_mailroom._checks import Problems
from cdk_mailroom.workmail import (
    Asynchronous,
    BlockSensitive,
    Disclaimer,
    EmailFlowRule,
    ExperimentalFlowRule,
    ExternalBanner,
    FlowHandler,
    FlowMetrics,
    RestrictRecipients,
    SensitivePattern,
    StripAttachments,
    Synchronous,
)
from cdk_mailroom.workmail.checks import check_patterns

ORGANIZATION = "m-" + "0a" * 16


def rule(stack=None, construct_id="Flow", **options) -> EmailFlowRule:
    defaults = {
        "organization_id": ORGANIZATION,
        "direction": "INBOUND",
        "handler": FlowHandler(FOLDER, "app:on_mail"),
        "mode": Synchronous(timeout=Duration.minutes(30), fallback="DEFAULT"),
    }
    return EmailFlowRule(stack or new_stack(), construct_id, **{**defaults, **options})


def minutes(count: float, fallback: str = "DEFAULT") -> Synchronous:
    return Synchronous(timeout=Duration.seconds(count * 60), fallback=fallback)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"organization_id": "m-123"}, "organization_id is 'm-123': write 'm-'"),
        ({"organization_id": "M-" + "0A" * 16}, "organization_id"),
        ({"direction": "inbound"}, "direction is 'inbound': use one of"),
        ({"senders": []}, "senders is []: pass at least one"),
        ({"senders": "example.com"}, "senders is 'example.com': pass a list"),
        ({"senders": ["a+b@example.com"]}, r"senders[0] is 'a+b@example.com': write 'mailbox@"),
        ({"senders": ["example"]}, "senders[0]"),
        ({"senders": ["@example.com"]}, "senders[0]"),
        ({"senders": [".example.com"]}, "senders[0]"),
        ({"senders": ["*@example.com"]}, "senders[0]"),
        ({"senders": ["a.example.com", "A.example.com"]}, "senders[1] is 'A.example.com'"),
        ({"senders": ["*", "example.com"]}, "'*' matches all senders: pass only '*'"),
        (
            {"senders": [f"u{n}@example.com" for n in range(251)]},
            "len(senders) is 251: pass at most 250",
        ),
        ({"destinations": ["example.com"]}, "a synchronous rule is for every destination"),
        ({"mode": minutes(241)}, "mode.timeout is '241 min': pass whole minutes, 0 to 240"),
        ({"mode": minutes(0.5)}, "mode.timeout is '0.5 min'"),
        ({"mode": minutes(5, "LAMBDA")}, "mode.fallback is 'LAMBDA'"),
        (
            {"mode": minutes(5, "MOVE_TO_JUNK"), "direction": "OUTBOUND"},
            "use one of DEFAULT, BOUNCE, DROP in OUTBOUND rules",
        ),
        ({"mode": "synchronous"}, "pass Synchronous"),
        ({"handler": FlowHandler(FOLDER, "app:on_mail", timeout=Duration.seconds(16))}, "'16 s'"),
        ({"handler": PythonHandler(FOLDER, "app:on_mail")}, "handler.timeout is '60 s': WorkMail"),
        (
            {"handler": PythonHandler(FOLDER, "app:on_mail", synchronous=True)},
            "handler.synchronous is True: omit it: it is for receipt rules; a flow rule has mode",
        ),
        (
            {"handler": PythonHandler(FOLDER, "app:on_mail", remember_handled=True)},
            "handler.remember_handled is True: omit it",
        ),
        ({"handler": "app:on_mail"}, "handler is 'app:on_mail': pass a FlowHandler"),
        ({"handler": FlowMetrics()}, "FlowMetrics is for asynchronous rules only"),
        (
            {"handler": Disclaimer(text="a"), "mode": Asynchronous()},
            "is for synchronous rules only",
        ),
        (
            {
                "handler": FlowHandler(FOLDER, "app:on_mail", replaces=True),
                "mode": Asynchronous(),
            },
            "only a synchronous rule can replace messages",
        ),
    ],
)
def test_the_error_names_the_contradiction(options, text):
    """With its value, and what to do."""
    stack = new_stack()
    with pytest.raises(ConfigurationError) as caught:
        rule(stack, **options)
    assert text in str(caught.value)
    assert not stack.node.children


def test_all_problems_are_reported_together():
    """One run shows everything."""
    with pytest.raises(ConfigurationError) as caught:
        rule(new_stack(region="eu-central-1"), organization_id="m-1", senders=["x"])
    for argument in ("region", "organization_id", "senders[0]"):
        assert f"- {argument} is" in str(caught.value)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1", None])
def test_the_regions_of_workmail_are_accepted(region):
    """Three regions; an unknown one is not judged."""
    assert rule(new_stack(region=region))


@pytest.mark.parametrize("count", [0, 1, 240])
def test_the_documented_timeouts_are_accepted(count):
    """With 0, a failure leads straight to the fallback."""
    assert rule(mode=minutes(count))


def test_tokens_are_not_judged():
    """CloudFormation will know."""
    stack = new_stack()
    parameter = CfnParameter(stack, "Id").value_as_string
    assert rule(stack, organization_id=parameter, senders=[parameter])
    Template(stack)


def test_an_organization_has_1000_patterns():
    """Over all of its rules; another organization has its own."""
    stack = new_stack()
    for number in range(4):
        senders = [f"u{number}-{n}@example.com" for n in range(250)]
        rule(stack, f"Flow{number}", senders=senders)
    rule(stack, "Other", organization_id="m-" + "0b" * 16)
    with pytest.raises(ConfigurationError, match=r"len\(senders\) is 1001"):
        rule(stack, "Last")


def test_a_name_can_be_used_only_once():
    """In one direction of one organization."""
    stack = new_stack()
    rule(stack, "One", rule_name="same")
    rule(stack, "Two", rule_name="same", direction="OUTBOUND")
    with pytest.raises(ConfigurationError, match=r"Stack/One already has that name"):
        rule(stack, "Three", rule_name="same")


def test_a_bucket_that_workmail_could_not_read_is_refused():
    """A key, a dot, another account, or no use at all."""
    stack = new_stack()
    replaces = FlowHandler(FOLDER, "app:on_mail", replaces=True)
    keyed = s3.Bucket(stack, "Keyed", encryption_key=kms.Key(stack, "Key"))
    dotted = s3.Bucket.from_bucket_name(stack, "Dotted", "a.bucket")
    far = s3.Bucket.from_bucket_attributes(
        stack, "Far", bucket_name="far-bucket", account="444455556666", region="us-east-1"
    )
    for number, (bucket, handler, text) in enumerate(
        [
            (keyed, replaces, "SSE-S3"),
            (dotted, replaces, "without dots"),
            (far, replaces, r"bucket\.env\.region"),
            (far, replaces, r"bucket\.env\.account"),
            (dotted, FlowHandler(FOLDER, "app:on_mail"), "no effect"),
        ]
    ):
        with pytest.raises(ConfigurationError, match=text):
            rule(stack, f"Flow{number}", bucket=bucket, handler=handler)


def test_a_handler_that_cannot_be_read_leaves_no_rule(tmp_path):
    """What is wrong with its folder shows only when the code is put together."""
    (tmp_path / "app.py").write_text("def on_flow(mail): ...")
    (tmp_path / "mailroom.py").write_text("")
    stack = new_stack()
    for mode in (minutes(5), Asynchronous()):
        with pytest.raises(ConfigurationError, match="mailroom"):
            rule(stack, handler=FlowHandler(tmp_path, "app:on_flow"), mode=mode)
        assert not stack.node.children
    assert rule(stack)


def test_a_receipt_rule_refuses_a_flow_handler():
    """Its function takes another kind of mail; the remedy is named."""
    inbound = InboundMail(new_stack(), "Inbound")
    with pytest.raises(ConfigurationError, match="FlowHandler"):
        inbound.add_rule(
            "Rule", recipients=["a@example.com"], handler=FlowHandler(FOLDER, "app:on_mail")
        )


def test_the_experiment_is_in_the_rules_stack():
    """The provider's function is the stack's."""
    flow = rule()
    with pytest.raises(ConfigurationError, match=f"flow is '{flow.node.path}': .*another stack"):
        ExperimentalFlowRule(new_stack(name="Other"), "Experiment", flow=flow)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Disclaimer(text=" "), "pass a text"),
        (lambda: Disclaimer(text="a" * 3000), "shorten them to 3000 bytes"),
        (lambda: ExternalBanner(domains=[], text="a"), "domains"),
        (lambda: ExternalBanner(domains=["example"], text="a"), r"domains\[0\]"),
        (lambda: BlockSensitive(patterns=[]), "otherwise no mail is stopped"),
        (
            lambda: BlockSensitive(patterns=[SensitivePattern(name="a", pattern="(")]),
            r"patterns\[0\]\.pattern is '\(': it is not a regular",
        ),
        (
            lambda: BlockSensitive(patterns=[SensitivePattern(name="a", pattern="a", check="b")]),
            "use 'luhn', 'iban' or None",
        ),
        (
            lambda: BlockSensitive(
                patterns=[SensitivePattern(name="a", pattern="a")], action="drop", message="No."
            ),
            "is not bounced",
        ),
        (lambda: StripAttachments(extensions="exe"), "pass a list"),
        (lambda: StripAttachments(max_bytes=0), "max_bytes"),
        (lambda: StripAttachments(unreadable="keep"), "use one of bounce, drop, junk, deliver"),
        (lambda: Disclaimer(text="a", unreadable="junk"), "use one of deliver, bounce"),
        (lambda: RestrictRecipients(groups=[], domains=["example.com"]), "groups"),
        (lambda: RestrictRecipients(groups=["a"], domains=["example.com"]), r"groups\[0\]"),
        (
            lambda: RestrictRecipients(groups=["a@b.de"], domains=["b.de"], action="no"),
            "action is 'no'",
        ),
        (lambda: FlowHandler(FOLDER, "app:nothing"), "no function 'nothing'"),
        (
            lambda: FlowHandler(FOLDER, "app:on_mail", replaces=True, read_mail=False),
            "reads them first",
        ),
    ],
)
def test_wrong_arguments_of_a_behaviour_are_refused(build, text):
    """Are judged where they are given."""
    with pytest.raises(ConfigurationError, match=rf"\b{text}"):
        build()


@given(st.lists(st.text("ab.*@+- _", max_size=12), min_size=1, max_size=3))
def test_any_patterns_are_judged(patterns):
    """What passes is one of the four forms, without a plus sign, and named once."""
    problems = Problems("test")
    check_patterns(problems, "senders", patterns)
    try:
        problems.raise_if_any()
    except ConfigurationError:
        return
    assert len({one.lower() for one in patterns}) == len(patterns)
    for one in patterns:
        assert "+" not in one
        local, at, domain = one.rpartition("@")
        assert one == "*" or "." in domain
        assert bool(at) == bool(local)
        assert "*" not in (domain.removeprefix("*.") if not at else one) or one == "*"
