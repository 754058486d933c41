"""The certificate with which the local SMTP servers offer STARTTLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Certificates:
    """A certificate for these names and this machine, of an authority made for it.

    Clients that trust the file accept it.
    """

    def __init__(self, file: Path, *, host_names: tuple[str, ...]) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(file)
        self._own = authority.issue_cert(*host_names, "localhost", "127.0.0.1")

    def context(self) -> ssl.SSLContext:
        """A new TLS context of a server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._own.configure_cert(context)
        return context
