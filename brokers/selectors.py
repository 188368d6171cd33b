from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet

from brokers.choices import OrderStatus
from brokers.models import BrokerAccount, Fill, Order, Position, RiskLimit
from core.errors import NotFound


def order_list(*, owner_id: UUID) -> QuerySet[Order]:
    """Return the user's orders with their accounts."""
    return Order.objects.filter(owner_id=owner_id).select_related("account")


def order_get(*, owner_id: UUID, order_id: str | UUID) -> Order:
    """Return one order of the user."""
    order = order_list(owner_id=owner_id).filter(id=order_id).first()
    if order is None:
        raise NotFound("There is no such trade.")
    return order


def unknown_symbols(*, account_ids: Iterable[UUID]) -> set[tuple[UUID, str]]:
    """Return the accounts and symbols of which the outcome of an order is unknown."""
    rows = Order.objects.filter(account_id__in=list(account_ids), status=OrderStatus.UNKNOWN)
    return set(rows.values_list("account_id", "symbol"))


def account_list(*, owner_id: UUID) -> QuerySet[BrokerAccount]:
    """Return the user's broker accounts."""
    return BrokerAccount.objects.filter(owner_id=owner_id)


def account_get(*, owner_id: UUID, account_id: str | UUID) -> BrokerAccount:
    """Return one broker account of the user."""
    account = account_list(owner_id=owner_id).filter(id=account_id).first()
    if account is None:
        raise NotFound("There is no such broker account.")
    return account


def position_list(*, account: BrokerAccount) -> QuerySet[Position]:
    """Return what the account holds now."""
    rows = Position.objects.filter(account=account).exclude(quantity=0)
    return rows.select_related("account")


def fill_list(*, account: BrokerAccount) -> QuerySet[Fill]:
    """Return the account's executions."""
    return Fill.objects.filter(account=account).select_related("order", "account")


def limit_list(*, owner_id: UUID) -> QuerySet[RiskLimit]:
    """Return the user's risk limits."""
    return RiskLimit.objects.filter(owner_id=owner_id)
