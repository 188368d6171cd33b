"""Rules on prices and on nodes of strategies: once a closed bar, and only on what is new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import time_machine
from celery.exceptions import SoftTimeLimitExceeded
from rest_framework.test import APIClient

from core.engine.bars import Bars
from core.errors import ApplicationError, InvalidInput
from core.outbox.models import OutboxMessage
from market import store
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.models import BarSeries, Instrument
from notifications import market_rules, services, tasks
from notifications.models import Alert, AlertRule
from notifications.turns import rules_watch
from notifications.watching import rule_evaluate
from strategies.services.strategy import strategy_create

pytestmark = pytest.mark.django_db
DAY = 86_400 * 10**9
FIRST = 1_704_067_200 * 10**9  # 2024-01-01
RISING = [100.0, 101, 102, 103, 104]


@pytest.fixture(autouse=True)
def _bars_dir(tmp_path, settings):
    settings.BARS_URL = str(tmp_path / "bars")
    store._cache.clear()


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(datetime(2024, 1, 6, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def coin(db):
    return Instrument.objects.create(symbol="COIN", calendar="24/7", timezone="UTC")


def closes(instrument, values):
    """Store daily bars with these closes, as they are known now."""
    close = np.array(values, dtype=float)
    bars = Bars.from_arrays(
        ts=FIRST + DAY * np.arange(len(close), dtype=np.int64),
        open=close,
        high=close + 1,
        low=close - 1,
        close=close,
        volume=np.full(len(close), 10.0),
    )
    return history_store(
        instrument=instrument,
        interval=interval_get("1d"),
        provider="sample",
        history=History.from_bars(bars),
        replace=True,
    )


def level(user, **fields):
    condition = {"operator": "gt", "level": 110} | fields.pop("condition", {})
    return services.rule_create(
        owner_id=user.id,
        event="price.level",
        channels=[],
        symbol="coin",
        interval="1d",
        condition=condition,
        **fields,
    )


def alerts():
    return list(Alert.objects.order_by("created_at").values_list("data__bar_ts", flat=True))


def test_a_level_is_told_once_when_it_is_crossed_and_again_when_it_is_crossed_again(
    user, coin, clock
):
    closes(coin, RISING)
    rule = level(user)
    days = [111.0, 112, 105, 113]
    for count in range(1, len(days) + 1):
        clock.shift(timedelta(days=1))
        closes(coin, RISING + days[:count])
        for _ in range(2):
            rule_evaluate(rule_id=rule.id)
    assert alerts() == ["2024-01-06T00:00:00Z", "2024-01-09T00:00:00Z"]
    assert Alert.objects.first().subject.startswith("COIN: ")


def test_every_bar_means_every_bar(user, coin, clock):
    closes(coin, RISING)
    rule = level(user, condition={"repeat": "every_bar"})
    for count in (1, 2):
        clock.shift(timedelta(days=1))
        closes(coin, RISING + [111.0, 112][:count])
        rule_evaluate(rule_id=rule.id)
    assert len(alerts()) == 2


def test_what_was_there_before_the_rule_is_no_news(user, coin, clock):
    closes(coin, [*RISING[:4], 120.0])
    rule = level(user)
    rule_evaluate(rule_id=rule.id)
    assert alerts() == []


def test_a_bar_that_is_not_over_is_not_looked_at(user, coin, clock):
    closes(coin, RISING)
    rule = level(user)
    clock.move_to(datetime(2024, 1, 6, 15, tzinfo=UTC))
    closes(coin, [*RISING, 150.0])
    rule_evaluate(rule_id=rule.id)
    assert alerts() == []
    clock.move_to(datetime(2024, 1, 7, 0, 1, tzinfo=UTC))
    rule_evaluate(rule_id=rule.id)
    assert alerts() == [], "it is over, but what is stored of it is of the afternoon"
    closes(coin, [*RISING, 105.0])
    rule_evaluate(rule_id=rule.id)
    assert alerts() == []
    clock.move_to(datetime(2024, 1, 8, 0, 1, tzinfo=UTC))
    closes(coin, [*RISING, 105.0, 150.0])
    rule_evaluate(rule_id=rule.id)
    assert alerts() == ["2024-01-07T00:00:00Z"]


def test_of_several_new_bars_the_newest_that_fires_is_told(user, coin, clock):
    closes(coin, RISING)
    rule = level(user)
    clock.shift(timedelta(days=4))
    closes(coin, [*RISING, 111.0, 100, 112, 113])
    rule_evaluate(rule_id=rule.id)
    assert alerts() == ["2024-01-08T00:00:00Z"]


def test_rules_are_queued_when_their_bars_change_and_only_then(user, coin, clock):
    closes(coin, RISING)
    level(user)
    assert rules_watch() == 0
    clock.shift(timedelta(days=1))
    closes(coin, [*RISING, 111.0])
    assert rules_watch() == 1
    assert rules_watch() == 0, "it is in the queue"
    turns_run()
    assert rules_watch() == 0
    assert len(alerts()) == 1


def turns_run(limit=100):
    """Run what is queued of rules, as the workers do; return for whom, in order."""
    ran = []
    while (message := OutboxMessage.objects.order_by("created_at").first()) and limit:
        limit -= 1
        message.delete()
        if message.task == tasks.evaluate.name:
            ran.append(message.args[0])
            tasks.evaluate(*message.args)
    return ran


def test_of_an_owner_with_many_rules_others_wait_for_one_at_most(
    user, coin, clock, django_user_model, monkeypatch
):
    other = django_user_model.objects.create_user("other@example.com", "x" * 12)
    closes(coin, RISING)
    for number in range(5):
        level(user, name=f"{number}")
    level(other)
    clock.shift(timedelta(days=1))
    closes(coin, [*RISING, 111.0])
    assert rules_watch() == 6
    queued = OutboxMessage.objects.filter(task=tasks.evaluate.name)
    assert queued.count() == 2, "a turn for each owner"
    monkeypatch.setattr(tasks, "TURN_S", 0.0)  # as if every rule took the whole of it
    ran = turns_run()
    assert ran.index(str(other.id)) <= 1
    assert ran.count(str(user.id)) == 5
    assert Alert.objects.filter(owner=user).count() == 5
    assert Alert.objects.filter(owner=other).count() == 1
    clock.shift(timedelta(days=1))
    closes(coin, [*RISING, 111.0, 112])
    assert rules_watch() == 6, "the turns are over"


def test_a_rule_that_hangs_is_switched_off_and_those_behind_it_have_their_turn(
    user, coin, clock, monkeypatch
):
    closes(coin, RISING)
    hanging = level(user, name="hanging")
    clock.shift(timedelta(seconds=1))  # ids sort by time, and turns are taken in their order
    good = level(user, name="good")
    clock.shift(timedelta(days=1))
    closes(coin, [*RISING, 111.0])
    evaluate = tasks.rule_evaluate

    def hang(*, rule_id):
        if rule_id == hanging.id:
            raise SoftTimeLimitExceeded
        evaluate(rule_id=rule_id)

    monkeypatch.setattr(tasks, "rule_evaluate", hang)
    rules_watch()
    assert len(turns_run()) == 2
    hanging.refresh_from_db()
    assert not hanging.enabled
    assert Alert.objects.filter(event="price.level").get().data["rule_id"] == str(good.id)


def test_bars_of_ones_own_have_a_mark_of_their_own_and_shared_ones_are_asked_for_once(
    user, coin, clock, django_user_model, django_assert_max_num_queries
):
    closes(coin, RISING)
    for number in range(6):
        one = django_user_model.objects.create_user(f"u{number}@example.com", "x" * 12)
        level(one)
    with django_assert_max_num_queries(5):
        assert rules_watch() == 0


GRAPH = {
    "nodes": [
        {"id": "close", "type": "price", "params": {"field": "close"}},
        {"id": "fast", "type": "indicator", "params": {"name": "sma", "period": 2}},
        {"id": "slow", "type": "indicator", "params": {"name": "sma", "period": 3}},
        {"id": "up", "type": "condition", "params": {"operator": "crosses_above"}},
        {"id": "held", "type": "position"},
        {
            "id": "deep",
            "type": "condition",
            "params": {"operator": "lt", "right": -5},
        },
        {"id": "enter", "type": "entry"},
        {"id": "leave", "type": "exit"},
    ],
    "edges": [
        {"source": "close", "target": "fast", "target_port": "source"},
        {"source": "close", "target": "slow", "target_port": "source"},
        {"source": "fast", "target": "up", "target_port": "left"},
        {"source": "slow", "target": "up", "target_port": "right"},
        {
            "source": "held",
            "source_port": "unrealized_pnl_pct",
            "target": "deep",
            "target_port": "left",
        },
        {"source": "up", "target": "enter", "target_port": "when"},
        {"source": "deep", "target": "leave", "target_port": "when"},
    ],
}


@pytest.fixture
def strategy(user):
    return strategy_create(owner_id=user.id, name="cross", graph=GRAPH)


def node_rule(user, strategy, node="up", **condition):
    return services.rule_create(
        owner_id=user.id,
        event="condition.met",
        channels=[],
        symbol="COIN",
        interval="1d",
        condition={"strategy_id": str(strategy.id), "node": node, **condition},
    )


def test_a_node_of_a_strategy_is_told_on_the_bar_where_it_becomes_true(user, coin, clock, strategy):
    # After 97 96 95 the averages over 2 and 3 bars are 95.5 and 96; with 105 100 and 98.7.
    closes(coin, [100.0, 99, 98, 97, 96])
    rule = node_rule(user, strategy)
    assert rule.condition["version"] == 1
    clock.shift(timedelta(days=1))
    closes(coin, [100.0, 99, 98, 97, 96, 95])
    rule_evaluate(rule_id=rule.id)
    assert alerts() == []
    clock.shift(timedelta(days=1))
    closes(coin, [100.0, 99, 98, 97, 96, 95, 105])
    rule_evaluate(rule_id=rule.id)
    assert alerts() == ["2024-01-07T00:00:00Z"]


@pytest.mark.parametrize(
    ("node", "said"),
    [("nowhere", "no node"), ("fast", "bool"), ("deep", "position")],
)
def test_a_node_that_cannot_be_watched_is_refused_with_the_reason(user, coin, strategy, node, said):
    closes(coin, RISING)
    with pytest.raises(InvalidInput, match=said):
        node_rule(user, strategy, node=node)


def test_a_condition_is_tried_on_few_bars_while_its_owner_waits(user, coin, strategy, monkeypatch):
    closes(coin, RISING[:2])
    with pytest.raises(InvalidInput, match="needs 4 bars"):
        node_rule(user, strategy)
    closes(coin, RISING)
    monkeypatch.setattr(market_rules, "CHECKED_BARS", 2)
    kept = node_rule(user, strategy)
    assert kept.enabled, "on more bars it can be computed"
    with pytest.raises(InvalidInput, match="position"):
        node_rule(user, strategy, node="deep")


@pytest.mark.parametrize("number", [10**30, 0, -1, 7, True, "1", [1]])
def test_a_version_that_is_none_is_refused(user, coin, strategy, number):
    closes(coin, RISING)
    with pytest.raises(ApplicationError):
        node_rule(user, strategy, version=number)


def test_a_rule_that_breaks_is_switched_off_alone_and_said(user, coin, clock, monkeypatch):
    closes(coin, RISING)
    rule, other = level(user), level(user, name="other")
    clock.shift(timedelta(days=1))
    closes(coin, [*RISING, 111.0])
    AlertRule.objects.filter(id=rule.id).update(condition={"operator": "nonsense"})
    for row in (rule, other):
        tasks.evaluate(str(user.id), [str(row.id)])
    rule.refresh_from_db()
    assert not rule.enabled
    assert "broke" in rule.disabled_reason
    assert Alert.objects.filter(event="rule.disabled").count() == 1
    assert Alert.objects.filter(event="price.level").count() == 1


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"symbol": ""}, "symbol"),
        ({"interval": "7x"}, None),
        ({"interval": ""}, "symbol"),  # nobody has live prices of it
        ({"condition": {}}, "condition"),
        ({"condition": {"operator": "near", "level": 1}}, "condition.operator"),
        ({"condition": {"operator": ["gt"], "level": 1}}, "condition.operator"),
        ({"condition": {"operator": {}, "level": 1}}, "condition.operator"),
        ({"condition": {"operator": "gt", "level": 1, "field": []}}, "condition.field"),
        ({"condition": {"operator": "gt", "level": 1, "repeat": {}}}, "condition.repeat"),
        ({"condition": {"operator": "gt", "level": "high"}}, "condition.level"),
        ({"condition": {"operator": "gt", "level": 1, "field": "bid"}}, "condition.field"),
        ({"condition": {"operator": "gt", "level": 1, "node": "x"}}, "condition.node"),
        ({"condition": {"operator": "gt", "level": 1, "repeat": "x"}}, "condition.repeat"),
        ({"event": "run.completed"}, "symbol"),
        ({"event": "condition.met"}, "condition.operator"),
        ({"symbol": "NOBODY"}, None),
    ],
)
def test_a_condition_that_says_nothing_is_422_with_its_place(user, coin, change, path):
    closes(coin, RISING)
    client = APIClient()
    client.force_authenticate(user)
    body = {
        "event": "price.level",
        "symbol": "COIN",
        "interval": "1d",
        "condition": {"operator": "gt", "level": 110},
    }
    answer = client.post("/api/v1/alert-rules", body | change, format="json")
    assert answer.status_code == 422, answer.json()
    if path:
        assert answer.json()["details"][0]["path"] == path
    assert client.post("/api/v1/alert-rules", body, format="json").status_code == 201


def test_a_changed_level_begins_with_the_next_bar(user, coin, clock):
    closes(coin, RISING)
    rule = level(user)
    clock.shift(timedelta(days=1))
    closes(coin, [*RISING, 108.0])
    changed = services.rule_update(rule=rule, condition={"operator": "gt", "level": 107})
    assert changed.seen_until == datetime(2024, 1, 6, tzinfo=UTC)
    rule_evaluate(rule_id=rule.id)
    assert alerts() == []


def test_a_rule_that_is_enabled_again_tells_nothing_of_the_time_that_it_was_off(user, coin, clock):
    closes(coin, RISING)
    rule = level(user)
    services.rule_update(rule=rule, enabled=False)
    clock.shift(timedelta(days=2))
    closes(coin, [*RISING, 111.0, 105])
    services.rule_update(rule=rule, enabled=True)
    clock.shift(timedelta(days=1))
    closes(coin, [*RISING, 111.0, 105, 106])
    rule_evaluate(rule_id=rule.id)
    assert alerts() == []


def test_the_strategy_of_a_rule_is_kept(user, coin, strategy):
    from strategies.services.strategy import strategy_delete

    closes(coin, RISING)
    node_rule(user, strategy)
    assert strategy_delete(owner_id=user.id, strategy_id=strategy.id) is not None, "archived"
    assert BarSeries.objects.exists()
