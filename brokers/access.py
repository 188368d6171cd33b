"""From an account to what an adapter needs of it: the only place where credentials are opened."""

from __future__ import annotations

from collections.abc import Sequence

from brokers.adapters.base import Access, Adapter, Change, OrderRef, OrderRequest
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderType, Side, TimeInForce
from brokers.models import BrokerAccount, Order
from core.errors import Permanent
from core.sealing import sealed, unsealed


def credentials_seal(account: BrokerAccount, values: dict[str, str]) -> bytes:
    """Return credentials in the form that lies in the account's row."""
    return sealed(values, context=_context(account))


def access_of(account: BrokerAccount) -> Access:
    """Return what opens the account.

    Raises
    ------
    Permanent
        When the broker wants credentials and there are none that can be opened, or the account
        is neither live nor does the broker have an environment without real money.
    """
    adapter = ADAPTERS.get(account.kind)
    if not adapter.capabilities.practice and not account.live:
        raise Permanent(
            f"{adapter.title} has no practice environment: switch the account to live first.",
            code="not_live",
        )
    values: dict[str, str] = {}
    if adapter.credential_fields:
        if not account.sealed:
            raise Permanent(
                f"The account has no credentials of {adapter.title}: store "
                f"{', '.join(adapter.credential_fields)} first.",
                code="no_credentials",
            )
        values = unsealed(bytes(account.sealed), context=_context(account))
    return Access(account_id=account.id, live=account.live, credentials=values)


def request_of(order: Order) -> OrderRequest:
    """Return an order as it goes to a venue."""
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        asset_type=AssetType(order.asset_type),
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
        time_in_force=TimeInForce(order.time_in_force),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        trail_amount=order.trail_amount,
        trail_fraction=order.trail_fraction,
        multiplier=order.multiplier,
    )


def ref_of(order: Order) -> OrderRef:
    """Return what an order is found by."""
    return OrderRef(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        asset_type=AssetType(order.asset_type),
        broker_order_id=order.broker_order_id,
    )


def venue_opened(
    orders: Sequence[Order],
) -> tuple[Adapter, Access | Permanent, list[OrderRef]]:
    """Return whom to ask about orders of one account, what opens it, and what each is found by.

    What keeps it closed comes in place of what opens it: calls are made where nobody catches it.
    """
    account = orders[0].account
    access: Access | Permanent
    try:
        access = access_of(account)
    except Permanent as error:
        access = error
    return ADAPTERS.get(account.kind), access, [ref_of(order) for order in orders]


def change_of(order: Order) -> Change:
    """Return what an order shall be, from the order that says so."""
    return Change(
        client_order_id=order.client_order_id,
        order_type=OrderType(order.order_type),
        time_in_force=TimeInForce(order.time_in_force),
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
    )


def _context(account: BrokerAccount) -> str:
    return f"broker:{account.owner_id}:{account.id}"
