"""Orders that we did not send, kept for their fills: positions come of fills only.

Others' orders, what an account held before it was connected, and what became of contracts that are
over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from brokers.adapters.base import (
    Access,
    Adapter,
    Execution,
    OrderRef,
    TellsEnded,
    VenueOrder,
    VenuePosition,
    venue_id,
)
from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.models import BrokerAccount, Order
from brokers.quotes import ONE, Quotes
from brokers.recording import venue_order_record
from market.contracts import contract_terms
from market.pairs import pair_of

ADOPTED: Final = "adopted-"
STEP: Final = Decimal("1e-8")


def external_record(
    *,
    account: BrokerAccount,
    venue: VenueOrder,
    deployment_id: UUID | None = None,
    reason_code: str = "",
    reason: str = "",
) -> Order:
    """Keep an order that we did not send, so that its fills move the position.

    Parameters
    ----------
    deployment_id : UUID, optional
        Whose contracts it settles.
    reason_code, reason : str
        How they ended.
    """
    with transaction.atomic():
        order = Order.objects.filter(account=account, broker_order_id=venue.broker_order_id).first()
        if order is None:
            order, _ = Order.objects.get_or_create(
                account=account,
                client_order_id=venue_id(
                    f"external-{venue.broker_order_id}", longest=48, allowed=r"[A-Za-z0-9._:-]"
                ),
                defaults={
                    "owner_id": account.owner_id,
                    "broker_order_id": venue.broker_order_id,
                    "external": True,
                    "deployment_id": deployment_id,
                    "reason_code": reason_code,
                    "reason": reason,
                    **_traded(account, venue.symbol),
                    "side": venue.side or Side.BUY,
                    "order_type": venue.order_type,
                    "quantity": venue.quantity or _most(account, venue),
                    "status": OrderStatus.ACCEPTED,
                    "submitted_at": timezone.now(),
                },
            )
    venue_order_record(order_id=order.id, venue=venue)
    return order


def _most(account: BrokerAccount, venue: VenueOrder) -> Decimal:
    """Return how many units an order for an amount of money may become.

    Twice as many as at the last price, which may fall until it is filled. Its venue tells how many
    they were when it is over.
    """
    owner_id = account.owner_id
    price = Quotes([owner_id]).price(venue.symbol, owner_id, ONE)
    return max(STEP, (2 * (venue.notional or ONE) / price).quantize(STEP))


def external_ended(
    *, account: BrokerAccount, adapter: Adapter, access: Access, symbols: Collection[str]
) -> bool:
    """Keep orders of others that have come and gone since the account was compared last.

    They never were among those that wait. What was executed before is in what was taken over then.

    Returns
    -------
    bool
        Whether there was any.
    """
    if not isinstance(adapter, TellsEnded) or account.reconciled_at is None:
        return False
    found = False
    for venue in adapter.ended_orders(access):
        if venue.symbol not in symbols or _known(account, venue):
            continue
        whole = adapter.find(access, _ref_of(account, venue))
        if whole is None or not whole.executions:
            continue
        if min(execution.executed_at for execution in whole.executions) > account.reconciled_at:
            external_record(account=account, venue=whole)
            found = True
    return found


def _known(account: BrokerAccount, venue: VenueOrder) -> bool:
    """Tell whether a venue's order is written down, or one that we sent."""
    named = Q(broker_order_id=venue.broker_order_id)
    if venue.client_order_id:
        named |= Q(client_order_id=venue.client_order_id)
    return Order.objects.filter(named, account=account).exists()


def _ref_of(account: BrokerAccount, venue: VenueOrder) -> OrderRef:
    return OrderRef(
        client_order_id=f"external-{venue.broker_order_id}",
        symbol=venue.symbol,
        asset_type=_asset_type(account, venue.symbol),
        broker_order_id=venue.broker_order_id,
    )


def _traded(account: BrokerAccount, symbol: str) -> dict[str, object]:
    """Return what an order of a symbol is in."""
    return {
        "symbol": symbol[:32],
        "asset_type": _asset_type(account, symbol),
        "multiplier": Quotes([account.owner_id]).multiplier(symbol, account.owner_id),
    }


def _asset_type(account: BrokerAccount, symbol: str) -> AssetType:
    """Return what a broker means by a symbol: what is no contract and no pair is taken for shares.

    Coins have names like pairs, at brokers that have no currencies.
    """
    if contract_terms(symbol) is not None:
        return AssetType.OPTION
    traded = ADAPTERS.get(account.kind).capabilities.asset_types
    paired = AssetType.FOREX in traded and pair_of(symbol) is not None
    return AssetType.FOREX if paired else AssetType.STOCK


def adoptions(account: BrokerAccount) -> Counter[str]:
    """Return how often each position of an account was taken over."""
    rows = Order.objects.filter(account=account, broker_order_id__startswith=ADOPTED)
    return Counter(rows.values_list("symbol", flat=True))


def position_adopt(
    *, account: BrokerAccount, position: VenuePosition, difference: Decimal, number: int
) -> None:
    """Write down a difference in a position as an external fill: positions come of fills only.

    At what the broker says was paid; where it does not say, as of coins, at the last price.

    Parameters
    ----------
    number : int
        How often this position had been taken over before it was compared (`adoptions`): of two
        that have compared the same one is written down.
    """
    now = timezone.now()
    price = position.average_price
    if not price:
        price = Quotes([account.owner_id]).price(position.symbol, account.owner_id, price)
    name = f"{ADOPTED}{position.symbol}-{number}"
    external_record(
        account=account,
        venue=VenueOrder(
            broker_order_id=name,
            status=OrderStatus.FILLED,
            symbol=position.symbol,
            side=Side.BUY if difference > 0 else Side.SELL,
            order_type=OrderType.MARKET,
            quantity=abs(difference),
            executions=(
                Execution(
                    execution_id=name,
                    quantity=abs(difference),
                    price=price,
                    commission=Decimal(0),
                    executed_at=now,
                ),
            ),
        ),
    )
