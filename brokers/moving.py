"""Moving positions by what was filled, and by what was charged for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import chain
from uuid import UUID

from brokers.choices import SIGN, Side
from brokers.models import Fill, Order, Position
from brokers.quotes import Quotes
from brokers.rows import rows_update


def positions_move(
    filled: Sequence[tuple[Order, Fill]], charged: Sequence[tuple[Order, Fill]] = ()
) -> None:
    """Move positions by new fills, and by commissions of older ones that were not known.

    Their rows are locked in one order everywhere.
    """
    places = {(order.account_id, order.symbol): order for order, _ in chain(filled, charged)}
    if not places:
        return
    positions = _positions_lock(places)
    for order, fill in sorted(filled, key=lambda one: (one[1].executed_at, one[1].execution_id)):
        position = positions[order.account_id, order.symbol]
        position.quantity, position.average_price, realized = position_after(
            quantity=position.quantity,
            average_price=position.average_price,
            fill_quantity=fill.quantity * SIGN[Side(order.side)] - fill.taken,
            fill_price=fill.price,
        )
        position.realized_pnl += realized * position.multiplier
    for order, fill in chain(filled, charged):
        positions[order.account_id, order.symbol].realized_pnl -= fill.commission or 0
    rows_update(list(positions.values()), ("quantity", "average_price", "realized_pnl"))


def _positions_lock(
    places: Mapping[tuple[UUID, str], Order],
) -> dict[tuple[UUID, str], Position]:
    def read() -> dict[tuple[UUID, str], Position]:
        rows = Position.objects.select_for_update().filter(
            account_id__in={account_id for account_id, _ in places},
            symbol__in={symbol for _, symbol in places},
        )
        found = {(row.account_id, row.symbol): row for row in rows.order_by("account_id", "symbol")}
        return {place: row for place, row in found.items() if place in places}

    found = read()
    if missing := sorted(places.keys() - found.keys()):
        quotes = Quotes({places[place].owner_id for place in missing})
        Position.objects.bulk_create(
            [_position_new(places[place], quotes) for place in missing], ignore_conflicts=True
        )
        found = read()
    return found


def _position_new(order: Order, quotes: Quotes) -> Position:
    return Position(
        account_id=order.account_id,
        symbol=order.symbol,
        multiplier=order.multiplier,
        expires_at=quotes.ends_at(order.symbol, order.owner_id),
    )


def position_after(
    *, quantity: Decimal, average_price: Decimal, fill_quantity: Decimal, fill_price: Decimal
) -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity and average price after a fill, and what it realised, before commission.

    What it realised is of one unit's price: times the multiplier it is money.

    Quantities are signed. Adding to a position averages the price; reducing it realises the
    difference and keeps the average; crossing zero realises the old side and opens the new one at
    the fill's price.
    """
    after = quantity + fill_quantity
    if quantity == 0 or quantity * fill_quantity > 0:
        average = (quantity * average_price + fill_quantity * fill_price) / after
        return after, average, Decimal(0)
    closed = min(abs(quantity), abs(fill_quantity)) * (1 if quantity > 0 else -1)
    realized = closed * (fill_price - average_price)
    if after == 0:
        return after, Decimal(0), realized
    crossed = after * quantity < 0
    return after, fill_price if crossed else average_price, realized
