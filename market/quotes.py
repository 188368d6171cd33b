"""The latest prices: asked of providers while somebody wants them, kept in Redis with their age.

Redis may forget all of it: then there is no quote until the next poll. Each new quote is published
once on the channel of its symbol, however many sockets listen there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import redis
import structlog
from django.conf import settings

from core.realtime.broadcast import WANTED_S, channel_of_topic, last_of_topic, wanted_topics
from market.memory import memory

log = structlog.get_logger(__name__)

# An older one is shown, and said to be stale.
STALE_AFTER_S: Final = 60.0
KEPT_S: Final = 86_400
_TOPIC: Final = "quotes:"


@dataclass(frozen=True, slots=True)
class Quote:
    """A price as a provider told it.

    Attributes
    ----------
    symbol : str
    price : str
        A decimal.
    traded_at : datetime
        When it was traded, as the provider says (UTC).
    asked_at : datetime
        When the provider was asked.
    provider : str
    """

    symbol: str
    price: str
    traded_at: datetime
    asked_at: datetime
    provider: str

    def as_data(self, *, now: datetime) -> dict[str, Any]:
        """Return the quote with its age, as the API and sockets show it."""
        age_s = max((now - self.asked_at).total_seconds(), 0.0)
        return {
            "symbol": self.symbol,
            "price": self.price,
            "traded_at": _text(self.traded_at),
            "asked_at": _text(self.asked_at),
            "age_s": round(age_s, 1),
            "stale": age_s > STALE_AFTER_S,
            "provider": self.provider,
        }


def quotes_put(quotes: Iterable[Quote], *, now: datetime) -> None:
    """Keep quotes, and publish those that are news; without Redis nothing happens."""
    try:
        client = memory()
        for quote in quotes:
            data = quote.as_data(now=now)
            _keep(client, data, now=now)
    except redis.RedisError as error:
        log.warning("market.quotes_without_redis", error=str(error))


def quotes_age(symbols: Iterable[str], *, now: datetime) -> None:
    """Say of quotes that nobody renewed for a while that they are stale, once."""
    try:
        client = memory()
        for symbol in symbols:
            quote = quote_get(symbol)
            if quote is not None and (data := quote.as_data(now=now))["stale"]:
                _keep(client, data, now=now)
    except redis.RedisError as error:
        log.warning("market.quotes_without_redis", error=str(error))


def _keep(client: redis.Redis, data: dict[str, Any], *, now: datetime) -> None:
    """Keep a quote as the last frame of its topic, and publish it if it is news."""
    frame = frame_of(data, now=now)
    before: Any = client.set(_key(data["symbol"]), json.dumps(frame), ex=KEPT_S, get=True)
    if before is None or _news(json.loads(before)["data"], data):
        client.publish(channel_of(data["symbol"]), json.dumps(frame))


def quote_get(symbol: str) -> Quote | None:
    """Return the latest quote of a symbol; None where there is none, or no Redis."""
    try:
        found = memory().get(_key(symbol))
    except redis.RedisError as error:
        log.warning("market.quotes_without_redis", error=str(error))
        return None
    if found is None:
        return None
    data = json.loads(found)["data"]
    return Quote(
        symbol=data["symbol"],
        price=data["price"],
        traded_at=datetime.fromisoformat(data["traded_at"]),
        asked_at=datetime.fromisoformat(data["asked_at"]),
        provider=data["provider"],
    )


def quotes_want(symbols: Iterable[str], *, now: datetime) -> None:
    """Have symbols polled for the next ten minutes."""
    until = dict.fromkeys(map(_topic, symbols), now.timestamp() + WANTED_S)
    if not until:
        return
    try:
        memory().zadd(wanted_topics(), until)
    except redis.RedisError as error:
        log.warning("market.quotes_without_redis", error=str(error))


def quotes_wanted(*, now: datetime) -> list[str]:
    """Return the symbols that somebody wants, in order; none without Redis."""
    try:
        client = memory()
        client.zremrangebyscore(wanted_topics(), "-inf", now.timestamp())
        found: Any = client.zrange(wanted_topics(), 0, -1)
    except redis.RedisError as error:
        log.warning("market.quotes_without_redis", error=str(error))
        return []
    topics = (member.decode() for member in found)
    return sorted(topic.removeprefix(_TOPIC) for topic in topics if topic.startswith(_TOPIC))


def poll_claim(*, seconds: int) -> bool:
    """Return whether this worker may poll now; for `seconds` no other one may."""
    try:
        return bool(
            memory().set(f"{settings.REDIS_NAMESPACE}:quotes:polled", b"1", nx=True, ex=seconds)
        )
    except redis.RedisError:
        return False


def frame_of(data: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return a quote as it goes over a socket: without a number, for it is never sent again."""
    return {
        "type": "quote",
        "topic": _topic(data["symbol"]),
        "seq": None,
        "ts": _text(now),
        "data": data,
    }


def channel_of(symbol: str) -> str:
    """Return the name of the Redis channel that carries a symbol's quotes."""
    return channel_of_topic(_topic(symbol))


def _news(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return any(before[name] != now[name] for name in ("price", "traded_at", "provider", "stale"))


def _topic(symbol: str) -> str:
    return f"{_TOPIC}{symbol}"


def _key(symbol: str) -> str:
    return last_of_topic(_topic(symbol))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
