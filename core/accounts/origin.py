"""Where a request comes from."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Origin:
    """The address and the program that a request came from, as the audit log keeps them."""

    ip: str | None
    user_agent: str


def origin_of(request: HttpRequest) -> Origin:
    """Return where a request comes from."""
    agent = request.META.get("HTTP_USER_AGENT", "")
    return Origin(ip=client_address(request), user_agent=agent.replace("\0", "")[:255])


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address, counted from our own proxies.

    With `PROXY_COUNT` = n the n-th entry of `X-Forwarded-For` from the right is what the outermost
    of our proxies saw; everything left of it was written by the client and proves nothing. Without
    proxies, or where the header is too short or no address, it is the connection's own address.
    """
    proxies: int = settings.PROXY_COUNT
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if proxies else []
    found = hops[-proxies] if len(hops) >= proxies > 0 else ""
    return _address(found) or _address(request.META.get("REMOTE_ADDR", ""))


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None
