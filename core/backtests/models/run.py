"""A run: what to simulate, how far it is, and the numbers that came out."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.backtests.choices import RunStatus
from core.db import OwnedModel
from core.metrics.keys import KEYS

NAME_LENGTH = 100
TAG_LENGTH = 50
SYMBOL_LENGTH = 20
UNIVERSE_LENGTH = 100


class BacktestRun(OwnedModel):
    """One strategy version on one instrument, or a portfolio of them, over one range of time.

    Everything that decides the result is in the row: the pinned version, the parameters, the
    configuration, and the hash of the data it ran on. The long arrays are in `EquityCurve`.
    """

    # What to do. RESTRICT, not PROTECT: strategy and runs may go together, with their owner.
    strategy = models.ForeignKey(
        "strategies.Strategy", on_delete=models.RESTRICT, related_name="runs", db_index=False
    )
    strategy_version = models.ForeignKey(
        "strategies.StrategyVersion", on_delete=models.RESTRICT, related_name="runs"
    )
    # Empty for a portfolio, whose instruments are in `symbols`, in order.
    symbol = models.CharField(max_length=SYMBOL_LENGTH, blank=True)
    symbols = ArrayField(models.CharField(max_length=SYMBOL_LENGTH), default=list, blank=True)
    # The list that they came from, if any; it may have changed since.
    universe = models.CharField(max_length=UNIVERSE_LENGTH, blank=True)
    interval = models.CharField(max_length=10)
    start = models.DateTimeField()
    end = models.DateTimeField()
    # Start and end name days: every session of both is included, whenever it opens and closes.
    whole_days = models.BooleanField(default=True)
    capital = models.FloatField()
    parameters = models.JSONField(default=dict, blank=True)
    config = models.JSONField(default=dict, blank=True)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    tags = ArrayField(models.CharField(max_length=TAG_LENGTH), default=list, blank=True)
    # A batch file names its entries by their content, so that it can be run again after a stop.
    content_key = models.CharField(max_length=64, blank=True, editable=False)

    # How far it is.
    status = models.CharField(
        max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED, editable=False
    )
    stage = models.CharField(max_length=20, blank=True, editable=False)
    progress = models.FloatField(default=0.0, editable=False)
    cancel_requested = models.BooleanField(default=False, editable=False)
    # Grows with every claim and never shrinks: the fence that a late worker cannot pass.
    attempts = models.PositiveIntegerField(default=0, editable=False)
    attempts_allowed = models.PositiveIntegerField(default=3, editable=False)
    # Messages sent for this attempt, and when the last of them counts as lost.
    messages = models.PositiveIntegerField(default=1, editable=False)
    resend_at = models.DateTimeField(editable=False)
    # A worker that still lives moves this on.
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)
    error_code = models.CharField(max_length=50, blank=True, editable=False)
    error_message = models.TextField(blank=True, editable=False)
    error_details = models.JSONField(default=list, blank=True, editable=False)

    # What came out. Some metrics have a column of their own, for lists ordered by them.
    total_return_pct = models.FloatField(null=True, blank=True, editable=False)
    sharpe = models.FloatField(null=True, blank=True, editable=False)
    max_drawdown_pct = models.FloatField(null=True, blank=True, editable=False)
    winrate_pct = models.FloatField(null=True, blank=True, editable=False)
    trade_count = models.PositiveIntegerField(null=True, blank=True, editable=False)
    final_equity = models.FloatField(null=True, blank=True, editable=False)
    metrics = models.JSONField(default=dict, blank=True, editable=False)
    metric_reasons = models.JSONField(default=dict, blank=True, editable=False)
    counters = models.JSONField(default=dict, blank=True, editable=False)
    warnings = models.JSONField(default=list, blank=True, editable=False)

    # What it came from, so that it can be reproduced.
    bar_count = models.PositiveIntegerField(null=True, blank=True, editable=False)
    snapshot = models.CharField(max_length=64, blank=True, editable=False)
    # The same of the other instruments that the strategy reads, by symbol.
    other_snapshots = models.JSONField(default=dict, blank=True, editable=False)
    graph_hash = models.CharField(max_length=64, blank=True, editable=False)
    engine_version = models.CharField(max_length=20, blank=True, editable=False)
    metrics_version = models.CharField(max_length=20, blank=True, editable=False)
    timings = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=RunStatus.values), name="run_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(end__gte=models.F("start")), name="run_end_after_start"
            ),
            models.CheckConstraint(condition=models.Q(capital__gt=0), name="run_capital_positive"),
            models.CheckConstraint(
                condition=models.Q(progress__gte=0, progress__lte=1), name="run_progress_fraction"
            ),
            models.CheckConstraint(
                condition=models.Q(symbol="", symbols__len__gt=0)
                | (~models.Q(symbol="") & models.Q(symbols__len=0)),
                name="run_one_or_many",
            ),
            # a batch file that is run twice creates each entry once
            models.UniqueConstraint(
                fields=["owner", "content_key"],
                condition=~models.Q(content_key=""),
                name="run_owner_content_key",
            ),
        ]
        indexes = [
            # GET backtests: the owner's runs, newest first
            models.Index(fields=["owner", "-created_at"], name="run_owner_created"),
            # GET backtests?ticker=: the owner's runs of one instrument, newest first
            models.Index(fields=["owner", "symbol", "-created_at"], name="run_owner_symbol"),
            # GET backtests?strategy= and "has this strategy any runs", newest first
            models.Index(fields=["strategy", "-created_at"], name="run_strategy"),
            # GET backtests?start=: runs over a range that begins then
            models.Index(fields=["start"], name="run_start"),
            # GET backtests?end=: runs over a range that ends then
            models.Index(fields=["end"], name="run_end"),
            # the sweeper: queued runs whose message counts as lost; few rows, whatever the history
            models.Index(
                fields=["resend_at"],
                condition=models.Q(status=RunStatus.QUEUED),
                name="run_sweep_queued",
            ),
            # the sweeper: running ones whose worker no longer renews its lease
            models.Index(
                fields=["leased_until"],
                condition=models.Q(status=RunStatus.RUNNING),
                name="run_sweep_running",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.title} {self.interval} {self.start:%Y-%m-%d}"

    @property
    def title(self) -> str:
        """What it runs on, in a few words."""
        return self.symbol or self.universe or f"{len(self.symbols)} instruments"

    @property
    def instruments(self) -> list[str]:
        """The symbols it runs on: one, or those of a portfolio."""
        return self.symbols or [self.symbol]

    @property
    def topic(self) -> str:
        """The topic of this run's frames on the WebSocket."""
        return f"backtest:{self.id}"

    @property
    def metrics_ordered(self) -> dict[str, Any]:
        """The metrics in the order of reports; the database keeps them in an order of its own."""
        return {key: self.metrics[key] for key in KEYS if key in self.metrics}

    @property
    def synthetic_prices(self) -> bool:
        """Whether options were traded, at prices that a model made."""
        return "option_legs" in self.counters

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen unless somebody retries it."""
        return self.status not in {RunStatus.QUEUED, RunStatus.RUNNING}
