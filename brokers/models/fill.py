"""What a broker executed."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from brokers.models.account import BrokerAccount
from brokers.models.order import Order
from core.db import BaseModel


class Fill(BaseModel):
    """One execution; the broker's id of it is unique in the account, so it counts once."""

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.PROTECT, related_name="fills", db_index=False
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    execution_id = models.CharField(max_length=100)
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    price = models.DecimalField(max_digits=24, decimal_places=8)
    # Null while the broker has not told it, or nobody says what it was worth; set once.
    commission = models.DecimalField(max_digits=24, decimal_places=8, null=True)
    # Units of a purchase that were kept as its commission: so many fewer are held.
    taken = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    # The coin, or other money, it was charged in.
    charged_in = models.CharField(max_length=16, blank=True)
    executed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "execution_id"], name="fill_account_execution"
            ),
        ]
        indexes = [
            # reconciliation: executions whose commission is asked for
            models.Index(
                fields=["account", "executed_at"],
                name="fill_uncharged",
                condition=models.Q(commission__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} at {self.price.normalize():f}"
