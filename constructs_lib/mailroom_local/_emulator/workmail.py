"""WorkMail's part of the gateway, and its permissions; ministack has no WorkMail."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from mailroom_local._emulator import internals
from mailroom_local._emulator.policies import Service
from mailroom_local.control.workmail import DELIVERIES_PATH, ORGANIZATIONS_PATH
from mailroom_local.workmail.model import Organization, Place, Refused
from mailroom_local.workmail.service import WorkMail

_TARGET = "WorkMailService."
_MESSAGES = "/messages/"
_SCOPE = "/workmailmessageflow/"
# The account and region of a request: the emulator takes the access key for the account.
_SIGNED = re.compile(r"Credential=(\d{12})/\d+/([\w-]+)/")
_JSON = "application/x-amz-json-1.1"

_App = Callable[..., Awaitable[None]]
_Answer = tuple[int, dict[str, str], bytes]


class Account:
    """What an account's policies allow WorkMail."""

    def may_invoke(self, function: str, *, organization: Organization) -> bool:
        """Whether the function's policy lets WorkMail invoke it for this organization."""
        account, region = organization.place
        parts = function.split(":")
        if len(parts) < 7 or parts[2:5] != ["lambda", region, account]:
            return False
        with internals.responses.request_scope(account, region):
            found = internals.functions.functions.get(parts[6])
            if found is None:
                return False
            policy, source = found.get("policy"), organization.arn
            return _may("lambda:InvokeFunction", function, policy, source, region)

    def fetch(
        self, bucket: str, key: str, version: str | None, *, message: str, place: Place
    ) -> bytes | None:
        """The object, if the bucket's policy lets WorkMail read it for this message."""
        account, region = place
        with internals.responses.request_scope(account, region):
            if bucket not in internals.s3.buckets:
                return None
            policy = internals.s3.bucket_policies.get(bucket)
            action = "s3:GetObjectVersion" if version else "s3:GetObject"
            if not _may(action, f"arn:aws:s3:::{bucket}/{key}", policy, message, region):
                return None
            content: bytes | None = internals.s3.get_object_data(bucket, key, version)
            return content


def _may(action: str, resource: str, policy: Any, source: str, region: str) -> bool:
    service = Service(f"workmail.{region}.amazonaws.com", source)
    return service.decision(action, resource, policy) == "Allow"


def around(gateway: _App, served: WorkMail) -> _App:
    """The gateway with WorkMail's operations, its message flow and its own paths."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        answer = _chosen(scope, served) if scope["type"] == "http" else None
        if answer is None:
            await gateway(scope, receive, send)
            return
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        try:
            status, headers, content = await asyncio.to_thread(answer, body)
        except Refused as error:
            status, headers = error.status, {"x-amzn-errortype": error.code}
            content = json.dumps({"__type": error.code, "message": str(error)}).encode()
        except ValueError:
            status, headers = 400, {"x-amzn-errortype": "SerializationException"}
            content = b'{"__type":"SerializationException","message":"the body is not JSON"}'
        listed = [(name.encode(), value.encode()) for name, value in headers.items()]
        if "content-type" not in headers:
            listed.append((b"content-type", _JSON.encode()))
        await send({"type": "http.response.start", "status": status, "headers": listed})
        await send({"type": "http.response.body", "body": content})

    return application


def _chosen(scope: Any, served: WorkMail) -> Callable[[bytes], _Answer] | None:
    path, method = scope["path"], scope["method"]
    headers = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in scope["headers"]}
    target = headers.get("x-amz-target", "")
    if target.startswith(_TARGET):
        operation = target.removeprefix(_TARGET)
        if operation == "ListOrganizations":
            signed = _SIGNED.search(headers.get("authorization", ""))
            place = (signed[1], signed[2]) if signed else ("", "")
            return lambda body: _told(served.summaries(place))
        return lambda body: _told(served.call(operation, json.loads(body or b"{}")))
    if path == ORGANIZATIONS_PATH and method == "POST":
        return lambda body: _told(served.add_organization(json.loads(body)))
    if path == DELIVERIES_PATH and method == "GET":
        return lambda body: _told(served.deliveries())
    if path.startswith(_MESSAGES) and _SCOPE in headers.get("authorization", ""):
        message_id = unquote(path.removeprefix(_MESSAGES))
        return lambda body: _flow(served, method, message_id, headers, body)
    return None


def _flow(
    served: WorkMail, method: str, message_id: str, headers: dict[str, str], body: bytes
) -> _Answer:
    name = "GetRawMessageContent" if method == "GET" else "PutRawMessageContent"
    if internals.app.AUTH:
        arn, action = served.message_arn(message_id), f"workmailmessageflow:{name}"
        refusal = internals.app.enforce_data_plane(
            "workmailmessageflow", action, headers, {}, "", resource_arn=arn, named_resource=arn
        )
        if refusal is not None:
            text = f"not authorized to perform {action} on resource {arn}"
            raise Refused("AccessDeniedException", text, status=403)
    if method == "GET":
        return 200, {"content-type": "application/octet-stream"}, served.read(message_id)
    served.replace(message_id, json.loads(body))
    return _told({})


def _told(answer: Any) -> _Answer:
    return 200, {}, json.dumps(answer).encode()
