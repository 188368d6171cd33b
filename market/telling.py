"""Telling that bars were stored: who decides on them need not look for them."""

from __future__ import annotations

from typing import Final

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from core.outbox.services import RETRY_POLICY
from market.models import BarSeries

log = structlog.get_logger(__name__)

# A task that whoever trades on bars brings; it is given their symbol.
BARS_STORED: Final = "brokers.bars_stored"
EXPIRES_S: Final = 5


def bars_tell(series: BarSeries) -> None:
    """Say that a series has other bars. A message that is lost costs a second: bars are polled."""
    try:
        current_app.send_task(
            BARS_STORED,
            args=[series.instrument.symbol],
            queue="live",
            expires=EXPIRES_S,
            retry=True,
            retry_policy=RETRY_POLICY,
        )
    except (OperationalError, OSError) as error:
        log.warning("market.bars_not_told", symbol=series.instrument.symbol, error=str(error))
