"""Telling whoever follows a series what the checks found in its bars.

The market reports on every download and knows nothing of alerts, so its reports are read here.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
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
    found = QualityReport.objects.filter(updated_at__gte=since, severity__in=TOLD)
    reports = list(found.select_related("series__instrument").order_by("updated_at")[:MOST])
    followers = _followers(reports)
    told = _told({owner for owners in followers.values() for owner in owners}, reports)
    made = 0
    for report in reports:
        for owner_id in sorted(followers[report.id]):
            if (owner_id, _key(report)) not in told:
                _tell(owner_id, report)
                told.add((owner_id, _key(report)))
                made += 1
    return made


def _followers(reports: Sequence[QualityReport]) -> dict[UUID, set[UUID]]:
    """Return who is to be told of each report."""
    symbols = {report.series.instrument.symbol for report in reports}
    watches = Watch.objects.filter(symbol__in=symbols, active=True)
    watching: defaultdict[tuple[str, str, str], set[UUID]] = defaultdict(set)
    rows = watches.values_list("owner_id", "symbol", "interval", "provider")
    for owner_id, symbol, interval, provider in rows:
        watching[(symbol, interval, provider)].add(owner_id)
    found = {}
    for report in reports:
        series = report.series
        place = (series.instrument.symbol, series.interval, series.provider)
        found[report.id] = watching[place] if series.owner_id is None else {series.owner_id}
    return found


def _told(owners: set[UUID], reports: Sequence[QualityReport]) -> set[tuple[UUID, str]]:
    """Return which of the reports which of the users know."""
    keys = {_key(report) for report in reports}
    rows = Alert.objects.filter(owner_id__in=owners, key__in=keys)
    return set(rows.values_list("owner_id", "key"))


def _key(report: QualityReport) -> str:
    return f"{EVENT}:{report.series_id}:{_fingerprint(report.counts)}"


def _tell(owner_id: UUID, report: QualityReport) -> None:
    series = report.series
    symbol = series.instrument.symbol
    found = ", ".join(f"{name} {count}" for name, count in sorted(report.counts.items()) if count)
    event_notify(
        owner_id=owner_id,
        event=EVENT,
        key=_key(report),
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
