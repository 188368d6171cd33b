"""What an installation may set of this app, each with what holds where it does not.

`getattr`, because a setting that nobody set is not an error here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from django.conf import settings

DEFAULTS: Final = MappingProxyType(
    {
        # Another host that speaks a broker's protocol: a proxy, a test. By kind.
        "BROKER_URLS": {},
        # Gateways of Interactive Brokers that accounts may be connected through.
        "IB_GATEWAYS": (
            "127.0.0.1:4001",
            "127.0.0.1:4002",
            "127.0.0.1:7496",
            "127.0.0.1:7497",
        ),
        # Of one call to a broker.
        "BROKER_TIMEOUT_S": 10.0,
        # Calls a second to a broker for one account, by kind.
        "BROKER_RATES": {
            "alpaca": 3.0,
            "binance": 10.0,
            "zerodha": 8.0,
            "dhan": 8.0,
            "interactive_brokers": 40.0,
        },
    }
)


def setting(name: str) -> Any:
    """Return a setting, or its default."""
    return getattr(settings, name, DEFAULTS[name])


def broker_url(kind: str) -> str:
    """Return the host to use instead of a broker's own; empty for its own."""
    return str(setting("BROKER_URLS").get(kind, "")).rstrip("/")
