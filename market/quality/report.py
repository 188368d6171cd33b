"""All checks together: what there is to say of bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.sessions.sessions import Sessions
from market.choices import Severity
from market.history import History
from market.intervals import Interval
from market.quality.findings import Finding, Subject
from market.quality.gaps import clock_check, future_check, gaps_check
from market.quality.prices import spikes_check, splits_check, stale_check, volume_check

# A report of an older version is made anew.
VERSION: Final = 3
NO_BREAKS: Final = np.empty((0, 2), dtype=np.int64)
SHOWN_OF_EACH: Final = 20
ORDER: Final = (Severity.OK, Severity.NOTE, Severity.WARNING, Severity.ERROR)
CHECKS: Final[tuple[Callable[[Subject], list[Finding]], ...]] = (
    gaps_check,
    clock_check,
    future_check,
    spikes_check,
    splits_check,
    stale_check,
    volume_check,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What the checks found.

    Attributes
    ----------
    severity : Severity
        The worst of all findings.
    counts : dict of str to int
        How many findings of each code, all of them.
    findings : tuple of Finding
        The worst first, 20 of a code at most.
    """

    severity: Severity
    counts: dict[str, int]
    findings: tuple[Finding, ...]

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the findings as they are stored."""
        return [finding.as_dict() for finding in self.findings]


def quality_report(
    history: History,
    *,
    interval: Interval,
    sessions: Sessions,
    now: int,
    breaks: NDArray[np.int64] = NO_BREAKS,
    quarantined: int = 0,
) -> Report:
    """Look at bars.

    Parameters
    ----------
    history : History
    interval : Interval
    sessions : Sessions
        That cover the bars, of their exchange.
    now : int
        When they are looked at, ns: no bar opens later.
    breaks : ndarray of int64, shape (n, 2)
        Pauses within sessions, as at noon in Tokyo: no bar is missing there.
    quarantined : int
        Rows of deliveries that were kept out.
    """
    subject = Subject(
        bars=history.bars,
        adjusted=history.bars.close * history.factor,
        split=history.split,
        interval=interval,
        sessions=sessions,
        breaks=breaks,
        now=now,
    )
    found = [finding for check in CHECKS for finding in check(subject)]
    if quarantined:
        first, last = int(history.bars.ts[0]), int(history.bars.ts[-1])
        message = f"{quarantined} rows could not be bars and are in quarantine."
        found.append(Finding("quarantined", Severity.WARNING, first, last, quarantined, message))
    return report_of(found)


def report_of(found: list[Finding]) -> Report:
    """Return findings in order, the first ones of each code."""
    counts = Counter(finding.code for finding in found)
    by_code = groupby(sorted(found, key=lambda one: (one.code, one.first_ts)), lambda one: one.code)
    kept = [finding for _, group in by_code for finding in list(group)[:SHOWN_OF_EACH]]
    kept.sort(key=lambda one: (-ORDER.index(one.severity), one.first_ts))
    worst = max((finding.severity for finding in found), key=ORDER.index, default=Severity.OK)
    return Report(worst, dict(sorted(counts.items())), tuple(kept))
