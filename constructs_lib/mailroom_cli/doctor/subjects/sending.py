"""Sending: sandbox, quota, pricing plan, and whether AWS lets the account send."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place

RANK = 10
NEEDS = ("ses:GetAccount",)

_PRODUCTION = "https://docs.aws.amazon.com/ses/latest/dg/request-production-access.html"
_QUOTAS = "https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html"
_ENFORCEMENT = "https://docs.aws.amazon.com/ses/latest/dg/faqs-enforcement.html"
_PAUSING = "https://docs.aws.amazon.com/ses/latest/dg/monitoring-sender-reputation-pausing.html"
_PLANS = "https://docs.aws.amazon.com/ses/latest/dg/pricing-plans.html"
# Above this share of the quota, a busy day may use it up.
_NEARLY = 0.8


def look(place: Place) -> Iterator[Finding]:
    """Look at the account itself."""
    account = place.reader.call("sesv2", "get_account")
    yield _sandbox(place, account)
    yield from _quota(place, account.get("SendQuota") or {})
    if not account.get("SendingEnabled", True):
        yield place.problem(
            "sending-paused",
            "sending is paused for the whole account in this region",
            remedy="find out who paused it and why; to resume:",
            command=place.aws("sesv2", "put-account-sending-attributes", sending_enabled=True),
            source=_PAUSING,
        )
    yield from _enforcement(place, account.get("EnforcementStatus", ""))
    yield _plan(place, account)


def _sandbox(place: Place, account: Mapping[str, Any]) -> Finding:
    if account.get("ProductionAccessEnabled"):
        return place.ok("sandbox", "production access: mail may go to any address")
    review = ((account.get("Details") or {}).get("ReviewDetails") or {}).get("Status", "")
    asked = {
        "PENDING": ", and AWS is reviewing a request for production access",
        "DENIED": ", and AWS denied a request for production access",
    }.get(review, "")
    return place.problem(
        "sandbox",
        f"the account is in the sandbox: mail goes to verified addresses only{asked}",
        remedy="wait for the answer in the support case"
        if review == "PENDING"
        else "request production access in the SES console: Account dashboard > Request production "
        "access",
        source=_PRODUCTION,
    )


def _quota(place: Place, quota: Mapping[str, float]) -> Iterator[Finding]:
    most, sent = quota.get("Max24HourSend", 0.0), quota.get("SentLast24Hours", 0.0)
    rate = quota.get("MaxSendRate", 0.0)
    if most < 0:
        yield place.ok("quota", f"no limit a day, {rate:g} a second")
        return
    text = f"{sent:,.0f} of {most:,.0f} recipients sent to in 24 hours, at most {rate:g} a second"
    remedy = "request a higher quota in Service Quotas: Amazon SES > Sending quota"
    if most and sent >= most:
        yield place.problem("quota", f"{text}: SES refuses mail", remedy=remedy, source=_QUOTAS)
    elif most and sent >= _NEARLY * most:
        yield place.warning("quota", text, remedy=remedy, source=_QUOTAS)
    else:
        yield place.ok("quota", text)


def _enforcement(place: Place, status: str) -> Iterator[Finding]:
    if status == "PROBATION":
        yield place.problem(
            "enforcement",
            "AWS has put the account under review (PROBATION)",
            remedy="read AWS's mail about it, remove the cause, then answer the support case",
            source=_ENFORCEMENT,
        )
    elif status == "SHUTDOWN":
        yield place.problem(
            "enforcement",
            "AWS has paused the account (SHUTDOWN): it cannot send",
            remedy="answer the support case; it says what AWS wants to know",
            source=_ENFORCEMENT,
        )
    elif status:
        yield place.ok("enforcement", f"AWS has no complaint about the account ({status})")


def _plan(place: Place, account: Mapping[str, Any]) -> Finding:
    plan = account.get("PricingAttributes") or {}
    current, following = plan.get("CurrentPlan", ""), plan.get("NextPlan", "")
    if not current:
        if not place.reader.knows("sesv2", "get_account", "PricingAttributes"):
            return place.note(
                "plan",
                "pricing plan unknown: this boto3 does not know the plans of July 2026",
                remedy="pip install --upgrade boto3",
                source=_PLANS,
            )
        return place.note("plan", "pricing plan unknown: SES did not say", source=_PLANS)
    names = {"NONE": "à la carte (no plan)"}
    then = f", from the next month {names.get(following, following.title())}" if following else ""
    return place.note(
        "plan", f"pricing plan {names.get(current, current.title())}{then}", source=_PLANS
    )
