"""What a trade in a contract is called on an account that may have the other side of it.

An account has one position in a contract, whoever opened it: what one position of a strategy has
sold another one may have bought. So a purchase that closes nothing of what the account is short of
is one that opens, whatever it closes in the book of the deployment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from brokers.choices import OPEN_STATUSES, SIGN, Side
from brokers.deployments.wanted import LegWanted
from brokers.models import BrokerAccount, Order, Position

ZERO = Decimal(0)


class Sides:
    """The sides of orders on one account, one after the other.

    Parameters
    ----------
    account : BrokerAccount
    symbols : iterable of str
        The contracts that are traded.
    """

    def __init__(self, account: BrokerAccount, symbols: Iterable[str], *, remote: bool) -> None:
        names = set(symbols)
        rows = Position.objects.filter(account=account, symbol__in=names)
        self._held = dict(rows.values_list("symbol", "quantity"))
        self._coming: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
        self._remote = remote
        waiting = Order.objects.filter(
            account=account, symbol__in=names, status__in=OPEN_STATUSES
        ).values_list("symbol", "side", "quantity", "filled_quantity")
        for symbol, side, quantity, filled in waiting:
            self._coming[symbol, SIGN[Side(side)]] += quantity - filled

    def parts(self, wanted: LegWanted) -> list[tuple[Side, Decimal]]:
        """Return the orders that a trade is, by side and quantity.

        What can be closed for certain, when all that waits on its side has filled before, closes;
        the rest opens. Our own venue takes an order that opens for both.
        """
        side, count = (1 if wanted.side > 0 else -1), Decimal(round(wanted.quantity))
        key = wanted.symbol, side
        closes = max(ZERO, -side * self._held.get(wanted.symbol, ZERO) - self._coming[key])
        closes = min(count, closes)
        self._coming[key] += count
        if closes < count and not self._remote:
            closes = ZERO
        names = (Side.COVER, Side.BUY) if side > 0 else (Side.SELL, Side.SHORT)
        return [
            (name, part) for name, part in zip(names, (closes, count - closes), strict=True) if part
        ]
