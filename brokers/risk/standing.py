"""Whether an order that says that it reduces a position does: what is held, and what is promised.

A sell of more than is held would sell short under the name of an exit, past every rule about
opening positions. So what reduces by its name must reduce by what is known of the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Q

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import OPEN_STATUSES, REDUCING_SIDES, SIGN, Side
from brokers.executions import UNITS
from brokers.models import BrokerAccount, Fill, Order, Position
from brokers.risk.checks import Denial

ZERO: Final = Decimal(0)
# Books of deployments count in floating point: a sum may differ from ours in its last digits.
ROUNDING: Final = Decimal("1e-9")
Place = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a position an order may close.

    Attributes
    ----------
    held : Decimal
        Units on the side that the order closes; below zero where the position is on the other.
    promised : Decimal
        What open orders of the same side will close of them.
    """

    held: Decimal
    promised: Decimal

    @property
    def units(self) -> Decimal:
        """What is left to close."""
        return max(ZERO, self.held - self.promised)


class Standing:
    """What accounts hold of the symbols that some orders reduce, read at once.

    What is known is not all there is in a wallet, which may hold coins from before and can never
    be short, nor in an account before it was compared with its broker for the first time: orders
    of these are taken at their word, the latter until they are sent.

    Parameters
    ----------
    orders : iterable of Order
    accounts : mapping of UUID to BrokerAccount
        Those of the orders, with their rows locked.
    promises : bool
        Whether what open orders are to close counts as gone for an order placed by hand, as
        brokers hold it back. Deployments lay exits beside each other on purpose, of which one
        cancels the other.
    """

    def __init__(
        self,
        orders: Iterable[Order],
        accounts: Mapping[UUID, BrokerAccount],
        *,
        promises: bool = True,
    ) -> None:
        reducing = [
            order
            for order in orders
            if order.side in REDUCING_SIDES and _is_known(accounts[order.account_id])
        ]
        self._places = {_place(order) for order in reducing}
        by_hand = {_place(order) for order in reducing if promises and not order.deployment_id}
        # Promises first: what is filled in between counts twice then, and nothing too little.
        self._promised = _promised(by_hand)
        self._held = _held(self._places)

    def room(self, order: Order) -> Room | None:
        """Return how much an order may close; None where it opens, or where it is not known."""
        place = _place(order)
        if order.side not in REDUCING_SIDES or place not in self._places:
            return None
        sign = -SIGN[Side(order.side)]
        held = sign * self._held.get(place, ZERO)
        if order.deployment_id is None:
            return Room(held, self._promised.get((*place, order.side), ZERO))
        if order.quantity > held:
            held = max(held, _own(order, held=held, sign=sign))
        return Room(held, ZERO)

    def leave_out(self, order: Order) -> None:
        """Forget an open order that another takes the place of."""
        key = (*_place(order), order.side)
        if key in self._promised:
            self._promised[key] -= order.quantity - order.filled_quantity

    def add(self, order: Order) -> None:
        """Take in an order that was admitted."""
        if order.side in REDUCING_SIDES:
            key = (*_place(order), order.side)
            self._promised[key] = self._promised.get(key, ZERO) + order.quantity


def room_denial(order: Order, room: Room) -> Denial | None:
    """Return why an order that says that it reduces must not be sent; None where it reduces."""
    if order.quantity <= room.units * (1 + ROUNDING):
        return None
    held, promised, most = (
        f"{units.normalize():f}" for units in (max(ZERO, room.held), room.promised, room.units)
    )
    selling = order.side == Side.SELL
    text = f"The account {'holds' if selling else 'is short of'} {held} {order.symbol}"
    if room.promised:
        text += f", and open orders are to {order.side} {promised} of them"
    return Denial(
        "not_held" if selling else "not_short",
        f"{text}: {order.side} at most {most}, or use trade type "
        f"{'short to open a short' if selling else 'buy to open a long'} position.",
    )


def _is_known(account: BrokerAccount) -> bool:
    can = ADAPTERS.get(account.kind).capabilities
    return not can.wallet and (not can.remote or account.reconciled_at is not None)


def _place(order: Order) -> Place:
    return order.account_id, order.symbol


def _held(places: set[Place]) -> dict[Place, Decimal]:
    if not places:
        return {}
    rows = Position.objects.filter(
        account_id__in={account_id for account_id, _ in places},
        symbol__in={symbol for _, symbol in places},
    ).values_list("account_id", "symbol", "quantity")
    return {(account_id, symbol): quantity for account_id, symbol, quantity in rows}


def _promised(places: set[Place]) -> dict[tuple[UUID, str, str], Decimal]:
    found: dict[tuple[UUID, str, str], Decimal] = {}
    if not places:
        return found
    rows = Order.objects.filter(
        account_id__in={account_id for account_id, _ in places},
        symbol__in={symbol for _, symbol in places},
        side__in=REDUCING_SIDES,
        status__in=OPEN_STATUSES,
    )
    for order in rows.only("account_id", "symbol", "side", "quantity", "filled_quantity", "wanted"):
        # Until it is known which of the two it is: the larger one.
        whole = max(order.quantity, Decimal(order.wanted.get("quantity", 0)))
        key = (order.account_id, order.symbol, order.side)
        found[key] = found.get(key, ZERO) + whole - order.filled_quantity
    return found


def _own(order: Order, *, held: Decimal, sign: int) -> Decimal:
    """Return what a deployment holds itself, where others hold the other side of the symbol.

    The account shows the sum of both. By hand the other side is what was opened under its name: who
    sells by hand what a deployment holds leaves it that much less. Asked for only where the account
    shows less than is to be closed.
    """
    opposite = (Side.SHORT, Side.COVER) if sign > 0 else (Side.BUY, Side.SELL)
    by_hand = Q(order__external=False, order__side__in=opposite)
    rows = Fill.objects.filter(
        by_hand | Q(order__deployment_id__isnull=False),
        account_id=order.account_id,
        order__symbol=order.symbol,
    )
    sums = rows.values_list("order__deployment_id").annotate(units=UNITS)
    books: dict[UUID | None, Decimal] = {each: sign * units for each, units in sums}
    own = books.pop(order.deployment_id, ZERO)
    return min(own, held - sum((units for units in books.values() if units < 0), ZERO))
