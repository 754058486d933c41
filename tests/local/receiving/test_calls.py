"""What functions printed and raised, in the records of their messages."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mailroom_local import HandlerOutcome

HANDLER = """
import json

def number(text):
    return json.loads(text)["ticket"]

def on_mail(mail):
    print("looking for a ticket")
    number("none")

def on_event(event):
    print("about", event.recipients[0])
    if "bounce" in event.recipients[0]:
        raise LookupError(f"{event.recipients[0]} is not a customer")
"""


@pytest.fixture
def calls(account: Any, active: str) -> Callable[..., list[HandlerOutcome]]:
    """Send a message to a rule with this function, and return its calls when it is done with it."""

    def send(arn: str, invocation: str = "Event") -> list[HandlerOutcome]:
        action = {"LambdaAction": {"FunctionArn": arn, "InvocationType": invocation}}
        account.rule(active, action, Recipients=["support@example.com"])
        message_id = account.send().message_id
        found: list[HandlerOutcome] = account.aws.wait(message_id, seconds=20).actions[0].handler
        return found

    return send


def line_of(text: str, code: str = HANDLER) -> int:
    return next(number for number, line in enumerate(code.split("\n"), 1) if text in line)


def test_every_try_of_a_handler_has_its_output_its_error_and_the_users_own_line(
    account: Any, calls: Callable[..., list[HandlerOutcome]]
) -> None:
    arn = account.handler(HANDLER, MAILROOM_HANDLER="app:on_mail")
    queue = account.sqs.create_queue(QueueName=account.name("failed"))["QueueUrl"]
    name = queue.rpartition("/")[2]
    account.functions.put_function_event_invoke_config(
        FunctionName=arn,
        DestinationConfig={
            "OnFailure": {"Destination": f"arn:aws:sqs:{account.region}:{account.id}:{name}"}
        },
    )
    first, second, third = calls(arn)
    assert (third.error, third.place) == ("JSONDecodeError", f"app.py:{line_of('json.loads')}")
    assert third.detail == "Expecting value: line 1 column 1 (char 0)"
    assert first.output == second.output == third.output == ["looking for a ticket"]
    assert [one.final for one in (first, second, third)] == [False, False, True]
    assert (second.dead_letter_queue, third.dead_letter_queue) == (None, name)


def test_an_import_error_is_a_failed_call(
    account: Any, calls: Callable[..., list[HandlerOutcome]]
) -> None:
    code = "print('importing')\nTABLE = {}['tickets']\ndef on_mail(mail): pass\n"
    arn = account.handler(code, MAILROOM_HANDLER="app:on_mail")
    call = calls(arn, "RequestResponse")[-1]
    assert (call.error, call.detail, call.place) == ("KeyError", "'tickets'", "app.py:2")
    assert call.output == ["importing"]


def test_a_function_without_the_runtime_is_no_less_visible(
    account: Any, calls: Callable[..., list[HandlerOutcome]]
) -> None:
    call = calls(account.function("print('hi'); {}['a']"), "RequestResponse")[-1]
    assert (call.outcome, call.error, call.detail) == ("failed", "KeyError", "'a'")
    assert (call.place, call.output) == ("index.py:3", ["hi"])


def test_each_event_of_a_batch_has_the_output_and_the_error_of_its_own_handler(
    account: Any,
) -> None:
    name, queue = account.configuration_set("BOUNCE", "DELIVERY")
    queue_arn = f"arn:aws:sqs:{account.region}:{account.id}:{queue.rpartition('/')[2]}"
    message_id = account.mail(
        ["bounce@simulator.amazonses.com", "success@simulator.amazonses.com"],
        ConfigurationSetName=name,
    )
    account.story(message_id, count=2)
    # Only now, so that both events are in one batch.
    arn = account.handler(
        HANDLER, entry="events", MAILROOM_HANDLERS=json.dumps({"*": ["app:on_event"]})
    )
    account.functions.create_event_source_mapping(
        FunctionName=arn,
        EventSourceArn=queue_arn,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    record = account.aws.wait_until(
        lambda: account.aws.message(message_id),
        lambda found: all(event.handlers for event in found.events if event.destinations),
        seconds=10,
    )
    found = {event.kind: event.handlers[0] for event in record.events if event.destinations}
    assert found["Bounce"].output == ["about bounce@simulator.amazonses.com"]
    assert found["Bounce"].detail == "bounce@simulator.amazonses.com is not a customer"
    assert found["Bounce"].place == f"app.py:{line_of('raise LookupError')}"
    assert not found["Bounce"].final
    assert found["Delivery"].outcome == "handled"
    assert found["Delivery"].output == ["about success@simulator.amazonses.com"]
