"""Which addresses a user may make us speak to: public ones, and nothing that leads elsewhere."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

# IANA's special-purpose registries, written out: what Python's `is_global` says of some of them
# changed between releases of 3.11.
CLOSED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast address
        # Public by number, but only the host of a virtual machine answers there.
        "168.63.129.16/32",
    )
)
# Of IPv6 only 2000::/3 is given out to the public; within it these lead elsewhere.
OPEN_V6: Final = IPv6Network("2000::/3")
CLOSED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo and ORCHID among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",
        "3fff::/20",  # documentation
    )
)


def address_is_public(text: str) -> bool:
    """Tell whether an IP address belongs to the public internet.

    What carries an IPv4 address inside (mapped ``::ffff:…``, NAT64 ``64:ff9b::…``, 6to4, Teredo)
    is none, whatever it carries: nobody publishes a service that way.
    """
    if "%" in text:
        return False  # a zone is local by definition
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in CLOSED_V4)
    return _v6_is_public(address)


def _v6_is_public(address: IPv6Address) -> bool:
    return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)
