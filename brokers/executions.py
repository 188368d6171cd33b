"""Sums of executions, signed: what was bought counts, what was sold counts against it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.db.models import Case, DecimalField, ExpressionWrapper, F, Sum, Value, When

from brokers.choices import SIGN

# What sums and products of amounts fit into.
AMOUNT: DecimalField[Decimal, Decimal] = DecimalField(max_digits=40, decimal_places=8)
# Of a fill: 1 where its order buys, -1 where it sells.
SIGNED: Final = Case(
    *(When(order__side=side, then=Value(sign)) for side, sign in SIGN.items()), default=Value(0)
)
# Of fills: the units that are left of them, without those that were kept as a commission.
UNITS: Final = Sum(ExpressionWrapper(F("quantity") * SIGNED - F("taken"), AMOUNT))
