"""Accounts to look at; what they may do is changed by actions, which the audit log keeps."""

from __future__ import annotations

from functools import partial

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from brokers.choices import AccountState
from brokers.models import BrokerAccount, Order, Position, RiskLimit
from brokers.reconciling import account_reconcile
from brokers.services.accounts import account_resume
from brokers.services.stopping import kill_switch_pull
from core.accounts.models import User
from core.accounts.origin import Origin, origin_of
from core.admin import (
    EMPTY,
    ActedOn,
    Kept,
    badge,
    column,
    each,
    list_link,
    plain,
    row_link,
    signed,
)


@admin.register(BrokerAccount)
class BrokerAccountAdmin(Kept, ActedOn[BrokerAccount]):
    """Accounts."""

    list_display = (
        "__str__", "condition", "live", "of_owner", "differs", "reconciled_at", "order_list",
        "position_list", "created_at",
    )  # fmt: skip
    list_filter = ("kind", "live", "state")
    actions = ("kill", "resume", "only_reduce", "reconcile")
    fieldsets = (
        (None, {"fields": ("kind", "name", "of_owner", "live", "condition", "state_reason")}),
        ("Money", {"fields": (("currency", "began_with", "had_won", "may_spend"), "paper_terms")}),
        ("What it did", {"fields": (("order_list", "position_list"),)}),
        ("Against the broker", {"fields": ("reconciled_at", "differences")}),
        ("Sender", {"fields": (("sender_fence", "sender_until"),)}),
    )
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name")
    date_hierarchy = "created_at"

    condition = column("state", badge, ordering="state")
    of_owner = column("owner", row_link, ordering="owner__email")
    began_with = column("initial_cash", plain)
    may_spend = column("buying_power", plain)

    @admin.display(description="differs")
    def differs(self, account: BrokerAccount) -> str:
        """Return the symbols whose positions differ from the broker's."""
        return ", ".join(row["symbol"] for row in account.mismatch) or EMPTY

    @admin.action(description="Kill switch: halt and cancel all", permissions=["change"])
    def kill(self, request: HttpRequest, rows: QuerySet[BrokerAccount]) -> None:
        """Halt the chosen accounts and cancel what is open in them."""
        ids = list(rows.values_list("id", flat=True))
        user, origin = _staff(request)
        stopped = kill_switch_pull(account_ids=ids, reason=f"by {user}", user=user, origin=origin)
        self.message_user(
            request,
            f"Accounts halted: {stopped.accounts}; orders canceled: {stopped.canceled}; "
            f"cancels under way: {stopped.pending}.",
            messages.WARNING if stopped.pending else messages.SUCCESS,
        )

    @admin.action(description="Resume: send again", permissions=["change"])
    def resume(self, request: HttpRequest, rows: QuerySet[BrokerAccount]) -> None:
        """Let the chosen accounts send again, unless they differ from their brokers."""
        self._set(request, rows, AccountState.ACTIVE)

    @admin.action(description="Only reduce positions", permissions=["change"])
    def only_reduce(self, request: HttpRequest, rows: QuerySet[BrokerAccount]) -> None:
        """Let the chosen accounts reduce what they hold, and nothing else."""
        self._set(request, rows, AccountState.REDUCING)

    def _set(
        self, request: HttpRequest, rows: QuerySet[BrokerAccount], state: AccountState
    ) -> None:
        user, origin = _staff(request)
        resume = partial(account_resume, user=user, origin=origin, state=state)
        done = each(self, request, rows, lambda account: resume(account=account))
        if done:
            self.message_user(request, f"Accounts that are {state.label.lower()} now: {done}.")

    @admin.action(description="Compare with the broker now", permissions=["change"])
    def reconcile(self, request: HttpRequest, rows: QuerySet[BrokerAccount]) -> None:
        """Reconcile the chosen accounts; nothing is sent."""
        done = sum(bool(account_reconcile(account_id=account.id)) for account in rows)
        level = messages.SUCCESS if done == len(rows) else messages.WARNING
        self.message_user(request, f"Accounts compared: {done} of {len(rows)}.", level)

    @admin.display(description="won before")
    def had_won(self, account: BrokerAccount) -> str:
        """Return what its positions had won when it was connected, or went live."""
        return signed(float(account.profit_before), "{:,.2f}")

    @admin.display(description="differences")
    def differences(self, account: BrokerAccount) -> str:
        """Return each position that differs."""
        lines = ((row["symbol"], row["ours"], row["theirs"]) for row in account.mismatch)
        told = format_html_join(mark_safe("<br>"), "<b>{}</b>: we have {}, the broker {}", lines)
        return told or "none"

    @admin.display(description="orders")
    def order_list(self, account: BrokerAccount) -> str:
        """Return a link to its orders."""
        return list_link(Order, "orders", account__id__exact=account.pk)

    @admin.display(description="positions")
    def position_list(self, account: BrokerAccount) -> str:
        """Return a link to what it holds."""
        return list_link(Position, "positions", account__id__exact=account.pk)


@admin.register(RiskLimit)
class RiskLimitAdmin(admin.ModelAdmin[RiskLimit]):
    """Limits, which may be set for a user."""

    list_display = ("__str__", "owner", "account", "symbol", "max_order_value", "max_daily_loss")
    list_select_related = ("owner", "account")
    search_fields = ("owner__email", "symbol")
    autocomplete_fields = ("owner", "account")


def _staff(request: HttpRequest) -> tuple[User, Origin]:
    """Return who asks, for the audit log."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user, origin_of(request)
