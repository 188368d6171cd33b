"""What a URL that a user gives us may look like, before anybody is asked where it leads.

The check is a short list of what is allowed. Everything that some parser reads differently from
another (blanks, backslashes, credentials, other spellings of numbers) is refused, not repaired.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from django.conf import settings

from notifications.outgoing.addresses import address_is_public

MAX_LENGTH: Final = 2000
PORTS: Final = (443, 8443)
HTTPS_PORT: Final = 443

_URL: Final = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*)?"
    r"(?P<query>\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*)?"
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# A last label that some resolver takes for a number: 127, 0x7f, 017700000001.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Names that lead into somebody's own network.
CLOSED_NAMES: Final = (
    "localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan",
    "arpa", "test", "example", "invalid", "onion", "alt", "consul", "svc", "cluster",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes
    ----------
    host : str
        A name in lower case, or an address without brackets.
    port : int
    path : str
        With the query.
    encrypted : bool
        False only for an origin that `settings.WEBHOOK_TEST_ORIGINS` names.
    trusted : bool
        Whether it is such an origin: its address is not checked.
    """

    host: str
    port: int
    path: str
    encrypted: bool = True
    trusted: bool = False

    @property
    def host_header(self) -> str:
        """The value of the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = HTTPS_PORT if self.encrypted else 80
        return host if self.port == usual else f"{host}:{self.port}"


class BadTarget(ValueError):
    """The URL is none that we speak to; the message says why, for its owner."""


def target_parse(url: str) -> Target:
    """Return where a URL leads.

    Raises
    ------
    BadTarget
        Saying what is wrong with it.
    """
    if len(url) > MAX_LENGTH:
        raise BadTarget(f"the URL is longer than {MAX_LENGTH} characters")
    found = _URL.fullmatch(url)
    if found is None:
        raise BadTarget(
            "this is not a plain https URL (no blanks, credentials, fragments or backslashes; "
            "other letters than ASCII escaped)"
        )
    host = found["host"].strip("[]").lower()
    path = (found["path"] or "/") + (found["query"] or "")
    encrypted = found["scheme"] == "https"
    port = int(found["port"]) if found["port"] else (HTTPS_PORT if encrypted else 80)
    target = Target(host, port, path, encrypted=encrypted)
    if f"{found['scheme']}://{target.host_header}" in settings.WEBHOOK_TEST_ORIGINS:
        return Target(host, port, path, encrypted=encrypted, trusted=True)
    if not encrypted:
        raise BadTarget("only https is spoken")
    if port not in PORTS:
        raise BadTarget(f"port {port} is not one of {', '.join(map(str, PORTS))}")
    if fault := _host_fault(host, literal=found["host"].startswith("[")):
        raise BadTarget(fault)
    return target


def _host_fault(host: str, *, literal: bool) -> str | None:
    last = host.rpartition(".")[2]
    if literal or _NUMBER.fullmatch(last):
        return _address_fault(host, IPv6Address if literal else IPv4Address)
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "the host is not a name that the DNS knows"
    if len(labels) == 1 or last in CLOSED_NAMES:
        return "the host is not a public name"
    return None


def _address_fault(host: str, kind: type[IPv4Address | IPv6Address]) -> str | None:
    try:
        kind(host)
    except AddressValueError:
        return "the host is a number in another form than 93.184.215.14"
    return None if address_is_public(host) else "the address is not a public one"
