"""An order: what is wanted of a broker, and what came of it."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from brokers.choices import AssetType, OrderStatus, OrderType, Side, TimeInForce
from brokers.models.account import BrokerAccount
from core.db import OwnedModel

OPEN = [
    "created", "submitting", "unknown", "accepted", "partially_filled", "pending_cancel",
    "pending_replace",
]  # fmt: skip


class Order(OwnedModel):
    """One order. It is committed before anything is sent, and changed by transitions only.

    An order of a deployment is its intent: one for each bar, node and leg, however often the bar
    is looked at. `leased_until` bounds the one attempt to submit it; `attempts` fences it.
    """

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    client_order_id = models.CharField(max_length=48)
    strategy = models.ForeignKey(
        "strategies.Strategy", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    symbol = models.CharField(max_length=32)
    asset_type = models.CharField(max_length=10, choices=AssetType)
    side = models.CharField(max_length=5, choices=Side)
    order_type = models.CharField(max_length=15, choices=OrderType, default=OrderType.MARKET)
    time_in_force = models.CharField(max_length=3, choices=TimeInForce, default=TimeInForce.DAY)
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    # The instrument's when it was made: quantity x price x multiplier is money.
    multiplier = models.DecimalField(max_digits=20, decimal_places=8, default=Decimal(1))
    limit_price = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    stop_price = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    # One of the two for a trailing stop: a distance in money, or a fraction of the price.
    trail_amount = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    trail_fraction = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)

    # The decision it comes from; a hand's order has none.
    deployment_id = models.UUIDField(null=True, blank=True)
    bar_ts = models.DateTimeField(null=True, blank=True)
    node = models.CharField(max_length=100, blank=True)
    leg = models.PositiveSmallIntegerField(default=0)

    # Found at the broker, not sent by us.
    external = models.BooleanField(default=False)
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # What a replacement in place asks for, while it is pending.
    wanted = models.JSONField(default=dict, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # While the outcome is unknown: when the venue is asked next, and how often it was.
    ask_at = models.DateTimeField(null=True, blank=True)
    asks = models.PositiveIntegerField(default=0)

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
                condition=models.Q(filled_quantity__gte=0), name="order_filled_not_negative"
            ),
            models.UniqueConstraint(
                fields=["deployment_id", "bar_ts", "node", "leg"],
                condition=models.Q(deployment_id__isnull=False),
                name="order_intent",
            ),
        ]
        indexes = [
            # a user's orders, newest first
            models.Index(fields=["owner", "-created_at"], name="order_owner_created"),
            # the sweeper: what is not at its end
            models.Index(
                fields=["updated_at"], name="order_open", condition=models.Q(status__in=OPEN)
            ),
            # the sender and reconciliation: what of one account is not at its end
            models.Index(
                fields=["account", "created_at"],
                name="order_account_open",
                condition=models.Q(status__in=OPEN),
            ),
            # the scheduler: what of deployments has ended short lately
            models.Index(
                fields=["finished_at"],
                name="order_ended_short",
                condition=models.Q(
                    status__in=["denied", "rejected", "canceled", "expired", "replaced"],
                    deployment_id__isnull=False,
                ),
            ),
            # executions and open orders as a broker tells them
            models.Index(fields=["account", "broker_order_id"], name="order_account_broker_id"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol} ({self.status})"
