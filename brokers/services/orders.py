"""Placing, canceling and replacing orders by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Max
from django.utils import timezone

from brokers.adapters.base import OrderRequest, Replacing
from brokers.adapters.kinds import ADAPTERS
from brokers.changing import orders_deny
from brokers.choices import (
    CHANGE_TASK,
    OPEN_STATUSES,
    OPENING_SIDES,
    SUBMIT_TASK,
    AccountState,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.frames import order_tell
from brokers.models import BrokerAccount, Order, ReplacementDecision, RiskDecision
from brokers.quotes import Quotes
from brokers.recording import WORKING
from brokers.risk.engine import orders_judge, replacement_judge
from brokers.services.capability import request_check, session_check, usual_time
from brokers.transitions import order_move, orders_born
from core.db import uuid7
from core.errors import Conflict, InvalidInput
from core.outbox.services import task_enqueue
from core.transactions import atomic
from market.selectors import instrument_get
from strategies.models import Strategy

Begin = Callable[[list[Order]], list[Order]]

CANCELABLE = (*WORKING, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, OrderStatus.PENDING_REPLACE)


def order_create(
    *,
    account: BrokerAccount,
    symbol: str,
    asset_type: AssetType,
    side: Side,
    order_type: OrderType,
    quantity: Decimal,
    time_in_force: TimeInForce | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    trail_amount: Decimal | None = None,
    trail_fraction: Decimal | None = None,
    client_order_id: str = "",
    strategy: Strategy | None = None,
) -> Order:
    """Commit an order and its way to the sender, in one transaction.

    The same `client_order_id` in the same account is the same order: it is returned, not repeated.
    An order that a risk limit forbids is kept, as `denied`, with the reason.

    Raises
    ------
    InvalidInput
        When the broker cannot do it, or the symbol is unknown.
    Conflict
        When the id was used for another order, the account is halted, or the market is closed and
        its broker takes no orders then.
    """
    instrument = instrument_get(symbol, owner_id=account.owner_id)
    account.refresh_from_db(fields=["state", "state_reason"])
    _check_account(account, side)
    client_order_id = client_order_id or str(uuid7())
    request = OrderRequest(
        client_order_id=client_order_id,
        symbol=instrument.symbol,
        asset_type=asset_type,
        side=side,
        order_type=order_type,
        quantity=quantity,
        time_in_force=TimeInForce(time_in_force or usual_time(account.kind, asset_type)),
        limit_price=limit_price,
        stop_price=stop_price,
        trail_amount=trail_amount,
        trail_fraction=trail_fraction,
    )
    request_check(account=account, instrument=instrument, request=request)
    if not Order.objects.filter(account=account, client_order_id=client_order_id).exists():
        session_check(account=account, instrument=instrument, asset_type=asset_type)
    fields = order_fields(request) | {"strategy": strategy}
    if asset_type == AssetType.OPTION:
        fields["multiplier"] = instrument.multiplier
    try:
        return order_commit(account=account, client_order_id=client_order_id, fields=fields)
    except IntegrityError:
        order = Order.objects.get(account=account, client_order_id=client_order_id)
        if any(getattr(order, name) != value for name, value in fields.items()):
            raise Conflict(
                f"client_order_id {client_order_id!r} is that of another order "
                f"({order}): take a new one.",
                code="client_order_id_used",
            ) from None
        return order


def order_fields(request: OrderRequest) -> dict[str, Any]:
    """Return the columns that say what is wanted."""
    return {
        "symbol": request.symbol,
        "asset_type": request.asset_type,
        "side": request.side,
        "order_type": request.order_type,
        "time_in_force": request.time_in_force,
        "quantity": request.quantity,
        "limit_price": request.limit_price,
        "stop_price": request.stop_price,
        "trail_amount": request.trail_amount,
        "trail_fraction": request.trail_fraction,
    }


@atomic
def order_commit(*, account: BrokerAccount, client_order_id: str, fields: dict[str, Any]) -> Order:
    """Write an order, judge it, and queue its sending: all of it or nothing.

    The account's row is locked, so that orders at once are judged one after the other.
    """
    held = BrokerAccount.objects.select_for_update(no_key=True).get(id=account.id)
    order = Order(owner_id=held.owner_id, account=held, client_order_id=client_order_id, **fields)
    if orders_write(orders=[order], accounts={held.id: held}):
        task_enqueue(task=SUBMIT_TASK, args=[str(order.id)], queue="orders")
    return order


def orders_write(
    *,
    orders: Sequence[Order],
    accounts: Mapping[UUID, BrokerAccount],
    quotes: Quotes | None = None,
    begin: Begin | None = None,
) -> list[Order]:
    """Judge and write orders of accounts whose rows are locked; return those for a sender.

    Parameters
    ----------
    begin : callable, optional
        Is given those that may be sent before they are written, so that they can be born as
        being sent, and returns the ones for which a sender must be called.
    """
    decisions = orders_judge(orders=orders, accounts=accounts, quotes=quotes)
    admitted = [decision.order for decision in decisions if decision.admitted]
    left = begin(admitted) if begin is not None and admitted else admitted
    Order.objects.bulk_create(orders)
    RiskDecision.objects.bulk_create(decisions)
    orders_born(orders)
    orders_deny(
        [
            (order, (decision.code, decision.reason))
            for order, decision in zip(orders, decisions, strict=True)
            if not decision.admitted
        ]
    )
    return left


@atomic
def order_cancel(*, order: Order) -> Order:
    """Take back an order that was not sent yet, or ask its venue to cancel it.

    An order that is being sent, or whose outcome is unknown, is canceled as soon as it is known
    to be at the venue. What is about to take its place is canceled too.
    """
    order = Order.objects.select_for_update().get(id=order.id)
    status = OrderStatus(order.status)
    if status == OrderStatus.CREATED:
        order_move(
            order_id=order.id,
            old=OrderStatus.CREATED,
            new=OrderStatus.CANCELED,
            note="canceled by its owner",
            finished_at=timezone.now(),
        )
        order_tell(order_id=order.id)
    elif status in CANCELABLE:
        order.cancel_requested_at = timezone.now()
        order.save(update_fields=["cancel_requested_at", "updated_at"])
        task_enqueue(task=CHANGE_TASK, args=[str(order.id)], queue="orders")
        for successor in Order.objects.filter(replaces=order, status__in=OPEN_STATUSES):
            order_cancel(order=successor)
    elif status != OrderStatus.PENDING_CANCEL:
        raise Conflict(f"This order is {order.status}: it cannot be canceled any more.")
    order.refresh_from_db()
    return order


class ReplacementDenied(Conflict):
    """A risk limit forbids what an order was to become: it stays as it was."""


def order_replace(
    *,
    order: Order,
    quantity: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
) -> Order:
    """Ask an order's venue to change it; return the order that will stand there.

    Raises
    ------
    ReplacementDenied
        When a risk limit forbids the change of an order in place. Where the venue replaces by a
        new order, that one is returned as denied.
    Conflict
        When the order does not wait at its venue.
    InvalidInput
        When the venue cannot change orders, or not so.
    """
    changed, denied = _replace(order, quantity, limit_price, stop_price)
    if denied is not None:  # raised here: the decision about it is kept
        raise ReplacementDenied(f"{denied.reason} The order stays as it was.", code=denied.code)
    return changed


@atomic
def _replace(
    order: Order,
    quantity: Decimal | None,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
) -> tuple[Order, ReplacementDecision | None]:
    """Have an order replaced; return what will stand there, and why not where that is denied."""
    held = BrokerAccount.objects.select_for_update(no_key=True).get(id=order.account_id)
    order = Order.objects.select_for_update().get(id=order.id)
    can = ADAPTERS.get(held.kind).capabilities
    if can.replacing == Replacing.NONE:
        raise InvalidInput(
            f"{held.kind} cannot change an order: cancel it and place another.",
            code="replace_unsupported",
        )
    if order.status not in WORKING:
        raise Conflict(f"This order is {order.status}: only one that waits can be changed.")
    if order.cancel_requested_at is not None:
        raise Conflict("This order is being canceled: it cannot be changed any more.")
    request = OrderRequest(
        client_order_id=str(uuid7()),
        symbol=order.symbol,
        asset_type=AssetType(order.asset_type),
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=quantity or order.quantity,
        time_in_force=TimeInForce(order.time_in_force),
        limit_price=limit_price or order.limit_price,
        stop_price=stop_price or order.stop_price,
        trail_amount=order.trail_amount,
        trail_fraction=order.trail_fraction,
    )
    _check_account(held, request.side)
    if request.quantity <= order.filled_quantity:
        raise InvalidInput(
            f"{order.filled_quantity.normalize():f} are filled already: ask for more, or cancel.",
            code="quantity_filled",
        )
    instrument = instrument_get(order.symbol, owner_id=order.owner_id)
    request_check(account=held, instrument=instrument, request=request)
    if can.replacing == Replacing.NEW_ORDER:
        return _replace_by_new(held, order, request), None
    return _replace_in_place(held, order, request)


def _replace_in_place(
    account: BrokerAccount, order: Order, request: OrderRequest
) -> tuple[Order, ReplacementDecision | None]:
    changed = copy(order)
    changed.quantity = request.quantity - order.filled_quantity
    changed.limit_price, changed.stop_price = request.limit_price, request.stop_price
    decision = replacement_judge(order=order, changed=changed, account=account)
    decision.wanted = {
        name: f"{value:f}"
        for name in ("quantity", "limit_price", "stop_price")
        if (value := getattr(request, name)) is not None
    }
    if not decision.admitted:
        _denial_keep(decision)
        return order, decision
    decision.save(force_insert=True)
    _pend(order)
    order.wanted = decision.wanted
    order.save(update_fields=["wanted"])
    order.refresh_from_db()
    return order, None


def _denial_keep(decision: ReplacementDecision) -> None:
    """Keep why a change was denied; asked for again and again it is kept once."""
    last = ReplacementDecision.objects.filter(order=decision.order).order_by("-created_at").first()
    if last is None or (last.code, last.wanted) != (decision.code, decision.wanted):
        decision.save(force_insert=True)


def _replace_by_new(account: BrokerAccount, order: Order, request: OrderRequest) -> Order:
    if order.filled_quantity:
        raise Conflict("This order is filled in part: cancel it and place another.")
    new = Order(
        owner_id=account.owner_id,
        account=account,
        client_order_id=request.client_order_id,
        strategy_id=order.strategy_id,
        replaces=order,
        multiplier=order.multiplier,
        # It is for what the other was for: whoever decided on that one reads what comes of this.
        deployment_id=order.deployment_id,
        bar_ts=order.bar_ts,
        node=order.node,
        leg=_leg_next(order),
        **order_fields(request),
    )
    if orders_write(orders=[new], accounts={account.id: account}):
        order_move(
            order_id=order.id, old=OrderStatus(order.status), new=OrderStatus.PENDING_REPLACE
        )
        task_enqueue(task=SUBMIT_TASK, args=[str(new.id)], queue="orders")
    return new


def _leg_next(order: Order) -> int:
    """Return the first leg of an order's intent that is free; it is locked by the order's row."""
    if order.deployment_id is None:
        return order.leg
    legs = Order.objects.filter(
        deployment_id=order.deployment_id, bar_ts=order.bar_ts, node=order.node
    )
    last: int | None = legs.aggregate(last=Max("leg"))["last"]
    return (order.leg if last is None else last) + 1


def _pend(order: Order) -> None:
    order_move(order_id=order.id, old=OrderStatus(order.status), new=OrderStatus.PENDING_REPLACE)
    task_enqueue(task=CHANGE_TASK, args=[str(order.id)], queue="orders")


def _check_account(account: BrokerAccount, side: Side) -> None:
    """Refuse what the state of the account forbids."""
    if account.state == AccountState.HALTED:
        raise Conflict("The account is halted: nothing is sent.", code="account_halted")
    if account.state == AccountState.REDUCING and side in OPENING_SIDES:
        raise Conflict("The account may only reduce positions.", code="account_reducing")
