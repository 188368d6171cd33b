"""An account at a broker."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from brokers.adapters.kinds import kind_choices
from brokers.choices import AccountState
from core.db import OwnedModel


class BrokerAccount(OwnedModel):
    """Where a user's orders go. Every user has a paper account; it is made when first needed."""

    kind = models.CharField(max_length=40, choices=kind_choices, default="paper")
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3, default="USD")
    initial_cash = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(100_000))
    state = models.CharField(max_length=10, choices=AccountState, default=AccountState.ACTIVE)

    class Meta:
        constraints = [
            # also serves the list of a user's accounts
            models.UniqueConstraint(fields=["owner", "kind", "name"], name="account_owner_name"),
            models.CheckConstraint(
                condition=models.Q(state__in=AccountState.values), name="account_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
