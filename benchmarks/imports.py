"""What a cold start costs: whole processes, as Lambda starts them.

Each imports what Lambda's runtime has imported anyway, and then a candidate.
"""

from __future__ import annotations

import functools

from benchmarks.measuring import Comparison, Report, in_turns, python, ratio, table

_RUNTIME = "import awslambdaric.bootstrap, awslambdaric.lambda_runtime_client"
_CLIENT = "import boto3; boto3.client('s3', region_name='us-east-1')"
_BASE = "Lambda's runtime client"
_SMALLEST = "cdk-mailroom, received mail"
_USUAL = "cdk-mailroom, received mail + S3 client"
_EVENTS = "cdk-mailroom, sending events"
_DATA_CLASS = "Powertools, data class"
_MODEL = "Powertools, parser model"
_BATCH = "Powertools, batch processor"
_BOTO = "boto3 with an S3 client"
_PROGRAMS = {
    _BASE: "",
    _SMALLEST: "import mailroom.entry.receiving",
    _EVENTS: "import mailroom.entry.events, mailroom.handlers.events.bounce",
    _DATA_CLASS: "from aws_lambda_powertools.utilities.data_classes import SESEvent",
    _MODEL: "from aws_lambda_powertools.utilities.parser.models import SesModel",
    _BATCH: (
        "from aws_lambda_powertools.utilities.batch import "
        "BatchProcessor, EventType, process_partial_response"
    ),
    _BOTO: _CLIENT,
    _USUAL: f"import mailroom.entry.receiving; {_CLIENT}",
}


def measure(*, quick: bool = False) -> Report:
    """Compare whole processes."""
    costs = in_turns(
        {
            name: functools.partial(python, "-c", f"{_RUNTIME}\n{statement}", POWERTOOLS_DEV="0")
            for name, statement in _PROGRAMS.items()
        },
        3 if quick else 9,
    )
    comparisons = [
        Comparison(
            subject="Cold start",
            what=what,
            peer=peer,
            ratio=ratio(costs[ours], costs[peer]),
            is_floor=is_floor,
            limit=limit,
        )
        for what, ours, peer, is_floor, limit in (
            ("a handler of received mail", _SMALLEST, _BASE, True, 1.25),
            ("a handler of received mail", _SMALLEST, _DATA_CLASS, False, None),
            ("a handler of received mail", _SMALLEST, _MODEL, False, None),
            ("a handler that reads the mail", _USUAL, _BOTO, True, 1.25),
            ("a handler of sending events", _EVENTS, _BATCH, False, None),
        )
    ]
    return Report(
        tables=[table("Cold start, whole process", costs, _BASE)], comparisons=comparisons
    )
