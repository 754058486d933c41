"""A client of Mail Manager that checks each request against the service's model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

__all__ = ["Stub", "refusal"]


def refusal(code: str) -> ClientError:
    """Return an error of the service."""
    return ClientError({"Error": {"Code": code, "Message": f"{code} happened"}}, "op")


class Stub:
    """Answers each operation with the next of its answers; the last one is repeated."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            operation: list(given) if isinstance(given, list) else [given]
            for operation, given in answers.items()
        }
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.now = 0.0
        self.naps: list[float] = []
        self._real = boto3.client(
            "mailmanager",
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )

    def clock(self) -> float:
        """Return the time of this world."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.naps.append(seconds)
        self.now += seconds

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that put this in the place of Mail Manager and of time."""
        return {"client": self, "clock": self.clock, "sleep": self.sleep}

    @property
    def operations(self) -> list[str]:
        """The operations that were called."""
        return [operation for operation, _ in self.made]

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("_"):
            raise AttributeError(operation)
        model = self._real.meta.service_model.operation_model(
            self._real.meta.method_to_api_mapping[operation]
        )

        def call(**request: Any) -> Any:
            from botocore.validate import ParamValidator

            report = ParamValidator().validate(request, model.input_shape)
            assert not report.has_errors(), report.generate_report()
            self.made.append((operation, json.loads(json.dumps(request, default=str))))
            answers = self.answers.get(operation, [{}])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call
