"""What a bar has decided and could not be placed yet: it waits with its tick, or is taken back."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import F, QuerySet

from brokers.models import DeploymentTick

WITHDRAWN: Final = "opens_withdrawn"
NOTE: Final = {
    "code": WITHDRAWN,
    "message": "What this bar was to open is taken back where it waits, unless it has begun.",
}


def ticks_waiting(**deployments: Any) -> QuerySet[DeploymentTick]:
    """Return the ticks of deployments of which something waits to be placed.

    Those of the last bars: what waited longer is part of what these have found.
    """
    rows = DeploymentTick.objects.filter(pending=True, bar_ts=F("deployment__last_bar_ts"))
    return rows.filter(**{f"deployment__{name}": value for name, value in deployments.items()})


def opens_withdraw(ticks: QuerySet[DeploymentTick]) -> None:
    """Have nothing be opened any more that waits to be placed; what closes goes on waiting."""
    for tick in ticks.select_for_update(of=("self",)).order_by("id"):
        if not opens_withdrawn(tick):
            tick.notes = [*tick.notes, NOTE]
            tick.save(update_fields=["notes", "updated_at"])


def opens_withdrawn(tick: DeploymentTick) -> bool:
    """Tell whether what a bar was to open was taken back before it was placed."""
    return any(note["code"] == WITHDRAWN for note in tick.notes)
