"""`time`: what the exchange's clock and calendar say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from strategies.graph.catalogue.base import NodeType
from strategies.graph.catalogue.forms import Form, Frame, Port, PortType, Series, SeriesForm, Values

if TYPE_CHECKING:
    from core.sessions.clock import Clock

_READINGS: Final[dict[str, tuple[str, Callable[[Clock], Any]]]] = {
    "hour": ("Hour of the day, 0 to 23.", lambda clock: clock.hour),
    "minute": ("Minute of the hour, 0 to 59.", lambda clock: clock.minute),
    "weekday": ("Day of the week: Monday is 0, Sunday 6.", lambda clock: clock.weekday),
    "month": ("Month, 1 to 12.", lambda clock: clock.month),
    "minutes_since_open": (
        "Minutes from the session's open to the bar's: 0 at the first bar, below 0 before it.",
        lambda clock: clock.since_open,
    ),
    "minutes_to_close": (
        "Minutes from the bar's open to the session's close, half days too; 0 and below after it.",
        lambda clock: clock.to_close,
    ),
    "day_of_month": ("Day of the month, 1 to 31.", lambda clock: clock.day_of_month),
    "year": ("Year, such as 2024.", lambda clock: clock.year),
}

_FIELDS: Final[dict[str, tuple[str, Callable[[Clock], Any]]]] = {
    "session": ("The date of the bar's session in days", lambda clock: clock.session),
    "minute": ("The minutes from the session's open to the bar's", lambda clock: clock.since_open),
}


def _part(name: str, description: str, reading: Callable[[Clock], Any]) -> SeriesForm:
    def compute(frame: Frame, _values: Values, _inputs: Sequence[Series]) -> tuple[Series, ...]:
        return (np.asarray(reading(frame.timing.clock), dtype=np.float64),)

    return SeriesForm(
        name=name,
        description=description,
        outputs=(Port("value", PortType.NUMBER),),
        compute=compute,
    )


CLOCK_FORMS: Final = {name: _part(name, text, reading) for name, (text, reading) in _FIELDS.items()}
"""What indicators take by the name of the input where nothing is connected: `SESSION_FIELDS`."""

_PARTS: Final = {name: _part(name, text, reading) for name, (text, reading) in _READINGS.items()}


def _compute(frame: Frame, values: Values, inputs: Sequence[Series]) -> tuple[Series, ...]:
    return tuple(part.compute(frame, values, inputs)[0] for part in _PARTS.values())


class TimeNode(NodeType):
    """What the exchange's clock says when a bar opens."""

    name = "time"
    title = "Time"
    category = "data"
    description = (
        "When the bar opens, on the clock and calendar of the exchange: each reading is an output "
        "of its own. A bar of a day or longer opens with its session, and its date is the "
        "session's."
    )

    _forms: Final = {
        "": SeriesForm(
            outputs=tuple(
                Port(name, PortType.NUMBER, description=text)
                for name, (text, _) in _READINGS.items()
            ),
            compute=_compute,
            parts=_PARTS,
        )
    }

    def forms(self) -> Mapping[str, Form]:
        """Return the sole form."""
        return self._forms
