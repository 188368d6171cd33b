"""Options on the paper venue, worked out by hand.

The underlying has not moved and money costs nothing: the model says that a contract is worth what
exercising it is.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from brokers.access import access_of
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Fill, Order, PaperExecution, Position, RiskLimit
from brokers.paper.book import books_of
from brokers.paper.expiring import account_expire, accounts_expire
from brokers.reconciling import account_reconcile
from brokers.services.intents import Draft, Intent, intents_create
from brokers.services.orders import order_create
from core.db import uuid7
from core.engine.bars import Bars
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.models import BarSeries, Instrument

pytestmark = pytest.mark.django_db
D = Decimal
DAY_NS = 86_400 * 10**9
MONDAY = np.datetime64("2024-01-01", "ns").astype(np.int64)
LATER = datetime(2049, 1, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def the_venue_and_our_positions_agree_on_money(db):
    """Cash is what was put in and won, less what positions were bought for, whatever happened."""
    yield
    for account in BrokerAccount.objects.all():
        rows = Position.objects.filter(account=account)
        won = sum((row.realized_pnl for row in rows), D(0))
        bound = sum((row.quantity * row.average_price * row.multiplier for row in rows), D(0))
        cash = books_of({account.id: account})[account.id].cash
        assert cash == account.initial_cash + won - bound


def contract(right, strike, day=LATER):
    return f"ACME{day:%y%m%d}{right}{strike * 1000:08d}"


class Market:
    """Days of ACME, traded around the clock."""

    def __init__(self):
        self.instrument = Instrument.objects.create(
            symbol="ACME", calendar="24/7", timezone="UTC", periods_per_year=365
        )
        self.days = 0

    def trades(self, *prices):
        """Store a day for each price, at which it opens and closes, or (open, close)."""
        rows = [price if isinstance(price, tuple) else (price, price) for price in prices]
        opened, closed = np.array(rows, np.float64).T
        bars = Bars.from_arrays(
            ts=MONDAY + (self.days + np.arange(len(rows))) * DAY_NS,
            open=opened, high=np.maximum(opened, closed), low=np.minimum(opened, closed),
            close=closed, volume=np.ones(len(rows)),
        )  # fmt: skip
        history_store(
            instrument=self.instrument, interval=interval_get("1d"), provider="csv",
            history=History.from_bars(bars),
        )  # fmt: skip
        self.days += len(rows)

    @property
    def today(self):
        """The day of the last bar."""
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=self.days - 1)


@pytest.fixture
def market(db, settings, tmp_path):
    settings.BARS_URL = str(tmp_path / "bars")
    market = Market()
    market.trades(*[100] * 30)
    return market


@pytest.fixture
def account(user, market):
    return BrokerAccount.objects.create(
        owner=user, kind="paper", name="Paper", initial_cash=D(100_000),
        paper_terms={"options": {"rate": 0.0}},
    )  # fmt: skip


@pytest.fixture
def replayed(account):
    account.paper_terms |= {"fill": "next_open"}
    account.save()
    return account


@pytest.fixture
def trade(account):
    def make(symbol, side=Side.BUY, quantity=1, order_type="market", **changes):
        order = order_create(
            account=account, symbol=symbol, side=side, quantity=D(quantity),
            asset_type=AssetType.STOCK if symbol == "ACME" else AssetType.OPTION,
            order_type=OrderType(order_type), **changes,
        )  # fmt: skip
        account_send(account_id=account.id)
        order.refresh_from_db()
        return order

    return make


def money(account):
    return ADAPTERS.get("paper").balance(access_of(account))


def held():
    rows = Position.objects.exclude(quantity=0)
    return {row.symbol: (row.quantity, row.average_price) for row in rows}


def test_two_puts_cost_the_ask_times_a_hundred_and_65_cents_each(account, trade):
    order = trade(contract("P", 110), quantity=2)
    # worth 10; the spread is 2 % of that, half of it each way
    assert (order.status, order.average_price, order.multiplier) == ("filled", D("10.1"), 100)
    assert Fill.objects.get().commission == D("1.3")
    told = money(account)
    # 100,000 - 2 x 10.10 x 100 - 1.30, and 2 x 10 x 100 in puts
    assert (told.cash, told.equity) == (D("97978.70"), D("99978.70"))
    assert told.buying_power == told.cash, "what is long ties up nothing"
    sold = trade(contract("P", 110), Side.SELL, 2)
    assert sold.average_price == D("9.9")
    # 2 x (9.90 - 10.10) x 100 - 2 x 1.30
    assert Position.objects.get().realized_pnl == D("-42.6")
    assert money(account).cash == D("99957.40")


def test_a_short_put_ties_up_its_price_and_a_fifth_of_the_underlying(account, trade):
    order = trade(contract("P", 110), Side.SHORT)
    assert (order.status, order.average_price) == ("filled", D("9.9"))
    told = money(account)
    # 100,000 + 990 - 0.65, less (10 + 20) x 100
    assert (told.cash, told.buying_power) == (D("100989.35"), D("97989.35"))
    covered = trade(contract("P", 110), Side.COVER)
    assert covered.average_price == D("10.1")
    assert money(account).buying_power == D("99978.70")


@pytest.mark.parametrize(("cash", "taken"), [("2010.65", True), ("2010.64", False)])
def test_a_contract_is_sold_only_with_its_margin(account, trade, cash, taken):
    BrokerAccount.objects.update(initial_cash=D(cash))
    # cash + 990 - 0.65 must be the 3,000 that it ties up
    order = trade(contract("P", 110), Side.SHORT)
    assert (order.status, "tie up 3000.00" in order.reason) == (
        ("filled", False) if taken else ("rejected", True)
    )


def test_what_is_tied_up_buys_no_shares(account, trade):
    BrokerAccount.objects.update(initial_cash=D(5_000))
    trade(contract("P", 110), Side.SHORT)
    # 5,989.35 less 3,000
    assert trade("ACME", quantity=30).status == "rejected"
    assert trade("ACME", quantity=29).status == "filled"


def test_shares_cover_a_call_and_stay_while_it_is_open(account, trade):
    BrokerAccount.objects.update(initial_cash=D(10_000))
    trade("ACME", quantity=100)
    assert trade(contract("C", 90), Side.SHORT).status == "filled"
    assert money(account).buying_power == D("989.35"), "nothing beyond the shares"
    # without them it would tie up (10 + 20) x 100, of 989.35 and what they bring
    assert trade("ACME", Side.SELL, 100).status == "filled"
    assert trade(contract("C", 80), Side.SHORT, 4).status == "rejected"


def test_a_spread_ties_up_the_distance_of_its_strikes(account, trade):
    BrokerAccount.objects.update(initial_cash=D(3_000))
    trade(contract("P", 105))
    trade(contract("P", 110), Side.SHORT)
    # 3,000 - 505 - 0.65 + 990 - 0.65 = 3,483.70, of which 500 are tied up
    assert money(account).buying_power == D("2983.60") + D("0.10")
    alone = trade(contract("P", 105), Side.SELL)
    assert alone.status == "filled", "3,978.05 are more than the 3,000 of the put alone"
    BrokerAccount.objects.update(initial_cash=D(2_000))
    trade(contract("P", 105))
    assert trade(contract("P", 105), Side.SELL).reason_code == "insufficient_margin"


@pytest.mark.parametrize(
    ("symbol", "side", "status", "code"),
    [
        (contract("P", 110), Side.SELL, "denied", "not_held"),
        (contract("P", 110), Side.COVER, "denied", "not_short"),
        (contract("C", 110), Side.SHORT, "rejected", "no_bid"),
    ],
)
def test_what_a_venue_would_refuse_is_refused(trade, symbol, side, status, code):
    order = trade(symbol, side)
    assert (order.status, order.reason_code) == (status, code)


def test_in_a_cash_account_a_put_ties_up_its_strike_and_a_call_needs_shares(account, trade):
    BrokerAccount.objects.update(
        initial_cash=D(21_000), paper_terms={"options": {"rate": 0.0, "margin": "cash"}}
    )
    assert trade(contract("C", 90), Side.SHORT).reason_code == "uncovered_call"
    trade("ACME", quantity=100)
    assert trade(contract("C", 90), Side.SHORT).status == "filled"
    assert trade("ACME", Side.SELL, 1).reason_code == "uncovered_call"
    # 21,000 - 10,000 + 989.35 + 989.35 are 12,978.70, of which 11,000 are tied up
    assert trade(contract("P", 110), Side.SHORT).status == "filled"
    account.refresh_from_db()
    assert money(account).buying_power == D("1978.70")


def test_bars_that_another_owner_imported_price_nothing(account, trade, market, other):
    BarSeries.objects.update(owner=other)
    assert trade(contract("P", 110)).reason_code == "no_price"


def test_what_is_worth_nothing_is_sold_for_nothing(trade):
    """As a backtest closes it; the ask is the least spread's half."""
    assert trade(contract("C", 110)).average_price == D("0.01")
    assert trade(contract("C", 110), Side.SELL).average_price == 0
    # (0 - 0.01) x 100 - 2 x 0.65
    assert Position.objects.get().realized_pnl == D("-2.3")


def test_without_enough_bars_a_contract_has_no_price(user, db, settings, tmp_path):
    settings.BARS_URL = str(tmp_path / "bars")
    Market().trades(*[100] * 20)
    account = BrokerAccount.objects.create(owner=user, kind="paper", name="Paper")
    order = order_create(
        account=account, symbol=contract("P", 110), side=Side.BUY, quantity=D(1),
        asset_type=AssetType.OPTION, order_type=OrderType.MARKET,
    )  # fmt: skip
    account_send(account_id=account.id)
    order.refresh_from_db()
    assert (order.status, order.reason_code) == ("rejected", "no_price")
    assert "last 21 daily bars" in order.reason


def test_a_limit_order_waits_for_the_ask_in_bars_of_its_underlying(account, trade, market):
    order = trade(
        contract("P", 110), order_type="limit", limit_price=D(9), time_in_force=TimeInForce.GTC
    )
    assert order.status == "accepted"
    market.trades(100)
    account_reconcile(account_id=account.id)
    order.refresh_from_db()
    assert order.status == "accepted", "at 100 it costs 10.10"
    market.trades(103)
    account_reconcile(account_id=account.id)
    order.refresh_from_db()
    # it opens at 103, where it is worth 7: one percent of that is half the spread
    assert (order.status, order.average_price) == ("filled", D("7.07"))


def test_replaying_history_it_is_as_late_as_the_bars_say(replayed, trade, market):
    soon = market.today + timedelta(days=2)
    order = trade(contract("P", 110, soon))
    assert order.status == "accepted"
    market.trades(100)
    account_reconcile(account_id=replayed.id)
    order.refresh_from_db()
    assert (order.status, order.average_price) == ("filled", D("10.1"))
    assert Fill.objects.get().executed_at == market.today
    market.trades(100)
    late = trade(contract("P", 110, soon))
    assert (late.status, late.reason_code) == ("rejected", "expired")


def test_an_order_that_waits_ends_with_its_contract(replayed, trade, market):
    soon = market.today + timedelta(days=1)
    order = trade(
        contract("P", 110, soon), order_type="limit", limit_price=D(1),
        time_in_force=TimeInForce.GTC,
    )  # fmt: skip
    market.trades(100, 100)
    account_reconcile(account_id=replayed.id)
    order.refresh_from_db()
    assert order.status == OrderStatus.EXPIRED


def bought(replayed, trade, market, symbol, side, quantity=1):
    trade(symbol, side, quantity)
    market.trades(100)
    account_reconcile(account_id=replayed.id)
    assert held()[symbol][0] == (quantity if side == Side.BUY else -quantity)


def test_out_of_the_money_a_contract_is_gone_and_its_premium_is_kept(replayed, trade, market):
    soon = market.today + timedelta(days=2)
    put = contract("P", 110, soon)
    bought(replayed, trade, market, put, Side.SHORT)
    accounts_expire()
    assert put in held(), "its last session is not over"
    market.trades((100, 110))
    accounts_expire()
    assert held() == {}
    assert Position.objects.get().realized_pnl == D("989.35")
    end = Order.objects.get(external=True)
    assert (end.symbol, end.asset_type, end.reason_code, end.average_price) == (
        put, "option", "expired", 0,
    )  # fmt: skip
    assert Fill.objects.get(order=end).executed_at == soon + timedelta(days=1)
    assert money(replayed).cash == money(replayed).buying_power == D("100989.35")


def test_in_the_money_a_short_put_is_assigned_once_and_shares_come_at_the_strike(
    replayed, trade, market
):
    put = contract("P", 110, market.today + timedelta(days=2))
    bought(replayed, trade, market, put, Side.SHORT, 2)
    market.trades((100, 109.99))
    accounts_expire()
    accounts_expire()
    assert account_expire(account_id=replayed.id) == 0
    assert held() == {"ACME": (200, 110)}
    # 100,000 + 2 x 990 - 1.30 - 200 x 110
    assert money(replayed).cash == D("79978.70")
    assert {(row.symbol, row.reason_code) for row in Order.objects.filter(external=True)} == {
        (put, "assigned"), ("ACME", "assigned"),
    }  # fmt: skip
    assert PaperExecution.objects.count() == 3
    account_reconcile(account_id=replayed.id)
    replayed.refresh_from_db()
    assert (replayed.mismatch, replayed.state) == ([], "active")


def test_a_long_call_is_exercised_where_the_shares_can_be_paid_and_else_paid_out(
    replayed, trade, market
):
    call = contract("C", 90, market.today + timedelta(days=2))
    bought(replayed, trade, market, call, Side.BUY, 2)
    market.trades((100, 95))
    account_expire(account_id=replayed.id)
    # 100,000 - 2 x 1,010 - 1.30 - 200 x 90
    assert (held(), money(replayed).cash) == ({"ACME": (200, 90)}, D("79978.70"))
    BrokerAccount.objects.update(initial_cash=D(30_000))
    other = contract("C", 80, market.today + timedelta(days=2))
    trade(other, quantity=2)
    market.trades(100)
    account_reconcile(account_id=replayed.id)
    market.trades((100, 95))
    account_expire(account_id=replayed.id)
    # 9,978.70 - 2 x 100 x ask do not pay 16,000: 15 a share instead
    end = Order.objects.get(external=True, symbol=other)
    assert (end.reason_code, end.average_price) == ("settled", 15)
    assert held() == {"ACME": (200, 90)}


def test_cash_settlement_pays_what_exercising_is_worth(replayed, trade, market):
    BrokerAccount.objects.update(
        paper_terms={"fill": "next_open", "options": {"rate": 0.0, "settlement": "cash"}}
    )
    put = contract("P", 110, market.today + timedelta(days=2))
    bought(replayed, trade, market, put, Side.SHORT)
    market.trades((100, 107))
    accounts_expire()
    # 100,000 + 990 - 0.65 - 3 x 100
    assert (held(), money(replayed).cash) == ({}, D("100689.35"))


def test_each_deployment_has_the_end_of_its_own_contracts(replayed, trade, market):
    put = contract("P", 110, market.today + timedelta(days=2))
    one, two = sorted([uuid7(), uuid7()])
    for owner, quantity in ((one, 1), (two, 2), (None, 3)):
        order = order_create(
            account=replayed, symbol=put, asset_type=AssetType.OPTION, side=Side.SHORT,
            order_type=OrderType.MARKET, quantity=D(quantity),
        )  # fmt: skip
        Order.objects.filter(id=order.id).update(deployment_id=owner)
    account_send(account_id=replayed.id)
    market.trades(100)
    account_reconcile(account_id=replayed.id)
    market.trades((100, 105))
    accounts_expire()
    rows = Order.objects.filter(external=True).order_by("symbol", "quantity")
    assert [(row.symbol, row.deployment_id, row.quantity) for row in rows] == [
        ("ACME", one, 100), ("ACME", two, 200), ("ACME", None, 300),
        (put, one, 1), (put, two, 2), (put, None, 3),
    ]  # fmt: skip


def test_by_the_clock_a_contract_is_settled_at_the_last_price_if_none_comes(
    account, trade, monkeypatch
):
    put = contract("P", 110, timezone.now() + timedelta(days=2))
    trade(put, Side.SHORT)
    over = Position.objects.get().expires_at
    for later, settled in ((timedelta(days=3), False), (timedelta(days=4), True)):
        monkeypatch.setattr(timezone, "now", lambda later=later: over + later)
        accounts_expire()
        assert (put not in held()) == settled
    assert held() == {"ACME": (100, 110)}


def test_statements_do_not_grow_with_the_contracts(account, market):
    RiskLimit.objects.create(owner=account.owner, max_gross_exposure=D(10**9))

    def placed(count):
        deployment_id = uuid7()
        drafts = [
            Draft(
                account,
                Intent(
                    deployment_id=deployment_id, bar_ts=market.today, node="n", leg=leg,
                    symbol=contract("P", 110 + leg), side=Side.BUY, quantity=D(1),
                    asset_type=AssetType.OPTION,
                ),
            )
            for leg in range(count)
        ]  # fmt: skip
        with CaptureQueriesContext(connection) as asked:
            orders = intents_create(drafts)
        assert {(order.status, order.multiplier) for order in orders} == {("created", 100)}
        with CaptureQueriesContext(connection) as sent:
            account_send(account_id=account.id)
        assert set(Order.objects.values_list("status", flat=True)) == {"filled"}
        return len(asked), len(sent)

    placed(1)
    assert placed(2) == placed(12)


@pytest.mark.django_db(transaction=True)
def test_two_processes_settle_a_contract_once(replayed, trade, market):
    put = contract("P", 110, market.today + timedelta(days=2))
    bought(replayed, trade, market, put, Side.SHORT)
    market.trades((100, 105))
    at_once = threading.Barrier(4)

    def settle(_):
        try:
            at_once.wait(10)
            return account_expire(account_id=replayed.id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(settle, range(4))) == [0, 0, 0, 1]
    assert (held(), Order.objects.filter(external=True).count()) == ({"ACME": (100, 110)}, 2)
