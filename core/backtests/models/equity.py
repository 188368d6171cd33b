"""What a run did bar by bar, as columns."""

from __future__ import annotations

from django.db import models


class EquityCurve(models.Model):
    """One row for each completed run: its series as compressed Arrow, not a row for each bar.

    `series` has a row for each bar (`ts`, `close`, `equity`, `position`, a column for each overlay,
    and `held` where splits or dividends are not in the close), `fills` one for each executed
    order; `core.backtests.columns` reads and writes both. `alerts` are the first of those that the
    strategy gave, as `core.backtests.alerts` lists them.
    In a portfolio `series` has a row for each time at which any instrument has a bar (`close` is
    that of the basket), and `instruments` a row for each of them.
    """

    run = models.OneToOneField(
        "backtests.BacktestRun", on_delete=models.CASCADE, primary_key=True, related_name="curve"
    )
    bar_count = models.PositiveIntegerField()
    fill_count = models.PositiveIntegerField()
    series = models.BinaryField()
    fills = models.BinaryField()
    alert_count = models.PositiveIntegerField(default=0)
    alerts = models.JSONField(default=list)
    instruments = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.bar_count} bars"
