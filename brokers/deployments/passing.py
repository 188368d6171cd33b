"""Bars on which nothing was decided: they are written down, and said."""

from __future__ import annotations

from typing import Any

import numpy as np

from brokers.deployments.choices import TickStatus
from brokers.deployments.gathering import Dossier
from brokers.models import Deployment, DeploymentTick
from market.bar_times import bar_over_at, bars_missing, moment_of, ts_of
from market.store import StoredBars


def bars_passed(dossier: Dossier) -> list[dict[str, Any]]:
    """Write down bars that passed while nobody looked, and tell of those that there are not."""
    stored, closed, last = dossier.stored, dossier.closed, dossier.deployment.last_bar_ts
    ts, instrument, interval = stored.bars.ts, stored.instrument, stored.interval
    first = int(np.searchsorted(ts, ts_of(last) if last else -1, side="right"))
    notes = []
    if (passed := closed - 1 - first) > 0:
        ticks_pass(
            dossier.deployment, stored, first=first, stop=closed - 1, status=TickStatus.MISSED
        )
        dossier.skipped += ts[first : closed - 1].tolist()
        message = f"{passed} bars passed unseen: nothing was decided on them."
        notes.append({"code": "bars_missed", "message": message})
    holes = 0
    for number in range(max(first, 1), closed):
        before, after = int(ts[number - 1]), int(ts[number])
        holes += bars_missing(before, after, instrument=instrument, interval=interval)
    if holes:
        message = f"{holes} bars that the sessions have are not there."
        notes.append({"code": "bars_missing", "message": message})
    return notes


def ticks_pass(
    deployment: Deployment, stored: StoredBars, *, first: int, stop: int, status: TickStatus
) -> None:
    """Write down bars on which nothing was decided."""
    for ts in stored.bars.ts[first:stop]:
        DeploymentTick.objects.get_or_create(
            deployment=deployment,
            bar_ts=moment_of(int(ts)),
            defaults={
                "status": status,
                "closed_at": bar_over_at(
                    int(ts), instrument=stored.instrument, interval=stored.interval
                ),
            },
        )
