"""A closed round trip of a run."""

from __future__ import annotations

from django.db import models

from core.backtests.choices import ExitReason, Right, Side
from core.backtests.models.run import SYMBOL_LENGTH

CONTRACT_LENGTH = 32


class Trade(models.Model):
    """One row for each exit, in the order of the exits; never changed after it was stored.

    Prices include spread and slippage, `pnl` is net of commissions, `return_pct` is in percent of
    what the entry cost, `mae` and `mfe` are fractions of the entry price. The key is a plain
    sequence: a run may have a hundred thousand of these.

    A trade in an option is one leg: `size` is contracts, prices are for one share, and an assigned
    or exercised leg ends at a price of zero while its shares are traded at the strike. Prices of
    options are those of a model.
    """

    run = models.ForeignKey(
        "backtests.BacktestRun", on_delete=models.CASCADE, related_name="trades", db_index=False
    )
    number = models.PositiveIntegerField()
    symbol = models.CharField(max_length=SYMBOL_LENGTH, blank=True)
    side = models.CharField(max_length=5, choices=Side.choices)
    size = models.FloatField()
    entry_time = models.DateTimeField()
    exit_time = models.DateTimeField()
    entry_price = models.FloatField()
    exit_price = models.FloatField()
    pnl = models.FloatField()
    return_pct = models.FloatField()
    duration_seconds = models.FloatField()
    commission = models.FloatField()
    slippage = models.FloatField()
    mae = models.FloatField()
    mfe = models.FloatField()
    exit_reason = models.CharField(max_length=13, choices=ExitReason.choices)
    entry_bar = models.PositiveIntegerField()
    exit_bar = models.PositiveIntegerField()

    # Of options alone; null in a trade of shares, as in the API.
    contract = models.CharField(  # noqa: DJ001 - none, not an empty one
        max_length=CONTRACT_LENGTH, null=True, blank=True
    )
    right = models.CharField(  # noqa: DJ001 - none, not an empty one
        max_length=4, choices=Right.choices, null=True, blank=True
    )
    strike = models.FloatField(null=True, blank=True)
    expiry = models.DateField(null=True, blank=True)
    multiplier = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            # GET …/trades in the order of the exits; and no trade twice, whatever a worker does
            models.UniqueConstraint(fields=["run", "number"], name="trade_run_number"),
            models.CheckConstraint(
                condition=models.Q(side__in=Side.values), name="trade_side_known"
            ),
            models.CheckConstraint(
                condition=models.Q(exit_reason__in=ExitReason.values), name="trade_reason_known"
            ),
            models.CheckConstraint(
                condition=models.Q(exit_time__gte=models.F("entry_time")),
                name="trade_exit_after_entry",
            ),
            models.CheckConstraint(
                condition=models.Q(right__isnull=True) | models.Q(right__in=Right.values),
                name="trade_right_known",
            ),
        ]
        indexes = [
            # GET …/trades?ordering=entry_time, and the trades of a run in a range of time
            models.Index(fields=["run", "entry_time"], name="trade_run_entry"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.size:g} {self.entry_time:%Y-%m-%d} -> {self.exit_time:%Y-%m-%d}"
