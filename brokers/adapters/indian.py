"""What brokers in India share: names of shares, products, and how their orders are called.

Shares are called as in the market data: RELIANCE.NS at the National Stock Exchange, RELIANCE.BO in
Bombay. A name without its exchange is refused, as the same name is another share elsewhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Final

from brokers.adapters.base import Refused

INDIA: Final = timezone(timedelta(hours=5, minutes=30), "IST")
EXCHANGES: Final = MappingProxyType({"NS": "NSE", "BO": "BSE"})
SUFFIXES: Final = MappingProxyType({name: suffix for suffix, name in EXCHANGES.items()})


def share_of(symbol: str) -> tuple[str, str]:
    """Return exchange and name of a share."""
    name, _, suffix = symbol.rpartition(".")
    if not name or suffix not in EXCHANGES:
        raise Refused(
            "symbol", f"{symbol} names no exchange: write NAME.NS (NSE) or NAME.BO (BSE)."
        )
    return EXCHANGES[suffix], name


def symbol_of(exchange: str, name: str) -> str:
    """Return our symbol of a share."""
    return f"{name}.{SUFFIXES.get(exchange, exchange)}"


def name_of(symbol: str) -> str:
    """Return a share's name, which is the same at both exchanges: it is held at neither."""
    name, _, suffix = symbol.rpartition(".")
    return name if suffix in EXCHANGES else symbol


def time_of(text: str) -> datetime:
    """Return a time of day in India as it is written by its brokers."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=INDIA)
