"""Admitting or denying an order, and writing the decision down."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from django.db.models import Q

from brokers.models import BrokerAccount, Order, RiskDecision, RiskLimit
from brokers.risk.checks import Denial, Facts, Limits, judge
from brokers.risk.facts import Quotes, facts_gather

FIELDS = tuple(field.name for field in dataclasses.fields(Limits) if field.name != "scope")


def order_judge(*, order: Order, account: BrokerAccount) -> RiskDecision:
    """Judge an order by all limits that apply to it, and keep the decision.

    Call it in the transaction that made the order, with the account's row locked, so that two
    orders at once cannot both fit into the room for one.
    """
    quotes = Quotes(account.owner_id)
    denial: Denial | None = None
    known: dict[str, object] = {}
    for limit in limits_for(order):
        if account.buying_power is None and _limits(limit) == Limits(scope=scope_of(limit)):
            continue
        facts = facts_gather(order=order, account=account, limit=limit, quotes=quotes)
        known[scope_of(limit)] = _plain(facts)
        denial = judge(_limits(limit), facts)
        if denial is not None:
            break
    return RiskDecision.objects.create(
        order=order,
        admitted=denial is None,
        code=denial.code if denial else "",
        reason=denial.reason if denial else "",
        facts=known,
    )


def limits_for(order: Order) -> list[RiskLimit]:
    """Return the limits that apply to an order, and one without limits of its own.

    The last keeps what holds for every account: buying power.
    """
    rows = RiskLimit.objects.filter(
        Q(account=None) | Q(account_id=order.account_id),
        Q(deployment_id=None) | Q(deployment_id=order.deployment_id),
        Q(symbol="") | Q(symbol=order.symbol),
        owner_id=order.owner_id,
    )
    return [*rows, RiskLimit(owner_id=order.owner_id, account_id=order.account_id)]


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


def _plain(facts: Facts) -> dict[str, object]:
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in dataclasses.asdict(facts).items()
        if value is not None
    }
