"""One HTTPS request to an address that was looked at first.

A name is resolved once, and the connection goes to the address that was found and checked, so that
a name that resolves to something else the next time reaches nothing. The certificate is verified
for the name. Redirects are not followed, and proxies are not used.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from threading import Timer
from urllib.parse import urlsplit

from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

__all__ = ["FAILURES", "SECONDS", "AddressRefused", "Target", "is_allowed"]

SECONDS = 10.0
"""For the connection, the request and the answer, whatever the receiver does."""
_CONNECT_SECONDS = 5.0
_VISIBLE = re.compile("[!-~]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")  # a second range of many VPCs
# Credentials of EC2 and EKS by IPv6, in the private range; and what was private before that.
_NEVER = tuple(map(ipaddress.ip_network, ("fd00:ec2::254", "fd00:ec2::23", "fec0::/10")))


class AddressRefused(OSError):
    """The name has an address that no request goes to."""


FAILURES = (OSError, HTTPException)
"""What `Target.post` raises if there is no answer."""


class Target:
    """A URL to post to.

    Args:
        url: Where to; ``https`` only.
        allow_http: Also ``http``.
        allow_private: Also private and loopback addresses.
    """

    __slots__ = ("_allow_private", "_host", "_path", "_port", "_tls")

    def __init__(self, url: str, *, allow_http: bool = False, allow_private: bool = False) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
            # As `getaddrinfo` does, which raises for an empty label and for one of 64 letters.
            (parts.hostname or "").encode("idna")
        except ValueError:  # which quotes the URL, perhaps with a password
            raise NotConfigured("the webhook's URL has no valid host and port") from None
        self._tls = parts.scheme == "https"
        if not self._tls and not (allow_http and parts.scheme == "http"):
            raise NotConfigured("the webhook's URL is not https: use https, or set allow_http=True")
        if not parts.hostname or parts.username is not None or parts.fragment:
            raise NotConfigured("the webhook's URL must have a host, and no user and no fragment")
        if not _VISIBLE.fullmatch(url):
            raise NotConfigured("the webhook's URL has blanks or letters that must be encoded")
        self._host = parts.hostname
        self._port = port or (443 if self._tls else 80)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._allow_private = allow_private
        if _is_address(self._host) and not is_allowed(self._host, allow_private=allow_private):
            raise NotConfigured("the webhook's URL has an address that is not public")

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer; its body is not read.

        Raises one of `FAILURES` if there is none within `SECONDS`, or if an address is refused.
        """
        connection = _Pinned(self._host, self._port, self._address(), tls=self._tls)
        timer = Timer(SECONDS, connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            connection.request("POST", self._path, body, dict(headers))
            return connection.getresponse().status
        finally:
            timer.cancel()
            connection.close()

    def _address(self) -> str:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        # All, as one that is refused among others is how a check is tricked into the wrong one.
        for address in addresses:
            if not is_allowed(address, allow_private=self._allow_private):
                raise AddressRefused(
                    f"{self._host} has the address {address}, which is not public: no request was "
                    "made"
                )
        # Lambda has IPv6 only in networks that are set up for it.
        return min(addresses, key=lambda one: ":" in one)


class _Pinned(HTTPConnection):
    """A connection to one address, under another name."""

    def __init__(self, host: str, port: int, address: str, *, tls: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self.default_port = 443 if tls else 80  # left out of the field Host
        self._address = address
        self._tls = tls
        self._late = False

    def connect(self) -> None:
        """Connect to the address, and verify the certificate for the name."""
        self.sock = socket.create_connection((self._address, self.port), _CONNECT_SECONDS)
        if self._tls:
            import ssl

            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host
            )
        if self._late:
            raise TimeoutError("the connection took too long")

    def interrupt(self) -> None:
        """End whatever waits for the other side."""
        self._late = True  # first, as a socket in its handshake cannot be shut down from here
        with suppress(AttributeError, OSError):  # not connected yet, or no longer
            self.sock.shutdown(socket.SHUT_RDWR)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_allowed(text: str, *, allow_private: bool) -> bool:
    """Return whether a request may go to the address *text*.

    Link-local addresses, where clouds keep credentials, are never allowed.
    """
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    inner = _embedded(address)
    if inner is not None:
        return is_allowed(str(inner), allow_private=allow_private)
    if address.is_loopback:
        return allow_private
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if address.is_reserved or any(address in network for network in _NEVER):
        return False
    return address.is_global or (allow_private and (address.is_private or address in _SHARED))


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour
