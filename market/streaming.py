"""Listening to prices as they happen: one worker at a time, one connection a provider."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from django.utils import timezone

from market.lines import Heard, Lines
from market.providers.kinds import is_streamed
from market.quote_sources import QuoteSource, quote_sources
from market.quotes import Quote, quotes_wanted, streamed_put
from market.stream_lease import is_leased, lease_end, lease_renew, lease_take

# A worker listens for so long, below the limit of a task; then the next task goes on.
STREAM_FOR_S: Final = 600.0
# Between two looks at what was told: a symbol is published at most so often.
FLUSH_EVERY_S: Final = 0.25
# Between two looks at what is wanted.
LOOK_EVERY_S: Final = 1.0


def stream_due(*, now: datetime) -> bool:
    """Return whether somebody wants what can be listened to, and nobody listens."""
    return not is_leased() and bool(_sources(now))


def quotes_stream(*, for_s: float = STREAM_FOR_S) -> bool:
    """Listen while somebody wants it; return whether somebody still does after `for_s` seconds.

    Ends at once where another worker listens, and within a second when the lease is taken away.
    """
    lease = lease_take()
    if lease is None:
        return False
    ends_at = time.monotonic() + for_s
    look_at = 0.0
    try:
        with Lines() as lines:
            while time.monotonic() < ends_at:
                if time.monotonic() >= look_at:
                    look_at = time.monotonic() + LOOK_EVERY_S
                    sources = _sources(timezone.now())
                    if not sources or not lease_renew(lease):
                        return False
                    lines.want(sources)
                _keep(lines.take())
                time.sleep(FLUSH_EVERY_S)
    finally:
        lease_end(lease)
    return True


def _sources(now: datetime) -> list[QuoteSource]:
    return [
        source for source in quote_sources(quotes_wanted(now=now)) if is_streamed(source.provider)
    ]


def _keep(heard: list[Heard]) -> None:
    now = timezone.now()
    streamed_put(
        (
            Quote(
                symbol=symbol,
                price=trade.price,
                traded_at=trade.traded_at,
                asked_at=now,
                provider=provider,
            )
            for symbol, provider, trade in heard
        ),
        now=now,
    )
