"""Multi-region endpoints."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError

from conformance.check import Json, Need, check
from conformance.permissions import FUNCTION, STACK
from conformance.place import Place


@check(
    "What a send through an unknown endpoint is refused with",
    actions=("ses:CreateMultiRegionEndpoint", "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    minutes=0.5,
)
def refusals(place: Place) -> Json:
    """Send through a made-up endpoint, and create endpoints that cannot be."""
    create = place.client("sesv2").create_multi_region_endpoint

    def routes(*regions: str) -> dict[str, Json]:
        return {"RoutesDetails": [{"Region": region} for region in regions]}

    cases = {
        "the same region": {"EndpointName": "conformance", "Details": routes(place.region)},
        "a name with a dot": {"EndpointName": "con.formance", "Details": routes("eu-west-2")},
    }
    try:
        sent = place.error(place.send_email, EndpointId="abcdef12.g3h")
    except BotoCoreError as error:
        # boto3 signs such a call with awscrt, or cannot resolve the endpoint's name.
        sent = type(error).__name__
    return {
        "sent through a made-up endpoint": sent,
        **{case: place.error(create, **given) for case, given in cases.items()},
    }


@check(
    "CloudFormation creates the endpoint's id",
    actions=(
        *STACK,
        "ses:CreateMultiRegionEndpoint",
        "ses:DeleteMultiRegionEndpoint",
        "ses:GetMultiRegionEndpoint",
    ),
    creates="a stack with a multi-region endpoint",
    minutes=5,
)
def id_after_creation(place: Place) -> Json:
    """Deploy an endpoint, and ask for its id as soon as the stack is complete."""
    name = place.name("endpoint")
    other = "eu-west-1" if place.region != "eu-west-1" else "us-east-1"
    properties = {"EndpointName": name, "Details": {"RouteDetails": [{"Region": other}]}}
    made = {"Endpoint": {"Type": "AWS::SES::MultiRegionEndpoint", "Properties": properties}}
    stack, status = place.deploy(made)
    if status != "CREATE_COMPLETE":
        return {"stack": status, "reasons": place.reasons(stack)}
    found = place.client("sesv2").get_multi_region_endpoint(EndpointName=name)
    return {"id": bool(found.get("EndpointId")), "status": found.get("Status")}


@check(
    "Lambda's Python runtime does not have awscrt",
    actions=(*FUNCTION, "lambda:InvokeFunction"),
    creates="a function, its role, a queue",
    minutes=1,
    here="functions of the local AWS run in the Python of this machine",
)
def awscrt(place: Place) -> Json:
    """Look for the module `awscrt` in a function."""
    function = place.function(
        "import importlib.util\ntell({'awscrt': importlib.util.find_spec('awscrt') is not None})",
        invoked_by="",
    )
    place.client("lambda").invoke(FunctionName=function.name)
    return place.told(function)
