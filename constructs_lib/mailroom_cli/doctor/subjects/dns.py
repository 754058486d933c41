"""DNS: the records of verified domains and of the domains that rules receive for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mailroom_cli.doctor import rule_sets
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, named, several
from mailroom_cli.doctor.reading import Unseen
from mailroom_cli.doctor.resolving import NoAnswer, Resolver

RANK = 25
NEEDS = (
    "ses:DescribeActiveReceiptRuleSet",
    "ses:GetEmailIdentity",
    "ses:GetIdentityVerificationAttributes",
    "ses:ListIdentities",
)

_MX = "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-mx-record.html"
_EASY_DKIM = "https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-easy.html"
_MAIL_FROM = "https://docs.aws.amazon.com/ses/latest/dg/mail-from.html"
_DMARC = "https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dmarc.html"
_MOST_DOMAINS = 25


def look(place: Place) -> Iterator[Finding]:
    """Look at the records of each domain."""
    if place.is_local:
        yield place.note(
            "not-local", "not looked at: the local AWS has no DNS, and needs no records"
        )
        return
    if place.resolver is None:
        yield place.warning(
            "not-installed",
            "not looked at: dnspython is not installed",
            remedy="install it:",
            command="pip install 'cdk-mailroom[doctor]'",
        )
        return
    conditions: list[list[str]] = []
    with suppress(Unseen):
        conditions = _conditions(place)
    recipients = [one for each in conditions for one in each]
    receiving = [rule_sets.domain_of(one) for one in recipients if not one.startswith(".")]
    identities: list[str] = []
    with suppress(Unseen):
        identities = [name for name in rule_sets.verification(place) if "@" not in name]
    every = list(dict.fromkeys([*receiving, *identities]))
    chosen = list(place.domains) or every[:_MOST_DOMAINS]

    def one(domain: str) -> list[Finding]:
        return list(_domain(place, domain, identities=identities, receiving=receiving))

    for domain, found in zip(chosen, several(one, chosen), strict=True):
        yield from found
        if not found and place.saw_all:
            yield place.ok("records", f"{domain}: all records are as they should be")
    everyone = any(not each for each in conditions) and set(chosen) >= set(every)
    yield from _elsewhere(place, chosen, recipients, everyone=everyone)
    if len(chosen) < len(every) and not place.domains:
        yield place.warning(
            "not-all",
            f"only the records of {len(chosen)} of {len(every)} domains were looked at",
            remedy="look at others with --identity DOMAIN",
        )


def _conditions(place: Place) -> list[list[str]]:
    """The recipients of each rule that is enabled."""
    active = rule_sets.active(place) or {}
    return [one.get("Recipients") or [] for one in active.get("Rules", []) if one.get("Enabled")]


def _elsewhere(
    place: Place, domains: Sequence[str], recipients: Sequence[str], *, everyone: bool
) -> Iterator[Finding]:
    """What cannot be told from the records of one domain."""
    if subdomains := [one for one in recipients if one.startswith(".")]:
        yield place.note(
            "subdomains",
            f"MX records of subdomains cannot be listed, so those of {named(subdomains)} were not "
            "looked at",
        )
    if everyone and not recipients and domains:
        ask = _asked(place)
        with suppress(NoAnswer):
            if not any(
                _is_ours(place, record.split()[-1]) for one in domains for record in ask(one, "MX")
            ):
                yield place.problem(
                    "mx",
                    "rules are for every verified domain, and no MX record of "
                    f"{named(domains)} is that of SES, so they never run",
                    remedy=f"publish this record: DOMAIN MX 10 {_inbound(place)}",
                    source=_MX,
                )


def _inbound(place: Place) -> str:
    return f"inbound-smtp.{place.region}.amazonaws.com"


def _is_ours(place: Place, host: str) -> bool:
    """Whether a host is where SES, or a gateway of it, takes mail."""
    return host == _inbound(place) or ".mail-manager-smtp." in f".{host}"


def _domain(
    place: Place, domain: str, *, identities: Sequence[str], receiving: Sequence[str]
) -> Iterator[Finding]:
    ask = _asked(place)
    try:
        if domain in receiving:
            yield from _mx(place, ask, domain)
        if domain in identities:
            identity = place.reader.call("sesv2", "get_email_identity", EmailIdentity=domain)
            yield from _dkim(place, ask, domain, identity.get("DkimAttributes") or {})
            yield from _mail_from(place, ask, identity.get("MailFromAttributes") or {})
            yield from _dmarc(place, ask, domain)
        elif domain not in receiving and place.saw_all:
            yield place.warning(
                "unknown",
                f"{domain} is neither an identity of this account and region nor a recipient of a "
                "rule, so there was nothing to look for",
                remedy="check the spelling, the region and the profile",
            )
    except NoAnswer as error:
        yield place.warning(
            "no-answer",
            f"{domain}: not looked at, as the DNS did not answer: {error}",
            remedy="look again later, or from another network",
        )


_Ask = Callable[[str, str], list[str]]


def _asked(place: Place) -> _Ask:
    resolver: Resolver | None = place.resolver
    assert resolver is not None
    return resolver.records


def _mx(place: Place, ask: _Ask, domain: str) -> Iterator[Finding]:
    wanted = _inbound(place)
    hosts = [record.split()[-1] for record in ask(domain, "MX")]
    if any(_is_ours(place, host) for host in hosts):
        others = [host for host in hosts if not host.endswith(".amazonaws.com")]
        if others:
            yield place.warning(
                "mx",
                f"{domain}: mail may also go to {named(others)}, which no rule sees",
                remedy=f"remove the other MX records, or those with {wanted}",
                source=_MX,
            )
        return
    if hosts == ["."]:
        what = "it says that it takes no mail (a null MX record)"
    else:
        what = (
            f"mail goes to {named(hosts)}" if hosts else "it has no MX record, so it gets no mail"
        )
    yield place.problem(
        "mx",
        f"{domain}: {what}; rules for it never run",
        remedy=f"publish this record{' instead' if hosts else ''}: {domain} MX 10 {wanted}",
        source=_MX,
    )


def _dkim(place: Place, ask: _Ask, domain: str, dkim: Mapping[str, Any]) -> Iterator[Finding]:
    tokens = dkim.get("Tokens") or []
    external = dkim.get("SigningAttributesOrigin") == "EXTERNAL"
    zone = dkim.get("SigningHostedZone") or "dkim.amazonses.com"
    for token in tokens:
        name, target = f"{token}._domainkey.{domain}", f"{token}.{zone}"
        if external:
            # The selector of one's own key, which is a record of its own.
            if not any("p=" in one for one in ask(name, "TXT")):
                yield place.problem(
                    "dkim",
                    f"{domain}: {name} has no TXT record with the public key, so DKIM fails",
                    remedy=f"publish it: {name} TXT p=YOUR-PUBLIC-KEY",
                    source=_DKIM_OWN,
                )
        elif target.lower() not in (found := ask(name, "CNAME")):
            there = f"points to {named(found)}" if found else "has no CNAME record"
            yield place.problem(
                "dkim",
                f"{domain}: {name} {there}, so DKIM fails",
                remedy=f"publish this record: {name} CNAME {target}",
                source=_EASY_DKIM,
            )


_DKIM_OWN = (
    "https://docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-bring-your-own.html"
)


def _mail_from(place: Place, ask: _Ask, attributes: Mapping[str, Any]) -> Iterator[Finding]:
    name = attributes.get("MailFromDomain")
    if not name:
        return
    wanted = f"feedback-smtp.{place.region}.amazonses.com"
    hosts = [record.split()[-1] for record in ask(name, "MX")]
    if hosts != [wanted]:
        there = f"its MX is {named(hosts)}" if hosts else "it has no MX record"
        yield place.problem(
            "mail-from",
            f"MAIL FROM domain {name}: {there}, so SES does not use it",
            remedy=f"publish this record and no other MX: {name} MX 10 {wanted}",
            source=_MAIL_FROM,
        )
    spf = [one for one in ask(name, "TXT") if one.lower().startswith("v=spf1")]
    if not any("include:amazonses.com" in one.lower() for one in spf):
        there = f"its SPF record is {spf[0]!r}" if spf else "it has no SPF record"
        yield place.problem(
            "spf",
            f"MAIL FROM domain {name}: {there}, so SPF fails",
            remedy=f'publish this record: {name} TXT "v=spf1 include:amazonses.com ~all"',
            source=_MAIL_FROM,
        )
    elif len(spf) > 1:
        yield place.problem(
            "spf",
            f"MAIL FROM domain {name}: it has {len(spf)} SPF records, so SPF fails",
            remedy="keep one",
            source=_MAIL_FROM,
        )


def _dmarc(place: Place, ask: _Ask, domain: str) -> Iterator[Finding]:
    labels = domain.split(".")
    # A subdomain is under the policy of a domain above it.
    for start in range(len(labels) - 1):
        above = ".".join(labels[start:])
        found = [one for one in ask(f"_dmarc.{above}", "TXT") if one.startswith("v=DMARC1")]
        if found:
            if "p=none" in found[0].replace(" ", "").lower():
                yield place.note(
                    "dmarc",
                    f"{domain}: DMARC asks for nothing (p=none), so forged mail is delivered",
                    remedy="once its reports are clean, publish p=quarantine or p=reject",
                    source=_DMARC,
                )
            return
    yield place.warning(
        "dmarc",
        f"{domain}: no DMARC record; Gmail and Yahoo want one from who sends much",
        remedy=f'publish this record: _dmarc.{domain} TXT "v=DMARC1; p=none; '
        f'rua=mailto:postmaster@{domain}"',
        source=_DMARC,
    )
