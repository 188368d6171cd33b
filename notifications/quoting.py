"""Rules on live prices: looked at as quotes come, and told when a price crosses their level.

A rule keeps on which side of its level the price was seen last. The first quote after it was made,
changed or enabled only tells the side; stale quotes and those that come late tell nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import QuerySet

from core.db import claim
from market.quotes import Quote, quotes_get, quotes_want
from notifications.conditions import COMPARE
from notifications.models import AlertRule
from notifications.telling import rule_tell
from notifications.watching import rule_disable

log = structlog.get_logger(__name__)

BEYOND: Final = "beyond"
SHORT: Final = "short"
# What the event's data says of where the price is from.
INTERVAL: Final = "quote"
BROKEN: Final = (LookupError, TypeError, ArithmeticError)


def quotes_watch(*, now: datetime) -> int:
    """Look at the latest quotes of all rules on live prices; return how many have told.

    It also has their symbols polled and streamed for the next minutes.
    """
    rules = list(quote_rules().order_by("id"))
    symbols = {rule.symbol for rule in rules}
    quotes_want(symbols, now=now)
    fresh = {
        symbol: quote for symbol, quote in quotes_get(symbols).items() if _is_usable(quote, now=now)
    }
    return sum(_look(rule, fresh[rule.symbol]) for rule in rules if rule.symbol in fresh)


def quote_rules() -> QuerySet[AlertRule]:
    """Return the rules on live prices: those on a symbol without an interval."""
    return AlertRule.objects.filter(enabled=True, interval="").exclude(symbol="")


def side_now(rule: AlertRule, *, now: datetime) -> tuple[str, datetime | None]:
    """Return on which side of a rule's level the price is now, and since when that is known.

    Where no fresh quote is there, it is "": the next one tells.
    """
    quote = quotes_get([rule.symbol]).get(rule.symbol)
    if quote is None or not _is_usable(quote, now=now):
        return "", None
    return side_of(rule.condition, quote), quote.traded_at


def side_of(condition: Mapping[str, Any], quote: Quote) -> str:
    """Return on which side of a rule's level a price is."""
    level = Decimal(repr(condition["level"]))
    return BEYOND if COMPARE[condition["operator"]](Decimal(quote.price), level) else SHORT


def _is_usable(quote: Quote, *, now: datetime) -> bool:
    """Tell whether a quote is fresh, and a price at all: a rule is not to break for it."""
    try:
        return Decimal(quote.price).is_finite() and not quote.is_stale(now=now)
    except ArithmeticError:
        return False


def _look(rule: AlertRule, quote: Quote) -> bool:
    try:
        side = side_of(rule.condition, quote)
    except BROKEN:
        log.exception("rule.errored", rule_id=str(rule.id))
        rule_disable(rule_id=rule.id, reason="Evaluating it broke on our side; it was logged.")
        return False
    late = rule.seen_until is not None and quote.traded_at < rule.seen_until
    if late or side == rule.seen_hash:
        return False
    same = AlertRule.objects.filter(
        id=rule.id, enabled=True, seen_hash=rule.seen_hash, seen_until=rule.seen_until
    )
    with transaction.atomic():
        mine = claim(same, seen_hash=side, seen_until=quote.traded_at)
        crossed = mine and side == BEYOND and bool(rule.seen_hash)
        return crossed and _tell(rule, quote)


def _tell(rule: AlertRule, quote: Quote) -> bool:
    at = quote.traded_at
    return rule_tell(
        rule,
        symbol=quote.symbol,
        at=f"{at.timestamp():.6f}",
        text=(
            f"{quote.symbol} traded at {quote.price} "
            f"({quote.provider}, {at:%Y-%m-%d %H:%M:%S} UTC)."
        ),
        data={
            "ticker": quote.symbol,
            "interval": INTERVAL,
            "price": float(quote.price),
            "traded_at": at.isoformat().replace("+00:00", "Z"),
        },
    )
