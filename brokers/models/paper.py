"""The paper venue's own book: apart from our orders, as a real broker's is."""

from __future__ import annotations

from django.db import models

from brokers.models.account import BrokerAccount
from core.db import BaseModel


class PaperExecution(BaseModel):
    """What the paper venue did with an order; one a client order id, whatever is sent."""

    account = models.ForeignKey(
        BrokerAccount, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    client_order_id = models.CharField(max_length=48)
    symbol = models.CharField(max_length=20)
    # Signed: a sale is below zero.
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    price = models.DecimalField(max_digits=24, decimal_places=8)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="paper_account_client_id"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.symbol} at {self.price.normalize():f}"
