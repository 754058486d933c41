"""Mutual TLS: which client certificates an ingress point accepts, and what it knows of them."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from mailroom_local.gateway.trust import TrustStore, attributes

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def pem_of(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def showing(gate: Any, certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = gate.trusting()
    certificate.configure_cert(context)
    return context


def revocations(authority: trustme.CA, certificate: trustme.LeafCert, *, until: datetime) -> str:
    """A list of the authority that names the certificate."""
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    leaf = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(leaf.serial_number)
        .revocation_date(NOW - timedelta(days=1))
        .build()
    )
    key: Any = load_pem_private_key(authority.private_key_pem.bytes(), None)
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(NOW - timedelta(days=2))
        .next_update(until)
        .add_revoked_certificate(revoked)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def mutual(gate: Any, store: str) -> Any:
    return gate.point(kind="MTLS", tls_policy="REQUIRED", trust_store=store)


def test_a_client_without_a_certificate_is_refused(gate: Any, authority: trustme.CA) -> None:
    point = mutual(gate, pem_of(authority))
    assert gate.connect(point).mail("jane@example.net")[0] == 530
    inside = gate.connect(point, tls=True)
    assert inside.mail("jane@example.net") == (530, b"5.7.0 A client certificate is required")


def test_a_certificate_of_the_trust_store_is_accepted_and_rules_know_it(
    gate: Any, authority: trustme.CA
) -> None:
    condition = {
        "StringExpression": {
            "Evaluate": {"ClientCertificateAttribute": "SAN_DNS_NAME"},
            "Operator": "EQUALS",
            "Values": ["mx.example.net"],
        }
    }
    rules = [{"Name": "partner", "Conditions": [condition], "Actions": [{"Drop": {}}]}]
    point = gate.point(
        kind="MTLS", tls_policy="REQUIRED", trust_store=pem_of(authority), rules=rules
    )
    client = showing(gate, authority.issue_cert("mx.example.net", common_name="Partner"))
    story = gate.send(point, context=client)
    assert [action.outcome for action in story.actions] == ["dropped"]
    [accepted] = [one for one in gate.logs("APPLICATION_LOGS") if "rule_name" not in one]
    details = accepted["ingress_point_metadata"]["client_certificate_details"]
    assert details["common_names"] == ["Partner"]
    assert details["subject_alternative_names"] == ["mx.example.net"]


def test_a_certificate_of_another_authority_ends_the_connection(
    gate: Any, authority: trustme.CA
) -> None:
    point = mutual(gate, pem_of(authority))
    client = showing(gate, trustme.CA().issue_cert("mx.example.net"))
    with pytest.raises((OSError, ssl.SSLError)):
        gate.connect(point, context=client).noop()
    [refused] = gate.stories(count=1)
    assert refused.refused == "the TLS handshake failed"
    assert "CERTIFICATE_VERIFY_FAILED" in refused.reason


def test_a_revoked_certificate_is_refused(gate: Any, authority: trustme.CA) -> None:
    certificate = authority.issue_cert("mx.example.net")
    store = pem_of(authority) + revocations(authority, certificate, until=NOW + timedelta(days=9))
    point = mutual(gate, store)
    assert gate.connect(point, context=showing(gate, certificate)).mail("a@b.example")[0] == 550
    other = showing(gate, authority.issue_cert("mx.example.net"))
    assert gate.connect(point, context=other).mail("a@b.example")[0] == 250


def test_an_authority_whose_revocations_have_expired_does_not_count(
    authority: trustme.CA,
) -> None:
    certificate = authority.issue_cert("mx.example.net")
    expired = revocations(authority, certificate, until=NOW - timedelta(hours=1))
    store = TrustStore.of(pem_of(authority) + expired)
    assert store.authorities == []
    [listed] = store.monitoring["crl_invalid_or_near_expiry"]
    assert listed["issuer"]


def test_the_attributes_of_a_certificate_are_those_that_conditions_name(
    authority: trustme.CA, tmp_path: Path
) -> None:
    made = authority.issue_cert("mx.example.net", "192.0.2.1", "jane@example.net", common_name="X")
    leaf = x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes())
    found = attributes(leaf.public_bytes(Encoding.DER))
    assert found["CN"] == ("X",)
    assert found["SAN_DNS_NAME"] == ("mx.example.net",)
    assert found["SAN_IP_ADDRESS"] == ("192.0.2.1",)
    assert found["SAN_RFC822_NAME"] == ("jane@example.net",)
    assert int(found["SERIAL_NUMBER"][0].replace(":", ""), 16) == leaf.serial_number


def test_a_trust_store_that_cannot_be_read_trusts_nobody(gate: Any, authority: trustme.CA) -> None:
    broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert len(TrustStore.of(broken + pem_of(authority)).authorities) == 1
    point = mutual(gate, broken)
    assert gate.connect(point, tls=True).mail("a@b.example")[0] == 530
