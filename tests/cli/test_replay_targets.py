"""What `mailroom replay` sends to a function, a queue and a stream, and how it reads the answer."""

import io
import json
from typing import Any

from mailroom_cli import replay


class Functions:
    """A client of Lambda that gives these answers, and remembers the invocations."""

    def __init__(self, *answers: tuple[Any, str | None]) -> None:
        self.answers = list(answers)
        self.invocations: list[Any] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        self.invocations.append(json.loads(Payload))
        said, error = self.answers.pop(0)
        answer = {"Payload": io.BytesIO(json.dumps(said).encode())}
        return {**answer, "FunctionError": error} if error else answer


def test_a_function_gets_what_its_queue_would_give_it() -> None:
    said = {"batchItemFailures": [{"itemIdentifier": "replay-1"}]}
    functions = Functions((said, None), ({"errorMessage": "boom"}, "Unhandled"), (None, None))
    goal = replay.ToFunction(functions, "Handler")
    texts = ['{"a": 1}', '{"a": 2}']
    assert goal.send(texts) == [None, "the function reported a failure"]
    assert all("boom" in str(reason) for reason in goal.send(texts))
    assert goal.send(texts) == [None, None]
    record = functions.invocations[0]["Records"][0]
    assert (record["body"], record["eventSource"]) == (texts[0], "aws:sqs")


def test_a_queue_says_which_of_a_batch_it_did_not_take() -> None:

    class Partial:
        def send_message_batch(self, **request: Any) -> Any:
            return {
                "Successful": [{"Id": "2"}, {"Id": "0"}],
                "Failed": [{"Id": "1", "Code": "InternalError", "Message": "later"}],
            }

    answer = replay.ToQueue(Partial(), "url").send(["a", "b", "c", "d"])
    assert answer == [None, "InternalError: later", None, "the queue gave no reason"]


def test_a_stream_says_which_record_it_did_not_take() -> None:

    class Firehose:
        def put_record_batch(self, **request: Any) -> Any:
            assert all(one["Data"].endswith(b"\n") for one in request["Records"])
            return {"RequestResponses": [{"RecordId": "1"}, {"ErrorCode": "Slow"}]}

    assert replay.ToStream(Firehose(), "s").send(["a", "b"]) == [None, "Slow: "]
