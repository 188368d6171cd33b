"""Telling whoever follows a series what the checks found in its bars.

The market reports on every download and knows nothing of alerts, so its reports are read here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from market.choices import Severity
from market.models import QualityReport, Watch
from notifications.models import Alert
from notifications.telling import event_notify

EVENT: Final = "data.quality"
# Longer than the time between two looks by far: what is told is told once, by its key.
LOOK_BACK: Final = timedelta(hours=1)
MOST: Final = 500
# Notes (a holiday that the calendar lacks) are no news.
TOLD: Final = (Severity.WARNING, Severity.ERROR)


def quality_watch() -> int:
    """Tell of faults in bars that were checked lately; return how many alerts were made.

    Bars of a user's own are told to that user, shared ones to those who watch them. A series with
    the same faults as before, only more bars, is not told again.
    """
    since = timezone.now() - LOOK_BACK
    reports = QualityReport.objects.filter(updated_at__gte=since, severity__in=TOLD)
    made = 0
    for report in reports.select_related("series__instrument").order_by("updated_at")[:MOST]:
        key = f"{EVENT}:{report.series_id}:{_fingerprint(report.counts)}"
        told = set(Alert.objects.filter(key=key).values_list("owner_id", flat=True))
        for owner_id in set(_followers(report)) - told:
            _tell(owner_id, report, key)
            made += 1
    return made


def _followers(report: QualityReport) -> Iterable[UUID]:
    series = report.series
    if series.owner_id is not None:
        return [series.owner_id]
    watches = Watch.objects.filter(
        symbol=series.instrument.symbol,
        interval=series.interval,
        provider=series.provider,
        active=True,
    )
    return watches.values_list("owner_id", flat=True)


def _tell(owner_id: UUID, report: QualityReport, key: str) -> None:
    series = report.series
    symbol = series.instrument.symbol
    found = ", ".join(f"{name} {count}" for name, count in sorted(report.counts.items()) if count)
    event_notify(
        owner_id=owner_id,
        event=EVENT,
        key=key,
        subject=f"{symbol} {series.interval}: {report.severity} in the bars of {series.provider}",
        text=f"Of {report.rows} bars: {found}. See GET quality?symbol={symbol}"
        f"&interval={series.interval}.",
        data={
            "ticker": symbol,
            "interval": series.interval,
            "provider": series.provider,
            "severity": str(report.severity),
            "findings": _count(report.counts),
            "counts": report.counts,
        },
    )


def _count(counts: dict[str, Any]) -> int:
    return sum(count for count in counts.values() if isinstance(count, int))


def _fingerprint(counts: dict[str, Any]) -> str:
    """Return a short name of what was found."""
    text = json.dumps(counts, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:16]
