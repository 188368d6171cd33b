"""Whether an account holds what the books of its deployments say.

Books are of what deployments have traded. Where somebody sold by hand, or a broker liquidated, they
say more than there is: an exit would then open a position on the other side. What an account holds
beyond them is its owner's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from brokers.choices import AssetType
from brokers.deployments.batches import deployments_lock
from brokers.deployments.choices import ACTIVE, DeploymentState
from brokers.deployments.transitions import deployment_move
from brokers.deployments.wanted import Role
from brokers.deployments.withdrawing import OPENS, OpenOrders
from brokers.executions import UNITS
from brokers.models import Deployment, Fill, Position
from core.transactions import atomic

# Positions that moved so lately are compared; the comparison is made every minute.
LATELY: Final = timedelta(minutes=10)
# What is missing may be a commission that was taken in what was bought.
TOLERANCE: Final = Decimal("0.01")
BATCH: Final = 200

Place = tuple[UUID, str]


def holdings_compare() -> int:
    """Pause the deployments whose account does not hold what their books say; return how many."""
    moved = Position.objects.filter(
        account=OuterRef("account_id"),
        symbol=OuterRef("symbol"),
        updated_at__gt=timezone.now() - LATELY,
    )
    rows = Deployment.objects.filter(Exists(moved), state=DeploymentState.RUNNING)
    places = sorted(set(rows.values_list("account_id", "symbol")))
    count = 0
    for start in range(0, len(places), BATCH):
        for deployment_id, reason, gone in _uncovered(places[start : start + BATCH]):
            count += _pause(deployment_id, reason, tuple(Role) if gone else OPENS)
    return count


@atomic
def _uncovered(places: Iterable[Place]) -> list[tuple[UUID, str, bool]]:
    """Return the deployments with more in their books than there is, why, and if it is nothing.

    Fills and positions are written together, the positions' rows locked: so they are read.
    """
    chosen = set(places)
    accounts, symbols = {each for each, _ in chosen}, {each for _, each in chosen}
    positions = Position.objects.select_for_update().filter(
        account_id__in=accounts, symbol__in=symbols
    )
    held = {(row.account_id, row.symbol): row.quantity for row in positions.order_by("id")}
    active = Deployment.objects.filter(
        account_id__in=accounts, symbol__in=symbols, state__in=ACTIVE
    )
    mine: dict[Place, list[UUID]] = defaultdict(list)
    for deployment_id, account_id, symbol in active.values_list("id", "account_id", "symbol"):
        if (account_id, symbol) in chosen:
            mine[account_id, symbol].append(deployment_id)
    units = _units([each for ids in mine.values() for each in ids])
    found = []
    for place, ids in mine.items():
        booked = sum((units.get(each, Decimal(0)) for each in ids), Decimal(0))
        there = held.get(place, Decimal(0))
        if _covers(there, booked):
            continue
        reason = (
            f"The account holds {there.normalize():f} {place[1]}, less than the "
            f"{booked.normalize():f} of its deployments: somebody else has traded them. Stop it, "
            "or restore the position and resume it."
        )
        gone = there * booked <= 0
        found += [(each, reason, gone) for each in ids if units.get(each, Decimal(0)) * booked > 0]
    return found


def _covers(held: Decimal, booked: Decimal) -> bool:
    """Tell whether a position is at least what books say, on their side."""
    if not booked:
        return True
    side = 1 if booked > 0 else -1
    return held * side >= abs(booked) * (1 - TOLERANCE)


def _units(deployment_ids: Iterable[UUID]) -> dict[UUID, Decimal]:
    """Return what deployments have traded, options left out; signed, booked or not."""
    fills = Fill.objects.filter(order__deployment_id__in=list(deployment_ids)).exclude(
        order__asset_type=AssetType.OPTION
    )
    rows = fills.values_list("order__deployment_id").annotate(units=UNITS)
    return {each: units for each, units in rows if each is not None}


@atomic
def _pause(deployment_id: UUID, reason: str, roles: Collection[Role]) -> bool:
    """Pause a deployment that runs; what opens a position is taken back.

    Where there is nothing, so is what closes one: it would open another on the other side.
    """
    (deployment,) = deployments_lock([deployment_id])
    if deployment.state != DeploymentState.RUNNING:
        return False
    OpenOrders(deployment).withdraw(roles)
    return deployment_move(deployment, new=DeploymentState.PAUSED, reason=reason)
