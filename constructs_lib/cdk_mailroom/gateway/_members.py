"""The members of an address list: their syntax, and files of them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

from cdk_mailroom._checks import Problems, resolved
from mailroom.ses import ADDRESS_LIST_MEMBERS, DOMAIN

__all__ = ["check_members", "members_of_file"]

_MOST_NAMED = 10
_DOMAIN = re.compile(DOMAIN)
_LOCAL_PART = re.compile(r"[^\s@*\"(),:;<>\[\]\\\x00-\x20\x7f-\U0010ffff]{0,64}")
# https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html
_BESIDE_WILDCARD = 19
_BELOW_WILDCARD = range(2, 10)
_LENGTH = range(3, 321)


def check_members(problems: Problems, argument: str, members: Sequence[object]) -> None:
    """Check every member, and that none comes twice; tokens are passed over."""
    if len(members) > ADDRESS_LIST_MEMBERS:
        problems.add(
            f"len({argument})", len(members), f"a list takes {ADDRESS_LIST_MEMBERS}: use a second"
        )
    seen: dict[str, int] = {}
    found = 0
    for position, member in enumerate(members):
        if not resolved(member):
            continue
        remedy = _remedy(member)
        if not remedy and str(member).lower() in seen:
            remedy = f"it is {argument}[{seen[str(member).lower()]}] too: remove one"
        seen.setdefault(str(member).lower(), position)
        if remedy:
            found += 1
            if found <= _MOST_NAMED:
                problems.add(f"{argument}[{position}]", member, remedy)
    if found > _MOST_NAMED:
        problems.add(argument, f"{found} wrong members", f"the first {_MOST_NAMED} are above")


def _remedy(member: object) -> str:
    """Return what is wrong with one member; empty if nothing is."""
    if not isinstance(member, str) or len(member) not in _LENGTH:
        return "write an address or a domain, of 3 to 320 characters"
    if not member.isascii():
        return "write the domain in Punycode (xn--…); only ASCII can be matched"
    if member.count("*") > 1:
        return "use one * at most"
    local, at, domain = member.rpartition("@")
    if at and not (local and _LOCAL_PART.fullmatch(local.replace("*", ""))):
        return "write 'user@example.com', 'user*@example.com' or 'user@*.example.com'"
    if "*" in local and len(local) > _BESIDE_WILDCARD + 1:
        return f"write at most {_BESIDE_WILDCARD} characters beside the * before the @"
    if domain.startswith("*."):
        domain = domain[2:]
        if domain.count(".") + 1 not in _BELOW_WILDCARD:
            return "write two to nine labels after '*.', such as '*.example.com'"
    if not _DOMAIN.fullmatch(domain):
        return "write a domain such as 'example.com' or '*.example.com'"
    return ""


def members_of_file(problems: Problems, argument: str, path: Path) -> list[str]:
    """Return the addresses in a file of CSV or JSON, in AWS's formats; note what is wrong."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problems.add(argument, str(path), f"pass a readable file in UTF-8 ({error})")
        return []
    if path.suffix == ".json":
        try:
            return [str(one["address"]) for one in json.loads(text)["items"]]
        except (ValueError, LookupError, TypeError):
            remedy = 'write {"items": [{"address": "user@example.com"}]}'
            problems.add(argument, str(path), remedy)
            return []
    rows = csv.DictReader(text.splitlines())
    if "address" not in (rows.fieldnames or ()):
        problems.add(argument, str(path), "begin the file with a line that says 'address'")
        return []
    return [str(row["address"] or "").strip() for row in rows]
