"""Sums of executions over orders on all sides, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import F, Sum
from django.utils import timezone

from brokers.choices import Side
from brokers.executions import SIGNED, UNITS
from brokers.models import Fill, Order

pytestmark = pytest.mark.django_db
FILLS = [
    (Side.BUY, "10", "0.25"),
    (Side.SELL, "4", "0"),
    (Side.SHORT, "9", "0"),
    (Side.COVER, "1.5", "0.5"),
]


@pytest.fixture
def filled(account):
    for number, (side, quantity, taken) in enumerate(FILLS):
        order = Order.objects.create(
            owner_id=account.owner_id, account=account, client_order_id=str(number), symbol="ACME",
            asset_type="stock", side=side, quantity=Decimal(quantity),
        )  # fmt: skip
        Fill.objects.create(
            account=account, order=order, execution_id=str(number), quantity=Decimal(quantity),
            price=Decimal(2), taken=Decimal(taken), executed_at=timezone.now(),
        )  # fmt: skip


def test_units_are_what_is_left_of_what_was_bought_and_sold(filled):
    sums = Fill.objects.values_list("order__symbol").annotate(units=UNITS)
    # 10 - 0.25 bought, 4 sold, 9 sold short, 1.5 - 0.5 bought back
    assert list(sums) == [("ACME", Decimal("-2.25"))]


def test_money_goes_out_for_what_is_bought(filled):
    spent = Fill.objects.aggregate(spent=Sum(F("quantity") * F("price") * SIGNED))
    assert spent == {"spent": 2 * (10 - 4 - 9 + Decimal("1.5"))}
