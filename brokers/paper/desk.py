"""The desk of the paper venue: takes orders, and matches those that wait with stored bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from brokers.adapters.base import OrderRequest, Refused
from brokers.choices import OPENING_SIDES, SIGN, OrderStatus, OrderType, Side, TimeInForce
from brokers.models import BrokerAccount, PaperExecution, PaperOrder
from brokers.paper.book import Book, books_of, order_check
from brokers.paper.dealing import Dealing, Trade, dealing_of
from brokers.paper.margin import Ties
from brokers.paper.matching import Waiting, marketable, match, rests, trail_stop
from brokers.paper.terms import Terms, terms_of
from brokers.quotes import Quotes
from core.errors import InvalidInput

AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
# What nobody thought of of one order.
FAULTS: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# What the columns of an execution hold.
MOST: Final = Decimal(10) ** 16

log = structlog.get_logger(__name__)


class Desk:
    """Takes orders for accounts whose rows are locked, and writes them down at the end."""

    def __init__(self, accounts: Mapping[UUID, BrokerAccount]) -> None:
        self._now = timezone.now()
        self._books = books_of(accounts)
        self._quotes = Quotes((row.owner_id for row in accounts.values()), now=self._now)
        self._orders: list[PaperOrder] = []
        self._executions: list[PaperExecution] = []

    def take(
        self, account: BrokerAccount, request: OrderRequest
    ) -> PaperOrder | PaperExecution | Refused:
        """Execute an order or let it wait, or return why it is refused."""
        try:
            return self._taken(account, request)
        except InvalidInput as error:
            return Refused("no_price", error.message)
        except ArithmeticError:
            return Refused("out_of_range", f"{request.quantity:f} {request.symbol} are too many.")
        except Refused as refusal:
            return refusal

    def _taken(self, account: BrokerAccount, request: OrderRequest) -> PaperOrder | PaperExecution:
        terms, quotes, now = terms_of(account.paper_terms), self._quotes, self._now
        deal = dealing_of(request.symbol, account=account, terms=terms, quotes=quotes, now=now)
        if deal.ended:
            raise Refused("expired", f"{request.symbol} has expired: choose a later expiry.")
        order = _booked(account, request, deal)
        price, book = deal.now.at(_sign(order)), self._books[account.id]
        ties = Ties(account.owner_id, terms, quotes, now=now)
        if terms.fill == "quote" and marketable(_waiting(order), price):
            slips = order.order_type == OrderType.MARKET
            execution = _execution(account, order, deal, price, slips=slips)
            _check(account, book, order, execution, ties)
            book.add(execution)
            order.status = OrderStatus.FILLED
            self._orders.append(order)
            self._executions.append(execution)
            return execution
        if order.order_type == OrderType.MARKET or order.time_in_force not in AT_ONCE:
            order_check(account, book, order, _execution(account, order, deal, price), ties)
        else:
            order.status = OrderStatus.CANCELED
        self._orders.append(order)
        return order

    def write(self) -> None:
        """Write down what was taken."""
        PaperOrder.objects.bulk_create(self._orders)
        PaperExecution.objects.bulk_create(self._executions)


def orders_look(orders: Sequence[PaperOrder]) -> None:
    """Match waiting orders with the bars that were stored since they were looked at last.

    They are many users': one that cannot be matched is left as it is, and costs no other its fill.
    """
    waiting = [order for order in orders if order.status == OrderStatus.ACCEPTED]
    if not waiting:
        return
    ids = {order.account_id for order in waiting}
    accounts = {row.id: row for row in BrokerAccount.objects.filter(id__in=ids)}
    now = timezone.now()
    quotes = Quotes((account.owner_id for account in accounts.values()), now=now)
    for order in waiting:
        account = accounts[order.account_id]
        try:
            terms = terms_of(account.paper_terms)
            deal = dealing_of(order.symbol, account=account, terms=terms, quotes=quotes, now=now)
            # Bars of an interval of the account's own may be younger than those of the last price.
            if deal.latest.ts > order.looked_until or terms.interval or deal.ended:
                ties = Ties(account.owner_id, terms, quotes, now=now)
                _look(order, account, terms, deal, ties)
        except InvalidInput:
            continue
        except FAULTS:
            log.exception("paper.order_not_matched", order_id=str(order.id))


def _look(
    order: PaperOrder, account: BrokerAccount, terms: Terms, deal: Dealing, ties: Ties
) -> None:
    before, sign = order.looked_until, _sign(order)
    for sides in deal.bars(after=order.looked_until):
        opened_at, bar = sides.opened_at, sides.of(sign)
        first = order.good_for is None
        if first or order.time_in_force == TimeInForce.DAY:
            session = deal.session(opened_at)
            order.good_for = order.good_for or session
            if order.time_in_force == TimeInForce.DAY and session > order.good_for:
                order.status = OrderStatus.EXPIRED
                break
        waiting = _waiting(order)
        matched = match(waiting, bar)
        order.looked_until = opened_at
        order.stop_price, order.triggered = matched.order.stop, matched.order.triggered
        if matched.price is not None:
            # With fills at the open, one that the first open fills has not rested.
            taken = first and terms.fill == "next_open" and matched.price == bar.open
            execution = _execution(
                account, order, deal, matched.price,
                slips=matched.slips, at=opened_at, rested=rests(waiting) and not taken,
            )  # fmt: skip
            try:
                book = books_of({account.id: account})[account.id]
                _check(account, book, order, execution, ties)
            except Refused as refusal:
                order.status, order.reason = OrderStatus.REJECTED, str(refusal)[:300]
            else:
                execution.save(force_insert=True)
                order.status = OrderStatus.FILLED
            break
    if order.status == OrderStatus.ACCEPTED and deal.finished:
        order.status = OrderStatus.EXPIRED
    if order.looked_until != before or order.status != OrderStatus.ACCEPTED:
        order.save()


def _check(
    account: BrokerAccount, book: Book, order: PaperOrder, execution: PaperExecution, ties: Ties
) -> None:
    if max(abs(execution.price), abs(execution.commission)) >= MOST:
        raise Refused("out_of_range", f"{order} at {execution.price:f} is more than can be booked.")
    # What is worth nothing is taken back for nothing, as in a backtest, but not opened.
    if execution.price <= 0 and order.side in OPENING_SIDES:
        raise Refused("no_bid", f"Nobody bids for {order.symbol}: it is worth next to nothing.")
    order_check(account, book, order, execution, ties)


def _sign(order: PaperOrder) -> int:
    return SIGN[Side(order.side)]


def _booked(account: BrokerAccount, request: OrderRequest, deal: Dealing) -> PaperOrder:
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
        looked_until=deal.latest.ts,
    )
    if request.order_type == OrderType.TRAILING_STOP:
        order.stop_price = trail_stop(_waiting(order), deal.now.at(_sign(order)))
    return order


def _waiting(order: PaperOrder) -> Waiting:
    return Waiting(
        order_type=OrderType(order.order_type),
        sign=_sign(order),
        limit=order.limit_price,
        stop=order.stop_price,
        trail_amount=order.trail_amount,
        trail_fraction=order.trail_fraction,
        triggered=order.triggered,
    )


def _execution(
    account: BrokerAccount,
    order: PaperOrder,
    deal: Dealing,
    price: Decimal,
    *,
    slips: bool = False,
    at: datetime | None = None,
    rested: bool = False,
) -> PaperExecution:
    """Return what an order comes to where others trade at a price."""
    sign, opening = _sign(order), order.side in OPENING_SIDES
    trade = Trade(sign, order.quantity, price, opening, rested)
    if slips:
        trade = replace(trade, price=deal.paid(trade))
    return PaperExecution(
        account=account,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity * sign,
        multiplier=deal.multiplier,
        price=trade.price,
        commission=deal.commission(trade),
        executed_at=at,
    )
