"""What can be traded."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Upper

from core.db import BaseModel
from market.choices import AssetClass

# Also what keeps a symbol from leaving its folder in the bar store.
SYMBOL_PATTERN = r"[A-Z0-9^][A-Z0-9.^=/_:\-]{0,19}"


class Instrument(BaseModel):
    """A share, currency pair or coin, as its exchange trades it.

    Shared by everybody, or private where `owner` is set: whoever imports bars of a symbol that
    nobody else knows gets an instrument of their own.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
    )
    symbol = models.CharField(max_length=20, validators=[RegexValidator(rf"\A{SYMBOL_PATTERN}\Z")])
    name = models.CharField(max_length=200, blank=True)
    asset_class = models.CharField(
        max_length=10, choices=AssetClass.choices, default=AssetClass.EQUITY
    )
    exchange = models.CharField(max_length=30, blank=True)
    # A name of exchange_calendars, "24/7", or "24/5" for currencies.
    calendar = models.CharField(max_length=20, default="24/7")
    timezone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=10, default="USD")
    tick_size = models.DecimalField(max_digits=20, decimal_places=10, default=Decimal("0.01"))
    lot_size = models.DecimalField(max_digits=20, decimal_places=10, default=Decimal(1))
    # What the price of one unit is multiplied by to get money, and how many units of this one an
    # option contract on it is for: that is the multiplier of its contracts.
    multiplier = models.DecimalField(max_digits=20, decimal_places=10, default=Decimal(1))
    contract_size = models.DecimalField(max_digits=20, decimal_places=10, default=Decimal(100))
    # Sessions a year, to annualise statistics with: 252, 260 or 365.
    periods_per_year = models.FloatField(default=252.0)

    class Meta:
        constraints = [
            # also serves the lookup by symbol: one's own and the shared one
            models.UniqueConstraint(
                fields=["symbol", "owner"], name="instrument_symbol_owner", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(symbol=Upper("symbol")), name="instrument_symbol_upper_case"
            ),
            models.CheckConstraint(
                condition=models.Q(asset_class__in=AssetClass.values),
                name="instrument_asset_class_known",
            ),
            models.CheckConstraint(
                condition=models.Q(tick_size__gt=0, lot_size__gt=0, periods_per_year__gt=0),
                name="instrument_sizes_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(multiplier__gt=0, contract_size__gt=0),
                name="instrument_multipliers_positive",
            ),
        ]
        indexes = [
            # the lists of the API: shared ones and one's own
            models.Index(fields=["owner", "symbol"], name="instrument_owner_symbol"),
        ]

    def __str__(self) -> str:
        return self.symbol
