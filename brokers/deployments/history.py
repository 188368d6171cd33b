"""How much of the past a deployment reads."""

from __future__ import annotations

from typing import Final

import numpy as np

from brokers.deployments.option_reading import options_config
from brokers.deployments.reading import plan_of
from brokers.models import Deployment
from core.errors import InvalidInput
from market.calendars import session_ids
from market.store import StoredBars

# Recursive indicators have long forgotten what was before.
BARS: Final = 20_000


def history_first(deployment: Deployment, stored: StoredBars, *, closed: int) -> int:
    """Return the number of the first bar that a deployment reads, of those stored.

    Raises
    ------
    InvalidInput
        Where its strategy could not decide: too few bars, or too few sessions to price options by.
    """
    plan = plan_of(deployment)
    needed = plan.lookback + 1
    if closed < needed:
        raise InvalidInput(
            f"The strategy needs {needed} bars before its first decision; {closed} of "
            f"{deployment.symbol} at {deployment.interval} are over.",
            code="too_few_bars",
        )
    first = max(0, closed - BARS)
    if plan.program.option_rules:
        first = min(first, _priced_from(deployment, stored, closed))
    return first


def _priced_from(deployment: Deployment, stored: StoredBars, closed: int) -> int:
    """Return the first bar of the sessions over which the volatility of options is measured."""
    instrument = stored.instrument
    days = session_ids(
        stored.bars.ts[:closed],
        timezone=instrument.timezone,
        interval=stored.interval,
        calendar=instrument.calendar,
    )
    # As many returns as the window has, from closes of sessions that are over.
    needed = options_config(deployment, instrument).volatility_window + 2
    sessions = np.unique(days)
    if sessions.size < needed:
        raise InvalidInput(
            f"Options are priced by the volatility of {needed} sessions; {sessions.size} of "
            f"{deployment.symbol} at {deployment.interval} are stored.",
            code="too_few_sessions",
        )
    return int(np.searchsorted(days, sessions[-needed], side="left"))
