"""The paper broker: a venue of our own, with its own book, that needs no account anywhere.

What can be done at once is done at the latest stored price; what waits is matched with each bar
that is stored later, by the engine's own fill rules. The book is unique by client order id, so that
an order that is sent twice is executed once: the strictest idempotency a venue can offer, and the
one the order path is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.db import transaction
from django.db.models import F, Sum

from brokers.adapters.base import (
    Access,
    Balance,
    Capabilities,
    Change,
    Execution,
    OrderRef,
    OrderRequest,
    Refused,
    Replacing,
    VenueOrder,
    VenuePosition,
)
from brokers.choices import (
    FINAL_STATUSES,
    SIGN,
    AssetType,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from brokers.models import BrokerAccount, PaperExecution, PaperOrder
from brokers.paper.matching import Waiting, marketable, match, trail_stop
from brokers.paper.quotes import bars_after
from brokers.paper.terms import Terms, terms_of
from core.errors import InvalidInput
from market.selectors import LatestPrice, price_latest

AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


class PaperBroker:
    """Fills by the engine's rules, from stored bars."""

    title: ClassVar[str] = "Paper"
    credential_fields: ClassVar[tuple[str, ...]] = ()
    capabilities: ClassVar[Capabilities] = Capabilities(
        order_types=frozenset(OrderType),
        asset_types=frozenset({AssetType.STOCK, AssetType.CRYPTO, AssetType.FOREX}),
        fractional=True,
        short=True,
        times_in_force=frozenset(TimeInForce),
        replacing=Replacing.IN_PLACE,
        remote=False,
    )

    @transaction.atomic
    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Execute the order against the book or let it wait there, or refuse it with a reason."""
        account = BrokerAccount.objects.select_for_update(no_key=True).get(id=access.account_id)
        ref = OrderRef(client_order_id=request.client_order_id, symbol=request.symbol)
        if booked := self.find(access, ref):
            return booked
        try:
            latest = price_latest(request.symbol, owner_id=account.owner_id)
        except InvalidInput as error:
            raise Refused("no_price", error.message) from error
        terms = terms_of(account.paper_terms)
        order = _booked(account, request, latest)
        waiting = _waiting(order)
        if terms.fill == "quote" and marketable(waiting, latest.price):
            slips = order.order_type == OrderType.MARKET
            price = _paid(order, latest.price, terms) if slips else latest.price
            _check(account, order, price)
            _execute(account, order, price, terms, at=None)
        elif order.order_type == OrderType.MARKET or order.time_in_force not in AT_ONCE:
            _check(account, order, latest.price)
        else:
            order.status = OrderStatus.CANCELED
        order.save()
        return _told(order)

    def cancel(self, access: Access, ref: OrderRef) -> None:
        """Take an order out of the book; refuse where it is not there any more."""
        with transaction.atomic():
            order = self._order(access, ref)
            if order.status in FINAL_STATUSES:
                raise Refused("too_late", f"The order is {order.status}.")
            order.status = OrderStatus.CANCELED
            order.save()

    def replace(self, access: Access, ref: OrderRef, change: Change) -> VenueOrder:
        """Change an order that waits; refuse where it does not any more."""
        with transaction.atomic():
            order = self._order(access, ref)
            if order.status in FINAL_STATUSES:
                raise Refused("too_late", f"The order is {order.status}.")
            order.quantity = change.quantity
            order.limit_price, order.stop_price = change.limit_price, change.stop_price
            order.save()
            return _told(order)

    def find(self, access: Access, ref: OrderRef) -> VenueOrder | None:
        """Return what the book says of our id, after looking at the bars there are by now."""
        rows = {"account_id": access.account_id, "client_order_id": ref.client_order_id}
        with transaction.atomic():
            order = PaperOrder.objects.select_for_update().filter(**rows).first()
            if order is not None:
                _look(order)
                return _told(order)
        execution = PaperExecution.objects.filter(**rows).first()
        return _executed(execution) if execution else None

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the orders that wait in the book."""
        found = []
        with transaction.atomic():
            rows = PaperOrder.objects.select_for_update().filter(
                account_id=access.account_id, status=OrderStatus.ACCEPTED
            )
            for order in rows.order_by("created_at"):
                _look(order)
                if order.status == OrderStatus.ACCEPTED:
                    found.append(_told(order))
        return found

    def positions(self, access: Access) -> Sequence[VenuePosition]:
        """Return what the book's executions sum up to."""
        rows = (
            PaperExecution.objects.filter(account_id=access.account_id)
            .values("symbol")
            .annotate(units=Sum("quantity"))
            .exclude(units=0)
        )
        return [VenuePosition(row["symbol"], row["units"], Decimal(0)) for row in rows]

    def balance(self, access: Access) -> Balance:
        """Return the cash that the executions left."""
        account = BrokerAccount.objects.get(id=access.account_id)
        cash = _cash(account)
        return Balance(account.currency, equity=cash, cash=cash, buying_power=cash)

    def _order(self, access: Access, ref: OrderRef) -> PaperOrder:
        order = (
            PaperOrder.objects.select_for_update()
            .filter(account_id=access.account_id, client_order_id=ref.client_order_id)
            .first()
        )
        if order is None:
            raise Refused("not_found", "The book has no such order.")
        _look(order)
        return order


def _booked(account: BrokerAccount, request: OrderRequest, latest: LatestPrice) -> PaperOrder:
    order = PaperOrder(
        account=account,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        order_type=request.order_type,
        time_in_force=request.time_in_force,
        quantity=request.quantity,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        trail_amount=request.trail_amount,
        trail_fraction=request.trail_fraction,
        looked_until=latest.ts,
    )
    if request.order_type == OrderType.TRAILING_STOP:
        order.stop_price = trail_stop(_waiting(order), latest.price)
    return order


def _waiting(order: PaperOrder) -> Waiting:
    return Waiting(
        order_type=OrderType(order.order_type),
        sign=SIGN[Side(order.side)],
        limit=order.limit_price,
        stop=order.stop_price,
        trail_amount=order.trail_amount,
        trail_fraction=order.trail_fraction,
        triggered=order.triggered,
    )


def _look(order: PaperOrder) -> None:
    """Match a waiting order with the bars that were stored since it was looked at last."""
    if order.status != OrderStatus.ACCEPTED:
        return
    account = BrokerAccount.objects.get(id=order.account_id)
    terms = terms_of(account.paper_terms)
    for opened_at, bar in bars_after(
        symbol=order.symbol,
        owner_id=account.owner_id,
        interval=terms.interval,
        after=order.looked_until,
    ):
        order.good_for = order.good_for or opened_at.date()
        if order.time_in_force == TimeInForce.DAY and opened_at.date() > order.good_for:
            order.status = OrderStatus.EXPIRED
            break
        matched = match(_waiting(order), bar)
        order.looked_until = opened_at
        order.stop_price, order.triggered = matched.order.stop, matched.order.triggered
        if matched.price is not None:
            price = _paid(order, matched.price, terms) if matched.slips else matched.price
            try:
                _check(account, order, price)
            except Refused as refusal:
                order.status, order.reason = OrderStatus.REJECTED, str(refusal)[:300]
            else:
                _execute(account, order, price, terms, at=opened_at)
            break
    order.save()


def _paid(order: PaperOrder, price: Decimal, terms: Terms) -> Decimal:
    side = Side(order.side)
    return terms.paid(price, SIGN[side], opening=side in {Side.BUY, Side.SHORT}).quantize(
        Decimal("1e-8")
    )


def _execute(
    account: BrokerAccount, order: PaperOrder, price: Decimal, terms: Terms, *, at: datetime | None
) -> None:
    order.status = OrderStatus.FILLED
    PaperExecution.objects.create(
        account=account,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        quantity=order.quantity * SIGN[Side(order.side)],
        price=price,
        commission=terms.commission(order.quantity, price).quantize(Decimal("1e-8")),
        executed_at=at,
    )


def _cash(account: BrokerAccount) -> Decimal:
    spent = PaperExecution.objects.filter(account=account).aggregate(
        sum=Sum(F("quantity") * F("price") + F("commission"))
    )["sum"]
    return account.initial_cash - (spent or Decimal())


def _check(account: BrokerAccount, order: PaperOrder, price: Decimal) -> None:
    """Refuse what a broker would refuse."""
    book = PaperExecution.objects.filter(account=account, symbol=order.symbol)
    held = book.aggregate(sum=Sum("quantity"))["sum"] or Decimal()
    wanted = f"{order.quantity.normalize():f} {order.symbol}"
    if order.side == Side.SELL and held < order.quantity:
        raise Refused(
            "not_held",
            f"You hold {held.normalize():f}, not {wanted}: sell less, or use trade type 'short'.",
        )
    if order.side == Side.COVER and -held < order.quantity:
        raise Refused("not_short", f"You are not short {wanted}: use trade type 'buy'.")
    cash = _cash(account)
    if order.side == Side.BUY and order.quantity * price > cash:
        raise Refused(
            "insufficient_funds",
            f"{wanted} at {price.normalize():f} cost "
            f"{order.quantity * price:.2f} {account.currency}; the account has {cash:.2f}.",
        )


def _told(order: PaperOrder) -> VenueOrder:
    """Return an entry of the book as a venue tells it."""
    execution = PaperExecution.objects.filter(
        account_id=order.account_id, client_order_id=order.client_order_id
    ).first()
    if execution is not None:
        return _executed(execution)
    return VenueOrder(
        broker_order_id=f"paper-{order.id}",
        status=OrderStatus(order.status),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=Side(order.side),
        order_type=OrderType(order.order_type),
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        reason=order.reason,
    )


def _executed(execution: PaperExecution) -> VenueOrder:
    return VenueOrder(
        broker_order_id=f"paper-{execution.id}",
        status=OrderStatus.FILLED,
        client_order_id=execution.client_order_id,
        symbol=execution.symbol,
        side=Side.BUY if execution.quantity > 0 else Side.SELL,
        quantity=abs(execution.quantity),
        executions=(
            Execution(
                execution_id=f"paper-{execution.id}",
                quantity=abs(execution.quantity),
                price=execution.price,
                commission=execution.commission,
                executed_at=execution.executed_at or execution.created_at,
            ),
        ),
    )
