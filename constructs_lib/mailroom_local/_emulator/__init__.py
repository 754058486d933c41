"""Extends ministack, which lacks most of what mail needs; one module here for each part.

Nothing else imports ministack or touches its internals.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from mailroom_local._emulator import (
    athena,
    cloudformation,
    configuration_sets,
    contacts,
    endpoints,
    feedback,
    firehose,
    identities,
    internals,
    log_deliveries,
    permissions,
    receiving,
    refusals,
    secrets,
    sending_v1,
    sending_v2,
    subscriptions,
    suppression,
    templates,
    tenants,
    workers,
)
from mailroom_local._emulator.parts import GATEWAY
from mailroom_local._emulator.places import receiving as receiving_places
from mailroom_local._emulator.query import (
    Parameters,
    Request,
    Response,
    one,
    v1_error,
    v2_error,
)
from mailroom_local._emulator.receiving import in_force, remember_received
from mailroom_local._emulator.sending import authenticate, submit
from mailroom_local._emulator.served import server
from mailroom_local._emulator.warming import start_functions_by, with_warm_functions
from mailroom_local._journal import Journal
from mailroom_local._ses_error import SesError
from mailroom_local.sending.message import SentMessage

__all__ = [
    "asgi_app",
    "authenticate",
    "enforce_permissions",
    "in_force",
    "install",
    "put_event",
    "receiving_places",
    "remember_received",
    "sent_messages",
    "start_functions_by",
    "stop_functions",
    "submit",
]

_Handler = Callable[[str, str, Any, bytes, Any], Awaitable[Response]]

_original_handle_request: _Handler = internals.ses.handle_request
_original_handle_v2: _Handler = internals.ses_v2.handle_request
_original_reset: Callable[[], None] = internals.ses.reset

_OPERATIONS: Mapping[str, Callable[[Parameters], Response]] = {
    **configuration_sets.OPERATIONS,
    **feedback.OPERATIONS,
    **receiving.OPERATIONS,
    **templates.OPERATIONS,
}
_V2_PREFIX = "/v2/email"
_ROUTES: Mapping[tuple[str, str], Callable[..., Response]] = {
    **configuration_sets.ROUTES,
    **contacts.ROUTES,
    **endpoints.ROUTES,
    **suppression.ROUTES,
    **templates.ROUTES,
}


def install(send: Callable[[SentMessage], bytes], journal: Journal) -> None:
    """Extend ministack's SES, SNS, Firehose, Athena, logs and CloudFormation. Idempotent.

    ``send`` gets every message that SES accepts, and returns what its recipients get; ``journal``
    gets every call that is refused instead, and every call of a function.
    """
    server.send, server.journal = send, journal
    workers.install(journal)
    internals.actions.patch(
        extract_iam_action=permissions.extract_iam_action,
        extract_resource_arn=athena.extract_resource_arn,
    )
    internals.app.patch(enforce_ses_v2=permissions.enforce_ses_v2)
    internals.ses.patch(handle_request=_handle_request, reset=_reset)
    internals.ses_v2.patch(
        handle_request=_handle_v2,
        put_event_destination=configuration_sets.put_event_destination,
    )
    internals.sns.patch(deliver_to_sqs=subscriptions.deliver_to_queue)
    internals.logs.patch(put_delivery_source=log_deliveries.put_source)
    configuration_sets.know_the_suppression_scope()
    internals.provisioners.patch(ses_event_destination_put=configuration_sets.put_from_template)
    internals.firehose.patch(deliver_records_to_s3=firehose.deliver_records)
    internals.athena.patch(
        # "auto" makes answers up where DuckDB is not installed.
        get_athena_engine=lambda: "duckdb",
        run_duckdb=athena.run_query,
        save_query_results=athena.save_query_results,
        start_query_execution=athena.start_query_execution,
        stop_query_execution=athena.stop_query_execution,
    )
    # Each of these has imported it by name.
    internals.changesets.patch(evaluate_conditions=cloudformation.evaluate_conditions)
    internals.stack_requests.patch(evaluate_conditions=cloudformation.evaluate_conditions)
    internals.stacks.patch(evaluate_conditions=cloudformation.evaluate_conditions)
    internals.template_engine.patch(evaluate_conditions=cloudformation.evaluate_conditions)
    internals.stack_requests.ACTION_HANDLERS["DescribeStackResources"] = (
        cloudformation.describe_stack_resources
    )
    gateway = [GATEWAY.cloudformation] if GATEWAY else []
    replacing = (receiving, contacts, endpoints, log_deliveries, secrets, tenants, athena)
    for part in (*replacing, *gateway):
        internals.provisioners.REPLACING_PROPERTIES.update(part.REPLACING)
        internals.provisioners.RESOURCE_HANDLERS.update(part.RESOURCES)
    internals.provisioners.RESOURCE_HANDLERS.update(identities.RESOURCES)
    for tagged in (log_deliveries, *gateway):
        internals.provisioners.STACK_TAG_PROPERTY.update(tagged.TAGS)


def put_event(entry: dict[str, Any], *, account: str, region: str) -> None:
    """Put an entry on the default event bus, with the source ``aws.ses`` as SES does."""
    with internals.responses.request_scope(account, region):
        put = internals.eventbridge.put_events
        status, _, body = put({"Entries": [entry]}, allow_aws_source=True)
    if status >= 400 or json.loads(body).get("FailedEntryCount"):
        raise RuntimeError(body.decode())


def asgi_app() -> Callable[..., Awaitable[None]]:
    """ministack's gateway."""
    app = with_warm_functions(internals.app.app)
    return GATEWAY.with_links(app) if GATEWAY else app


def enforce_permissions(enforced: bool) -> None:
    """Restrict functions to what their execution roles allow, or lift the restriction.

    ministack reads this switch on every request. A function gets its credentials when its process
    starts, so running processes are ended.
    """
    internals.app.patch(AUTH=enforced)
    stop_functions()


def sent_messages() -> list[dict[str, Any]]:
    """Every message that the account has sent, oldest first, as ministack records it."""
    everything = internals.ses.sent_emails.to_dict()
    found = [
        record for key, records in everything.items() if key[-1] == "entries" for record in records
    ]
    return sorted(found, key=lambda record: float(record["Timestamp"]))


def stop_functions() -> None:
    """End the processes in which Lambda functions run, and remove their folders."""
    internals.workers.reset()


async def _handle_request(
    method: str, path: str, headers: Any, body: bytes, query_params: Any
) -> Response:
    if method != "POST" or path.startswith("/v2/"):
        return await _original_handle_request(method, path, headers, body, query_params)
    # Mail Manager's requests are signed for SES, too, and come to the same path as those of API v1.
    if GATEWAY and (operation_of_gateway := GATEWAY.target(headers)) is not None:
        answer: Response = GATEWAY.answer(operation_of_gateway, headers, body, query_params)
        return answer
    parameters: Parameters = dict(query_params)
    parameters.update(parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True))
    name = one(parameters, "Action") or ""
    operation = _OPERATIONS.get(name)
    try:
        if operation is not None:
            return operation(parameters)
        if name in sending_v1.OPERATIONS:
            refusal = permissions.refuse_v1(name, parameters, headers, query_params)
            if refusal is not None:
                refusals.denied(name, *sending_v1.envelope_of(parameters), refusal)
                return refusal
            # A large message must not hold up the gateway.
            request = Request.of(headers, query_params)
            with refusals.recorded(name, *sending_v1.envelope_of(parameters)):
                return await asyncio.to_thread(sending_v1.OPERATIONS[name], parameters, request)
    except SesError as error:
        return v1_error(error)
    response = await _original_handle_request(method, path, headers, body, query_params)
    if response[0] < 400:
        identities.follow_v1(name, parameters)
    return response


async def _handle_v2(
    method: str, path: str, headers: Any, body: bytes, query_params: Any
) -> Response:
    below = path.rstrip("/").removeprefix(_V2_PREFIX)
    data: dict[str, Any] = {
        name: values[0] if isinstance(values, list) and len(values) == 1 else values
        for name, values in query_params.items()
    }
    try:
        data.update(json.loads(body) if body else {})
        if (method, below) in sending_v2.ROUTES:
            request = Request.of(headers, query_params)
            name, operation = sending_v2.ROUTES[method, below]
            with refusals.recorded(name, *sending_v2.envelope_of(data)):
                return await asyncio.to_thread(operation, data, request)
        for (verb, pattern), operation in _ROUTES.items():
            match = re.fullmatch(pattern, below) if verb == method else None
            if match is not None:
                return operation(data, *match.groups())
    except SesError as error:
        return v2_error(error)
    except ValueError:
        # ministack has its own answer to a body that is not JSON.
        pass
    response = await _original_handle_v2(method, path, headers, body, query_params)
    return _completed(method, below, data, response)


def _completed(method: str, below: str, data: Mapping[str, Any], response: Response) -> Response:
    """ministack's answer, with what it omits."""
    if response[0] >= 400:
        return response
    described = re.fullmatch(r"/(configuration-sets|identities)/[^/]+", below)
    if method == "GET" and described:
        found = json.loads(response[2])
        (configuration_sets if described[1] == "configuration-sets" else identities).complete(found)
        return response[0], response[1], json.dumps(found).encode()
    if below.startswith("/configuration-sets"):
        configuration_sets.synchronise()
    elif (method, below) == ("POST", "/identities"):
        identities.put(data["EmailIdentity"])
        if data.get("ConfigurationSetName"):
            stored = internals.ses_v2.identities[data["EmailIdentity"]]
            stored["ConfigurationSetName"] = data["ConfigurationSetName"]
    elif method == "DELETE" and described and described[1] == "identities":
        identities.remove(below.removeprefix("/identities/"))
    elif (method, below) == ("POST", "/tenants/delete"):
        suppression.forget(data["TenantName"])
    elif (method, below) == ("GET", "/account"):
        account = json.loads(response[2])
        # À la carte, as the rest of the account is that of one who has sent for long.
        account["PricingAttributes"] = {"CurrentPlan": "NONE"}
        account["SuppressionAttributes"] = {"SuppressedReasons": suppression.account_reasons()}
        return response[0], response[1], json.dumps(account).encode()
    return response


def _reset() -> None:
    _original_reset()
    for part in (receiving, contacts, endpoints, suppression, firehose):
        part.reset()
    if GATEWAY:
        GATEWAY.reset()
