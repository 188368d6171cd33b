"""What the market did, for the paper venue: the latest price, and the bars since a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from brokers.paper.matching import Candle
from core.errors import InvalidInput
from market.store import bars_read

NS = 10**9


def bars_after(
    *, symbol: str, owner_id: UUID | None, interval: str, after: datetime
) -> Iterator[tuple[datetime, Candle]]:
    """Yield the raw bars that opened later than `after`, oldest first."""
    try:
        bars = bars_read(
            symbol=symbol,
            interval=interval,
            start=after + timedelta(microseconds=1),
            adjusted=False,
            owner_id=owner_id,
        ).bars
    except InvalidInput:
        return
    for index in range(len(bars)):
        seconds, rest = divmod(int(bars.ts[index]), NS)
        yield (
            datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1000),
            Candle(
                *(
                    Decimal(repr(float(column[index])))
                    for column in (bars.open, bars.high, bars.low, bars.close)
                )
            ),
        )
