"""An order: what is wanted of a broker, and what came of it."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.models.account import BrokerAccount
from core.db import OwnedModel

OPEN = ["created", "submitting", "unknown", "accepted", "partially_filled"]


class Order(OwnedModel):
    """One order. It is committed before anything is sent, and changed by transitions only.

    `leased_until` bounds one attempt to submit or resolve it; `attempts` fences it.
    """

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    client_order_id = models.CharField(max_length=48)
    strategy = models.ForeignKey(
        "strategies.Strategy", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    symbol = models.CharField(max_length=20)
    asset_type = models.CharField(max_length=10, choices=AssetType)
    side = models.CharField(max_length=5, choices=Side)
    order_type = models.CharField(max_length=15, choices=OrderType, default=OrderType.MARKET)
    quantity = models.DecimalField(max_digits=24, decimal_places=8)

    status = models.CharField(max_length=20, choices=OrderStatus, default=OrderStatus.CREATED)
    reason_code = models.CharField(max_length=50, blank=True)
    reason = models.TextField(blank=True)
    broker_order_id = models.CharField(max_length=100, blank=True)
    filled_quantity = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    average_price = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="order_account_client_id"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=OrderStatus.values), name="order_status_known"
            ),
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="order_quantity"),
            models.CheckConstraint(
                condition=models.Q(filled_quantity__gte=0)
                & models.Q(filled_quantity__lte=models.F("quantity")),
                name="order_filled_within_quantity",
            ),
        ]
        indexes = [
            # a user's orders, newest first
            models.Index(fields=["owner", "-created_at"], name="order_owner_created"),
            # the sweeper: what is not at its end
            models.Index(
                fields=["updated_at"], name="order_open", condition=models.Q(status__in=OPEN)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol} ({self.status})"
