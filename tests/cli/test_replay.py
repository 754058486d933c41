"""`mailroom replay`: what is sent again, and that nothing is deleted before it has arrived."""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from mailroom import lake
from mailroom.events import parse
from mailroom.testing import event_invocation, sending_event_payload
from mailroom_cli import replay
from mailroom_cli.errors import CommandError
from mailroom_cli.main import main
from mailroom_cli.replay import run as running
from mailroom_cli.replay import sources

BUCKET = "lake-bucket"


class Account:
    """An account with a bucket, a dead-letter queue and the handlers' queue."""

    def __init__(self, session: boto3.Session) -> None:
        self.s3 = session.client("s3")
        self.sqs = session.client("sqs")
        self.s3.create_bucket(Bucket=BUCKET)
        self.dead = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        self.queue = self.sqs.create_queue(QueueName="handlers")["QueueUrl"]

    def put(self, key: str, lines: list[str], *, zipped: bool = False) -> None:
        body = "".join(one + "\n" for one in lines).encode()
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(body) if zipped else body)

    def kill(self, *payloads: Any) -> None:
        for payload in payloads:
            body = payload if isinstance(payload, str) else json.dumps(payload)
            self.sqs.send_message(QueueUrl=self.dead, MessageBody=body)

    def bodies(self, url: str) -> list[str]:
        found = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [message["Body"] for message in messages]
        return found

    def ids(self, url: str) -> list[str]:
        return sorted(json.loads(body)["mail"]["messageId"] for body in self.bodies(url))


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """Shared by all tests, as the first client of a session is slow to make."""
    return boto3.Session()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, session: boto3.Session) -> Iterator[Account]:
    monkeypatch.setattr(boto3, "Session", lambda **options: session)
    # An emulated queue that looks empty is empty.
    monkeypatch.setattr(sources, "_EMPTY_RECEIVES", 1)
    with mock_aws():
        yield Account(session)


def event(number: int, kind: str = "Bounce", day: str = "2026-01-02") -> dict[str, Any]:
    at = f"{day}T03:04:05.678Z"
    return sending_event_payload(kind, message_id=f"m-{number:03}", sent_at=at, timestamp=at)


def names(*numbers: int) -> list[str]:
    return [f"m-{number:03}" for number in numbers]


def error_record(text: str) -> str:
    """What Firehose writes under its error prefix."""
    return json.dumps(
        {
            "attemptsMade": 1,
            "arrivalTimestamp": 1767323057571,
            "errorCode": "Lambda.FunctionError",
            "errorMessage": "The Lambda function was invoked, and it failed",
            "attemptEndingTimestamp": 1767323057999,
            "rawData": base64.b64encode(text.encode()).decode(),
            "lambdaArn": "arn:aws:lambda:us-east-1:111122223333:function:Transform",
        }
    )


def no_sleep(seconds: float) -> None:
    return None


def run(*arguments: str) -> int:
    return main(["replay", *arguments, "--aws"])


def replayed(source: Any, target: Any, **options: Any) -> replay.Result:
    plan = replay.Plan(source=source, target=target, selection=replay.Selection())
    return replay.Replay(plan, **options).run()


class Fake:
    """A target that refuses some events a given number of times, and records the others."""

    def __init__(self, refusals: dict[str, int] | None = None) -> None:
        self.refusals = Counter(refusals or {})
        self.taken: list[str] = []
        self.batches: list[int] = []

    def send(self, texts: list[str]) -> list[str | None]:
        self.batches.append(len(texts))
        answer: list[str | None] = []
        for text in texts:
            name = json.loads(text)["mail"]["messageId"]
            if self.refusals[name]:
                self.refusals[name] -= 1
                answer.append("Throttled")
            else:
                self.taken.append(name)
                answer.append(None)
        return answer


def test_events_kept_by_firehose_are_replayed_as_ses_wrote_them(
    aws: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether the transformation failed or, later, the conversion of the row to Parquet."""
    row = json.dumps(lake.row(parse(event(2))))
    aws.put("errors/a", [error_record(json.dumps(event(1)) + "\n"), error_record(row)])
    aws.put("errors/b", [error_record("no event"), error_record(json.dumps(event(3)))], zipped=True)
    aws.put("other/c", [error_record(json.dumps(event(4)))])
    assert run(f"s3://{BUCKET}/errors/", "--to", "handlers") == 0
    bodies = aws.bodies(aws.queue)
    assert sorted(map(json.loads, bodies), key=str) == sorted(
        [event(1), event(2), event(3)], key=str
    )
    output = capsys.readouterr().out
    assert "3 sent" in output
    assert "1 unreadable" in output


def test_a_range_of_the_lake_is_chosen_by_type_and_day(aws: Account) -> None:
    """Only the object keys are read; objects outside of partitions are skipped."""
    for number, (kind, day) in enumerate(
        [("Bounce", "2026-01-01"), ("Bounce", "2026-01-02"), ("Open", "2026-01-02"),
         ("Rendering Failure", "2026-01-03"), ("Bounce", "2026-01-04")]
    ):  # fmt: skip
        made = parse(event(number, kind, day))
        keys = lake.partition(made, lake.row(made))
        line = json.dumps(lake.row(made))
        aws.put(f"events/event_type={keys['event_type']}/day={keys['day']}/x", [line])
    aws.put("events/errors/y", [error_record(json.dumps(event(9)))])
    assert run(
        f"lake:{BUCKET}/events/", "--to", "handlers", "--from", "2026-01-02", "--until",
        "2026-01-03", "--type", "Rendering Failure", "--type", "bounce",
    ) == 0  # fmt: skip
    found = [json.loads(body)["eventType"] for body in aws.bodies(aws.queue)]
    assert sorted(found) == ["Bounce", "Rendering Failure"]


def test_parquet_is_read(aws: Account, tmp_path: Path) -> None:
    lines, parquet = tmp_path / "rows.json", tmp_path / "rows.parquet"
    lines.write_text("".join(json.dumps(lake.row(parse(event(n)))) + "\n" for n in (1, 2)))
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * FROM '{lines}') TO '{parquet}' (FORMAT parquet)")
    key = "event_type=bounce/day=2026-01-02/x.parquet"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=parquet.read_bytes())
    assert run(f"lake:{BUCKET}", "--to", "queue:handlers") == 0
    assert aws.ids(aws.queue) == names(1, 2)


def test_parquet_without_a_reader_is_an_error(
    aws: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    key = "event_type=bounce/day=2026-01-02/x.parquet"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=b"PAR1....PAR1")
    origin = replay.Objects(aws.s3, BUCKET, lake=True)
    with pytest.raises(CommandError, match="neither duckdb nor pyarrow"):
        replayed(origin, Fake())


def test_pseudonyms_never_reach_a_handler(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """A handler would put them on the suppression list."""
    made = lake.row(parse(event(1)), pseudonymise=lake.pseudonymiser(b"k" * 32))
    aws.put("event_type=bounce/day=2026-01-02/x", [json.dumps(made)])
    assert run(f"lake:{BUCKET}", "--to", "handlers") == 0
    assert aws.bodies(aws.queue) == []
    assert "1 with pseudonyms" in capsys.readouterr().out


def test_a_dead_letter_queue_is_emptied_into_its_queue(aws: Account) -> None:
    """Without the envelopes of SNS, and of Lambda's record about a failed invocation."""
    sns = event_invocation(event(2), "sqs-sns")["Records"][0]["body"]
    lost = {"requestPayload": event_invocation(event(3), "sns"), "version": "1.0"}
    aws.kill(event(1), sns, lost, *(event(number) for number in range(4, 30)))
    assert run("dead", "--to", "handlers") == 0
    assert aws.ids(aws.queue) == names(*range(1, 30))
    assert aws.bodies(aws.dead) == []


def test_unsent_messages_stay_in_the_queue_and_are_visible_at_once(aws: Account) -> None:
    aws.kill("poison", event(1), event(2, "Open"))
    assert run("dead", "--to", "handlers", "--type", "bounce") == 0
    assert aws.ids(aws.queue) == names(1)
    left = aws.bodies(aws.dead)
    assert "poison" in left
    assert len(left) == 2


def test_nothing_is_deleted_before_it_has_arrived(aws: Account) -> None:
    """Events that the target always refuses stay; events that it refuses for a while arrive."""
    aws.kill(*(event(number) for number in range(12)))
    goal = Fake({"m-003": 2, "m-007": 99})
    order: list[str] = []
    origin = replay.Queue(aws.sqs, aws.dead)
    finished = origin.finished

    def watched(items: Any) -> None:
        found = list(items)
        order.extend(json.loads(item.text)["mail"]["messageId"] for item in found)
        assert set(order) <= set(goal.taken), "deleted before it arrived"
        finished(found)

    origin.finished = watched  # type: ignore[method-assign]
    pauses: list[float] = []
    result = replayed(origin, goal, sleep=pauses.append)
    assert (result.sent, result.failed) == (11, 1)
    assert result.reasons == {"Throttled": 1}
    assert aws.ids(aws.dead) == names(7)
    assert len(goal.taken) == len(set(goal.taken)) == 11
    assert pauses == sorted(pauses)
    assert len(pauses) == running.ATTEMPTS - 1


def test_a_permanent_error_ends_the_replay_and_deletes_nothing(aws: Account) -> None:

    class Denied:
        def send(self, texts: list[str]) -> list[str | None]:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "SendMessage")

    aws.kill(event(1), event(2))
    with pytest.raises(ClientError):
        replayed(replay.Queue(aws.sqs, aws.dead), Denied())
    assert aws.ids(aws.dead) == names(1, 2)


def test_throttling_and_errors_of_the_service_only_pause_a_replay(aws: Account) -> None:

    class Slow(Fake):
        def send(self, texts: list[str]) -> list[str | None]:
            if not self.batches:
                self.batches.append(0)
                raise ClientError({"Error": {"Code": "ThrottlingException"}}, "SendMessage")
            return super().send(texts)

    aws.kill(event(1))
    result = replayed(replay.Queue(aws.sqs, aws.dead), Slow(), sleep=no_sleep)
    assert (result.sent, result.failed) == (1, 0)


def test_ctrl_c_makes_unsent_messages_visible_again(aws: Account) -> None:

    class Interrupted(Fake):
        def send(self, texts: list[str]) -> list[str | None]:
            if self.batches:
                raise KeyboardInterrupt
            return super().send(texts)

    aws.kill(*(event(number) for number in range(15)))
    goal = Interrupted()
    result = replayed(replay.Queue(aws.sqs, aws.dead), goal)
    assert (result.interrupted, result.sent, result.resume) == (True, 10, None)
    assert sorted([*aws.ids(aws.dead), *goal.taken]) == names(*range(15))


def test_a_queue_cannot_be_replayed_into_itself(
    aws: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would never end, however the queue is spelled."""
    arn = aws.sqs.get_queue_attributes(QueueUrl=aws.dead, AttributeNames=["QueueArn"])
    aws.kill(event(1))
    for target in (aws.dead, arn["Attributes"]["QueueArn"], "dead"):
        assert run("dead", "--to", target) == 2
        assert "the same queue" in capsys.readouterr().err
    assert aws.ids(aws.dead) == names(1)


def test_a_replay_resumes_after_the_last_object_that_arrived_whole(aws: Account) -> None:
    for number in range(4):
        aws.put(
            f"errors/{number}", [error_record(json.dumps(event(number * 10 + n))) for n in (0, 1)]
        )
    one_by_one = replay.Limiter(1.5, sleep=no_sleep)
    origin = replay.Objects(aws.s3, BUCKET, "errors/")
    goal = Fake({"m-021": 99})
    result = replayed(origin, goal, limiter=one_by_one, sleep=no_sleep)
    assert (result.sent, result.failed, result.resume) == (7, 1, "errors/1")
    again = Fake()
    rest = replay.Objects(aws.s3, BUCKET, "errors/", after=result.resume)
    replayed(rest, again)
    assert again.taken == names(20, 21, 30, 31)


def test_limit_prints_a_token_that_resume_takes(
    aws: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        aws.put(f"errors/{number}", [error_record(json.dumps(event(number)))])
    assert run(f"s3://{BUCKET}/errors/", "--to", "handlers", "--limit", "2", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["sent"], said["resume"]) == (2, "errors/1")
    assert aws.ids(aws.queue) == names(0, 1)
    assert run(f"s3://{BUCKET}/errors/", "--to", "handlers", "--resume", said["resume"]) == 0
    assert names(2)[0] in aws.ids(aws.queue)


def test_a_dry_run_counts_and_changes_nothing(
    aws: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.kill(event(1), event(2), event(3, "Open", "2026-01-05"), "poison")
    assert run("dead", "--dry-run") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[:3] == [
        ["bounce", "2026-01-02", "2"], ["open", "2026-01-05", "1"], ["3", "would", "be", "sent"],
    ]  # fmt: skip
    assert len(aws.bodies(aws.dead)) == 4
    assert aws.bodies(aws.queue) == []


def test_json_has_the_whole_result(aws: Account, capsys: pytest.CaptureFixture[str]) -> None:
    aws.kill(event(1), event(2, "Open"), event(3, day="2026-01-03"), "poison")
    assert run("dead", "--to", "handlers", "--type", "bounce", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "source": "dead",
        "target": "handlers",
        "dry_run": False,
        "sent": 2,
        "failed": 0,
        "not_selected": 1,
        "unreadable": 1,
        "pseudonymised": 0,
        "interrupted": False,
        "resume": None,
        "counts": {"bounce": {"2026-01-02": 1, "2026-01-03": 1}},
        "reasons": {},
    }


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_forty_events_at_twenty_a_second_take_a_second_and_a_half(aws: Account) -> None:
    """The last batch is not followed by a pause."""
    aws.put("e", [error_record(json.dumps(event(number))) for number in range(40)])
    clock = Time()
    limiter = replay.Limiter(20, clock=clock, sleep=clock.sleep)
    goal = Fake()
    replayed(replay.Objects(aws.s3, BUCKET), goal, limiter=limiter)
    assert goal.batches == [10] * 4
    assert clock.slept == pytest.approx([0.5] * 3)


def test_lost_time_is_not_made_up_for_by_a_burst() -> None:
    clock = Time()
    limiter = replay.Limiter(2, clock=clock, sleep=clock.sleep)
    assert limiter.batch == 2
    limiter.wait(2)
    clock.now += 60
    limiter.wait(2)
    limiter.wait(2)
    assert clock.slept == pytest.approx([1.0])


def test_large_events_go_in_smaller_batches(aws: Account) -> None:
    big = [event(number) for number in range(5)]
    for one in big:
        one["bounce"]["note"] = "x" * 100_000
    aws.put("e", [error_record(json.dumps(one)) for one in big])
    goal = Fake()
    replayed(replay.Objects(aws.s3, BUCKET), goal)
    assert goal.batches == [2, 2, 1]


@pytest.mark.parametrize(
    ("arguments", "status", "message", "remedy"),
    [
        (["dead"], 2, "no destination: pass --to TARGET", "or --dry-run to send nothing"),
        (
            ["dead", "--to", "nobody"],
            1,
            "no queue or function is named 'nobody'",
            "check the name and the region; without --aws, the local AWS is searched",
        ),
        (["nothing", "--dry-run"], 1, "no queue is named 'nothing'", "check the name"),
        (["s3://", "--dry-run"], 2, "'s3://' has no bucket", "pass s3://BUCKET/PREFIX"),
        (
            ["dead", "--dry-run", "--resume", "x"],
            2,
            "--resume has no effect on a queue: what was handled is already gone from it",
            "omit --resume",
        ),
        (
            ["dead", "--dry-run", "--from", "2026-02-01", "--until", "2026-01-01"],
            2,
            "--from 2026-02-01 is after --until 2026-01-01",
            "swap them",
        ),
        (
            ["dead", "--to", "queue:dead"],
            2,
            "source and target are the same queue: dead",
            "pass the queue of the handlers with --to",
        ),
    ],
)
@pytest.mark.usefixtures("aws")
def test_a_mistake_is_reported_with_its_remedy(
    arguments: list[str],
    status: int,
    message: str | None,
    remedy: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(*arguments) == status
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"mailroom: {message}"
    assert second.startswith(f"  {remedy}")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (["--rate", "0"], "'0' is not a rate: pass a number above 0"),
        (["--rate", "inf"], "'inf' is not a rate"),
        (["--rate", "fast"], "'fast' is not a rate"),
        (["--limit", "0"], "'0' is not a count: pass a whole number above 0"),
        (["--limit", "1.5"], "'1.5' is not a count"),
        (["--from", "today"], "'today' is not a date: pass YYYY-MM-DD"),
    ],
)
def test_wrong_values_are_wrong_usage(
    wrong: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run("dead", "--to", "handlers", *wrong)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err
