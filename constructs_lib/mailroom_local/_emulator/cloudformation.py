"""Shared by the handlers of all CloudFormation types."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._ses_error import SesError

_evaluate_conditions = internals.engine.evaluate_conditions


def evaluate_conditions(
    template: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, bool]:
    """Evaluate a template's conditions; ministack takes pseudo parameters for their own names."""
    pseudo = {
        "AWS::AccountId": internals.responses.get_account_id(),
        "AWS::Partition": "aws",
        "AWS::Region": internals.responses.get_region(),
        "AWS::URLSuffix": "amazonaws.com",
    }
    known = {name: {"Value": value} for name, value in pseudo.items()}
    found: dict[str, bool] = _evaluate_conditions(template, {**known, **parameters})
    return found


class CloudFormationErrors:
    """Turns an SES error into the text of a stack event on AWS."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SesError):
            raise ValueError(
                f"{error.message} (Service: AmazonSimpleEmailService; Status Code: 400; "
                f"Error Code: {error.code}; Request ID: {uuid.uuid4()}; Proxy: null)"
            ) from error


def generated_name(stack_name: str, logical_id: str) -> str:
    # SES allows 64 characters; ministack's names end in a letter or digit, as SES requires.
    name: str = internals.provisioners.physical_name(stack_name, logical_id, max_len=63)
    return name
