"""How much of the past a deployment reads: what its strategy looks back on, and its options."""

from __future__ import annotations

import pytest

from brokers.deployments import history
from brokers.deployments.choices import DeploymentState
from tests.brokers.deployments.option_graphs import graph
from tests.brokers.deployments.replaying import Venue, bars_random, moment

pytestmark = pytest.mark.django_db

PUTS = graph(
    [("put", "action", {"operation": "sell_put", "strike": "ATM", "expiry": {"dte": 10}})],
    [("always", "put", "when")],
)


@pytest.fixture
def venue(user):
    venue = Venue(user, bars_random(60))
    venue.past(50)
    return venue


def began(venue, deployment):
    return [moment(int(ts)) for ts in venue.bars.ts].index(deployment.history_from)


def test_of_a_long_past_the_last_bars_are_read(venue, monkeypatch):
    monkeypatch.setattr(history, "BARS", 5)
    deployment = venue.buys(50)
    assert began(venue, deployment) == 45


def test_options_are_priced_by_sessions_however_many_bars_these_have(venue, monkeypatch):
    monkeypatch.setattr(history, "BARS", 5)
    deployment = venue.deploy(PUTS, at=50)
    # 20 returns lie between 21 sessions; one more may be under way.
    assert began(venue, deployment) == 50 - 22


def test_a_window_of_ones_own_needs_its_own_sessions(venue, monkeypatch):
    monkeypatch.setattr(history, "BARS", 5)
    deployment = venue.deploy(PUTS, at=50, config={"options": {"volatility_window": 30}})
    assert began(venue, deployment) == 50 - 32


def test_options_that_cannot_be_priced_are_told_at_the_start(venue):
    deployment = venue.deploy(PUTS, at=21)
    assert deployment.state == DeploymentState.FAILED
    assert "22 sessions; 21 of REPLAY" in deployment.state_reason
