"""The paper venue's own book: apart from our orders, as a real broker's is."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from brokers.choices import OrderStatus, OrderType, Side, TimeInForce
from brokers.models.account import BrokerAccount
from core.db import BaseModel


class PaperOrder(BaseModel):
    """An order that waits in the paper venue's book for its price."""

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    client_order_id = models.CharField(max_length=48)
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=5, choices=Side)
    order_type = models.CharField(max_length=15, choices=OrderType)
    time_in_force = models.CharField(max_length=3, choices=TimeInForce)
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    limit_price = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    stop_price = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    trail_amount = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    trail_fraction = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    status = models.CharField(max_length=20, choices=OrderStatus, default=OrderStatus.ACCEPTED)
    # Whether its stop was touched: from then on it is a limit order.
    triggered = models.BooleanField(default=False)
    # The session that a day's order is good for: that of the first bar after it was placed.
    good_for = models.DateField(null=True)
    # Bars that opened later than this have not been looked at.
    looked_until = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="paper_order_client_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol} ({self.status})"


class PaperExecution(BaseModel):
    """What the paper venue did with an order; one a client order id, whatever is sent."""

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    client_order_id = models.CharField(max_length=48)
    symbol = models.CharField(max_length=32)
    # Of its order; nothing of what came of a contract's end, or of a night.
    side = models.CharField(max_length=5, choices=Side, blank=True)
    # Signed: a sale is below zero.
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    multiplier = models.DecimalField(max_digits=20, decimal_places=8, default=Decimal(1))
    price = models.DecimalField(max_digits=24, decimal_places=8)
    commission = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    # When it happened in the market: of a replayed bar, long before it was written down.
    executed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="paper_account_client_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol} at {self.price.normalize():f}"
