"""Invokes the functions of rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Lock
from typing import Any

from mailroom_local.control import clients
from mailroom_local.workmail.model import Account, Flow, Organization, Place, Rule, WrongAnswer
from mailroom_local.workmail.rules import action_of


class Functions:
    """Invokes functions, and waits as long as an organization allows."""

    def __init__(self, *, endpoint: str, account: Account) -> None:
        self._endpoint = endpoint
        self._account = account
        self._clients: dict[tuple[Place, float], Any] = {}
        self._lock = Lock()

    def invoke(self, flow: Flow, rule: Rule, event: Mapping[str, Any], kind: str) -> bytes:
        """Invoke the function of a rule and return its answer, or raise why there is none."""
        arn = str(action_of(rule, flow.direction)["Arn"])
        if not self._account.may_invoke(arn, organization=flow.organization):
            raise WrongAnswer(f"WorkMail has no permission to invoke {arn}")
        answer = self._client(flow.organization).invoke(
            FunctionName=arn, InvocationType=kind, Payload=json.dumps(event).encode()
        )
        payload: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            raise WrongAnswer(payload.decode("utf-8", "replace"))
        return payload

    def _client(self, organization: Organization) -> Any:
        (account, region), seconds = organization.place, organization.answer_seconds
        with self._lock:
            if (organization.place, seconds) not in self._clients:
                session = clients.session(region=region, account=account)
                # WorkMail decides whether to invoke again.
                self._clients[organization.place, seconds] = clients.client(
                    session, "lambda", self._endpoint, read_timeout=seconds, retries=0
                )
            return self._clients[organization.place, seconds]
