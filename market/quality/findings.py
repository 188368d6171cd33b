"""What a check says: what, how bad, where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.engine.bars import Bars
from core.sessions.sessions import Sessions
from market.choices import Severity
from market.intervals import Interval

NS_PER_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in bars that may be wrong.

    Attributes
    ----------
    code : str
    severity : Severity
    first_ts, last_ts : int
        The stretch it is about, ns; both ends included.
    bars : int
        How many bars, there or missing.
    message : str
    """

    code: str
    severity: Severity
    first_ts: int
    last_ts: int
    bars: int
    message: str

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as it is stored and shown."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "start": shown(self.first_ts),
            "end": shown(self.last_ts),
            "bars": self.bars,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is looked at.

    Attributes
    ----------
    bars : Bars
        Raw.
    adjusted : ndarray of float64, shape (n,)
        Closes with splits and dividends in them.
    split : ndarray of float64, shape (n,)
    interval : Interval
    sessions : Sessions
        That cover the bars.
    breaks : ndarray of int64, shape (n, 2)
        Pauses within them, in order.
    now : int
        When they are looked at, ns.
    """

    bars: Bars
    adjusted: NDArray[np.float64]
    split: NDArray[np.float64]
    interval: Interval
    sessions: Sessions
    breaks: NDArray[np.int64]
    now: int

    def paused_ns(self, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how much of all pauses is over at each of some times."""
        starts, ends = self.breaks[:, 0], self.breaks[:, 1]
        begun = np.searchsorted(starts, ts, side="right")
        whole = np.append(0, np.cumsum(ends - starts))[begun]
        # The last one that has begun may go on.
        last = np.append(ts.min(initial=0), ends)[begun]
        return np.asarray(whole - np.maximum(last - ts, 0), dtype=np.int64)


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches of true values: the first place of each and how many."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def shown(ts: int) -> str:
    """Return a time as ISO 8601, a date where it is midnight UTC."""
    moment = datetime.fromtimestamp(ts // NS_PER_S, tz=UTC)
    midnight = moment.hour == moment.minute == moment.second == 0
    return moment.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%SZ")
