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
    # Real money; otherwise the broker's own practice environment, or our paper venue.
    live = models.BooleanField(default=False)
    sealed = models.BinaryField(null=True, blank=True, editable=False)
    # What the paper venue charges and when it fills; see `brokers.paper.terms`.
    paper_terms = models.JSONField(default=dict, blank=True)

    # The kill switch is this column: whoever sends reads it in the transaction that sends.
    state = models.CharField(max_length=10, choices=AccountState, default=AccountState.ACTIVE)
    state_reason = models.CharField(max_length=300, blank=True)

    # One sender at a time: a lease that lapses, and a number that fences whoever held it before.
    sender_fence = models.PositiveBigIntegerField(default=0)
    sender_until = models.DateTimeField(null=True, blank=True)

    reconciled_at = models.DateTimeField(null=True, blank=True)
    # What differed at the last reconciliation; empty where nothing did.
    mismatch = models.JSONField(default=list, blank=True)
    buying_power = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    # What its positions had won when it was connected, or went live: it is not of `initial_cash`.
    profit_before = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))

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
