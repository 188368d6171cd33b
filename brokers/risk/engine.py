"""Admitting or denying orders."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from brokers.choices import OPENING_SIDES, REDUCING_SIDES, SIGN, Side
from brokers.models import (
    BrokerAccount,
    Order,
    ReplacementDecision,
    RiskDecision,
    RiskLimit,
)
from brokers.quotes import Quotes
from brokers.risk.checks import Denial, Facts, Limits, judge
from brokers.risk.facts import facts_gather, payment_gather
from brokers.risk.ledger import Ledger
from brokers.risk.reading import covers
from brokers.risk.standing import Room, Standing, room_denial
from notifications.services import event_notify

FIELDS = tuple(field.name for field in dataclasses.fields(Limits) if field.name != "scope")
FACTS = tuple(field.name for field in dataclasses.fields(Facts))
# What is asked where only the broker's buying power bounds an order.
PAYMENT_FACTS = ("symbol", "side", "units", "multiplier", "order_price", "quote", "buying_power")
ACCOUNT = Limits(scope="account")


def orders_judge(
    *,
    orders: Sequence[Order],
    accounts: Mapping[UUID, BrokerAccount],
    quotes: Quotes | None = None,
) -> list[RiskDecision]:
    """Judge orders one after the other by all limits that apply to them.

    Call it before the orders are written, in the transaction that does, with the accounts' rows
    locked: two orders at once cannot both fit into the room for one. The decisions are for the
    caller to write.
    """
    book = _Book(orders, accounts, quotes)
    decisions = []
    for order in orders:
        judged = book.judged(order, replaced=order.replaces)
        if judged.denial is None:
            book.add(order)
        decisions.append(RiskDecision(order=order, **judged.columns()))
    return decisions


def replacement_judge(
    *, order: Order, changed: Order, account: BrokerAccount
) -> ReplacementDecision:
    """Judge the change of an order in place, whose account's row is locked.

    Parameters
    ----------
    changed : Order
        What would be open instead of the order: what is filled is not in its quantity.
    """
    judged = _Book([changed], {account.id: account}, None).judged(changed, replaced=order)
    return ReplacementDecision(order=order, **judged.columns())


@dataclass(frozen=True, slots=True)
class _Judged:
    """Why an order is denied, if it is, and what was known."""

    denial: Denial | None
    known: Mapping[str, object]

    def columns(self) -> dict[str, Any]:
        """Return the columns of a decision."""
        return {
            "admitted": self.denial is None,
            "code": self.denial.code if self.denial else "",
            "reason": self.denial.reason if self.denial else "",
            "facts": dict(self.known),
        }


class _Book:
    """What is known of the accounts of some orders, and the judgement by it."""

    def __init__(
        self,
        orders: Sequence[Order],
        accounts: Mapping[UUID, BrokerAccount],
        quotes: Quotes | None,
    ) -> None:
        self._accounts = accounts
        self._standing = Standing(orders, accounts)
        self._ledger = None
        if any(order.side in OPENING_SIDES for order in orders):  # limits are about these alone
            self._ledger = Ledger(accounts, now=timezone.now(), quotes=quotes, lock=True)

    def judged(self, order: Order, *, replaced: Order | None) -> _Judged:
        """Judge an order as if the one that it replaces were not there."""
        if replaced is not None:
            self._standing.leave_out(replaced)
        if self._ledger is None or order.side in REDUCING_SIDES:
            return _reduction_judged(order, self._standing.room(order))
        if replaced is not None:
            self._ledger.leave_out(replaced)
            if not _worsens(replaced, order):
                return _Judged(None, {})
        return _opening_judged(order, self._accounts[order.account_id], self._ledger)

    def add(self, order: Order) -> None:
        """Take in an order that was admitted."""
        self._standing.add(order)
        if self._ledger is not None:
            self._ledger.add(order)


def _worsens(old: Order, new: Order) -> bool:
    """Tell whether an order that opens asks for more than the one that it replaces.

    To ask for less is a way out, too.
    """
    if new.quantity > old.quantity - old.filled_quantity or new.stop_price != old.stop_price:
        return True
    if new.limit_price is None or old.limit_price is None:
        return new.limit_price != old.limit_price
    return SIGN[Side(new.side)] * (new.limit_price - old.limit_price) > 0


def _reduction_judged(order: Order, room: Room | None) -> _Judged:
    """Judge an order that says that it reduces: that it does. No limit keeps anyone from it."""
    if room is None:
        return _Judged(None, {})
    known = {"held": f"{room.held:f}", "promised": f"{room.promised:f}"}
    return _Judged(room_denial(order, room), {"position": known})


def _opening_judged(order: Order, account: BrokerAccount, ledger: Ledger) -> _Judged:
    denial: Denial | None = None
    known: dict[str, object] = {}
    for limit in limits_for(order, ledger):
        limits = _limits(limit)
        facts = facts_gather(order=order, account=account, limit=limit, ledger=ledger)
        known[limits.scope] = _plain(facts, FACTS)
        denial = judge(limits, facts)
        if denial is not None:
            if facts.drawdown is not None and denial.code == "drawdown":
                drawdown_tell(account=account, order=order, facts=facts, now=ledger.now)
            break
    if not known and account.buying_power is not None:
        facts = payment_gather(order=order, account=account, ledger=ledger)
        known[ACCOUNT.scope] = _plain(facts, PAYMENT_FACTS)
        denial = judge(ACCOUNT, facts)
    return _Judged(denial, known)


def limits_for(order: Order, ledger: Ledger) -> list[RiskLimit]:
    """Return the limits that apply to an order."""
    return [
        limit
        for limit in ledger.limits
        if limit.owner_id == order.owner_id
        and limit.account_id in (None, order.account_id)
        and limit.deployment_id in (None, order.deployment_id)
        and covers(limit, order.symbol)
    ]


def drawdown_tell(*, account: BrokerAccount, order: Order, facts: Facts, now: datetime) -> None:
    """Tell once a day that an account has lost more of its highest equity than it may."""
    drawdown = facts.drawdown or Decimal(0)
    event_notify(
        owner_id=account.owner_id,
        event="drawdown.exceeded",
        key=f"drawdown.exceeded:{account.id}:{now.date()}",
        subject=f"{account}: {drawdown:.2%} below its highest",
        text="Its limit denies orders that open positions.",
        data={
            "account_id": str(account.id),
            "deployment_id": str(order.deployment_id) if order.deployment_id else None,
            "strategy_id": str(order.strategy_id) if order.strategy_id else None,
            "drawdown_pct": float(drawdown * 100),
            "equity": None if facts.equity is None else float(facts.equity),
        },
    )


def scope_of(limit: RiskLimit) -> str:
    """Return what a set of limits is about, in words."""
    parts = [
        "deployment" if limit.deployment_id else "",
        "account" if limit.account_id else "",
        limit.symbol,
    ]
    return " ".join(part for part in parts if part) or "user"


def _limits(limit: RiskLimit) -> Limits:
    values = {name: getattr(limit, name) for name in FIELDS}
    values["allowed_symbols"] = frozenset(values["allowed_symbols"])
    return Limits(scope=scope_of(limit), **values)


def _plain(facts: Facts, names: Iterable[str]) -> dict[str, object]:
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name in names
        if (value := getattr(facts, name)) is not None
    }
