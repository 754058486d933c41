"""The DNS is asked as it is, and never waited for without end."""

import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from mailroom_cli.doctor import resolving
from mailroom_cli.doctor.resolving import NoAnswer, Resolver, resolver

ZONE = {
    ("example.com.", "MX"): ["20 mx.example.net.", "10 Inbound-SMTP.eu-west-1.amazonaws.com."],
    ("example.com.", "TXT"): ['"v=spf1 include:amazonses.com" " ~all"'],
    ("token.example.com.", "CNAME"): ["token.dkim.amazonses.com."],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    """A resolver whose name server knows a zone, and does not answer for one name."""
    pytest.importorskip("dns", reason="the extra doctor is not installed")
    import dns.resolver

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        Thread(target=_serve, args=(server,), daemon=True).start()
        own = dns.resolver.Resolver(configure=False)
        own.nameservers, own.port = ["127.0.0.1"], server.getsockname()[1]
        monkeypatch.setattr(dns.resolver, "default_resolver", own)
        monkeypatch.setattr(resolving, "_SECONDS", 0.5)
        found = resolver()
        assert found is not None
        yield found


def _serve(server: socket.socket) -> None:
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rrset

    while True:
        try:
            data, client = server.recvfrom(4096)
        except OSError:
            return
        query: Any = dns.message.from_wire(data)
        [question] = query.question
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        if name == "silent.example.":
            continue
        answer: Any = dns.message.make_response(query)
        if (name, kind) in ZONE:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ZONE[name, kind]))
        elif name == "broken.example.":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in {known for known, _ in ZONE}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(answer.to_wire(), client)


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        (
            "example.com",
            "MX",
            ["20 mx.example.net", "10 inbound-smtp.eu-west-1.amazonaws.com"],
        ),
        ("example.com", "TXT", ["v=spf1 include:amazonses.com ~all"]),
        ("token.example.com", "CNAME", ["token.dkim.amazonses.com"]),
        ("example.com", "CNAME", []),
        ("gone.example", "MX", []),
    ],
)
def test_records_are_read_as_text(
    asked: Resolver, name: str, kind: str, records: list[str]
) -> None:
    assert sorted(asked.records(name, kind)) == sorted(records)


@pytest.mark.parametrize("name", ["silent.example", "broken.example", "a..b"])
def test_a_name_server_that_does_not_answer_is_not_taken_for_no_record(
    asked: Resolver, name: str
) -> None:
    with pytest.raises(NoAnswer):
        asked.records(name, "MX")


def test_without_dnspython_there_is_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "find_spec", lambda name: None)
    assert resolver() is None
