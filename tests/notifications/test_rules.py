"""Which events a rule is met by, and how often it tells."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from notifications import services
from notifications.events import EVENTS
from notifications.matching import OPERATORS, filters_check, filters_match
from notifications.models import AlertRule, Delivery


@pytest.mark.parametrize(
    ("filters", "met"),
    [
        ({}, True),
        ({"ticker": "GOOG"}, True),
        ({"ticker": "IBM"}, False),
        ({"ticker": {"in": ["IBM", "GOOG"]}}, True),
        ({"ticker": {"in": ["IBM"]}}, False),
        ({"ticker": {"ne": "IBM"}}, True),
        ({"sharpe": {"gte": 1.13}}, True),
        ({"sharpe": {"gt": 1.13}}, False),
        ({"sharpe": {"gt": 1, "lt": 1.2}}, True),
        ({"sharpe": {"lte": 1.12}}, False),
        ({"trades": 47}, True),
        ({"trades": {"lt": 47}}, False),
        # decimal strings are numbers, exactly
        ({"quantity": {"gte": 0.1}}, True),
        ({"quantity": {"gt": 0.1}}, False),
        # what is null or missing meets nothing but ne
        ({"cagr_pct": {"gt": -1e9}}, False),
        ({"cagr_pct": {"ne": 1}}, True),
        ({"nowhere": {"lt": 1e9}}, False),
        ({"ticker": "GOOG", "sharpe": {"lt": 1}}, False),
    ],
)
def test_every_filter_must_hold(filters, met):
    data = {"ticker": "GOOG", "sharpe": 1.13, "trades": 47, "quantity": "0.1", "cagr_pct": None}
    assert filters_match(filters, data) is met


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from("ab"), json | st.dictionaries(st.sampled_from(OPERATORS), json)
    ),
    st.dictionaries(st.sampled_from("ab"), json),
)
def test_a_poison_rule_or_event_breaks_nothing(filters, data):
    assert filters_match(filters, data) in {True, False}


@pytest.mark.parametrize(
    ("filters", "path"),
    [
        ({"tickr": "GOOG"}, "filters.tickr"),
        ({"ticker": {"gt": "A"}}, "filters.ticker.gt"),
        ({"ticker": 5}, "filters.ticker.eq"),
        ({"sharpe": "high"}, "filters.sharpe.eq"),
        ({"sharpe": True}, "filters.sharpe.eq"),
        ({"sharpe": {"between": [1, 2]}}, "filters.sharpe.between"),
        ({"sharpe": {"in": []}}, "filters.sharpe.in"),
        ({"sharpe": {"in": [1, "x"]}}, "filters.sharpe.in"),
        ({"sharpe": {}}, "filters.sharpe"),
        ({"ticker": "x" * 1000}, "filters.ticker.eq"),
    ],
)
def test_a_filter_that_could_never_be_met_is_refused(filters, path):
    with pytest.raises(InvalidInput) as refusal:
        filters_check("run.completed", filters)
    assert [detail.path for detail in refusal.value.details] == [path]


def test_every_field_of_every_event_can_be_filtered_on():
    for event, kind in EVENTS.items():
        for name, type_ in kind.fields.items():
            filters_check(event, {name: {"gte": 1} if type_ == "number" else "x"})


def notify(user, key):
    with transaction.atomic():
        services.event_notify(
            owner_id=user.id, event="order.filled", key=key, subject=key, text="", data={}
        )


def outside():
    return Delivery.objects.exclude(kind="in_app")


@pytest.mark.django_db
def test_a_cool_down_holds_back_what_follows_but_not_the_list(user, channel_of, service):
    channel = channel_of(user, "webhook", f"{service.url}/x")
    services.rule_create(
        owner_id=user.id, event="order.filled", channels=[channel], cooldown_s=3600
    )
    for key in ("a", "b", "b"):
        notify(user, key)
    assert outside().get().alert.subject == "a"
    assert Delivery.objects.filter(kind="in_app").count() == 2
    AlertRule.objects.update(last_fired_at=timezone.now() - timedelta(seconds=3601))
    notify(user, "c")
    assert [row.alert.subject for row in outside().order_by("created_at")] == ["a", "c"]


@pytest.mark.django_db
def test_an_event_told_twice_does_not_use_the_cool_down_up(user, channel_of, service):
    channel = channel_of(user, "webhook", f"{service.url}/x")
    notify(user, "a")
    services.rule_create(owner_id=user.id, event="order.filled", channels=[channel], cooldown_s=60)
    notify(user, "a")
    notify(user, "b")
    assert outside().get().alert.subject == "b"


@pytest.mark.django_db
def test_an_alert_of_a_live_strategy_is_told_once_and_stops_at_no_channel(
    user, channel_of, service
):
    channel_of(user, "webhook", f"{service.url}/x")
    for _ in range(2):
        services.strategy_alert(
            owner_id=user.id,
            key="d1:n1:2026-01-15",
            message="Long GOOG\nthe fast average crossed",
            data={"ticker": "GOOG"},
            channels=["webhook", "sms", "nonsense"],
        )
    row = outside().get()
    assert (row.kind, row.alert.event) == ("webhook", "strategy.alert")
    assert (row.alert.subject, row.alert.text) == ("Long GOOG", "the fast average crossed")
