"""A strategy that trades on an account, what it decided on each bar, and what came of it."""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from brokers.deployments.choices import BookKind, DeploymentState, TickStatus
from brokers.models.account import BrokerAccount
from brokers.models.fill import Fill
from brokers.models.order import Order
from core.db import BaseModel, OwnedModel

ALIVE = ["starting", "running", "paused", "stopping"]


class Deployment(OwnedModel):
    """One strategy's version on one account, symbol and interval, with a book of its own."""

    name = models.CharField(max_length=100)
    strategy = models.ForeignKey(
        "strategies.Strategy", on_delete=models.PROTECT, related_name="deployments"
    )
    strategy_version = models.ForeignKey(
        "strategies.StrategyVersion", on_delete=models.PROTECT, related_name="+"
    )
    parameters = models.JSONField(default=dict, blank=True)
    account = models.ForeignKey(BrokerAccount, on_delete=models.PROTECT, related_name="deployments")
    symbol = models.CharField(max_length=20)
    interval = models.CharField(max_length=10)
    # Of the account's money, what this strategy sizes its positions by.
    capital = models.DecimalField(max_digits=24, decimal_places=8)
    # Modelled costs and margins: the keys of a backtest's config.
    config = models.JSONField(default=dict, blank=True)
    drift_threshold = models.DecimalField(
        max_digits=9, decimal_places=6, default=Decimal("0.01"), help_text="Fraction of capital."
    )

    state = models.CharField(
        max_length=10, choices=DeploymentState, default=DeploymentState.INACTIVE
    )
    state_reason = models.CharField(max_length=300, blank=True)
    liquidate = models.BooleanField(default=False)
    # Bars before it are no part of the history, whatever is stored later.
    history_from = models.DateTimeField(null=True, blank=True)
    first_bar_ts = models.DateTimeField(null=True, blank=True)
    last_bar_ts = models.DateTimeField(null=True, blank=True)
    # When the bar closes that is decided on next.
    next_close_at = models.DateTimeField(null=True, blank=True)
    # When to look again, because a guard or an exit could not be placed.
    retry_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=DeploymentState.values), name="deployment_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(capital__gt=0), name="deployment_capital_positive"
            ),
        ]
        indexes = [
            # a user's deployments, newest first
            models.Index(fields=["owner", "-created_at"], name="deployment_owner_created"),
            # the scheduler: whose next bar has closed
            models.Index(
                fields=["next_close_at"],
                name="deployment_due",
                condition=models.Q(state__in=ALIVE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.symbol} {self.interval}, {self.state})"


class DeploymentTick(BaseModel):
    """What was decided on one bar; there is one, however often the bar is looked at."""

    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="ticks", db_index=False
    )
    bar_ts = models.DateTimeField()
    status = models.CharField(max_length=10, choices=TickStatus)
    # What is odd about the bar: `{"code", "message"}`.
    notes = models.JSONField(default=list)
    # The orders that were wanted, entries that could not be sent, alerts.
    decision = models.JSONField(default=dict)
    position = models.FloatField(default=0.0)
    equity = models.FloatField(default=0.0)
    closed_at = models.DateTimeField(help_text="When the bar was over.")
    # Something waits: for guards to be gone from the venue, for its market to open.
    pending = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # also serves the list of a deployment's decisions
            models.UniqueConstraint(fields=["deployment", "bar_ts"], name="deployment_tick_once"),
        ]
        indexes = [
            # a tick: the bars on which a deployment did not decide
            models.Index(
                fields=["deployment", "bar_ts"],
                name="deployment_tick_skipped",
                condition=~models.Q(status="decided"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bar_ts:%Y-%m-%d %H:%M} {self.status}"


class BookEntry(BaseModel):
    """What an order came to in a bar: the rows from which a deployment's state is computed."""

    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="book", db_index=False
    )
    # Counts the rows of a deployment: none is changed or taken out, so that what was read once is
    # not read again.
    number = models.PositiveIntegerField()
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    fill = models.ForeignKey(
        Fill, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=10, choices=BookKind)
    rule = models.PositiveSmallIntegerField()
    # Of options; what the deployment trades needs no name.
    symbol = models.CharField(max_length=32, blank=True)
    # The bar in which it happened, that of the decision, and that of the lot's first fill.
    bar_ts = models.DateTimeField()
    decided_ts = models.DateTimeField()
    entry_ts = models.DateTimeField(null=True)
    side = models.SmallIntegerField(default=0)
    quantity = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    price = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0))
    # Null of a fill whose commission was not known by then: it comes as a row of its own.
    commission = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(0), null=True)
    reason = models.PositiveSmallIntegerField(default=0)
    done = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "book entries"
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(kind="ended"), name="book_ended_once"
            ),
            # its order says what a fill is; besides it may have a row for its commission
            models.UniqueConstraint(fields=["fill", "kind"], name="book_fill_once"),
            # also serves a tick: the rows of a deployment after one
            models.UniqueConstraint(fields=["deployment", "number"], name="book_number"),
        ]
        indexes = [
            # a deployment's book, oldest first
            models.Index(fields=["deployment", "bar_ts", "created_at"], name="book_deployment"),
            # a tick: fills whose commission was not known when they were booked
            models.Index(
                fields=["deployment"],
                name="book_uncharged",
                condition=models.Q(commission__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity.normalize():f}"


class DriftReport(BaseModel):
    """One session of a deployment against the backtester on the same bars."""

    deployment = models.ForeignKey(
        Deployment, on_delete=models.CASCADE, related_name="drift", db_index=False
    )
    session = models.DateField()
    live_pnl = models.FloatField()
    backtest_pnl = models.FloatField()
    # The difference, and what it is due to; the five add up to it.
    difference = models.FloatField()
    signal = models.FloatField()
    data = models.FloatField()
    timing = models.FloatField()
    slippage = models.FloatField()
    fees = models.FloatField()
    detail = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["deployment", "session"], name="drift_session_once"),
        ]

    def __str__(self) -> str:
        return f"{self.session}: {self.difference:+.2f}"
