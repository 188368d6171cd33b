"""Rules on live prices: a level is told when it is crossed, as quotes come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from kombu.exceptions import OperationalError
from rest_framework.test import APIClient

from market.memory import memory
from market.models import BarSeries, Instrument
from market.quotes import Quote, quotes_put, quotes_wanted
from notifications import services, tasks
from notifications.models import Alert, AlertRule, Delivery
from notifications.quoting import quotes_watch
from notifications.turns import rules_watch

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 30, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def sent(settings, monkeypatch):
    """What is queued; quotes of this test alone."""
    settings.REDIS_NAMESPACE = f"quote-rules-{id(object())}"
    names = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_: names.append(name))
    yield names
    client = memory()
    for key in client.scan_iter(f"{settings.REDIS_NAMESPACE}:*"):
        client.delete(key)


@pytest.fixture(autouse=True)
def coin():
    instrument = Instrument.objects.create(symbol="BTC/USDT", calendar="24/7", timezone="UTC")
    BarSeries.objects.create(
        instrument=instrument, provider="ccxt", interval="1d", first_ts=NOW, last_ts=NOW, rows=9,
        last_close=1.0,
    )  # fmt: skip
    return instrument


@pytest.fixture
def clock():
    """Seconds after NOW; quotes are told with their price, and looked at."""

    class Clock:
        at = NOW

        def quote(self, price, *, traded=0, asked=0):
            self.at += timedelta(seconds=10)
            told = Quote(
                symbol="BTC/USDT",
                price=str(price),
                traded_at=self.at + timedelta(seconds=traded),
                asked_at=self.at + timedelta(seconds=asked),
                provider="ccxt",
            )
            quotes_put([told], now=self.at)
            return quotes_watch(now=self.at)

    return Clock()


def rule(user, operator="gt", level=100, **fields):
    return services.rule_create(
        owner_id=user.id,
        event="price.level",
        channels=fields.pop("channels", []),
        symbol="btc/usdt",
        condition={"operator": operator, "level": level},
        **fields,
    )


def prices():
    return list(Alert.objects.order_by("created_at").values_list("data__price", flat=True))


def test_a_level_is_told_each_time_it_is_crossed_and_not_while_the_price_stays(
    user, clock, channel_of
):
    rule(user, channels=[channel_of(user, "webhook", "https://hooks.acme.dev/x")])
    for price in ("99", "99.5", "100", "100.01", "105", "100", "99", "101"):
        clock.quote(price)
    assert prices() == [100.01, 101.0]
    alert = Alert.objects.order_by("created_at").first()
    assert alert.subject == "BTC/USDT: A price has crossed a level"
    assert "100.01 (ccxt, 2026-01-30 15:00:40 UTC)" in alert.text
    assert alert.data["interval"] == "quote"
    assert Delivery.objects.filter(kind="webhook").count() == 2


@pytest.mark.parametrize(
    ("operator", "told"), [("lt", [99.0]), ("lte", [100.0]), ("gte", [100.0]), ("gt", [101.0])]
)
def test_every_operator_has_its_own_side(user, clock, operator, told):
    start, way = (101, ("100", "99")) if operator.startswith("l") else (99, ("100", "101"))
    clock.quote(start)
    rule(user, operator)
    AlertRule.objects.update(seen_hash="short")
    for price in way:
        clock.quote(price)
    assert prices() == told


def test_prices_are_compared_as_decimals(user, clock):
    rule(user, "gt", 0.3)
    clock.quote("0.1")
    clock.quote("0.30000000000000000")
    assert prices() == []
    clock.quote("0.30000000000000001")
    assert len(prices()) == 1


def test_a_price_that_was_beyond_from_the_first_is_no_news(user, clock):
    rule(user)
    clock.quote("120")
    clock.quote("121")
    assert prices() == []
    clock.quote("90")
    clock.quote("121")
    assert prices() == [121.0]


def test_stale_late_and_senseless_quotes_tell_nothing(user, clock):
    kept = rule(user)
    clock.quote("99")
    clock.quote("150", asked=-61)
    clock.quote("150", traded=-3600)
    clock.quote("NaN")
    clock.quote("many")
    assert prices() == []
    kept.refresh_from_db()
    assert kept.enabled
    clock.quote("150")
    assert prices() == [150.0]


def test_a_rule_begins_at_the_price_of_now(user, clock):
    import time_machine

    clock.quote("99")
    with time_machine.travel(clock.at, tick=False):
        kept = rule(user)
    assert kept.seen_hash == "short"
    assert clock.quote("101") == 1


def test_two_workers_that_look_at_once_tell_once(user, clock, monkeypatch):
    from notifications import quoting

    kept = rule(user)
    clock.quote("99")
    stale = AlertRule.objects.get()
    clock.quote("101")
    monkeypatch.setattr(quoting, "quote_rules", lambda: Late([stale]))
    quotes_watch(now=clock.at)
    assert prices() == [101.0]
    assert AlertRule.objects.get(id=kept.id).seen_hash == "beyond"


class Late(list):
    def order_by(self, *_):
        return self


def test_a_poison_rule_is_switched_off_and_the_others_told(user, clock):
    poison, good = rule(user, name="poison"), rule(user, name="good")
    clock.quote("99")
    AlertRule.objects.filter(id=poison.id).update(condition={"operator": "nonsense", "level": "x"})
    clock.quote("101")
    assert Alert.objects.get(event="price.level").data["rule_id"] == str(good.id)
    assert Alert.objects.get(event="rule.disabled").data["rule_id"] == str(poison.id)


def test_what_rules_look_at_is_wanted_of_providers(user, clock):
    rule(user)
    assert quotes_wanted(now=NOW) == []
    tasks.watch()
    assert quotes_wanted(now=datetime.now(tz=UTC)) == ["BTC/USDT"]
    assert rules_watch() == 0, "it has no bars to look at"


def test_new_quotes_wake_the_rules_once_a_second(user, clock, sent):
    rule(user)
    clock.quote("99")
    clock.quote("99")
    clock.quote("101")
    assert sent == ["notifications.quotes"]
    assert tasks.quotes.name == "notifications.quotes"


def test_quotes_are_kept_while_the_message_cannot_be_sent(user, clock, monkeypatch):
    def away(*_, **__):
        raise OperationalError("away")

    rule(user)
    monkeypatch.setattr(current_app, "send_task", away)
    clock.quote("99")
    assert clock.quote("101") == 1


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"symbol": "NOBODY"}, "symbol"),
        ({"condition": {"operator": "gt"}}, "condition.level"),
        ({"condition": {"operator": "gt", "level": 1, "field": "high"}}, "condition"),
        ({"condition": {"operator": "gt", "level": 1, "repeat": "every_bar"}}, "condition"),
    ],
)
def test_what_is_no_rule_on_live_prices_is_422(user, change, path):
    client = APIClient()
    client.force_authenticate(user)
    body = {
        "event": "price.level",
        "symbol": "BTC/USDT",
        "condition": {"operator": "gt", "level": 110},
    }
    answer = client.post("/api/v1/alert-rules", body | change)
    assert answer.status_code == 422, answer.json()
    assert answer.json()["details"][0]["path"] == path
    made = client.post("/api/v1/alert-rules", body)
    assert made.status_code == 201
    again = client.patch(f"/api/v1/alert-rules/{made.json()['id']}", made.json())
    assert again.status_code == 200
