"""Setting risk limits, one row for each scope."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from brokers.models import RiskLimit
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
    names = {field.name for field in RiskLimit._meta.concrete_fields} - {
        "id", "owner", "account", "deployment_id", "symbol", "created_at", "updated_at",
    }  # fmt: skip
    row, _ = RiskLimit.objects.update_or_create(
        owner_id=owner_id,
        account_id=account_id,
        deployment_id=deployment_id,
        symbol=symbol.upper(),
        defaults={name: limits.get(name, getattr(blank, name)) for name in names},
    )
    return row


def limit_delete(*, owner_id: UUID, limit_id: str | UUID) -> None:
    """Lift the limits of a scope."""
    deleted, _ = RiskLimit.objects.filter(owner_id=owner_id, id=limit_id).delete()
    if not deleted:
        raise NotFound("There are no such limits.")
