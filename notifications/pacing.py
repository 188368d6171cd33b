"""When a message may leave: quiet hours, digests and rates, as plain arithmetic on times."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from notifications.choices import Hold

MINUTES_PER_DAY: Final = 1440
RATE_WINDOW: Final = timedelta(seconds=60)
# Failures in a row after which a channel rests, and how long: doubling, up to five minutes.
REST_AFTER: Final = 3
REST_S: Final = 5
REST_AT_MOST_S: Final = 300


class Paced(Protocol):
    """What of a channel matters here."""

    quiet_from: time | None
    quiet_until: time | None
    digest_minutes: int


def hold_of(
    channel: Paced, *, zone: str, now: datetime, urgent: bool = False
) -> tuple[datetime, str]:
    """Return when a message that is made now is due, and why it waits ("" where it does not).

    Parameters
    ----------
    zone : str
        The owner's time zone.
    urgent : bool
        Neither quiet hours nor a digest holds it.
    """
    if urgent:
        return now, ""
    due, held = now, ""
    if channel.digest_minutes:
        due, held = digest_end(channel.digest_minutes, zone=zone, now=now), Hold.DIGEST.value
    quiet = quiet_end(channel, zone=zone, now=due)
    return (due, held) if quiet is None else (quiet, held or Hold.QUIET_HOURS.value)


def quiet_end(channel: Paced, *, zone: str, now: datetime) -> datetime | None:
    """Return when the quiet hours end that it is now within, None outside of them.

    They are kept by the clock on the owner's wall: over a change to summer time a night is an hour
    shorter. Where they begin after they end they go over midnight.
    """
    begin, end = channel.quiet_from, channel.quiet_until
    if begin is None or end is None:
        return None
    local = now.astimezone(ZoneInfo(zone))
    clock = local.time()
    over_midnight = begin > end
    quiet = (clock >= begin or clock < end) if over_midnight else begin <= clock < end
    if not quiet:
        return None
    tomorrow = over_midnight and clock >= begin
    day = local.date() + timedelta(days=1) if tomorrow else local.date()
    return datetime.combine(day, end, tzinfo=local.tzinfo).astimezone(UTC)


def digest_end(minutes: int, *, zone: str, now: datetime) -> datetime:
    """Return the end of the digest that collects now: whole steps from the owner's midnight."""
    local = now.astimezone(ZoneInfo(zone))
    passed = local.hour * 60 + local.minute
    step = min((passed // minutes + 1) * minutes, MINUTES_PER_DAY)
    day = local.date() + timedelta(days=step // MINUTES_PER_DAY)
    clock = time(*divmod(step % MINUTES_PER_DAY, 60))
    return datetime.combine(day, clock, tzinfo=local.tzinfo).astimezone(UTC)


def rest_of(failures: int) -> timedelta | None:
    """Return how long a channel rests after so many failures in a row, None if it need not."""
    if failures < REST_AFTER:
        return None
    return timedelta(seconds=min(REST_AT_MOST_S, REST_S * 2 ** min(failures - REST_AFTER, 10)))
