"""Whose turn it is: deployments whose bars have come, and those whose bars are late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from brokers.deployments import schedule
from brokers.models import Deployment
from market.models import BarSeries

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue(venue):
    venue.buys(30)
    # As if its bars were stored as long as they are, and not as the hours of a day.
    Deployment.objects.update(last_bar_ts=BarSeries.objects.get().last_ts)
    return venue


@pytest.fixture
def looked_at(monkeypatch):
    """How many deployments each look took."""
    counts = []

    def noted(*, deployment_ids, **_):
        counts.append(len(deployment_ids))
        return iter(())

    monkeypatch.setattr(schedule, "deployments_decide", noted)
    return counts


def test_who_looks_leaves_those_alone_whose_bars_have_not_come(venue, looked_at):
    schedule.deployments_tick(now=venue.over(30))
    venue.opens(30)
    venue.trades(30)
    schedule.deployments_tick(now=venue.over(30))
    assert looked_at == [0, 1]


def test_bars_that_are_late_are_looked_after(venue, looked_at):
    just = venue.over(30) + timedelta(minutes=2)
    schedule.deployments_tick(now=just)
    schedule.deployments_tick(now=just + timedelta(seconds=1))
    assert looked_at == [0, 1]


def test_nothing_is_looked_for_before_a_bar_is_over(venue, looked_at):
    venue.opens(30)
    venue.trades(30)
    schedule.deployments_tick(now=venue.over(30) - timedelta(seconds=1))
    assert looked_at == [0]
