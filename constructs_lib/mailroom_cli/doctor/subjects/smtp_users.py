"""SMTP users: the access keys behind SMTP passwords, by age."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mailroom_cli.doctor import policies
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted
from mailroom_cli.doctor.reading import Absent
from mailroom_cli.names import short_name

RANK = 100
NEEDS = (
    "iam:GetAccessKeyLastUsed",
    "iam:GetAccountAuthorizationDetails",
    "iam:ListAccessKeys",
)

_CREDENTIALS = "https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html"
_KEYS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html"
_MOST_USERS = 1000
_MOST_SMTP_USERS = 50
_OLD_DAYS, _VERY_OLD_DAYS, _UNUSED_DAYS = 90, 365, 90
_SENDING = ("ses:SendRawEmail", "ses:SendEmail")
# What the SES console creates for SMTP credentials, today and formerly, and AWS's own policy.
_CONSOLE = ("AWSSESSendingGroupDoNotRename", "AmazonSesSendingAccess", "AmazonSESFullAccess")


def look(place: Place) -> Iterator[Finding]:
    """Look at the IAM users that may send."""
    users = place.reader.pages(
        "iam",
        "get_account_authorization_details",
        "UserDetailList",
        most=_MOST_USERS,
        Filter=["User"],
    )
    sending = [one for one in users.items if _may_send(one)]
    keys = [
        (user["UserName"], key)
        for user in sending[:_MOST_SMTP_USERS]
        for key in _keys(place, user["UserName"])
    ]
    found = []
    for user, key in sorted(keys, key=lambda one: str(one[1]["CreateDate"])):
        found += list(_key(place, user, key))
    yield from found
    if sending and not found:
        yield place.ok("keys", f"{counted(len(sending), 'user')} may send; no key is old")
    elif not sending:
        yield place.ok("keys", "no IAM user may send mail, so there are no SMTP passwords")
    if len(sending) > _MOST_SMTP_USERS or not users.complete:
        yield place.warning(
            "not-all",
            f"only the keys of the first {_MOST_SMTP_USERS} users that may send were looked at",
        )


def _may_send(user: Mapping[str, Any]) -> bool:
    attached = [one["PolicyName"] for one in user.get("AttachedManagedPolicies") or []]
    own = user.get("UserPolicyList") or []
    names = [*attached, *(user.get("GroupList") or []), *(one["PolicyName"] for one in own)]
    return any(name in _CONSOLE for name in names) or any(
        policies.allows(one["PolicyDocument"], _SENDING) for one in own
    )


def _keys(place: Place, user: str) -> list[dict[str, Any]]:
    try:
        found = place.reader.pages(
            "iam",
            "list_access_keys",
            "AccessKeyMetadata",
            most=10,
            UserName=user,
            absent=("NoSuchEntity",),
        )
    except Absent:
        return []
    return [one for one in found.items if one["Status"] == "Active"]


def _key(place: Place, user: str, key: Mapping[str, Any]) -> Iterator[Finding]:
    age = (place.now - key["CreateDate"]).days
    used = place.reader.call("iam", "get_access_key_last_used", AccessKeyId=key["AccessKeyId"])[
        "AccessKeyLastUsed"
    ]
    last: datetime | None = used.get("LastUsedDate")
    idle = (place.now - (last or key["CreateDate"])).days
    title = f"user {short_name(user)}, key {key['AccessKeyId']}"
    if idle >= _UNUSED_DAYS:
        when = f"for {idle} days" if last else f"in the {idle} days since it was made"
        yield place.warning(
            "unused-key",
            f"{title}: not used {when}",
            remedy="if nothing needs it, switch it off; delete it later:",
            command=place.aws(
                "iam",
                "update-access-key",
                user_name=user,
                access_key_id=key["AccessKeyId"],
                status="Inactive",
            ),
            source=_KEYS,
        )
    elif age >= _OLD_DAYS:
        report = place.warning if age >= _VERY_OLD_DAYS else place.note
        yield report(
            "old-key",
            f"{title}: the SMTP password is {age} days old",
            remedy="make a new one: change rotation= of its SmtpCredentials and deploy; "
            "otherwise make new SMTP credentials in the SES console",
            source=_CREDENTIALS,
        )
