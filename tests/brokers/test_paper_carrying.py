"""What nights cost a paper account: by hand, and as the backtester charges them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest

from brokers.adapters.base import Access
from brokers.adapters.kinds import ADAPTERS
from brokers.deployments.reading import config_of, plan_of
from brokers.models import BrokerAccount, PaperExecution
from brokers.paper.carrying import Night, accounts_carry, carrying_charge, charges_of
from brokers.paper.terms import Terms
from core.engine.simulate import simulate
from strategies.graph.evaluate import plan_evaluate
from strategies.selectors import template_graph
from tests.brokers.deployments.replaying import Venue, bars_random
from tests.brokers.deployments.test_replay import with_units

DAY_NS = 86_400 * 10**9
MONDAY = int(np.datetime64("2026-03-02", "ns").astype(np.int64))
TERMS = Terms(borrow_rate=Decimal("0.365"), financing_rate=Decimal("0.0365"))


def account(**changes):
    return BrokerAccount(kind="paper", **({"initial_cash": Decimal(1000)} | changes))


def executed(day, quantity, price, symbol="ACME", commission=0):
    at = datetime.fromtimestamp((MONDAY + day * DAY_NS) // 10**9, UTC)
    return PaperExecution(
        client_order_id=f"{symbol}-{day}", symbol=symbol, quantity=Decimal(quantity),
        price=Decimal(price), commission=Decimal(commission), executed_at=at,
    )  # fmt: skip


def night(day, close, symbol="ACME", nights=1):
    return Night(MONDAY + day * DAY_NS, symbol, nights, Decimal(close))


def charged(account, executions, nights):
    return [
        (one.client_order_id, one.commission)
        for one in charges_of(account, executions, nights, TERMS)
    ]


def test_what_is_short_over_a_weekend_pays_three_nights_and_what_is_covered_none():
    book = [executed(0, -10, 100), executed(4, 10, 90)]
    nights = [night(1, 100), night(2, 110), night(3, 110), night(4, 100), night(7, 90, nights=3)]
    # A thousandth a day of 1000, 1100, 1100 and 1000; covered on Friday.
    assert charged(account(), book, nights) == [
        ("carry-20260303-ACME", Decimal(1)),
        ("carry-20260304-ACME", Decimal("1.1")),
        ("carry-20260305-ACME", Decimal("1.1")),
        ("carry-20260306-ACME", Decimal(1)),
    ]
    assert charged(account(), book[:1], [night(7, 90, nights=3)]) == [
        ("carry-20260309-ACME", Decimal("2.7"))
    ]


def test_what_is_owed_pays_interest_on_interest_once_a_night_for_all_symbols():
    book = [executed(0, 20, 100), executed(0, 1, 1000, symbol="B")]
    # 2000 owed: a ten thousandth a day; the next night that of 2000.2.
    nights = [night(1, 100), night(1, 1000, symbol="B"), night(2, 100)]
    assert charged(account(), book, nights) == [
        ("carry-20260303-", Decimal("0.2")),
        ("carry-20260304-", Decimal("0.20002")),
    ]


def test_what_was_charged_is_not_charged_again():
    book = [executed(0, -10, 100)]
    nights = [night(1, 100), night(2, 100)]
    first = charges_of(account(), book, nights[:1], TERMS)
    assert len(charges_of(account(), [*book, *first], nights, TERMS)) == 1


def test_long_and_paid_for_costs_nothing():
    assert charged(account(), [executed(0, 5, 100)], [night(1, 100), night(2, 90)]) == []


def short_graph():
    """Ten units short, from the first bar on."""
    graph = with_units(template_graph("buy_and_hold")[0])
    nodes = [
        node | {"params": node["params"] | {"side": "short"}} if node["type"] == "entry" else node
        for node in graph["nodes"]
    ]
    return graph | {"nodes": nodes}


@pytest.mark.django_db
def test_a_replay_pays_for_its_shorts_what_the_backtest_pays(user):
    bars = bars_random(28, seed=5)
    venue = Venue(user, bars)
    rates = {"borrow_rate": "0.25", "financing_rate": "0.1"}
    BrokerAccount.objects.update(paper_terms=venue.account.paper_terms | rates)
    venue.account.refresh_from_db()
    venue.past(20)
    deployment = venue.deploy(short_graph(), at=20)
    for at in range(20, 28):
        venue.bar(deployment, at)
        if at % 3 == 0:
            accounts_carry()
    accounts_carry()
    plan = plan_of(deployment)
    evaluation = plan_evaluate(plan, bars, charts=False)
    config = replace(config_of(deployment, venue.instrument), borrow_rate=0.25)
    program = replace(evaluation.program, warmup=20)
    result = simulate(bars, evaluation.columns, program, config)
    paid = sum(
        one.commission for one in PaperExecution.objects.filter(client_order_id__startswith="carry")
    )
    assert result.counters["borrow_paid"] > 0
    assert float(paid) == pytest.approx(result.counters["borrow_paid"], rel=1e-6)
    assert carrying_charge(account=venue.account) == 0
    balance = ADAPTERS.get("paper").balance(Access(venue.account.id))
    fills = sum(float(f["side"] * f["quantity"] * f["price"]) for f in result.fills)
    assert float(balance.cash) == pytest.approx(1_000_000 - fills - float(paid), abs=0.5)
