"""What became of contracts that a broker shows no more, found out from the shares it shows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from brokers import settling
from brokers.adapters.base import Execution, VenueOrder, VenuePosition
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import OrderStatus, Side
from brokers.external import external_record, position_adopt
from brokers.models import BrokerAccount, Fill, Order, Position
from brokers.reconciling import account_reconcile
from brokers.settling import Gone, contracts_settle, settlements_find
from market.contracts import ContractTerms
from market.models import Instrument
from tests.venue.direct import DirectBroker

D = Decimal
FRIDAY = datetime(2026, 1, 16, 21, tzinfo=UTC)
SATURDAY = FRIDAY + timedelta(hours=14)
LATE = FRIDAY + timedelta(days=4)


def gone(right, strike, units, *, close=None, ends_at=FRIDAY):
    terms = ContractTerms("ACME", right, D(strike), date(2026, 1, 16))
    return Gone(terms, D(units), D(100), ends_at, None if close is None else D(close))


def found(rows, shares, *, now=SATURDAY, shown=()):
    settled = settlements_find(rows, shown=shown, shares=D(shares), now=now)
    ends = [(one.gone.terms.strike, one.how, one.price) for one in settled.settlements]
    return ends, settled.waits


@pytest.mark.parametrize(
    ("rows", "shares", "ends", "waits"),
    [
        # out of the money: nothing came
        ([gone("put", 90, -1, close=95)], 0, [(90, "expired", 0)], False),
        ([gone("call", 90, 2, close="90.009")], 0, [(90, "expired", 0)], False),
        # each side of each right
        ([gone("put", 90, -2, close=85)], 200, [(90, "assigned", 0)], False),
        ([gone("call", 90, -2, close=95)], -200, [(90, "assigned", 0)], False),
        ([gone("put", 90, 1, close=85)], -100, [(90, "exercised", 0)], False),
        ([gone("call", 90, 1, close=95)], 100, [(90, "exercised", 0)], False),
        # what the shares say counts, whatever the last close was thought to be
        ([gone("put", 90, -1, close=95)], 100, [(90, "assigned", 0)], False),
        # one of two
        (
            [gone("put", 90, -1, close=92), gone("put", 95, -1, close=92)], 100,
            [(95, "assigned", 0), (90, "expired", 0)], False,
        ),
        # both sides of a spread in the money: no shares are left over
        (
            [gone("put", 90, 1, close=80), gone("put", 95, -1, close=80)], 0,
            [(90, "exercised", 0), (95, "assigned", 0)], False,
        ),
        # in the money without shares, or nothing is known: the broker may be slow
        ([gone("put", 90, -1, close=85)], 0, [], True),
        ([gone("put", 90, -1)], 0, [], True),
        # shares that none of them delivers
        ([gone("put", 90, -1, close=85)], 50, [], False),
        ([gone("put", 90, -1, close=85)], -100, [], False),
    ],
)  # fmt: skip
def test_the_shares_say_how_contracts_ended(rows, shares, ends, waits):
    assert found(rows, shares) == (ends, waits)


def test_what_was_waited_for_too_long_was_paid_out_or_worth_nothing():
    assert found([gone("put", 90, -1, close=85)], 0, now=LATE) == ([(90, "settled", 5)], False)
    assert found([gone("put", 90, -1)], 0, now=LATE) == ([(90, "expired", 0)], False)


def test_shares_may_come_before_the_contract_goes():
    shown = [gone("put", 90, -1, close=85)]
    assert found([], 100, shown=shown) == ([], True)
    assert found([], 200, shown=shown) == ([], False)
    assert found([], 100, shown=shown, now=LATE) == ([], False)


def test_short_contracts_are_assigned_early_where_their_shares_are_there_to_the_unit():
    early = gone("put", 90, -1, ends_at=SATURDAY + timedelta(days=30))
    assert found([early], 100) == ([(90, "assigned", 0)], False)
    assert found([early], 0) == found([early], 99) == ([], False)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["put", "call"]), st.sampled_from([90, 95, 100, 105]),
            st.sampled_from([-3, -1, 1, 2]), st.booleans(),
        ),
        min_size=1, max_size=5, unique_by=lambda row: row[:2],
    )
)  # fmt: skip
def test_whatever_was_delivered_the_shares_are_accounted_for(rows):
    """The shares of the settlements found are those that came, and each contract ends once."""
    contracts = [gone(right, strike, units, close=97) for right, strike, units, _ in rows]
    came = sum(
        one.shares for one, row in zip(contracts, rows, strict=True) if row[3]
    )  # fmt: skip
    settled = settlements_find(contracts, shown=(), shares=D(came), now=LATE)
    assert sum(one.gone.shares for one in settled.settlements if one.delivers) == came
    assert sorted(one.gone.terms.symbol for one in settled.settlements) == sorted(
        one.terms.symbol for one in contracts
    )


PUT = "ACME260116P00090000"


@pytest.fixture
def venue(monkeypatch):
    broker = DirectBroker()
    broker.positions = lambda _: [
        VenuePosition(symbol, D(units), D(100)) for symbol, units in broker.shown.items()
    ]
    broker.shown = {PUT: -2, "ACME": 10}
    monkeypatch.setattr(ADAPTERS, "get", lambda _: broker)
    return broker


@pytest.fixture
def account(user, venue, monkeypatch):
    """Short two puts at 90 that cost 100 each, and ten shares."""
    monkeypatch.setattr("brokers.reconciling.LOOK_AGAIN_S", 0.0)
    Instrument.objects.create(symbol="ACME", calendar="XNYS", timezone="America/New_York")
    account = BrokerAccount.objects.create(owner=user, kind="alpaca", name="B", live=True)
    account_reconcile(account_id=account.id)
    return account


def reconciled(account, monkeypatch, now, **shown):
    venue = ADAPTERS.get(account.kind)
    venue.shown = {PUT: -2, "ACME": 10} | shown
    monkeypatch.setattr(timezone, "now", lambda: now)
    BrokerAccount.objects.update(sender_until=None)
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    rows = Position.objects.exclude(quantity=0)
    return {row.symbol: row.quantity for row in rows}


@pytest.mark.django_db
def test_an_assignment_is_taken_over_without_a_halt(account, monkeypatch):
    held = reconciled(account, monkeypatch, SATURDAY, **{PUT: 0, "ACME": 210})
    assert (held, account.state, account.mismatch) == ({"ACME": 210}, "active", [])
    put, shares = Position.objects.get(symbol=PUT), Position.objects.get(symbol="ACME")
    # sold at 100, gone at nothing, and 200 shares at 90 beside ten at 100
    assert put.realized_pnl == 2 * 100 * 100
    assert shares.average_price.quantize(D("0.0001")) == D("90.4762")
    last = Fill.objects.get(order__symbol="ACME", order__reason_code="assigned")
    assert (last.quantity, last.price, last.executed_at) == (200, 90, FRIDAY)
    assert reconciled(account, monkeypatch, SATURDAY, **{PUT: 0, "ACME": 210}) == {"ACME": 210}
    assert Order.objects.filter(reason_code="assigned").count() == 2, "once"


@pytest.mark.django_db
def test_shares_that_are_late_are_waited_for(account, monkeypatch):
    held = reconciled(account, monkeypatch, SATURDAY, **{PUT: 0})
    assert (held[PUT], account.state, account.mismatch) == (-2, "active", [])
    held = reconciled(account, monkeypatch, SATURDAY, **{PUT: 0, "ACME": 210})
    assert (held, account.state) == ({"ACME": 210}, "active")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("now", "shown"),
    [
        (SATURDAY, {PUT: 0, "ACME": 60}),
        (SATURDAY, {PUT: -1}),
        (FRIDAY - timedelta(days=9), {PUT: 0}),
        (FRIDAY - timedelta(days=9), {PUT: 0, "ACME": 110}),
        (LATE, {"ACME": 210}),
    ],
)
def test_anything_else_halts_the_account(account, monkeypatch, now, shown):
    held = reconciled(account, monkeypatch, now, **shown)
    assert (held, account.state) == ({PUT: -2, "ACME": 10}, "halted")
    assert account.mismatch


@pytest.mark.django_db
def test_an_early_assignment_of_some_is_taken_over(account, monkeypatch):
    held = reconciled(account, monkeypatch, FRIDAY - timedelta(days=9), **{PUT: -1, "ACME": 110})
    assert (held, account.state) == ({PUT: -1, "ACME": 110}, "active")


@pytest.mark.django_db
def test_contracts_are_adopted_as_what_they_are(account):
    shown = VenuePosition(PUT, D(1), D("2.5"))
    position_adopt(account=account, position=shown, difference=D(3), number=1)
    order = Order.objects.latest("created_at")
    assert (order.asset_type, order.multiplier, order.side) == ("option", 100, "buy")


@pytest.mark.django_db(transaction=True)
def test_contracts_end_once_where_two_find_that_they_have(account, monkeypatch):
    """A sender's lease may lapse while its broker answers late: then two compare at once."""
    found = threading.Barrier(2)

    def at_once(*args, **options):
        settled = settlements_find(*args, **options)
        found.wait(timeout=10)
        return settled

    monkeypatch.setattr(settling, "settlements_find", at_once)
    monkeypatch.setattr(timezone, "now", lambda: SATURDAY)

    def settle(_):
        try:
            return contracts_settle(
                account, ours={PUT: D(-2), "ACME": D(10)}, theirs={PUT: D(0), "ACME": D(210)}
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(settle, range(2))) == [set(), set()]
    rows = Position.objects.exclude(quantity=0)
    assert {row.symbol: row.quantity for row in rows} == {"ACME": 210}
    assert Order.objects.filter(reason_code="assigned").count() == 2, "of the put, and of shares"


def bought_back(account, units):
    """Have the news of a purchase of puts come that was made before they expired."""
    execution = Execution("late", D(units), D(1), D(0), FRIDAY - timedelta(minutes=1))
    external_record(
        account=account,
        venue=VenueOrder(
            broker_order_id="late", status=OrderStatus.FILLED, symbol=PUT, side=Side.BUY,
            quantity=D(units), executions=(execution,),
        ),
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("late", "shares", "ended"), [(2, 10, []), (1, 110, [1])])
def test_what_was_closed_before_does_not_end_as_well(account, monkeypatch, late, shares, ended):
    """The news of it comes when the positions have been compared already."""
    told = []

    def news_first(*args, **options):
        if not told:
            told.append(bought_back(account, late))
        return settlements_find(*args, **options)

    monkeypatch.setattr(settling, "settlements_find", news_first)
    held = reconciled(account, monkeypatch, LATE, **{PUT: 0, "ACME": shares})
    assert (held, account.state, account.mismatch) == ({"ACME": shares}, "active", [])
    rows = Fill.objects.filter(order__symbol=PUT, order__reason_code="assigned")
    assert [fill.quantity for fill in rows] == ended
