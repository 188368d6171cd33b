"""Telling that bars were stored: who decides on them need not look for them.

Beside the message the symbol is put among those that nobody has looked at yet: whoever takes one
message looks at all of them, so that bars of a hundred symbols are not a hundred times the work.
"""

from __future__ import annotations

from typing import Final, cast

import redis
import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from core.outbox.services import RETRY_POLICY
from market.memory import memory
from market.models import BarSeries

log = structlog.get_logger(__name__)

# A task that whoever trades on bars brings; it is given their symbol.
BARS_STORED: Final = "brokers.bars_stored"
EXPIRES_S: Final = 5
TOLD: Final = "market:told"


def bars_tell(series: BarSeries) -> None:
    """Say that a series has other bars. A message that is lost costs a second: bars are polled."""
    symbol = series.instrument.symbol
    try:
        memory().sadd(TOLD, symbol)
        current_app.send_task(
            BARS_STORED,
            args=[symbol],
            queue="live",
            expires=EXPIRES_S,
            retry=True,
            retry_policy=RETRY_POLICY,
        )
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("market.bars_not_told", symbol=symbol, error=str(error))


def told_take(symbol: str, *, most: int) -> set[str]:
    """Return symbols that nobody has looked at since they were told of, at most so many.

    They are nobody else's then; there may be none. Without Redis it is `symbol`, whose message the
    caller has.
    """
    try:
        found = cast(list[bytes], memory().spop(TOLD, most))
    except redis.RedisError:
        return {symbol}
    return {name.decode() for name in found}
