"""Writing down what the orders of a deployment came to: once each, with the bar it happened in."""

from __future__ import annotations

import numpy as np

from brokers.choices import FINAL_STATUSES, SIGN, OrderStatus, OrderType, Side
from brokers.deployments.choices import BookKind
from brokers.deployments.decision import Role
from brokers.deployments.naming import purpose_of
from brokers.deployments.timing import bar_after, moment_of, ts_of
from brokers.models import BookEntry, Deployment, Fill, Order
from core.engine.result import ExitReason
from market.store import StoredBars

KINDS = {
    Role.ENTRY: (BookKind.ENTRY, ExitReason.SIGNAL),
    Role.EXIT: (BookKind.EXIT, ExitReason.SIGNAL),
    Role.REVERSE: (BookKind.EXIT, ExitReason.REVERSAL),
    Role.STOP: (BookKind.GUARD, ExitReason.STOP_LOSS),
    Role.TAKE: (BookKind.GUARD, ExitReason.TAKE_PROFIT),
}


def fills_book(deployment: Deployment, stored: StoredBars, *, closed: int) -> int:
    """Book the fills that are new, and the orders that wait no longer; return how many.

    Call it with the deployment's row locked. A fill belongs to the bar that it was executed in, or
    to the first one after its decision.
    """
    new = Fill.objects.filter(order__deployment_id=deployment.id).exclude(
        id__in=BookEntry.objects.filter(deployment=deployment, fill__isnull=False).values("fill_id")
    )
    count = 0
    for fill in new.select_related("order").order_by("executed_at", "created_at"):
        _fill_book(deployment, stored, closed, fill)
        count += 1
    ended = Order.objects.filter(
        deployment_id=deployment.id, status__in=set(FINAL_STATUSES) - {OrderStatus.FILLED}
    ).exclude(order_type=OrderType.MARKET)
    booked = BookEntry.objects.filter(deployment=deployment, kind=BookKind.ENDED)
    for order in ended.exclude(id__in=booked.values("order_id")):
        if purpose_of(order.node).role in (Role.ENTRY, Role.EXIT):
            _end_book(deployment, stored, closed, order)
            count += 1
    return count


def _fill_book(deployment: Deployment, stored: StoredBars, closed: int, fill: Fill) -> None:
    order = fill.order
    purpose = purpose_of(order.node)
    kind, reason = KINDS[purpose.role]
    # A guard is named after the bar of its entry, everything else after that of its decision.
    decided = order.bar_ts or fill.executed_at
    after = ts_of(decided) - 1 if kind == BookKind.GUARD else ts_of(decided)
    bar_ts = moment_of(_bar_of(stored, closed, ts_of(fill.executed_at), after=after))
    entry_ts = decided if kind == BookKind.GUARD else None
    if kind == BookKind.ENTRY:
        first = BookEntry.objects.filter(order=order, kind=kind).order_by("bar_ts").first()
        entry_ts = first.bar_ts if first else bar_ts
    BookEntry.objects.create(
        deployment=deployment,
        order=order,
        fill=fill,
        kind=kind,
        rule=purpose.rule,
        bar_ts=bar_ts,
        decided_ts=decided,
        entry_ts=entry_ts,
        side=SIGN[Side(order.side)],
        quantity=fill.quantity,
        price=fill.price,
        commission=fill.commission,
        reason=reason,
        done=order.status == OrderStatus.FILLED,
    )


def _end_book(deployment: Deployment, stored: StoredBars, closed: int, order: Order) -> None:
    decided = order.bar_ts or order.created_at
    ended = ts_of(order.finished_at or order.updated_at)
    BookEntry.objects.create(
        deployment=deployment,
        order=order,
        kind=BookKind.ENDED,
        rule=purpose_of(order.node).rule,
        bar_ts=moment_of(_bar_of(stored, closed, ended, after=ts_of(decided))),
        decided_ts=decided,
    )


def _bar_of(stored: StoredBars, closed: int, ts: int, *, after: int) -> int:
    """Return the bar that a moment lies in, later than `after`; the next one where none is over."""
    seen = stored.bars.ts[:closed]
    number = int(np.searchsorted(seen, ts, side="right")) - 1
    number = max(number, int(np.searchsorted(seen, after, side="right")))
    last = int(seen[-1])
    following = bar_after(last, instrument=stored.instrument, interval=stored.interval)
    # What happens after the last bar that is over belongs to the one that is under way.
    if number < closed and (ts < following or number < closed - 1):
        return int(seen[number])
    return following
