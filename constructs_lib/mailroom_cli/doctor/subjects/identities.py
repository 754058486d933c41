"""Identities: what SES has verified, and whether it signs mail with DKIM."""

from __future__ import annotations

from collections.abc import Iterator

from mailroom_cli.doctor import rule_sets
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted, named

RANK = 20
NEEDS = (
    "ses:GetIdentityDkimAttributes",
    "ses:GetIdentityVerificationAttributes",
    "ses:ListIdentities",
)

_VERIFYING = "https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html"
_DKIM = "https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim.html"
_PER_CALL = 100


def look(place: Place) -> Iterator[Finding]:
    """Look at the identities."""
    statuses = rule_sets.verification(place)
    if not statuses:
        yield place.problem(
            "none",
            "no identity: SES neither sends nor receives mail",
            remedy="verify a domain: deploy a SendingIdentity, or"
            if not place.is_local
            else "verify a domain: mailroom up --identity DOMAIN, or",
            command=place.aws("ses", "verify-domain-identity", domain="YOUR-DOMAIN"),
            source=_VERIFYING,
        )
        return
    verified = [name for name, status in statuses.items() if status == "Success"]
    for name, status in statuses.items():
        if status != "Success":
            yield _unverified(place, name, status)
    # The local AWS verifies without DNS records, and signs nothing.
    if not place.is_local:
        yield from _signing(place, [name for name in verified if "@" not in name])
    if verified:
        yield place.ok("verified", f"verified: {named(verified)}")
    if not rule_sets.identities(place).complete:
        yield place.warning(
            "not-all",
            f"only the first {rule_sets.MOST_IDENTITIES} identities were looked at",
            remedy="look at others with --identity DOMAIN",
        )


def _unverified(place: Place, name: str, status: str) -> Finding:
    waiting = status == "Pending"
    if "@" in name:
        remedy = "open the mail that AWS sent there and follow its link; to send it again:"
        command = place.aws("ses", "verify-email-identity", email_address=name)
    else:
        remedy = "publish the DKIM records that SES names"
        if not waiting:
            remedy += "; SES has given up looking, so make it look again:"
        command = place.aws("sesv2", "get-email-identity", email_identity=name)
        if not waiting:
            command = place.aws("ses", "verify-domain-dkim", domain=name)
    report = place.warning if waiting else place.problem
    return report(
        "unverified",
        f"{name} is not verified ({status.lower()}): SES does not send from it",
        remedy=remedy,
        command=command,
        source=_VERIFYING,
    )


def _signing(place: Place, domains: list[str]) -> Iterator[Finding]:
    signing = 0
    for start in range(0, len(domains), _PER_CALL):
        answer = place.reader.call(
            "ses", "get_identity_dkim_attributes", Identities=domains[start : start + _PER_CALL]
        )
        for name, dkim in answer["DkimAttributes"].items():
            status = dkim.get("DkimVerificationStatus", "")
            if not dkim.get("DkimEnabled") and status != "Success":
                yield place.warning(
                    "dkim",
                    f"{name}: mail is sent without a DKIM signature",
                    remedy="set DKIM up; then publish the three CNAME records that it answers:",
                    command=place.aws("ses", "verify-domain-dkim", domain=name),
                    source=_DKIM,
                )
            elif not dkim.get("DkimEnabled"):
                yield place.warning(
                    "dkim",
                    f"{name}: DKIM is set up and switched off, so mail is sent without a signature",
                    remedy="switch it on:",
                    command=place.aws(
                        "ses", "set-identity-dkim-enabled", identity=name, dkim_enabled=True
                    ),
                    source=_DKIM,
                )
            elif status not in ("", "Success"):
                yield place.warning(
                    "dkim",
                    f"{name}: DKIM is not verified ({status.lower()}), so mail is not signed",
                    remedy="publish the records that SES names:",
                    command=place.aws("sesv2", "get-email-identity", email_identity=name),
                    source=_DKIM,
                )
            else:
                signing += 1
    if signing:
        yield place.ok("dkim", f"{counted(signing, 'domain')} with a verified DKIM signature")
