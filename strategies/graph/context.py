"""What evaluation knows besides the run's bars: their interval, the sessions, other instruments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.engine.bars import Bars
    from core.sessions.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Context:
    """The surroundings of the bars that a plan is evaluated on.

    Attributes
    ----------
    interval : str or None
        Interval of the bars such as "5m"; without it the one the plan was compiled for, else what
        the distance between the bars shows.
    sessions : Sessions or None
        Of the run's instrument; without them days of UTC, open around the clock.
    symbol : str or None
        The run's instrument, in upper case: nodes that name it are computed on the run's bars.
    others : Mapping of str to Bars
        Bars of the other instruments that `Plan.symbols` asks for, by upper-case symbol, of the
        run's interval. They need not have a bar where the run has one.
    other_sessions : Mapping of str to Sessions
        Sessions of those instruments where they are not the run's: the day of a currency ends
        after New York's.
    periods_per_year : float or None
        How many bars of the interval a year has, where something is annualised; without it as many
        as follow one another around the clock.
    """

    interval: str | None = None
    sessions: Sessions | None = None
    symbol: str | None = None
    others: Mapping[str, Bars] = field(default_factory=dict)
    other_sessions: Mapping[str, Sessions] = field(default_factory=dict)
    periods_per_year: float | None = None


NO_CONTEXT: Final = Context()
"""Nothing is known but the bars."""
