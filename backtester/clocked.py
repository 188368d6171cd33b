"""Schedules by the clock, for what runs beside the deciding on bars.

Celery counts an interval from when its beat began: everything is due at the same moment then, at
any place of a minute, and what runs once a day never does where beat begins anew every day.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from celery.schedules import schedstate, schedule


class Clocked(schedule):
    """Due every so often, at the same places of the clock.

    Parameters
    ----------
    every_s : float
        Seconds from one time to the next, counted from 1970-01-01 on.
    at_s : float
        How many seconds after these places.
    """

    def __init__(self, every_s: float, at_s: float = 0.0) -> None:
        super().__init__(timedelta(seconds=every_s))
        self.every_s, self.at_s = every_s, at_s

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Tell whether a place has passed since the last time, and in how many seconds the next."""
        now = self.now().timestamp()
        place = math.floor((now - self.at_s) / self.every_s) * self.every_s + self.at_s
        return schedstate(last_run_at.timestamp() < place, place + self.every_s - now)

    def __repr__(self) -> str:
        return f"<every {self.every_s:g} s, {self.at_s:g} s after>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clocked) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.every_s, self.at_s))

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.every_s, self.at_s)
