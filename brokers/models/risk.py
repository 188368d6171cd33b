"""What may not be exceeded, and what was decided about an order because of it."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from brokers.models.account import BrokerAccount
from brokers.models.order import Order
from core.db import BaseModel, OwnedModel


class RiskLimit(OwnedModel):
    """Limits of a user, narrowed to an account, a deployment or a symbol where these are set.

    All rows that apply to an order must let it pass. A limit that is not set limits nothing.
    """

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.CASCADE, null=True, blank=True, related_name="limits"
    )
    deployment_id = models.UUIDField(null=True, blank=True)
    symbol = models.CharField(max_length=32, blank=True)

    max_order_value = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    max_position_value = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    max_gross_exposure = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    max_net_exposure = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    max_daily_loss = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    max_drawdown = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    price_collar = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    max_orders_per_minute = models.PositiveIntegerField(null=True, blank=True)
    max_quote_age_s = models.PositiveIntegerField(null=True, blank=True)
    allowed_symbols = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    short_allowed = models.BooleanField(null=True, blank=True)
    in_session_only = models.BooleanField(default=False)

    # For the limits on losses, sampled: what the scope has won when the day began, last, at most.
    day = models.DateField(null=True, blank=True)
    day_profit = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    last_profit = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    peak_profit = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)

    class Meta:
        constraints = [
            # also serves the limits of a user
            models.UniqueConstraint(
                fields=["owner", "account", "deployment_id", "symbol"],
                name="risklimit_scope",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return self.symbol or str(self.deployment_id or self.account or "all orders")


class Decided(BaseModel):
    """What was decided, and what was known then."""

    admitted = models.BooleanField()
    code = models.CharField(max_length=50, blank=True)
    reason = models.TextField(blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return "admitted" if self.admitted else self.code


class RiskDecision(Decided):
    """What was decided about an order when it was placed."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="decision")


class ReplacementDecision(Decided):
    """What was decided about a change of an order in place."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="replacements")
    wanted = models.JSONField(default=dict)

    class Meta:
        indexes = [
            # the rate limit: changes within a minute
            models.Index(
                fields=["created_at"],
                name="replacement_admitted",
                condition=models.Q(admitted=True),
            ),
        ]
