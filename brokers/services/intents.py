"""What a deployment decides on a bar, as orders: each decision is born once."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from brokers.adapters.base import OrderRequest
from brokers.choices import (
    OPENING_SIDES,
    AccountState,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.models import BrokerAccount, Order, RiskDecision
from brokers.services.capability import request_check, usual_time
from brokers.services.orders import order_commit, order_deny, order_fields
from core.errors import InvalidInput
from market.selectors import instrument_get
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

    @property
    def client_order_id(self) -> str:
        """The same for the same decision: 26 letters and digits."""
        text = f"{self.deployment_id}|{self.bar_ts.isoformat()}|{self.node}|{self.leg}"
        digest = hashlib.sha256(text.encode()).digest()[:15]
        return f"d-{base64.b32encode(digest).decode()}"


def intent_create(
    *, account: BrokerAccount, intent: Intent, strategy: Strategy | None = None
) -> Order:
    """Commit the order of a decision and its way to the sender, in one transaction.

    However often a bar is looked at, by however many processes, there is one order: the one that
    exists is returned. What may not be sent (account, broker, risk limits) is kept as `denied`
    with its reason, so that each decision is on record.
    """
    key = {
        "deployment_id": intent.deployment_id,
        "bar_ts": intent.bar_ts,
        "node": intent.node,
        "leg": intent.leg,
    }
    if existing := Order.objects.filter(**key).first():
        return existing
    request = _request(intent, usual_time(account.kind))
    fields = order_fields(request) | key | {"strategy": strategy}
    denial = _denial(account, request)
    try:
        if denial is None:
            return order_commit(
                account=account, client_order_id=intent.client_order_id, fields=fields
            )
        return _denied(account, intent, fields, denial)
    except IntegrityError:
        return Order.objects.get(**key)


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


def _denial(account: BrokerAccount, request: OrderRequest) -> tuple[str, str] | None:
    account.refresh_from_db(fields=["state", "state_reason"])
    if account.state == AccountState.HALTED:
        return "account_halted", f"The account is halted: {account.state_reason}"
    opening = request.side in OPENING_SIDES
    if account.state == AccountState.REDUCING and opening:
        return "account_reducing", "The account may only reduce positions."
    unsure = Order.objects.filter(
        account=account, symbol=request.symbol, status=OrderStatus.UNKNOWN
    )
    if opening and unsure.exists():
        return "order_unknown", f"An order of {request.symbol} may or may not be at the broker."
    try:
        instrument = instrument_get(request.symbol, owner_id=account.owner_id)
        request_check(kind=account.kind, instrument=instrument, request=request)
    except InvalidInput as error:
        return error.details[0].code if error.details else error.code, error.message
    return None


@transaction.atomic
def _denied(
    account: BrokerAccount, intent: Intent, fields: dict[str, object], denial: tuple[str, str]
) -> Order:
    code, reason = denial
    order = Order.objects.create(
        owner_id=account.owner_id,
        account=account,
        client_order_id=intent.client_order_id,
        **fields,
    )
    RiskDecision.objects.create(order=order, admitted=False, code=code, reason=reason)
    order_deny(order=order, code=code, reason=reason)
    return order
