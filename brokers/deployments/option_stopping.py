"""The end of a deployment's option positions: what is open of them, and closing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from brokers.choices import AssetType
from brokers.deployments.attempts import COUNTED, Attempts
from brokers.deployments.naming import purpose_of
from brokers.deployments.option_book import Key
from brokers.deployments.option_placing import SECOND_PART, OptionDesk
from brokers.deployments.placing import Desk
from brokers.deployments.wanted import BookRow, LegHeld, LegWanted, Role
from brokers.models import Deployment, Order
from core.engine.option_rules import OptionRule
from core.options.contract import contract_parse
from market.bar_times import ts_of
from market.intervals import interval_get

# Apart from the legs of a bar's own decision.
LIQUIDATION_LEG: Final = 100
LONGEST_APART_S: Final = 900.0
_SLACK: Final = 1e-9


def legs_left(rows: Iterable[BookRow], *, day: int) -> list[LegHeld]:
    """Return the contracts that a book has open, each by its position; prices are left out.

    Those that expired before `day`, days from 1970-01-01, are settled or will be.
    """
    found: dict[tuple[Key, str], float] = {}
    for row in rows:
        signed = row.side * row.quantity
        if row.kind in ("leg_open", "leg_close"):
            place = (row.rule, row.decided_ts), row.symbol
            found[place] = found.get(place, 0.0) + signed
        elif row.kind == "settled":
            for place, held in found.items():
                if place[1] == row.symbol and held * signed < 0.0:
                    part = min(abs(held), abs(signed))
                    found[place] = held + row.side * part
                    signed -= row.side * part
    return [
        LegHeld(*key, symbol, named.contract, quantity, 0.0)
        for (key, symbol), quantity in found.items()
        if abs(quantity) > _SLACK
        and (named := contract_parse(symbol)) is not None
        and named.contract.expiry >= day
    ]


def legs_broken(rows: Iterable[BookRow], rules: Sequence[OptionRule]) -> set[Key]:
    """Return the positions of several legs, one of which could not be had in full."""
    return {
        (row.rule, row.decided_ts)
        for row in rows
        if row.kind == "leg_end" and row.quantity and len(rules[row.rule].legs) > 1
    }


def attempts_apart_s(deployment: Deployment) -> float:
    """Return how long to wait after a refusal that does not pass: a bar, yet not for hours."""
    return min(interval_get(deployment.interval).seconds, LONGEST_APART_S)


def legs_liquidate(desk: Desk, legs: Iterable[LegHeld], *, now: datetime) -> str:
    """Close contracts, short ones first; return why what was tried before came to nothing.

    Each attempt is an order of its own, made when it is time for it. What covers a short leg is
    kept until that one is bought back; at our own venue their orders go together.
    """
    deployment = desk.deployment
    decided = deployment.last_bar_ts or deployment.created_at
    orders = list(
        Order.objects.filter(
            deployment_id=deployment.id,
            bar_ts=decided,
            leg__gte=LIQUIDATION_LEG,
            asset_type=AssetType.OPTION,
        ).order_by("-leg")
    )
    wanted: list[LegWanted] = []
    kept: set[Key] = set()
    reason = ""
    for leg in sorted(legs, key=lambda one: one.quantity):
        attempts = Attempts(_tried(orders, leg), attempts_apart_s(deployment))
        reason = attempts.reason or reason
        position = leg.rule, leg.position_ts
        if attempts.wait(desk.instrument, now) or (leg.quantity > 0.0 and position in kept):
            kept.add(position)
            continue
        if desk.can.remote and leg.quantity < 0.0:
            kept.add(position)
        wanted.append(
            LegWanted(
                role=Role.LIQUIDATION,
                rule=leg.rule,
                leg=_leg(len(orders) + len(wanted)),
                position_ts=leg.position_ts,
                symbol=leg.symbol,
                contract=leg.contract,
                side=1 if leg.quantity < 0.0 else -1,
                quantity=abs(leg.quantity),
            )
        )
    options = OptionDesk(desk, now)
    if options.can_place():
        options.place(wanted, bar_ts=ts_of(decided))
    return reason


def _tried(orders: Iterable[Order], leg: LegHeld) -> list[Order]:
    """Return the orders that were to close a leg, the latest first."""
    return [
        order
        for order in orders
        if order.symbol == leg.symbol
        and (purpose := purpose_of(order.node)).rule == leg.rule
        and purpose.position_s * 10**9 == leg.position_ts
    ][:COUNTED]


def _leg(number: int) -> int:
    """Return the leg of a number: both parts of each have a place of their own."""
    block, place = divmod(number, SECOND_PART)
    return LIQUIDATION_LEG + 2 * SECOND_PART * block + place
