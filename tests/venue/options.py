"""Options that a simulated venue lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

TODAY = datetime.now(UTC).date()
NEAR, FAR = TODAY + timedelta(days=30), TODAY + timedelta(days=58)
EXPIRED = TODAY - timedelta(days=5)


@dataclass(frozen=True)
class Listed:
    """A contract as the exchange knows it."""

    underlying: str
    expiry: date
    right: str
    strike: Decimal
    root: str = ""
    multiplier: Decimal = Decimal(100)
    tradable: bool = True

    @property
    def symbol(self):
        """Its name by the Options Symbology Initiative, written here anew: the code is tested."""
        root = self.root or self.underlying
        return f"{root}{self.expiry:%y%m%d}{self.right}{int(self.strike * 1000):08d}"


def listed(underlying="ACME"):
    """Return what trades on a share: two expiries, and what a list must leave out beside it."""
    usual = [
        Listed(underlying, expiry, right, Decimal(strike))
        for expiry in (FAR, NEAR)
        for right in "PC"
        for strike in ("110", "97.5", "100")
    ]
    return [
        *usual,
        Listed(underlying, EXPIRED, "P", Decimal(100)),
        # After a split: another root, and another number of shares.
        Listed(underlying, NEAR, "P", Decimal(100), root=f"{underlying}1", multiplier=Decimal(150)),
        Listed(underlying, NEAR, "P", Decimal(105), tradable=False),
        Listed("OTHER", NEAR, "P", Decimal(100)),
    ]
