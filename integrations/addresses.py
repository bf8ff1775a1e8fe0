"""Which network addresses Carillon may call: public ones, and what OUTBOUND_ALLOWLIST opens. Pure.

A name is judged by what it resolves to, an address by the IANA registries of special purposes, and every spelling
of an address but the usual one is refused, so that nothing is read here in one way and by the system in another.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLOSED_V4 = [
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the metadata service of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",
    )
]
OPEN_V6 = ipaddress.IPv6Network("2000::/3")  # all global unicast; mapped, NAT64 and local ones lie outside
CLOSED_V6 = [
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # Teredo, benchmarks, ORCHID
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
    )
]
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
DEFAULT_PORTS = {"http": 80, "https": 443}


class Forbidden(Exception):
    """This address may not be called; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. `host` is lower-case ASCII without brackets; `path` holds the query too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return what must be equal for secrets to be sent along."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(frozen=True, slots=True)
class Opening:
    """One entry of the allowlist: a host name, or a network; on every port or on one."""

    host: str | None
    network: Network | None
    port: int | None

    def opens(self, host: str, address: Address | None, port: int) -> bool:
        """Tell whether it opens `host`, which is or resolves to `address` (None: not known yet), on `port`."""
        if self.port not in (None, port):
            return False
        if self.host is not None:
            return self.host == host
        return address is not None and self.network is not None and address in self.network


def parse_target(url: str) -> Target:
    """Return where `url` leads; raises Forbidden for other schemes, user names, and odd spellings of a host."""
    if len(url) > 2000 or any(ord(character) <= 32 or ord(character) == 127 for character in url) or "\\" in url:
        raise Forbidden("An address has at most 2,000 characters, and no blank, backslash or control character.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Forbidden("This is no valid address; write one such as https://example.com/path.") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise Forbidden("Only http:// and https:// addresses can be called.")
    if "@" in parts.netloc:
        raise Forbidden("An address holds no user name or password; put the secret into a connection's headers.")
    if "[" in parts.netloc and ":" not in host:
        raise Forbidden("Only an IPv6 address stands in brackets.")
    if port == 0:
        raise Forbidden("Port 0 cannot be called.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]") if parts.query else ""
    return Target(parts.scheme, canonical_host(host), port or DEFAULT_PORTS[parts.scheme], path + query)


def canonical_host(host: str) -> str:
    """Return `host` as lower-case ASCII without a final dot; raises Forbidden for a number in disguise."""
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host if "%" not in host else ""))
        except ValueError:
            raise Forbidden(f"[{host}] is no IPv6 address; zones are not taken.") from None
    try:
        name = host.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        raise Forbidden(f"{host!r} is no host name.") from None
    labels = name.split(".")
    if NUMBER.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(name))
        except ValueError:
            raise Forbidden(f"Write the address {host!r} as four decimal numbers.") from None
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise Forbidden(f"{host!r} is no host name.")
    return name


def literal(host: str) -> Address | None:
    """Return the address that a canonical host spells out, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Tell whether `address` is a public unicast address that disguises no other."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in CLOSED_V4)
    return address.is_global and address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


def read_allowlist(entries: Iterable[str]) -> list[Opening]:
    """Return the openings that OUTBOUND_ALLOWLIST lists; raises ValueError naming the entry that cannot be read.

    An entry is a host name, an IP address or a network in CIDR form, each with `:port` if only that port is meant;
    an IPv6 address with a port is written in brackets.
    """
    return [_read_opening(entry.strip()) for entry in entries]


def check_address(host: str, address: Address, port: int, allowed: Iterable[Opening]) -> None:
    """Refuse `address`, to which `host` resolved, unless it is public or opened; raises Forbidden."""
    if is_public(address) or any(opening.opens(host, address, port) for opening in allowed):
        return
    what = str(address) if literal(host) else f"{host}, which is {address},"
    raise Forbidden(
        f"{what} is not a public address and may not be called. If it must be, list it in OUTBOUND_ALLOWLIST."
    )


def _read_opening(entry: str) -> Opening:
    host, port = _split_port(entry)
    try:
        return Opening(None, ipaddress.ip_network(host.strip("[]")), port)
    except ValueError:
        if "/" in host:
            raise ValueError(f"{entry!r} is no network; write one such as 10.1.0.0/16.") from None
    try:
        return Opening(canonical_host(host), None, port)
    except Forbidden as refused:
        raise ValueError(f"{entry!r}: {refused}") from None


def _split_port(entry: str) -> tuple[str, int | None]:
    """Split "host:port", "[v6]:port" and "10.0.0.0/8:port"; a bare IPv6 address has no port."""
    if entry.count(":") > 1 and not entry.startswith("["):
        return entry, None
    host, colon, port = entry.rpartition(":")
    if not colon or entry.endswith("]"):
        return entry, None
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise ValueError(f"{entry!r}: a port lies between 1 and 65535.")
    return host, int(port)
