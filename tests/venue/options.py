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
    # Units that are traded at once, where the venue counts units.
    lot: int = 1

    @property
    def symbol(self):
        """Its name by the Options Symbology Initiative, written here anew: the code is tested."""
        root = self.root or self.underlying
        return f"{root}{self.expiry:%y%m%d}{self.right}{int(self.strike * 1000):08d}"


def usual(underlying, **more):
    """Return what trades on a share: two expiries, in no order."""
    return [
        Listed(underlying, expiry, right, Decimal(strike), **more)
        for expiry in (FAR, NEAR)
        for right in "PC"
        for strike in ("110", "97.5", "100")
    ]


def listed(underlying="ACME"):
    """Return what trades on a share, and what a list must leave out beside it."""
    return [
        *usual(underlying),
        Listed(underlying, EXPIRED, "P", Decimal(100)),
        # After a split: another root, and another number of shares.
        Listed(underlying, NEAR, "P", Decimal(100), root=f"{underlying}1", multiplier=Decimal(150)),
        Listed(underlying, NEAR, "P", Decimal(105), tradable=False),
        Listed("OTHER", NEAR, "P", Decimal(100)),
    ]


LOT = 75


def indian(underlying="ACME"):
    """Return what trades in India, where prices are for a unit and orders for lots of them."""
    more = {"multiplier": Decimal(1), "lot": LOT}
    return [
        *usual(underlying, **more),
        Listed(underlying, EXPIRED, "P", Decimal(100), **more),
        *(Listed(name, NEAR, "P", Decimal(100), **more) for name in ("NIFTY", "ACMEOTHER", "M&M")),
    ]


def indian_name(contract):
    """Return what the exchange calls a contract; its weekly and monthly names differ."""
    strike = f"{contract.strike.normalize():f}"
    right = "CE" if contract.right == "C" else "PE"
    if contract.expiry == FAR:
        return f"{contract.underlying}{contract.expiry:%y%b}".upper() + strike + right
    month = "123456789OND"[contract.expiry.month - 1]
    day = f"{contract.expiry:%y}{month}{contract.expiry:%d}"
    return f"{contract.underlying}{day}{strike}{right}"
