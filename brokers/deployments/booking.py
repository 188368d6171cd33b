"""Writing down what the orders of a deployment came to: once each, with the bar it happened in."""

from __future__ import annotations

from decimal import Decimal

from brokers.choices import SIGN, AssetType, OrderStatus, OrderType, Side
from brokers.deployments.books import Book, row_of
from brokers.deployments.choices import BookKind
from brokers.deployments.gathering import Dossier
from brokers.deployments.naming import purpose_of
from brokers.deployments.option_booking import option_end_entry, option_entry
from brokers.deployments.timing import bar_of
from brokers.deployments.wanted import Role
from brokers.models import BookEntry, Fill, Order
from core.engine.result import ExitReason
from market.bar_times import moment_of, ts_of

KINDS = {
    Role.ENTRY: (BookKind.ENTRY, ExitReason.SIGNAL),
    Role.EXIT: (BookKind.EXIT, ExitReason.SIGNAL),
    Role.REVERSE: (BookKind.EXIT, ExitReason.REVERSAL),
    Role.STOP: (BookKind.GUARD, ExitReason.STOP_LOSS),
    Role.TAKE: (BookKind.GUARD, ExitReason.TAKE_PROFIT),
}


def fills_book(dossier: Dossier, *, closed: int) -> list[BookEntry]:
    """Enter the fills that are new, and the orders that wait no longer; return the entries.

    They are for the caller to write. A fill belongs to the bar that it was executed in, or to the
    first one after its decision; a commission that came later to the bar in which it came.
    """
    book, made = dossier.book, []
    for fill in dossier.fills:
        made.append(_fill_entry(dossier, closed, fill))
        _enter(book, made[-1])
    for entry in dossier.fees:
        made.append(_fee_entry(dossier, closed, entry))
        _enter(book, made[-1])
    for order in dossier.ended:
        made.append(_end_entry(dossier, closed, order))
        _enter(book, made[-1])
    if made:
        book.rows.sort(key=lambda row: row.bar_ts)
    return made


def _enter(book: Book, entry: BookEntry) -> None:
    entry.number = book.count + 1
    book.enter(entry.number, entry.order_id, entry.bar_ts, row_of(entry))


def _fill_entry(dossier: Dossier, closed: int, fill: Fill) -> BookEntry:
    order = fill.order
    if order.external or order.asset_type == AssetType.OPTION:
        return option_entry(dossier, closed, fill)
    purpose = purpose_of(order.node)
    kind, reason = KINDS[purpose.role]
    # A guard is named after the bar of its entry, everything else after that of its decision.
    decided = order.bar_ts or fill.executed_at
    after = ts_of(decided) - 1 if kind == BookKind.GUARD else ts_of(decided)
    bar_ts = moment_of(bar_of(dossier.stored, closed, ts_of(fill.executed_at), after=after))
    entry_ts = decided if kind == BookKind.GUARD else None
    if kind == BookKind.ENTRY:
        entry_ts = dossier.book.entered.get(order.id, bar_ts)
    units = units_kept(fill, dossier.stored.instrument.lot_size)
    return BookEntry(
        deployment=dossier.deployment,
        order=order,
        fill=fill,
        kind=kind,
        rule=purpose.rule,
        bar_ts=bar_ts,
        decided_ts=decided,
        entry_ts=entry_ts,
        side=SIGN[Side(order.side)],
        quantity=units,
        price=fill.price,
        # What is not kept was paid all the same.
        commission=(fill.quantity - units) * fill.price if fill.taken else fill.commission,
        reason=reason,
        done=order.status == OrderStatus.FILLED,
    )


def _fee_entry(dossier: Dossier, closed: int, entry: BookEntry) -> BookEntry:
    fill = entry.fill
    if fill is None or fill.commission is None:
        raise ValueError(f"{entry} has no commission.")
    told = bar_of(dossier.stored, closed, ts_of(fill.updated_at), after=ts_of(entry.decided_ts))
    return BookEntry(
        deployment=dossier.deployment,
        order_id=entry.order_id,
        fill=fill,
        kind=BookKind.FEE,
        rule=entry.rule,
        bar_ts=moment_of(max(told, ts_of(entry.bar_ts))),
        decided_ts=entry.decided_ts,
        entry_ts=entry.entry_ts if entry.kind == BookKind.ENTRY else None,
        commission=fill.commission,
    )


def units_kept(fill: Fill, lot: Decimal) -> Decimal:
    """Return the units of a fill that can be sold again.

    Where a commission took some of them these are whole lots: what is less than one could not be
    sold, and would look like a position for ever.
    """
    units = fill.quantity - fill.taken
    parts = units % lot if fill.taken and lot < 1 else Decimal(0)
    return units - parts if units > parts else units


def _end_entry(dossier: Dossier, closed: int, order: Order) -> BookEntry:
    if order.asset_type == AssetType.OPTION:
        return option_end_entry(dossier, closed, order)
    purpose, decided = purpose_of(order.node), order.bar_ts or order.created_at
    waited = purpose.role in (Role.ENTRY, Role.EXIT) and order.order_type != OrderType.MARKET
    ended = ts_of(order.finished_at or order.updated_at)
    return BookEntry(
        deployment=dossier.deployment,
        order=order,
        kind=BookKind.ENDED if waited else BookKind.LAPSED,
        rule=purpose.rule,
        bar_ts=moment_of(bar_of(dossier.stored, closed, ended, after=ts_of(decided))),
        decided_ts=decided,
    )
