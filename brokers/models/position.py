"""What an account holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models

from brokers.models.account import BrokerAccount
from core.db import BaseModel


class Position(BaseModel):
    """Quantity of one symbol, signed: below zero is short. Derived from fills, never set."""

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.PROTECT, related_name="positions", db_index=False
    )
    symbol = models.CharField(max_length=32)
    quantity = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    # That of its orders.
    multiplier = models.DecimalField(max_digits=20, decimal_places=8, default=Decimal(1))
    average_price = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    # Of a contract: when its last session closes.
    expires_at = models.DateTimeField(null=True)
    realized_pnl = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))

    # Set by `brokers.valuing` on positions that are shown.
    worth: Any

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "symbol"], name="position_account_symbol"),
        ]
        indexes = [
            # settling: contracts that are over and still held
            models.Index(
                fields=["expires_at"],
                name="position_expires",
                condition=models.Q(expires_at__isnull=False) & ~models.Q(quantity=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol}"
