"""Setting risk limits, one row for each scope."""

from __future__ import annotations

import dataclasses
from typing import Any
from uuid import UUID

from brokers.models import RiskLimit
from brokers.risk.checks import Limits
from brokers.risk.losses import losses_sample
from core.errors import NotFound


def limit_set(
    *,
    owner_id: UUID,
    account_id: UUID | None = None,
    deployment_id: UUID | None = None,
    symbol: str = "",
    **limits: Any,
) -> RiskLimit:
    """Set the limits of a scope, in place of those it had."""
    blank = RiskLimit()
    names = {field.name for field in dataclasses.fields(Limits)} - {"scope"}
    values = {name: limits.get(name, getattr(blank, name)) for name in names}
    row, _ = RiskLimit.objects.update_or_create(
        owner_id=owner_id,
        account_id=account_id,
        deployment_id=deployment_id,
        symbol=symbol.upper(),
        defaults=values,
    )
    # From now on: what is lost before the first order counts.
    losses_sample([owner_id])
    return row


def limit_delete(*, owner_id: UUID, limit_id: str | UUID) -> None:
    """Lift the limits of a scope."""
    deleted, _ = RiskLimit.objects.filter(owner_id=owner_id, id=limit_id).delete()
    if not deleted:
        raise NotFound("There are no such limits.")
