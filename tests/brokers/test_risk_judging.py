"""Limits against accounts, positions and open orders as they are in the database."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from brokers import services
from brokers.adapters.base import Balance, Replacing, VenuePosition
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import order_change
from brokers.choices import OrderStatus, OrderType, Side
from brokers.models import (
    BrokerAccount,
    Order,
    Position,
    ReplacementDecision,
    RiskDecision,
    RiskLimit,
)
from brokers.quotes import Quotes
from brokers.reconciling import account_reconcile
from brokers.risk.losses import losses_sample
from brokers.services.limits import limit_set
from brokers.services.orders import ReplacementDenied
from core.errors import InvalidInput
from market.models import Instrument
from market.selectors import LatestPrice
from tests.brokers.ordering import fresh, sent
from tests.brokers.test_standing import booked, exits, holding
from tests.venue.direct import DirectBroker

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def prices(monkeypatch):
    """The last price of each symbol; what is not in it has none."""
    table = {"ACME": 100}

    def latest(self, symbol, owner_id):
        if symbol not in table:
            raise InvalidInput(f"There is no price of {symbol}.")
        return LatestPrice(symbol, D(table[symbol]), timezone.now(), "1d", "x")

    monkeypatch.setattr(Quotes, "latest", latest)
    return table


@pytest.fixture
def limits(account):
    def make(**given):
        return limit_set(owner_id=account.owner_id, **given)

    return make


def verdict(order):
    decision = RiskDecision.objects.get(order=order)
    return decision.code or "admitted"


def facts(order, scope="user"):
    return RiskDecision.objects.get(order=order).facts[scope]


def held(account, symbol="ACME", quantity=0, average=100, realized=0):
    return Position.objects.create(
        account=account, symbol=symbol, quantity=D(quantity), average_price=D(average),
        realized_pnl=D(realized),
    )  # fmt: skip


def another(account, name="Two"):
    return BrokerAccount.objects.create(owner=account.owner, kind="alpaca", name=name)


# Changes in place


def test_a_change_in_place_is_judged_as_an_order_is(place, venue, prices, limits):
    limits(max_order_value=D(1000))
    order = sent(place(limit="90"))
    with pytest.raises(ReplacementDenied, match="would be 5000"):
        services.order_replace(order=order, quantity=D(50))
    order = fresh(order)
    assert (order.status, order.quantity, order.wanted) == (OrderStatus.ACCEPTED, 10, {})
    decision = ReplacementDecision.objects.get()
    assert (decision.admitted, decision.code) == (False, "order_value")
    assert decision.wanted == {"quantity": "50", "limit_price": "90.00000000"}
    with pytest.raises(ReplacementDenied):
        services.order_replace(order=order, quantity=D(50))
    assert ReplacementDecision.objects.count() == 1, "the same is told once"


def test_a_change_in_place_counts_once_and_while_it_is_under_way(place, venue, prices, limits):
    limits(max_gross_exposure=D(1000))
    order = sent(place(limit="90", quantity=5))
    services.order_replace(order=order, quantity=D(10))
    assert ReplacementDecision.objects.get().admitted
    assert verdict(place(limit="90", quantity=1)) == "gross_exposure", "the larger one counts"
    order_change(order_id=order.id)
    assert fresh(order).quantity == 10
    services.order_replace(order=fresh(order), limit_price=D(91))


def test_to_ask_for_less_is_denied_by_nothing(place, venue, prices, limits):
    order = sent(place(limit="90"))
    limits(max_order_value=D(1), max_gross_exposure=D(1), allowed_symbols=["GOOG"])
    services.order_replace(order=order, quantity=D(5), limit_price=D(89))
    order_change(order_id=order.id)
    order = fresh(order)
    assert (order.quantity, order.limit_price) == (5, 89)
    for change in ({"limit_price": D(90)}, {"quantity": D(6)}):
        with pytest.raises(ReplacementDenied):
            services.order_replace(order=order, **change)


def test_an_exit_grows_no_further_than_what_is_held(place, venue, account):
    holding(account, 10)
    order = sent(place(side=Side.SELL, quantity=6, limit="120"))
    with pytest.raises(ReplacementDenied, match="holds 10 ACME: sell at most 10"):
        services.order_replace(order=order, quantity=D(11))
    services.order_replace(order=order, quantity=D(10))


def test_a_new_order_is_judged_without_the_one_that_it_replaces(
    place, venue, account, prices, limits, monkeypatch
):
    monkeypatch.setitem(ADAPTERS._made, "alpaca", DirectBroker(Replacing.NEW_ORDER))
    limits(max_position_value=D(1000), max_gross_exposure=D(1000))
    BrokerAccount.objects.update(buying_power=D(1000), reconciled_at=timezone.now())
    order = sent(place(limit="98"))
    # The broker has taken note of it: its thousand is spoken for.
    BrokerAccount.objects.update(buying_power=D(0), reconciled_at=timezone.now())
    new = services.order_replace(order=order, limit_price=D(99))
    assert verdict(new) == "admitted"
    assert sent(new).status == OrderStatus.ACCEPTED
    assert verdict(services.order_replace(order=fresh(new), quantity=D(11))) == "position_value"


# How many a minute


def test_only_what_was_admitted_counts_for_the_rate(place, account, prices, limits):
    limits(max_orders_per_minute=2, max_order_value=D(100))
    for _ in range(3):
        assert verdict(place(quantity=2)) == "order_value"
    assert [verdict(place(quantity=1)) for _ in range(3)] == ["admitted"] * 2 + ["order_rate"]
    first = Order.objects.exclude(status="denied").earliest("created_at")
    Order.objects.filter(id=first.id).update(created_at=timezone.now() - timedelta(seconds=61))
    assert verdict(place(quantity=1)) == "admitted"


def test_changes_in_place_count_for_the_rate_and_exits_always_pass(place, account, prices, limits):
    order = sent(place(limit="90"))
    limits(max_orders_per_minute=2)
    services.order_replace(order=order, quantity=D(11))
    assert verdict(place(limit="90")) == "order_rate"
    held(account, quantity=10)
    assert verdict(place(side=Side.SELL)) == "admitted"


# Exposure


def test_what_has_no_price_cannot_be_checked(place, account, prices, limits):
    Instrument.objects.create(symbol="DARK")
    held(account, "DARK", 1000, 500)
    limits(max_gross_exposure=D(10_000))
    order = place(limit="100", quantity=1)
    assert verdict(order) == "gross_exposure"
    assert "no price of DARK" in fresh(order).reason
    prices["DARK"] = 1
    assert verdict(place(limit="100", quantity=1)) == "admitted"


def test_what_is_ordered_against_it_may_never_fill(place, account, prices, limits):
    limits(max_net_exposure=D(10_000))
    assert verdict(place(side=Side.SHORT, limit="100", quantity=50)) == "admitted"
    assert verdict(place(limit="100", quantity=120)) == "net_exposure"
    assert verdict(place(limit="100", quantity=100)) == "admitted"


def test_an_order_towards_nothing_is_not_kept_from_it(place, account, prices, limits):
    held(account, quantity=-200)
    limits(max_net_exposure=D(10_000), max_position_value=D(10_000))
    assert verdict(place(quantity=10)) == "admitted"
    assert verdict(place(side=Side.SHORT, quantity=10)) == "position_value"


def test_an_exit_passes_every_limit(place, account, prices, limits):
    held(account, quantity=50)
    limits(
        max_order_value=D(1), price_collar=D("0.01"), max_orders_per_minute=0, max_quote_age_s=0,
        allowed_symbols=["GOOG"], max_daily_loss=D(0), max_drawdown=D(0), in_session_only=True,
    )  # fmt: skip
    guard = {"order_type": OrderType.STOP, "stop_price": D(80)}
    assert verdict(place(side=Side.SELL, quantity=20, **guard)) == "admitted"
    assert verdict(place(side=Side.SELL, quantity=30)) == "admitted"


def test_an_exit_asks_for_no_limits(place, account, prices, limits):
    held(account, quantity=50)
    limits(max_gross_exposure=D(1))
    with CaptureQueriesContext(connection) as asked:
        place(side=Side.SELL, quantity=20)
    assert not [each["sql"] for each in asked if "brokers_risklimit" in each["sql"]]


def test_two_accounts_share_the_room_of_their_owner(place, account, prices, limits):
    limits(max_gross_exposure=D(1500))
    limits(account_id=account.id, max_gross_exposure=D(1200))
    other = another(account)
    held(other, quantity=5)
    assert verdict(place(quantity=10)) == "admitted"
    second = place(quantity=1)
    assert verdict(second) == "gross_exposure"
    assert "would be 1600.00, above 1500.00 (limit of the user)" in fresh(second).reason


@pytest.mark.parametrize(("scope", "locked"), [("user", True), ("account", False)])
def test_who_judges_by_limits_of_all_accounts_locks_them(
    place, account, prices, limits, scope, locked
):
    limits(account_id=None if scope == "user" else account.id, max_gross_exposure=D(1500))
    with CaptureQueriesContext(connection) as asked:
        place(quantity=1)
    found = [each["sql"] for each in asked if "NO KEY UPDATE" in each["sql"]]
    assert any('FROM "brokers_risklimit"' in sql for sql in found) == locked


def test_money_of_several_currencies_is_not_summed_up(place, account, prices, limits):
    limits(max_gross_exposure=D(10_000))
    other = another(account)
    held(other, quantity=1)
    assert verdict(place(quantity=1)) == "admitted"
    BrokerAccount.objects.filter(id=other.id).update(currency="INR")
    order = place(quantity=1)
    assert verdict(order) == "gross_exposure"
    assert "in INR and USD cannot be summed up" in fresh(order).reason
    limits(account_id=account.id, max_gross_exposure=D(10_000))
    limits(max_position_value=D(10_000))
    assert verdict(place(quantity=1)) == "admitted", "each symbol has one price"


# Losses


def days_pass(days=1):
    """Have what is known of days be of days before."""
    for limit in RiskLimit.objects.exclude(day=None):
        limit.day -= timedelta(days=days)
        limit.save(update_fields=["day"])


def test_what_is_lost_before_the_first_order_of_a_day_counts(place, account, prices, limits):
    held(account, quantity=100)
    limits(max_daily_loss=D(1000))
    days_pass()
    prices["ACME"] = 89
    order = place(limit="1", quantity=1)
    assert (verdict(order), D(facts(order)["day_profit"])) == ("daily_loss", -1100)
    losses_sample()
    assert verdict(place(limit="1", quantity=1)) == "daily_loss", "sampled on the new day"
    days_pass()
    assert verdict(place(limit="1", quantity=1)) == "admitted", "the next day begins anew"
    days_pass()
    prices["ACME"] = 50
    assert verdict(place(limit="1", quantity=1)) == "admitted", "nobody knows the day before"


def test_the_highest_is_seen_though_nothing_is_ordered(place, account, prices, limits):
    held(account, quantity=100)
    limits(max_drawdown=D("0.1"))
    prices["ACME"] = 300
    losses_sample()
    prices["ACME"] = 160
    order = place(limit="1", quantity=1)
    # 120,000 at most, 106,000 now
    assert verdict(order) == "drawdown"
    assert D(facts(order)["drawdown"]) == (D(14_000) / D(120_000))
    prices["ACME"] = 185
    assert verdict(place(limit="1", quantity=1)) == "admitted"


def test_losses_of_a_user_are_those_of_all_accounts(place, account, prices, limits):
    limits(max_daily_loss=D(1000))
    limits(account_id=account.id, max_daily_loss=D(1000))
    held(account, "GOOG", realized=-600)
    held(another(account), "GOOG", realized=-600)
    order = place(limit="1", quantity=1)
    assert verdict(order) == "daily_loss"
    assert D(facts(order)["day_profit"]) == -1200


@pytest.mark.parametrize(("symbol", "code"), [("ACME", "admitted"), ("GOOG", "daily_loss")])
def test_losses_of_a_symbol_are_its_own(place, account, prices, limits, symbol, code):
    Instrument.objects.get_or_create(symbol="GOOG")
    prices["GOOG"] = 100
    limits(symbol=symbol, max_daily_loss=D(1000))
    held(account, "GOOG", realized=-5000)
    assert verdict(place(symbol=symbol, quantity=1)) == code


def test_losses_of_a_deployment_are_those_of_its_own_fills(account, venue, prices, limits):
    mine, another_one = uuid4(), uuid4()
    BrokerAccount.objects.update(reconciled_at=timezone.now())
    for each in (mine, another_one):
        booked(account, venue, 10, each, Side.BUY)
        limits(deployment_id=each, max_daily_loss=D(150))
    booked(account, venue, 10, mine, Side.SHORT)
    prices["ACME"] = 85
    for each, code in ((mine, "admitted"), (another_one, "daily_loss")):
        order = exits(account, 1, each, side=Side.BUY, node="more")
        assert verdict(order) == code
    assert D(facts(order, "deployment")["day_profit"]) == -150


def test_losses_without_a_price_are_not_known(place, account, prices, limits):
    limits(max_daily_loss=D(1000))
    held(account, "DARK", 10)
    order = place(quantity=1)
    assert verdict(order) == "daily_loss"
    assert "not known" in fresh(order).reason


def test_what_was_lost_before_an_account_was_connected_is_not_lost_since(
    place, venue, account, prices, limits, monkeypatch
):
    """100 bought at 200 are there, worth 100 each, and the equity is 20,000."""
    venue.balance = lambda _: Balance("USD", D(20_000), D(10_000), D(10_000))
    venue.positions = lambda _: [VenuePosition("ACME", D(100), D(200))]
    limits(max_drawdown=D("0.2"), max_daily_loss=D(1000))
    account_reconcile(account_id=account.id)
    order = place(limit="1", quantity=1)
    assert verdict(order) == "admitted"
    assert {D(facts(order)[name]) for name in ("drawdown", "day_profit")} == {0}
    prices["ACME"] = 59
    assert verdict(place(limit="1", quantity=1)) == "daily_loss"


def test_what_was_won_in_practice_is_forgotten_when_it_goes_live(
    place, venue, account, prices, limits
):
    held(account, "GOOG", realized=20_000)
    for scope in ({}, {"account_id": account.id}):
        limits(**scope, max_drawdown=D("0.2"), max_daily_loss=D(1000))
    BrokerAccount.objects.update(live=True, reconciled_at=None)
    venue.balance = lambda _: Balance("USD", D(5000), D(5000), D(5000))
    account_reconcile(account_id=account.id)
    order = place(limit="1", quantity=1)
    assert verdict(order) == "admitted"
    assert D(facts(order)["equity"]) == 5000
    Position.objects.update(realized_pnl=D(19_100))
    assert verdict(place(limit="1", quantity=1)) == "admitted", "900 of 5,000"
    Position.objects.update(realized_pnl=D(19_000))
    assert verdict(place(limit="1", quantity=1)) == "daily_loss"


# Buying power


def test_what_is_not_sent_when_the_broker_is_asked_claims_of_what_it_says(
    place, venue, account, prices
):
    """The second is placed while the broker answers, the first waits to be sent."""
    made = []
    place(limit="100", quantity=3)

    def balance(access):
        made.append(place(limit="100", quantity=3))
        return Balance("USD", D(1000), D(1000), D(1000))

    venue.balance = balance
    account_reconcile(account_id=account.id)
    assert verdict(place(limit="100", quantity=5)) == "buying_power"
    assert verdict(place(limit="100", quantity=4)) == "admitted"
