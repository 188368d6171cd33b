"""The latest prices: told or asked of providers while somebody wants them, kept with their age.

They lie in Redis, which may forget all of it: then there is no quote until the next one. Each new
quote is published once on the channel of its symbol, however many sockets listen there.
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
from market.announcing import quotes_announce
from market.memory import memory

log = structlog.get_logger(__name__)

# An older one is shown, and said to be stale.
STALE_AFTER_S: Final = 60.0
KEPT_S: Final = 86_400
# A symbol that its stream tells nothing of for so long is polled, until the stream tells again:
# nothing may have been traded, or the stream may be broken.
STREAMED_S: Final = 30.0
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

    def age_s(self, *, now: datetime) -> float:
        """Return the seconds since the provider was asked."""
        return max((now - self.asked_at).total_seconds(), 0.0)

    def is_stale(self, *, now: datetime) -> bool:
        """Tell whether the price may be another one by now."""
        return self.age_s(now=now) > STALE_AFTER_S

    def as_data(self, *, now: datetime) -> dict[str, Any]:
        """Return the quote with its age, as the API and sockets show it."""
        return {
            "symbol": self.symbol,
            "price": self.price,
            "traded_at": _text(self.traded_at),
            "asked_at": _text(self.asked_at),
            "age_s": round(self.age_s(now=now), 1),
            "stale": self.is_stale(now=now),
            "provider": self.provider,
        }


def quotes_put(quotes: Iterable[Quote], *, now: datetime) -> None:
    """Keep quotes, publish those that are news and announce them; without Redis nothing happens."""
    try:
        client = memory()
        news = [_keep(client, quote.as_data(now=now), now=now) for quote in quotes]
        if any(news):
            quotes_announce(client)
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


def _keep(client: redis.Redis, data: dict[str, Any], *, now: datetime) -> bool:
    """Keep a quote as the last frame of its topic, and publish it if it is news: tell whether."""
    frame = frame_of(data, now=now)
    before: Any = client.set(_key(data["symbol"]), json.dumps(frame), ex=KEPT_S, get=True)
    news = before is None or _news(json.loads(before)["data"], data)
    if news:
        client.publish(channel_of(data["symbol"]), json.dumps(frame))
    return news


def quote_get(symbol: str) -> Quote | None:
    """Return the latest quote of a symbol; None where there is none, or no Redis."""
    return quotes_get([symbol]).get(symbol)


def quotes_get(symbols: Iterable[str]) -> dict[str, Quote]:
    """Return the latest quotes of symbols, of those that have one; none without Redis."""
    wanted = sorted(set(symbols))
    if not wanted:
        return {}
    try:
        found: Any = memory().mget([_key(symbol) for symbol in wanted])
    except redis.RedisError as error:
        log.warning("market.quotes_without_redis", error=str(error))
        return {}
    return {
        symbol: _quote_of(json.loads(frame)["data"])
        for symbol, frame in zip(wanted, found, strict=True)
        if frame is not None
    }


def _quote_of(data: dict[str, Any]) -> Quote:
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


def quotes_streamed(*, now: datetime) -> set[str]:
    """Return the symbols that a stream told of lately: nobody need ask for them."""
    try:
        found: Any = memory().zrangebyscore(_streamed(), now.timestamp(), "+inf")
    except redis.RedisError:
        return set()
    return {member.decode() for member in found}


def streamed_put(quotes: Iterable[Quote], *, now: datetime) -> None:
    """Keep and publish what a stream told, and leave its symbols to it for a while."""
    told = list(quotes)
    if not told:
        return
    quotes_put(told, now=now)
    try:
        client = memory()
        client.zremrangebyscore(_streamed(), "-inf", now.timestamp())
        client.zadd(_streamed(), {quote.symbol: now.timestamp() + STREAMED_S for quote in told})
    except redis.RedisError as error:
        log.warning("market.quotes_without_redis", error=str(error))


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


def _streamed() -> str:
    return f"{settings.REDIS_NAMESPACE}:quotes:streamed"


def _key(symbol: str) -> str:
    return last_of_topic(_topic(symbol))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
