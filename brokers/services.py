"""What a user asks of the brokers: the web's side. The worker's side is `brokers.dispatch`."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import SUBMIT_TASK, AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.frames import order_tell
from brokers.models import BrokerAccount, Order
from brokers.transitions import order_move
from core.db import uuid7
from core.errors import Conflict, Detail, InvalidInput
from core.outbox.services import task_enqueue
from market.selectors import instrument_get
from strategies.models import Strategy

# What an instrument of a class may be called in an order.
TRADED_AS = {
    "equity": frozenset({AssetType.STOCK}),
    "crypto": frozenset({AssetType.CRYPTO}),
    "forex": frozenset({AssetType.FOREX}),
    "option": frozenset({AssetType.OPTION}),
}


def paper_account(*, owner_id: UUID) -> BrokerAccount:
    """Return the user's paper account; it is made when first needed."""
    account, _ = BrokerAccount.objects.get_or_create(owner_id=owner_id, kind="paper", name="Paper")
    return account


def order_create(
    *,
    account: BrokerAccount,
    symbol: str,
    asset_type: AssetType,
    side: Side,
    order_type: OrderType,
    quantity: Decimal,
    client_order_id: str = "",
    strategy: Strategy | None = None,
) -> Order:
    """Commit an order and its way to the sender, in one transaction.

    The same `client_order_id` in the same account is the same order: it is returned, not repeated.

    Raises
    ------
    InvalidInput
        When the broker cannot do it, or the symbol is unknown.
    Conflict
        When the id was used for another order, or the account is halted.
    """
    instrument = instrument_get(symbol, owner_id=account.owner_id)
    _check_account(account, side)
    _check_capabilities(account.kind, instrument.asset_class, asset_type, order_type, quantity)
    fields = {
        "symbol": instrument.symbol,
        "asset_type": asset_type,
        "side": side,
        "order_type": order_type,
        "quantity": quantity,
        "strategy": strategy,
    }
    client_order_id = client_order_id or str(uuid7())
    try:
        with transaction.atomic():
            order = Order.objects.create(
                owner_id=account.owner_id,
                account=account,
                client_order_id=client_order_id,
                **fields,
            )
            task_enqueue(task=SUBMIT_TASK, args=[str(order.id)], queue="orders")
    except IntegrityError:
        order = Order.objects.get(account=account, client_order_id=client_order_id)
        if any(getattr(order, name) != value for name, value in fields.items()):
            raise Conflict(
                f"client_order_id {client_order_id!r} is that of another order "
                f"({order}): take a new one.",
                code="client_order_id_used",
            ) from None
    return order


@transaction.atomic
def order_cancel(*, order: Order) -> Order:
    """Take back an order that was not sent yet."""
    canceled = order_move(
        order_id=order.id,
        old=OrderStatus.CREATED,
        new=OrderStatus.CANCELED,
        note="canceled by its owner",
        finished_at=timezone.now(),
    )
    order.refresh_from_db()
    if not canceled:
        raise Conflict(f"This order is {order.status}: it cannot be canceled any more.")
    order_tell(order_id=order.id)
    return order


def _check_account(account: BrokerAccount, side: Side) -> None:
    """Refuse what the state of the account forbids."""
    if account.state == AccountState.HALTED:
        raise Conflict("The account is halted: nothing is sent.", code="account_halted")
    if account.state == AccountState.REDUCING and side in {Side.BUY, Side.SHORT}:
        raise Conflict("The account may only reduce positions.", code="account_reducing")


def _check_capabilities(
    kind: str, asset_class: str, asset_type: AssetType, order_type: OrderType, quantity: Decimal
) -> None:
    """Refuse before sending what the broker cannot do, all of it at once."""
    can = ADAPTERS.get(kind).capabilities
    faults = []
    asset_types = sorted(can.asset_types & TRADED_AS.get(asset_class, frozenset()))
    if asset_type not in asset_types:
        message = f"This symbol cannot be traded as {asset_type.value} at {kind}."
        faults.append(Detail("asset_type", "unsupported", message, asset_types, asset_type.value))
    if order_type not in can.order_types:
        order_types = sorted(can.order_types)
        message = f"{kind} has no {order_type.value} orders: use {', '.join(order_types)}."
        faults.append(Detail("order_type", "unsupported", message, order_types, order_type.value))
    if not can.fractional and quantity % 1:
        faults.append(Detail("quantity", "fractional", f"{kind} trades whole units only."))
    if faults:
        raise InvalidInput(faults[0].message, details=faults)
