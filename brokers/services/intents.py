"""What a deployment decides on a bar, as orders: each decision is born once."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from brokers.adapters.base import OrderRequest
from brokers.changing import orders_deny
from brokers.choices import (
    OPENING_SIDES,
    AccountState,
    AssetType,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.lease import accounts_lock
from brokers.models import BrokerAccount, Order, RiskDecision
from brokers.queueing import sending_enqueue
from brokers.quotes import Quotes
from brokers.selectors import unknown_symbols
from brokers.services.capability import request_check, session_check, usual_time
from brokers.services.orders import Begin, order_fields, orders_write
from core.errors import Conflict, InvalidInput
from strategies.models import Strategy


@dataclass(frozen=True, slots=True)
class Intent:
    """What a node of a strategy wants on a bar.

    Attributes
    ----------
    deployment_id : UUID
    bar_ts : datetime
        When the bar opened that it was decided on.
    node : str
        Id of the graph's node, or of the rule.
    leg : int
        Counts the orders of one decision: a reversal is two.
    client_order_id : str
        By which brokers know it.
    """

    deployment_id: UUID
    bar_ts: datetime
    node: str
    symbol: str
    side: Side
    quantity: Decimal
    leg: int = 0
    asset_type: AssetType = AssetType.STOCK
    order_type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_fraction: Decimal | None = None
    client_order_id: str = field(init=False)

    def __post_init__(self) -> None:
        """Name it: the same decision has the same 26 letters and digits."""
        text = f"{self.deployment_id}|{self.bar_ts.isoformat()}|{self.node}|{self.leg}"
        digest = hashlib.sha256(text.encode()).digest()[:15]
        object.__setattr__(self, "client_order_id", f"d-{base64.b32encode(digest).decode()}")


@dataclass(frozen=True, slots=True)
class Draft:
    """An intent, and on whose account it is."""

    account: BrokerAccount
    intent: Intent
    strategy_id: UUID | None = None

    @property
    def key(self) -> tuple[UUID, str]:
        """By which its order is found."""
        return self.account.id, self.intent.client_order_id


def intent_create(
    *, account: BrokerAccount, intent: Intent, strategy: Strategy | None = None
) -> Order:
    """Commit the order of a decision and its way to the sender, in one transaction."""
    return intents_create([Draft(account, intent, strategy.id if strategy else None)])[0]


@transaction.atomic(savepoint=False)
def intents_create(
    drafts: Sequence[Draft], *, begin: Begin | None = None, quotes: Quotes | None = None
) -> list[Order]:
    """Commit the orders of decisions and their way to the sender, in one transaction.

    However often a bar is looked at, by however many processes, there is one order: the one that
    exists is returned. What may not be sent (account, broker, risk limits) is kept as `denied`
    with its reason, so that each decision is on record.

    Parameters
    ----------
    begin : callable, optional
        As of `orders_write`.
    quotes : Quotes, optional
        What is known of symbols already, for the owners of these accounts.
    """
    if not drafts:
        return []
    # Locked first: of two processes at once the other one finds the orders there.
    accounts = {row.id: row for row in accounts_lock({draft.account.id for draft in drafts})}
    found = _existing(drafts)
    new = {draft.key: draft for draft in drafts if draft.key not in found}
    unsure = unknown_symbols(account_ids=accounts)
    quotes = quotes or Quotes(account.owner_id for account in accounts.values())
    admitted, denied = [], []
    for key, draft in new.items():
        account = accounts[draft.account.id]
        request = _request(draft.intent, usual_time(account.kind, draft.intent.asset_type))
        found[key] = order = _order(account, draft, request)
        denial = _denial(account, request, unsure, quotes)
        if denial is None:
            order.multiplier = quotes.multiplier(order.symbol, account.owner_id)
            admitted.append(order)
        else:
            denied.append((order, denial))
    _denied_write(denied)
    if admitted:
        left = orders_write(orders=admitted, accounts=accounts, quotes=quotes, begin=begin)
        sending_enqueue([accounts[order.account_id] for order in left])
    return [found[draft.key] for draft in drafts]


def _existing(drafts: Sequence[Draft]) -> dict[tuple[UUID, str], Order]:
    rows = Order.objects.filter(
        account_id__in={draft.account.id for draft in drafts},
        client_order_id__in=[draft.intent.client_order_id for draft in drafts],
        deployment_id__in={draft.intent.deployment_id for draft in drafts},
    )
    return {(order.account_id, order.client_order_id): order for order in rows}


def _order(account: BrokerAccount, draft: Draft, request: OrderRequest) -> Order:
    intent = draft.intent
    return Order(
        owner_id=account.owner_id,
        account=account,
        client_order_id=intent.client_order_id,
        strategy_id=draft.strategy_id,
        deployment_id=intent.deployment_id,
        bar_ts=intent.bar_ts,
        node=intent.node,
        leg=intent.leg,
        **order_fields(request),
    )


def _request(intent: Intent, usual: TimeInForce) -> OrderRequest:
    return OrderRequest(
        client_order_id=intent.client_order_id,
        symbol=intent.symbol.upper(),
        asset_type=intent.asset_type,
        side=intent.side,
        order_type=intent.order_type,
        quantity=intent.quantity,
        time_in_force=intent.time_in_force or usual,
        limit_price=intent.limit_price,
        stop_price=intent.stop_price,
        trail_amount=intent.trail_amount,
        trail_fraction=intent.trail_fraction,
    )


def _denial(
    account: BrokerAccount,
    request: OrderRequest,
    unsure: set[tuple[UUID, str]],
    quotes: Quotes,
) -> tuple[str, str] | None:
    if account.state == AccountState.HALTED:
        return "account_halted", f"The account is halted: {account.state_reason}"
    opening = request.side in OPENING_SIDES
    if account.state == AccountState.REDUCING and opening:
        return "account_reducing", "The account may only reduce positions."
    if opening and (account.id, request.symbol) in unsure:
        return "order_unknown", f"An order of {request.symbol} may or may not be at the broker."
    try:
        instrument = quotes.instrument(request.symbol, account.owner_id)
        request_check(account=account, instrument=instrument, request=request)
        session_check(account=account, instrument=instrument, asset_type=request.asset_type)
    except InvalidInput as error:
        return error.details[0].code if error.details else error.code, error.message
    except Conflict as error:
        return error.code, error.message
    return None


def _denied_write(denied: Sequence[tuple[Order, tuple[str, str]]]) -> None:
    Order.objects.bulk_create([order for order, _ in denied])
    RiskDecision.objects.bulk_create(
        [
            RiskDecision(order=order, admitted=False, code=code, reason=reason)
            for order, (code, reason) in denied
        ]
    )
    orders_deny(denied)
