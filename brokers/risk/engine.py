"""Admitting or denying orders."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from brokers.choices import REDUCING_SIDES
from brokers.models import BrokerAccount, Order, RiskDecision, RiskLimit
from brokers.quotes import Quotes
from brokers.risk.checks import Denial, Facts, Limits, judge
from brokers.risk.facts import facts_gather, payment_gather
from brokers.risk.ledger import Ledger, covers
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
    ledger = Ledger(accounts, now=timezone.now(), quotes=quotes)
    standing = Standing(orders, accounts)
    decisions = []
    for order in orders:
        if order.side in REDUCING_SIDES:
            denial, known = _reduction_judged(order, standing.room(order))
        else:
            denial, known = _opening_judged(order, accounts[order.account_id], ledger)
        ledger.add(order, admitted=denial is None)
        if denial is None:
            standing.add(order)
        decisions.append(_decision(order, denial, known))
    return decisions


def _decision(order: Order, denial: Denial | None, known: Mapping[str, object]) -> RiskDecision:
    return RiskDecision(
        order=order,
        admitted=denial is None,
        code=denial.code if denial else "",
        reason=denial.reason if denial else "",
        facts=dict(known),
    )


def _reduction_judged(order: Order, room: Room | None) -> tuple[Denial | None, dict[str, object]]:
    """Judge an order that says that it reduces: that it does. No limit keeps anyone from it."""
    if room is None:
        return None, {}
    known = {"held": f"{room.held:f}", "promised": f"{room.promised:f}"}
    return room_denial(order, room), {"position": known}


def _opening_judged(
    order: Order, account: BrokerAccount, ledger: Ledger
) -> tuple[Denial | None, dict[str, object]]:
    denial: Denial | None = None
    known: dict[str, object] = {}
    for limit in limits_for(order, ledger):
        limits = _limits(limit)
        facts = facts_gather(order=order, account=account, limit=limit, ledger=ledger)
        known[limits.scope] = _plain(facts, FACTS)
        denial = judge(limits, facts)
        if denial is not None:
            if facts.drawdown is not None and denial.code == "drawdown":
                drawdown_tell(account=account, order=order, drawdown=facts.drawdown)
            break
    if not known and account.buying_power is not None:
        facts = payment_gather(order=order, account=account, ledger=ledger)
        known[ACCOUNT.scope] = _plain(facts, PAYMENT_FACTS)
        denial = judge(ACCOUNT, facts)
    return denial, known


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


def drawdown_tell(*, account: BrokerAccount, order: Order, drawdown: Decimal) -> None:
    """Tell once a day that an account has lost more of its highest equity than it may."""
    peak = account.peak_equity or account.initial_cash
    event_notify(
        owner_id=account.owner_id,
        event="drawdown.exceeded",
        key=f"drawdown.exceeded:{account.id}:{account.day}",
        subject=f"{account}: {drawdown:.2%} below its highest",
        text="Its limit denies orders that open positions.",
        data={
            "account_id": str(account.id),
            "deployment_id": str(order.deployment_id) if order.deployment_id else None,
            "strategy_id": str(order.strategy_id) if order.strategy_id else None,
            "drawdown_pct": float(drawdown * 100),
            "equity": float(peak * (1 - drawdown)),
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
