"""Listening to brokers over real WebSockets, while a venue repeats, mixes up, loses and breaks."""

from __future__ import annotations

import threading
import time
from decimal import Decimal

import pytest
from django.utils import timezone

from brokers import tasks
from brokers.access import credentials_seal
from brokers.choices import (
    LOOK_TASK,
    RECONCILE_TASK,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Fill, Order, Position
from brokers.reconciling import account_reconcile
from brokers.services.orders import order_cancel, order_create
from brokers.streams import listening
from brokers.streams.listening import orders_stream, stream_due
from brokers.streams.taking import orders_look
from market.models import Instrument
from market.stream_lease import is_leased, lease_break, lease_end, lease_take
from tests.venue.alpaca import AlpacaVenue
from tests.venue.binance import BinanceVenue
from tests.venue.socket import AlpacaSocket, BinanceSocket

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_memory")]
PART, FULL = OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED


KINDS = {
    "alpaca": (AlpacaVenue, AlpacaSocket, "ACME", "ACME", "equity", AssetType.STOCK,
               {"key_id": "key", "secret": "secret"}),
    "binance": (BinanceVenue, BinanceSocket, "BTC/USDT", "BTCUSDT", "crypto", AssetType.CRYPTO,
                {"api_key": "key", "secret": "secret"}),
}  # fmt: skip


class Desk:
    """An account at a simulated broker, its orders, and the listener in this thread."""

    def __init__(self, kind, user, venue, socket):
        self.venue, self.socket = venue, socket
        self.symbol, self.market, asset_class, self.asset_type, keys = KINDS[kind][2:]
        Instrument.objects.create(symbol=self.symbol, asset_class=asset_class)
        self.account = BrokerAccount.objects.create(owner=user, kind=kind, name="Test")
        self.account.sealed = credentials_seal(self.account, keys)
        self.account.save()
        venue.exchange.prices[self.market] = Decimal(100)
        account_reconcile(account_id=self.account.id)

    def place(self, count=1):
        for _ in range(count):
            order_create(
                account=self.account, symbol=self.symbol, asset_type=self.asset_type,
                side=Side.BUY, order_type=OrderType.LIMIT, quantity=Decimal(10),
                limit_price=Decimal(90),
                time_in_force=TimeInForce.GTC,
            )  # fmt: skip
        account_send(account_id=self.account.id)

    def theirs(self):
        return list(self.venue.exchange.orders.values())

    def listen(self, happens):
        """Listen until what happens at the venue, in another thread, has happened."""
        failures = []

        def run():
            try:
                self.until(lambda: self.socket.lines)
                happens()
            except AssertionError as error:  # told in the test's thread
                failures.append(error)
            finally:
                lease_break("orders")

        thread = threading.Thread(target=run)
        thread.start()
        assert not orders_stream(for_s=20)
        thread.join()
        assert failures == []

    def until(self, check):
        ends_at = time.monotonic() + 5
        while not check():
            assert time.monotonic() < ends_at, "it did not come to pass"
            time.sleep(0.01)


@pytest.fixture(params=["alpaca", "binance"])
def desk(request, user, settings, monkeypatch):
    kind = request.param
    settings.BROKER_TIMEOUT_S = 2
    venue_class, socket_class = KINDS[kind][:2]
    with venue_class().running() as venue, socket_class(venue).running() as socket:
        settings.BROKER_URLS = {kind: venue.url, f"{kind}_stream": socket.url}
        found = Desk(kind, user, venue, socket)
        found.asked, found.queued, found.reconciled = [], [], []

        def enqueue(*, task, args, queue):
            found.queued.append(task)
            if task == LOOK_TASK:
                found.asked += args[0]
                orders_look(args[0])
            else:
                account_reconcile(account_id=args[0])
                found.reconciled += args

        monkeypatch.setattr(listening, "task_enqueue", enqueue)
        # Who is told to stop does so at the next look.
        monkeypatch.setattr(listening, "LOOK_EVERY_S", 0.1)
        yield found


def rows():
    return {
        order.broker_order_id.lstrip("0"): (order.status, order.filled_quantity)
        for order in Order.objects.all()
    }


def test_fills_come_with_the_stream_without_being_polled(desk):
    desk.place()
    (there,) = desk.theirs()

    def happens():
        # What the connection asked for by itself is over.
        desk.until(lambda: desk.reconciled)
        desk.venue.exchange.fill(there, 4, "90")
        desk.venue.exchange.fill(there, 6, "89.5")
        time.sleep(0.4)

    desk.listen(happens)
    order = Order.objects.get()
    assert (order.status, order.filled_quantity, order.average_price) == (FULL, 10, Decimal("89.7"))
    assert Fill.objects.count() == 2
    # With ids that are known nothing had to be asked for.
    assert bool(desk.asked) == (desk.account.kind == "alpaca")


def test_a_stream_that_repeats_mixes_up_loses_and_breaks_loses_nothing(desk):
    desk.place(4)
    first, second, third, last = desk.theirs()
    exchange, socket = desk.venue.exchange, desk.socket

    def happens():
        socket.twice = True
        exchange.fill(first, 10, "90")
        socket.held = []
        for quantity in (1, 2, 3, 4):
            exchange.fill(second, quantity, "90")
        socket.release()
        socket.twice = False
        socket.mute = True  # lost on the way, and told as a whole by the next one
        exchange.fill(third, 2, "89")
        socket.mute = False
        exchange.fill(third, 3, "88")
        socket.drop()
        exchange.fill(last, 7, "90")  # while nobody listens
        desk.until(lambda: socket.opened >= 2 and socket.lines)
        time.sleep(0.4)
        exchange.cancel(last.id)
        time.sleep(0.3)

    desk.listen(happens)
    assert rows() == {
        first.id.lstrip("0"): (FULL, 10), second.id.lstrip("0"): (FULL, 10),
        third.id.lstrip("0"): (PART, 5), last.id.lstrip("0"): (OrderStatus.CANCELED, 7),
    }  # fmt: skip
    assert Fill.objects.count() == len(exchange.trades) == 8
    assert Position.objects.get().quantity == exchange.positions()[desk.market] == 32
    assert desk.queued.count(RECONCILE_TASK) == 2, "after each connection"
    assert not Order.objects.filter(external=True).exists()


def test_a_cancel_of_ours_ends_by_its_answer_and_its_update_changes_nothing(desk):
    desk.place()
    order = Order.objects.get()

    def happens():
        time.sleep(0.2)

    order_cancel(order=order)
    tasks.change(str(order.id))
    desk.listen(happens)
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED


def test_one_worker_listens_while_an_account_is_in_use(desk):
    assert not stream_due(), "it has no orders"
    desk.place()
    assert stream_due()
    other = lease_take("orders")
    assert not stream_due()
    assert not orders_stream(for_s=5)
    lease_end(other, "orders")
    assert orders_stream(for_s=0.2), "the next task goes on"
    assert not is_leased("orders")
    Order.objects.update(
        status=OrderStatus.CANCELED, created_at=timezone.now() - 2 * listening.USED_WITHIN
    )
    assert not stream_due()
    assert not orders_stream(for_s=5)


def test_a_worker_that_shuts_down_ends_its_stream(desk):
    desk.place()
    stop = threading.Timer(0.3, tasks.stream_stop)
    stop.start()
    began = time.monotonic()
    assert not orders_stream(for_s=20)
    stop.join()
    assert time.monotonic() - began < 4


def test_an_account_whose_credentials_cannot_be_opened_keeps_no_other_from_being_heard(desk, user):
    desk.place()
    broken = BrokerAccount.objects.create(
        owner=user, kind="zerodha", name="Not live", sealed=b"x", live=False
    )
    Order.objects.create(
        owner=user, account=broken, client_order_id="1", symbol="ACME.NS", asset_type="stock",
        side="buy", quantity=1, status=OrderStatus.ACCEPTED,
    )  # fmt: skip
    (source,) = listening._sources()
    assert source.access.account_id == desk.account.id
