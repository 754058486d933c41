"""The certificate with which the local SMTP servers offer STARTTLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def server_context(certificate: Path, *, host_names: tuple[str, ...]) -> ssl.SSLContext:
    """A TLS context for these names and this machine; clients that trust the file accept it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*host_names, "localhost", "127.0.0.1").configure_cert(context)
    return context
