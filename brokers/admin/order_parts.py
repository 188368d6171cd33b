"""What the page of an order shows below it: its history, its fills, what was decided about it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, TypeVar

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from brokers.models import Fill, Order, OrderEvent, ReplacementDecision, RiskDecision
from brokers.models.risk import Decided
from core.admin import EMPTY, Kept, badge, column, plain

Decision = TypeVar("Decision", bound=Decided)


class OrderEventInline(Kept, admin.TabularInline[OrderEvent, Order]):
    """What became of an order, step by step."""

    model = OrderEvent
    extra = 0
    verbose_name_plural = "history"
    fields = ("created_at", "before", "after", "note")
    readonly_fields = fields
    ordering = ("created_at",)

    before = column("old_status", badge, title="from")
    after = column("new_status", badge, title="to")


class FillInline(Kept, admin.TabularInline[Fill, Order]):
    """What an order brought."""

    model = Fill
    extra = 0
    fields = ("executed_at", "execution_id", "units", "at", "paid")
    readonly_fields = fields
    ordering = ("executed_at",)

    units = column("quantity", plain)
    at = column("price", plain)
    paid = column("commission", plain)


class DecisionInline(Kept, admin.StackedInline[Decision, Order]):
    """What was decided, and by which figures."""

    extra = 0
    fields: ClassVar[tuple[str, ...]] = ("verdict", "known")
    readonly_fields = fields

    @admin.display(description="verdict")
    def verdict(self, decision: Decision) -> str:
        """Return whether it was let through, and why not."""
        if decision.admitted:
            return badge("accepted", "admitted")
        return format_html("{} <b>{}</b> {}", badge("denied"), decision.code, decision.reason)

    @admin.display(description="what was known")
    def known(self, decision: Decision) -> str:
        """Return the figures that each limit was compared with, scope by scope."""
        lines = (
            (
                scope,
                ", ".join(f"{_words(name)} {_figure(value)}" for name, value in figures.items()),
            )
            for scope, figures in decision.facts.items()
            if isinstance(figures, dict)
        )
        return format_html_join(mark_safe("<br>"), "<b>{}</b>: {}", lines) or EMPTY


class RiskDecisionInline(DecisionInline[RiskDecision]):
    """Why an order was let through, or not."""

    model = RiskDecision
    verbose_name_plural = "risk decision"


class ReplacementDecisionInline(DecisionInline[ReplacementDecision]):
    """Why changes of an order in place were let through, or not."""

    model = ReplacementDecision
    verbose_name_plural = "changes in place"
    fields = ("created_at", "verdict", "wish", "known")
    readonly_fields = fields

    @admin.display(description="asked for")
    def wish(self, decision: ReplacementDecision) -> str:
        """Return what the order was to become."""
        return ", ".join(f"{_words(name)} {value}" for name, value in decision.wanted.items())


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: Any) -> str:
    """Return a figure as it is read: amounts without zeros at their end."""
    try:
        return plain(round(Decimal(str(value)), 8))
    except InvalidOperation:
        return str(value)
