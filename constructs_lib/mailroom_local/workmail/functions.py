"""Invokes the functions of rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any

from mailroom_local.control import clients
from mailroom_local.workmail.model import Account, Flow, Rule, WrongAnswer
from mailroom_local.workmail.rules import action_of


class Functions:
    """Invokes functions, and waits as long as an organization allows."""

    def __init__(self, *, endpoint: str, region: str, account: Account) -> None:
        self._endpoint = endpoint
        self._region = region
        self._account = account
        self._clients: dict[float, Any] = {}
        self._lock = Lock()

    def invoke(self, flow: Flow, rule: Rule, event: Mapping[str, Any], kind: str) -> bytes:
        """Invoke the function of a rule and return its answer, or raise why there is none."""
        arn = str(action_of(rule, flow.direction)["Arn"])
        if not self._account.may_invoke(arn, organization=flow.organization.arn):
            raise WrongAnswer(f"WorkMail has no permission to invoke {arn}")
        answer = self._client(flow.organization.answer_seconds).invoke(
            FunctionName=arn, InvocationType=kind, Payload=json.dumps(event).encode()
        )
        payload: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            raise WrongAnswer(payload.decode("utf-8", "replace"))
        return payload

    def _client(self, seconds: float) -> Any:
        with self._lock:
            if seconds not in self._clients:
                session = clients.session(region=self._region)
                # WorkMail decides whether to invoke again.
                self._clients[seconds] = clients.client(
                    session, "lambda", self._endpoint, read_timeout=seconds, retries=0
                )
            return self._clients[seconds]
