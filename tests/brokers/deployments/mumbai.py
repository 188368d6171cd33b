"""A share in Bombay around Republic Day, and a broker there that takes orders in sessions only."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from brokers.access import credentials_seal
from brokers.changing import order_change
from brokers.deployments.books import books_forget
from brokers.deployments.schedule import deployments_follow
from brokers.deployments.services import deployment_begin, deployment_create, deployment_start
from brokers.deployments.ticking import deployment_tick
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order
from brokers.reconciling import account_reconcile
from core.engine.bars import Bars
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.models import Instrument
from strategies.services import strategy_create
from tests.venue.exchange import Refusal
from tests.venue.zerodha import ZerodhaVenue

# The sessions of January 2026, 9:15 to 15:30 in India: not the 15th, and not Monday the 26th.
DAYS = (9, 12, 13, 14, 16, 19, 20, 21, 22, 23, 27, 28, 29)
THURSDAY, FRIDAY, TUESDAY, WEDNESDAY = 22, 23, 27, 28
OPENS, CLOSES = timedelta(hours=3, minutes=45), timedelta(hours=10)
INTERVAL = "1d"


def at(day, hour, minute=0, second=0):
    return datetime(2026, 1, day, hour, minute, second, tzinfo=UTC)


def opens(day):
    return at(day, 0) + OPENS


def closes(day):
    return at(day, 0) + CLOSES


class Mumbai:
    """Goes from moment to moment, and looks as the workers would."""

    def __init__(self, user, broker, monkeypatch):
        self.user, self.broker = user, broker
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        self.go(closes(THURSDAY) + timedelta(minutes=5))
        self.instrument = Instrument.objects.create(
            symbol="ACME.NS", asset_class="equity", calendar="XBOM", timezone="Asia/Kolkata"
        )
        self._place, broker.exchange.place = broker.exchange.place, self.placed
        self.account = BrokerAccount(owner=user, kind="zerodha", name="Kite", live=True)
        secrets = {"api_key": "key", "access_token": "token"}
        self.account.sealed = credentials_seal(self.account, secrets)
        self.account.save()
        account_reconcile(account_id=self.account.id)
        for day in DAYS[: DAYS.index(FRIDAY)]:
            self.stores(day, 100)

    def placed(self, **order):
        if not any(opens(day) <= self.now < closes(day) for day in DAYS):
            raise Refusal("closed", "Adapter is down.")
        return self._place(**order)

    def go(self, moment):
        self.now = moment
        self.broker.exchange.clock_ahead = moment - datetime.now(UTC)

    def stores(self, day, opened, close=None):
        """Have the bar of a day be stored."""
        close = close or opened
        midnight = (date(2026, 1, day) - date(1970, 1, 1)).days * 86_400 * 10**9
        bars = Bars.from_arrays(
            ts=[midnight], open=[opened], high=[max(opened, close)], low=[min(opened, close)],
            close=[close], volume=[1.0],
        )  # fmt: skip
        history_store(
            instrument=self.instrument,
            interval=interval_get(INTERVAL),
            provider="csv",
            history=History.from_bars(bars),
        )

    def deploy(self, graph):
        strategy = strategy_create(owner_id=self.user.id, name="Mumbai", graph=graph)
        deployment = deployment_create(
            strategy=strategy, account=self.account, symbol="ACME.NS", interval=INTERVAL,
            capital=Decimal(100_000),
        )  # fmt: skip
        deployment_start(deployment=deployment)
        deployment_begin(deployment=deployment, now=self.now)
        deployment.refresh_from_db()
        return deployment

    def decide(self, deployment, day, opened, close=None):
        """Have a session be over; what waited for it at the broker ends with it."""
        self.go(closes(day) + timedelta(minutes=1))
        for order in self.broker.exchange.open():
            self.broker.exchange.cancel(order.id)
        self.stores(day, opened, close)
        tick = deployment_tick(deployment_id=deployment.id, now=self.now)
        account_send(account_id=self.account.id)
        return tick

    def look(self, moment, *, times=3):
        """Look some times, as processes that were started a moment ago."""
        self.go(moment)
        for _ in range(times):
            books_forget()
            for order in Order.objects.filter(cancel_requested_at__isnull=False):
                order_change(order_id=order.id)
            deployments_follow(now=self.now)
            account_send(account_id=self.account.id)

    def sent(self):
        """How many orders came to the broker."""
        return sum(method == "POST" for method, _ in self.broker.requests)


@contextmanager
def zerodha_served(settings):
    """Have Zerodha be there, without a rate, and with one share at 100."""
    with ZerodhaVenue().running() as broker:
        settings.BROKER_URLS = {"zerodha": broker.url}
        settings.BROKER_RATES = {}
        broker.exchange.prices["ACME"] = Decimal(100)
        yield broker
