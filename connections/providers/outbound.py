"""The guard for outgoing addresses: which servers calsync can be made to call.

A consultant types the address of a calendar server or of a webhook's endpoint, and every answer of
a calendar server names further addresses. Any of them could lead into the network calsync runs in
(server-side request forgery). So an address must be https, carry no password, use a port on which
such servers live, and everything its name resolves to must be on the public Internet. The operator
can let single hosts through (``CALDAV_ALLOWED_PRIVATE_HOSTS``, ``WEBHOOK_ALLOWED_PRIVATE_HOSTS``),
also over plain http: a server at home, the demo.

``check`` judges an address by its looks. ``resolve`` returns the very addresses that the connection
is then opened to, so a name that changes between check and use gains nothing (DNS rebinding).
"""

import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from connections.providers.base import AddressRefused

Address = IPv4Address | IPv6Address
Endpoint = tuple[int, int, int, str, tuple]  # one entry of socket.getaddrinfo

HTTPS_PORT = 443
DEFAULT_PORTS = {"http": 80, "https": HTTPS_PORT}
FIRST_UNPRIVILEGED_PORT = 1024  # below it live mail, shells and directories, but no CalDAV server
ADDRESSES_PER_FAMILY = 2  # enough to get past one dead address, few enough to fail in time

# IANA's registry calls these global, or Python's copy of it did not know them yet.
SPECIAL_NETWORKS = (
    IPv4Network("192.0.0.0/24"),  # IETF protocol assignments (RFC 6890)
    IPv4Network("192.88.99.0/24"),  # 6to4 relays (RFC 7526)
    IPv6Network("2001::/23"),  # IETF protocol assignments, Teredo among them (RFC 2928)
    IPv6Network("2001:db8::/32"),  # documentation (RFC 3849)
    IPv6Network("2002::/16"),  # 6to4 (RFC 7526)
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA has handed out so far (RFC 4291)
NAT64 = IPv6Network("64:ff9b::/96")  # the public IPv4 Internet seen from IPv6 (RFC 6052)

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")


class OutboundGuard:
    """Says which addresses may be called. One guard serves any number of adapters and threads.

    ``allowed_private_hosts`` holds entries of the form ``host`` (any port) or ``host:port``.
    """

    def __init__(
        self,
        allowed_private_hosts: Iterable[str] = (),
        *,
        look_up: Callable[..., list[Endpoint]] = socket.getaddrinfo,
    ) -> None:
        entries = (urlsplit(f"//{entry.strip()}") for entry in allowed_private_hosts)
        self._allowed = frozenset((entry.hostname, entry.port) for entry in entries)
        self._look_up = look_up

    def check(self, url: str) -> None:
        """Raise ``AddressRefused`` for an address that must not be called whatever it leads to."""
        parts = _split(url)
        if parts.username is not None or parts.password is not None:
            raise AddressRefused("The server's address must not contain a name or a password.")
        if self._is_allowed(parts.hostname, port_of(parts)) and parts.scheme in ("http", "https"):
            return
        if parts.scheme != "https":
            raise AddressRefused("calsync calls other servers over https only.")
        if port_of(parts) != HTTPS_PORT and port_of(parts) < FIRST_UNPRIVILEGED_PORT:
            raise AddressRefused(f"Port {port_of(parts)} is not one that such a server answers on.")
        literal = _literal(parts.hostname)
        if literal is not None and not is_public(literal):
            raise _leads_inside(parts.hostname)

    def resolve(self, host: str, port: int) -> list[Endpoint]:
        """The endpoints to connect to, all of them checked. Raises ``OSError`` for no such name.

        One forbidden address among several refuses the name: an honest name has none.
        """
        endpoints = self._look_up(host, port, type=socket.SOCK_STREAM)
        is_fit = is_reachable_privately if self._is_allowed(host, port) else is_public
        if not all(is_fit(ip_address(endpoint[4][0])) for endpoint in endpoints):
            raise _leads_inside(host)
        return _first_of_each_family(endpoints)

    def _is_allowed(self, host: str, port: int) -> bool:
        name = host.strip("[]").rstrip(".").lower()
        return not self._allowed.isdisjoint({(name, None), (name, port)})


def _literal(host: str) -> Address | None:
    """The address that stands there in place of a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _leads_inside(host: str) -> AddressRefused:
    return AddressRefused(
        f"{host} leads into a private network, which calsync does not call. "
        "Whoever runs calsync can allow it by name."
    )


class Origin(NamedTuple):
    """What a password is given to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        """An address without a path, and without a port that goes without saying."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        is_usual = self.port == DEFAULT_PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" + ("" if is_usual else f":{self.port}")


def origin(url: str) -> Origin:
    """Raises ``AddressRefused`` for what is not the address of a server."""
    parts = _split(url)
    return Origin(parts.scheme, parts.hostname.rstrip("."), port_of(parts))


def port_of(parts: SplitResult) -> int:
    return parts.port or DEFAULT_PORTS.get(parts.scheme, HTTPS_PORT)


def is_public(address: Address) -> bool:
    """Whether an address is a single machine on the public Internet.

    IPv4 inside IPv6 (mapped, NAT64) is judged as the IPv4 it reaches.
    """
    inner = _embedded_ipv4(address)
    if inner is not None:
        return is_public(inner)
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    if any(address in network for network in SPECIAL_NETWORKS):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_reachable_privately(address: Address) -> bool:
    """Whether an address is fit for a host the operator allowed.

    Never link-local, where clouds hand out their machines' secrets (169.254.169.254).
    """
    inner = _embedded_ipv4(address)
    if inner is not None:
        return is_reachable_privately(inner)
    if address.is_loopback:
        return True
    return not (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
    )


def _split(url: str) -> SplitResult:
    """An address in its parts, refused where two readers could take it for different ones."""
    try:
        parts = urlsplit(url)
        is_plain = bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0
    except ValueError:
        is_plain = False
    if not is_plain or _NOT_IN_A_URL.search(url):
        raise AddressRefused("This is not the address of a server.")
    return parts


def _embedded_ipv4(address: Address) -> IPv4Address | None:
    if address.version == 4:
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped


def _first_of_each_family(endpoints: list[Endpoint]) -> list[Endpoint]:
    kept: list[Endpoint] = []
    for endpoint in endpoints:
        if sum(one[0] == endpoint[0] for one in kept) < ADDRESSES_PER_FAMILY:
            kept.append(endpoint)
    return kept
