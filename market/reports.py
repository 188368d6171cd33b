"""Reports on stored bars: made once for each content, read by runs, the API and the admin."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import structlog

from core.errors import ApplicationError, Detail, InvalidInput
from market.archive import history_read
from market.calendars import breaks_for, sessions_for
from market.choices import QualityPolicy, Severity
from market.intervals import interval_get
from market.models import BarSeries, BarSnapshot, QualityReport
from market.quality.findings import shown
from market.quality.report import ORDER, SHOWN_OF_EACH, VERSION, quality_report
from market.store import StoredBars

log = structlog.get_logger(__name__)

SHOWN_IN_ERRORS: Final = 20


def report_ensure(series: BarSeries, *, snapshot: str | None = None) -> QualityReport:
    """Return the report on a series, or on what it was when it had another hash.

    Raises
    ------
    Permanent
        When its file is missing or damaged.
    """
    content_hash = series.content_hash if snapshot is None else snapshot
    quarantined = series.quarantine.count() if content_hash == series.content_hash else 0
    known = QualityReport.objects.filter(series=series, content_hash=content_hash).first()
    if known is not None and known.version == VERSION and known.quarantined == quarantined:
        return known
    path = series.path
    if content_hash != series.content_hash:
        path = BarSnapshot.objects.get(series=series, content_hash=content_hash).path
    history = history_read(path)
    span = {"first_ts": int(history.bars.ts[0]), "last_ts": int(history.bars.ts[-1])}
    found = quality_report(
        history,
        interval=interval_get(series.interval),
        sessions=sessions_for(series.instrument, **span),
        breaks=breaks_for(series.instrument.calendar, **span),
        now=time.time_ns(),
        quarantined=quarantined,
    )
    report, _ = QualityReport.objects.update_or_create(
        series=series,
        content_hash=content_hash,
        defaults={
            "severity": found.severity,
            "rows": len(history),
            "quarantined": quarantined,
            "counts": found.counts,
            "findings": found.as_rows(),
            "version": VERSION,
        },
    )
    return report


def report_try(series: BarSeries) -> None:
    """Make the report on a series that was just written; one that cannot be made is logged.

    The bars are stored and good to use: no report is worth their download.
    """
    try:
        report_ensure(series)
    except ApplicationError as error:
        log.warning("market.report_missed", series_id=str(series.id), error=str(error))
    except Exception:  # whatever broke in a check
        log.exception("market.report_missed", series_id=str(series.id))


def bars_check(*, stored: StoredBars, policy: str = QualityPolicy.WARN) -> tuple[str, ...]:
    """Return what a run should say of its bars, or refuse to run on them.

    Parameters
    ----------
    stored : StoredBars
        From `bars_read`; findings outside of its range do not count.
    policy : str
        ``"refuse"``: errors are an error. ``"warn"``: warnings and errors are returned.
        ``"accept"``: nothing is looked at.

    Raises
    ------
    InvalidInput
        When the policy is to refuse and the bars have errors: one detail each.
    """
    if policy == QualityPolicy.ACCEPT:
        return ()
    interval = stored.stored_interval or stored.interval
    series = (
        BarSeries.objects.filter(
            instrument=stored.instrument,
            interval=interval.name,
            provider=stored.provider,
            snapshots__content_hash=stored.snapshot,
        )
        .select_related("instrument")
        .first()
    )
    if series is None:
        return ()
    report = report_ensure(series, snapshot=stored.snapshot)
    relevant = [finding for finding in report.findings if _matters(finding, report, stored)]
    errors = [finding for finding in relevant if finding["severity"] == Severity.ERROR]
    if policy == QualityPolicy.REFUSE and errors:
        raise _refusal(stored, errors)
    return tuple(finding["message"] for finding in relevant)


def _matters(finding: Mapping[str, Any], report: QualityReport, stored: StoredBars) -> bool:
    """Whether a finding is bad enough and in the range; one of many may stand for others in it."""
    if ORDER.index(Severity(finding["severity"])) < ORDER.index(Severity.WARNING):
        return False
    if report.counts.get(finding["code"], 0) > SHOWN_OF_EACH:
        return True
    first, last = shown(int(stored.bars.ts[0])), shown(int(stored.bars.ts[-1]))
    # ISO texts are in the order of the times; a date stands for all of its day.
    return bool(finding["start"][:10] <= last[:10] and finding["end"][:10] >= first[:10])


def _refusal(stored: StoredBars, errors: list[dict[str, Any]]) -> InvalidInput:
    return InvalidInput(
        f"The bars of {stored.instrument_symbol} {stored.interval} have {len(errors)} faults that "
        f"a result must not rest on: {errors[0]['message']} Correct the data (fetch with replace, "
        "import), choose other dates, or let the run accept it (quality: warn).",
        code="bars_refused",
        details=[
            Detail(
                path="quality",
                code=finding["code"],
                message=finding["message"],
                received={"start": finding["start"], "end": finding["end"]},
            )
            for finding in errors[:SHOWN_IN_ERRORS]
        ],
    )
