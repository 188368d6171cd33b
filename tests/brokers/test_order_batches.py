"""Many orders at once: the same rows as one by one, in few statements, and nothing crosses that
depends on each other."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokers import dispatch, services
from brokers.access import access_of, credentials_seal, request_of
from brokers.adapters.alpaca import AlpacaBroker
from brokers.adapters.base import Execution, OutcomeUnknown, VenueOrder
from brokers.changing import orders_withdraw
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Fill, Order, OrderEvent, Position
from brokers.reconciling import account_reconcile
from brokers.recording import venue_orders_record
from brokers.rows import rows_update
from core.realtime.models import Event
from market.models import Instrument
from notifications.models import Alert, AlertRule, Delivery
from tests.venue.alpaca import AlpacaVenue

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
SYMBOLS = ("ACME", "INIT", "UMBR", "WAYN")


@pytest.fixture
def account(user):
    return BrokerAccount.objects.create(owner=user, kind="alpaca", name="Many")


def order_made(account, symbol="ACME", *, side=Side.BUY, status=OrderStatus.SUBMITTING, number=0):
    return Order.objects.create(
        owner=account.owner, account=account, client_order_id=f"{symbol}-{side}-{number}",
        symbol=symbol, asset_type=AssetType.STOCK, side=side, quantity=Decimal(10), status=status,
    )  # fmt: skip


def told(order, *fills, status=OrderStatus.ACCEPTED, reason=""):
    """What the venue says: fills are (id, units, price, second)."""
    return VenueOrder(
        broker_order_id=f"at-{order.client_order_id}",
        status=status,
        reason=reason,
        executions=tuple(
            Execution(
                execution_id=f"{order.client_order_id}/{name}",
                quantity=Decimal(units),
                price=Decimal(price),
                commission=Decimal("0.25"),
                executed_at=NOW + timedelta(seconds=second),
            )
            for name, units, price, second in fills
        ),
    )


def test_fills_of_several_orders_move_one_position_in_the_order_of_their_execution(account):
    # 10 at 100, then 10 sold at 110 (100 gained), then 10 at 120: 10 are held at 120.
    first, second, third = (
        order_made(account, side=side, number=number)
        for number, side in enumerate((Side.BUY, Side.SELL, Side.BUY))
    )
    venue_orders_record(
        {
            third.id: told(third, ("x", 10, 120, 3)),
            first.id: told(first, ("x", 4, 100, 0), ("y", 6, 100, 1)),
            second.id: told(second, ("x", 10, 110, 2)),
        }
    )
    position = Position.objects.get(account=account)
    assert (position.quantity, position.average_price) == (10, 120)
    assert position.realized_pnl == 100 - 4 * Decimal("0.25")
    assert set(Order.objects.values_list("status", flat=True)) == {OrderStatus.FILLED}


def test_statements_do_not_grow_with_the_orders(account):
    def recorded(count, start):
        orders = [order_made(account, number=start + number) for number in range(count)]
        news = {order.id: told(order, ("x", 10, 100, 0)) for order in orders}
        with CaptureQueriesContext(
            connection,
        ) as queries:
            venue_orders_record(news)
        return len(queries)

    recorded(2, 0)  # makes the position and the number of events
    assert recorded(2, 100) == recorded(40, 200)
    assert Alert.objects.filter(event="order.filled").count() == 44
    assert Delivery.objects.filter(kind="in_app").count() == 44
    assert Event.objects.filter(type="order.filled").count() == 44
    numbers = list(Event.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1)), "no number is skipped or given twice"


def test_of_many_orders_those_are_told_to_rules_whose_owner_has_one(account, other):
    AlertRule.objects.create(owner=account.owner, event="order.accepted", name="mine")
    foreign = BrokerAccount.objects.create(owner=other, kind="alpaca", name="Theirs")
    mine, theirs = order_made(account), order_made(foreign)
    venue_orders_record({mine.id: told(mine), theirs.id: told(theirs)})
    assert [alert.owner_id for alert in Alert.objects.all()] == [account.owner_id]


def test_the_same_news_of_many_changes_nothing_twice(account):
    orders = [order_made(account, symbol) for symbol in SYMBOLS]
    news = {order.id: told(order, ("x", 10, 100, 0)) for order in orders}
    venue_orders_record(news)
    before = [list(model.objects.values()) for model in (Order, Fill, Position, Event, Alert)]
    venue_orders_record(news)
    assert before == [
        list(model.objects.values()) for model in (Order, Fill, Position, Event, Alert)
    ]


def test_rows_whose_status_is_another_by_now_are_not_written(account):
    order = order_made(account, status=OrderStatus.CANCELED)
    order.reason = "late"
    assert rows_update([order], ["reason"], status_was=[OrderStatus.ACCEPTED]) == 0
    order.refresh_from_db()
    assert order.reason == ""


NEWS = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS[:2]),
        st.sampled_from([Side.BUY, Side.SELL, Side.SHORT, Side.COVER]),
        st.sampled_from(
            [OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, OrderStatus.PENDING_CANCEL,
             OrderStatus.CANCELED, OrderStatus.FILLED]
        ),
        st.sampled_from(
            [OrderStatus.ACCEPTED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.FILLED]
        ),
        st.lists(st.tuples(st.integers(1, 5), st.sampled_from([90, 95, 100, 110])), max_size=3),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


@given(news=NEWS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_recorded_together_are_as_if_recorded_one_by_one(account, news):
    def state(together):
        Alert.objects.all().delete()
        for model in (OrderEvent, Fill, Position, Order):
            model.objects.all().delete()
        found, second = {}, 0
        for number, (symbol, side, status, venue_status, fills) in enumerate(news):
            order = order_made(account, symbol, side=side, status=status, number=number)
            rows = []
            for each, (units, price) in enumerate(fills):
                rows.append((each, units, price, second))
                second += 1
            found[order.id] = told(order, *rows, status=venue_status, reason="why")
        for part in [found] if together else [{each: venue} for each, venue in found.items()]:
            venue_orders_record(part)
        names = ("client_order_id", "status", "filled_quantity", "average_price", "reason",
                 "broker_order_id", "reason_code")  # fmt: skip
        return (
            list(Order.objects.order_by("client_order_id").values_list(*names)),
            # A position's amounts are rounded to 8 digits each time they are written.
            [
                (row.symbol, row.quantity, round(row.average_price, 6), round(row.realized_pnl, 6))
                for row in Position.objects.order_by("symbol")
            ],
            sorted(OrderEvent.objects.values_list(
                "order__client_order_id", "old_status", "new_status", "note")),
            sorted(Alert.objects.values_list("event", "subject", "text")),
        )  # fmt: skip

    assert state(together=True) == state(together=False)


@pytest.fixture
def venue(settings):
    with AlpacaVenue().running() as venue:
        settings.BROKER_URLS = {"alpaca": venue.url}
        settings.BROKER_RATES = {}
        venue.exchange.cash = Decimal(10**9)
        for symbol in SYMBOLS:
            venue.exchange.prices[symbol] = Decimal(100)
            Instrument.objects.get_or_create(symbol=symbol)
        yield venue


@pytest.fixture
def place(account, venue):
    account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
    account.save()
    account_reconcile(account_id=account.id)

    def place(symbol, side=Side.BUY):
        return services.order_create(
            account=account, symbol=symbol, asset_type=AssetType.STOCK, side=side,
            order_type=OrderType.MARKET, quantity=Decimal(1),
        )  # fmt: skip

    return place


@pytest.fixture
def under_way(monkeypatch):
    """Of each call the symbols whose calls had begun and not ended when it began."""
    submit, lock = AlpacaBroker.submit, threading.Lock()
    now, seen, gate = set(), {}, threading.Event()

    def noted(adapter, access, request):
        with lock:
            seen[request.symbol, request.side] = set(now)
            now.add(request.symbol)
        gate.wait(0.15)
        try:
            return submit(adapter, access, request)
        finally:
            with lock:
                now.discard(request.symbol)

    monkeypatch.setattr(AlpacaBroker, "submit", noted)
    return seen


@pytest.mark.django_db(transaction=True)
def test_what_depends_on_nothing_is_sent_at_the_same_time(account, place, under_way):
    for symbol in SYMBOLS:
        place(symbol)
    account_send(account_id=account.id)
    assert max(map(len, under_way.values())) == len(SYMBOLS) - 1


@pytest.mark.django_db(transaction=True)
def test_what_opens_waits_for_what_reduces_before_it(account, place, under_way):
    place("INIT", Side.SELL)
    place("ACME")
    account_send(account_id=account.id)
    assert not under_way["ACME", Side.BUY]


@pytest.mark.django_db(transaction=True)
def test_no_more_calls_are_made_at_once_than_the_rate_lets_through(
    account, place, under_way, settings
):
    settings.BROKER_RATES = {"alpaca": 2}
    for symbol in SYMBOLS:
        place(symbol)
    account_send(account_id=account.id)
    assert max(map(len, under_way.values())) == 1


@pytest.mark.django_db(transaction=True)
def test_an_opening_order_is_not_sent_beside_one_of_its_symbol_that_may_become_unknown(
    account, place, monkeypatch
):
    asked = []

    def lost(_, __, request):
        asked.append(request.symbol)
        raise OutcomeUnknown("nobody knows")

    monkeypatch.setattr(AlpacaBroker, "submit", lost)
    place("ACME")
    second = place("ACME")
    account_send(account_id=account.id)
    second.refresh_from_db()
    assert asked == ["ACME"]
    assert (second.status, second.reason_code) == (OrderStatus.DENIED, "order_unknown")


@pytest.mark.django_db(transaction=True)
def test_news_that_no_row_can_hold_leave_those_of_others_alone(account, place, monkeypatch):
    submit = AlpacaBroker.submit

    def odd(adapter, access, request):
        found = submit(adapter, access, request)
        if request.symbol != "INIT":
            return found
        return VenueOrder(broker_order_id="x" * 200, status=OrderStatus.ACCEPTED)

    monkeypatch.setattr(AlpacaBroker, "submit", odd)
    orders = [place(symbol) for symbol in ("ACME", "INIT")]
    account_send(account_id=account.id)
    for order in orders:
        order.refresh_from_db()
    assert [order.status for order in orders] == [OrderStatus.ACCEPTED, OrderStatus.UNKNOWN]


@pytest.mark.django_db(transaction=True)
def test_what_a_kill_switch_met_while_it_was_sent_is_canceled_at_all_accounts_at_once(
    django_user_model, settings, monkeypatch
):
    owner = django_user_model.objects.create_user("trader@example.com", "correct horse battery")
    Instrument.objects.get_or_create(symbol="ACME")
    settings.BROKER_RATES = {}
    record, together = dispatch.venue_orders_record, threading.Barrier(3)

    def pulled(taken):
        record(taken)
        Order.objects.update(cancel_requested_at=NOW)

    monkeypatch.setattr(dispatch, "venue_orders_record", pulled)
    with AlpacaVenue().running() as venue:
        settings.BROKER_URLS = {"alpaca": venue.url}
        venue.exchange.prices["ACME"] = Decimal(100)
        cancel = venue.exchange.cancel
        monkeypatch.setattr(
            venue.exchange, "cancel", lambda each: together.wait(2) >= 0 and cancel(each)
        )
        accounts = []
        for number in range(3):
            account = BrokerAccount(owner=owner, kind="alpaca", name=f"No. {number}")
            account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
            account.save()
            account_reconcile(account_id=account.id)
            accounts.append(account)
        for account in accounts:
            services.order_create(
                account=account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
                order_type=OrderType.LIMIT, quantity=Decimal(1), limit_price=Decimal(90),
            )  # fmt: skip
        dispatch.accounts_send(account_ids=[account.id for account in accounts])
    assert set(Order.objects.values_list("status", flat=True)) == {OrderStatus.CANCELED}


@pytest.mark.parametrize("refused", [False, True])
def test_all_orders_of_an_account_are_canceled_before_one_is_asked_about(
    account, settings, monkeypatch, refused
):
    settings.BROKER_RATES = {}
    account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
    account.save()
    orders = [order_made(account, symbol) for symbol in SYMBOLS]
    with AlpacaVenue().running() as venue:
        settings.BROKER_URLS = {"alpaca": venue.url}
        for order in orders:
            Order.objects.filter(id=order.id).update(order_type=OrderType.LIMIT, limit_price=90)
            order.refresh_from_db()
            venue.exchange.prices[order.symbol] = Decimal(100)
            known = AlpacaBroker().submit(access_of(account), request_of(order))
            venue_orders_record({order.id: known})
        if refused:
            venue.exchange.fill(venue.exchange.by_client_id(orders[0].client_order_id)[0], 10, "90")
        venue.requests.clear()
        orders_withdraw(Order.objects.all())
        methods = [method for method, path in venue.requests if "activities" not in path]
    assert methods == ["DELETE"] * 4 + ["GET"] * 4
    ended = list(Order.objects.order_by("id").values_list("status", flat=True))
    first = OrderStatus.FILLED if refused else OrderStatus.CANCELED
    assert ended == [first, *[OrderStatus.CANCELED] * 3]
