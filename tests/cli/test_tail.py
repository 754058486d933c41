"""`mailroom tail`: what functions print, as it comes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mailroom_cli.account import Account
from mailroom_cli.commands import tail
from mailroom_cli.functions import Log, find
from mailroom_cli.printed import line
from mailroom_local import LocalAws
from mailroom_local.control.environments import Environment

Run = Callable[..., tuple[int, str, str]]


class Logs:
    """A log group of CloudWatch Logs."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, at: int, *messages: str, stream: str = "a") -> None:
        self.events += [
            {"timestamp": at, "message": message, "logStreamName": stream} for message in messages
        ]

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, *, startTime: int, **group: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"events": [each for each in self.events if each["timestamp"] >= startTime]}]


def read(log: Log) -> list[str]:
    return [printed.message for printed in log.read()]


def test_every_line_is_read_once_even_if_the_same_one_comes_in_the_same_millisecond() -> None:
    logs = Logs()
    log = Log(logs, function="f", group="/aws/lambda/f")
    logs.add(1000, "one", "one")
    assert read(log) == ["one", "one"]
    assert read(log) == []
    logs.add(1000, "one")
    logs.add(1000, "one", stream="b")
    logs.add(2000, "one")
    assert read(log) == ["one", "one", "one"]
    assert read(log) == []


@pytest.mark.parametrize(
    "printed",
    [
        "START RequestId: 1 Version: $LATEST",
        "END RequestId: 1",
        "REPORT RequestId: 1\tDuration: 2 ms",
        '{"time":"2026-11-20T12:00:00Z","type":"platform.start","record":{}}',
        '{"_aws": {"Timestamp": 1}, "Unhandled": 1}',
    ],
)
def test_lines_for_machines_are_not_shown(printed: str) -> None:
    assert line(printed) is None


@pytest.mark.parametrize(
    ("printed", "shown", "style"),
    [
        ("hello", "hello", ""),
        ("[ERROR] no", "[ERROR] no", "red"),
        ("json.decoder.JSONDecodeError: no", "json.decoder.JSONDecodeError: no", "red"),
        ('  File "/tmp/x/ministack-lambda-f-1/code/app.py", line 3', '  File "app.py", line 3', ""),
        ('  File "/var/task/a/b.py", line 3', '  File "a/b.py", line 3', ""),
        (
            '{"timestamp":"x","level":"WARNING","event":"mailroom.forward","outcome":"late"}',
            "mailroom.forward: outcome=late",
            "yellow",
        ),
        ('{"my": "json"}', '{"my": "json"}', ""),
    ],
)
def test_a_line_is_shown_as_people_read_it(printed: str, shown: str, style: str) -> None:
    found = line(printed)
    assert found is not None
    assert (found.plain, str(found.style)) == (shown, style)


@pytest.fixture(scope="module")
def function(local_aws: LocalAws) -> str:
    """A function that has run."""
    import io
    import zipfile

    name = "Help-SupportFunction0123ABCD-0123456789ABC"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr("index.py", "def handler(event, context): print('a', event)\n")
    functions = local_aws.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    for number in (1, 2):
        functions.invoke(FunctionName=name, Payload=json.dumps(number))
    return name


def test_the_last_lines_are_shown_with_the_functions_short_name(
    mailroom: Run, local_aws: LocalAws, function: str
) -> None:
    tail = ("tail", "--no-follow", "--state", str(local_aws.state.root))
    status, printed, _ = mailroom(*tail, "supportf")
    assert status == 0
    assert [each.split("  ", 1)[1] for each in printed.splitlines()] == [
        "SupportFunction  a 1",
        "SupportFunction  a 2",
    ]
    assert mailroom(*tail, "-n", "1", function)[1].endswith("SupportFunction  a 2\n")
    lines = [json.loads(each) for each in mailroom(*tail, "--json")[1].splitlines()]
    assert {each["function"] for each in lines} == {function}
    assert "a 2" in [each["message"] for each in lines]


def test_an_unknown_function_is_status_1(mailroom: Run, local_aws: LocalAws, function: str) -> None:
    status, _, said = mailroom("tail", "nobody", "--state", str(local_aws.state.root))
    assert status == 1
    assert said.splitlines()[0] == (
        "mailroom: the local AWS has no function whose name contains 'nobody'"
    )


class Functions:
    """Two functions of an account, one of them made by cdk-mailroom."""

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self) -> list[dict[str, Any]]:
        ours = {"Variables": {"MAILROOM_HANDLER": "app:on_mail"}}
        return [
            {
                "Functions": [
                    {"FunctionName": "Help-Support", "Environment": ours},
                    {"FunctionName": "payroll", "LoggingConfig": {"LogGroup": "/payroll"}},
                ]
            }
        ]


@pytest.mark.parametrize(
    ("wanted", "found"), [(None, ["Help-Support"]), ("PAY", ["payroll"]), ("p", 2)]
)
def test_in_a_real_account_only_functions_of_cdk_mailroom_are_followed_unless_named(
    wanted: str | None, found: list[str] | int
) -> None:
    clients: dict[str, Any] = {"lambda": Functions(), "logs": Logs()}
    names = [log.function for log in find(Account(where="x", client=clients.__getitem__), wanted)]
    assert names == found or len(names) == found


class Deployed:
    """A local AWS to which an app was deployed that is pinned to two regions."""

    environments = (
        Environment(account="111111111111", region="eu-west-1"),
        Environment(account="111111111111", region="us-east-1"),
    )

    def client(self, service: str, *, account: str, region: str) -> Any:
        if service == "lambda":
            return Functions()
        logs = Logs()
        logs.add(1000, f"from {region}")
        return logs


def test_functions_of_all_accounts_and_regions_of_the_app_are_followed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those of one name are told apart."""
    aws: Any = Deployed()
    logs = find(Account(where="x", client=aws.client, local=aws), "payroll")
    screen = tail.Screen(logs, as_json=False)
    screen.show([printed for log in logs for printed in log.read()])
    assert [each.split("  ", 1)[1] for each in capsys.readouterr().out.splitlines()] == [
        "111111111111/eu-west-1  payroll  from eu-west-1",
        "111111111111/us-east-1  payroll  from us-east-1",
    ]
