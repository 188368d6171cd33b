"""Writing down what orders in contracts came to, and what became of contracts that are over."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from brokers.choices import SIGN, AssetType, Side
from brokers.deployments.choices import BookKind
from brokers.deployments.gathering import Dossier
from brokers.deployments.naming import Purpose, purpose_of
from brokers.deployments.option_book import REASONS
from brokers.deployments.timing import bar_of
from brokers.deployments.wanted import Role
from brokers.models import BookEntry, Fill, Order
from core.engine.result import ExitReason
from core.options.result import OptionExitReason
from market.bar_times import moment_of, ts_of

# What booked the end of a contract says how it ended.
ENDS: Final = {reason.label: int(reason) for reason in OptionExitReason}


def option_entry(dossier: Dossier, closed: int, fill: Fill) -> BookEntry:
    """Return the row of a fill in a contract, or of shares that came or went for one."""
    order = fill.order
    common = {
        "deployment": dossier.deployment,
        "order": order,
        "fill": fill,
        "side": SIGN[Side(order.side)],
        "quantity": fill.quantity,
        "price": fill.price,
        "commission": fill.commission,
    }
    if order.external:
        # It is told at the close at the earliest: that still is the bar which ends there.
        bar_ts = bar_of(dossier.stored, closed, ts_of(fill.executed_at) - 1, after=-1)
        contract = order.asset_type == AssetType.OPTION
        return BookEntry(
            **common,
            kind=BookKind.SETTLED if contract else BookKind.DELIVERY,
            rule=0,
            symbol=order.symbol if contract else "",
            bar_ts=moment_of(bar_ts),
            decided_ts=moment_of(bar_ts),
            reason=(
                ENDS.get(order.reason_code, int(OptionExitReason.EXPIRED))
                if contract
                else int(ExitReason.SIGNAL)
            ),
        )
    purpose, decided = purpose_of(order.node), order.bar_ts or fill.executed_at
    bar_ts = bar_of(dossier.stored, closed, ts_of(fill.executed_at), after=ts_of(decided))
    opens = purpose.role == Role.OPEN
    return BookEntry(
        **common,
        kind=BookKind.LEG_OPEN if opens else BookKind.LEG_CLOSE,
        rule=purpose.rule,
        symbol=order.symbol,
        bar_ts=moment_of(bar_ts),
        decided_ts=moment_of(_opened_ts(purpose)),
        reason=REASONS.get(purpose.role, int(OptionExitReason.SIGNAL)),
    )


def option_end_entry(dossier: Dossier, closed: int, order: Order) -> BookEntry:
    """Return the row of an order in a contract that ended short; of one that opens, by how much."""
    purpose, decided = purpose_of(order.node), order.bar_ts or order.created_at
    ended = ts_of(order.finished_at or order.updated_at)
    left = order.quantity - order.filled_quantity
    return BookEntry(
        deployment=dossier.deployment,
        order=order,
        kind=BookKind.LEG_END,
        rule=purpose.rule,
        symbol=order.symbol,
        bar_ts=moment_of(bar_of(dossier.stored, closed, ended, after=ts_of(decided))),
        decided_ts=moment_of(_opened_ts(purpose)),
        quantity=left if purpose.role == Role.OPEN else Decimal(0),
    )


def _opened_ts(purpose: Purpose) -> int:
    return purpose.position_s * 10**9
