"""The paper broker: a venue of our own, with its own book, that needs no account anywhere.

What can be done at once is done at the latest stored price; what waits is matched with each bar
that is stored later, by the engine's own fill rules. The book is unique by client order id, so that
an order that is sent twice is executed once: the strictest idempotency a venue can offer, and the
one the order path is tested against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

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
from brokers.lease import accounts_lock
from brokers.models import BrokerAccount, PaperExecution, PaperOrder
from brokers.paper.book import books_of, order_check
from brokers.paper.carrying import carrying_charge
from brokers.paper.matching import Waiting, marketable, match, rests, trail_stop
from brokers.paper.quotes import bars_after
from brokers.paper.terms import Terms, terms_of
from brokers.quotes import Quotes
from core.errors import InvalidInput
from market.selectors import LatestPrice

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

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Execute the order against the book or let it wait there, or refuse it with a reason."""
        (found,) = self.submit_all([(access, request)])
        if isinstance(found, Refused):
            raise found
        return found

    @transaction.atomic
    def submit_all(
        self, requests: Sequence[tuple[Access, OrderRequest]]
    ) -> list[VenueOrder | Refused]:
        """Execute orders one after the other, in one transaction."""
        accounts = {
            row.id: row for row in accounts_lock(access.account_id for access, _ in requests)
        }
        ids = [request.client_order_id for _, request in requests]
        rows = {"account_id__in": accounts, "client_order_id__in": ids}
        key = ("account_id", "client_order_id")
        known = set(PaperOrder.objects.filter(**rows).values_list(*key))
        known |= set(PaperExecution.objects.filter(**rows).values_list(*key))
        desk = _Desk(accounts)
        taken: list[VenueOrder | PaperOrder | PaperExecution | Refused] = []
        for access, request in requests:
            ref = OrderRef(client_order_id=request.client_order_id, symbol=request.symbol)
            booked = None
            if (access.account_id, request.client_order_id) in known:
                booked = self.find(access, ref)
            taken.append(booked or desk.take(accounts[access.account_id], request))
        desk.write()
        return [_entry_told(one) for one in taken]

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
        return self.find_all([(access, ref)])[0]

    def find_all(self, refs: Sequence[tuple[Access, OrderRef]]) -> list[VenueOrder | None]:
        """Return what the book says of several of our ids."""
        keys = [(access.account_id, ref.client_order_id) for access, ref in refs]
        asked = set(keys)
        rows = {
            "account_id__in": {account_id for account_id, _ in keys},
            "client_order_id__in": [client_order_id for _, client_order_id in keys],
        }
        found: dict[tuple[UUID, str], VenueOrder] = {}
        with transaction.atomic():
            waiting = PaperOrder.objects.select_for_update().filter(**rows).order_by("id")
            orders = {(order.account_id, order.client_order_id): order for order in waiting}
            _look_all([order for key, order in orders.items() if key in asked])
            executions = {
                (one.account_id, one.client_order_id): one
                for one in PaperExecution.objects.filter(**rows)
            }
        found |= {key: _told(order) for key, order in orders.items()}
        found |= {key: _executed(execution) for key, execution in executions.items()}
        return [found.get(key) for key in keys]

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the orders that wait in the book."""
        with transaction.atomic():
            rows = PaperOrder.objects.select_for_update().filter(
                account_id=access.account_id, status=OrderStatus.ACCEPTED
            )
            orders = list(rows.order_by("created_at"))
            _look_all(orders)
        return [_told(order) for order in orders if order.status == OrderStatus.ACCEPTED]

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
        """Return the cash that executions and nights left, and what is held at the last prices."""
        account = BrokerAccount.objects.get(id=access.account_id)
        carrying_charge(account=account)
        book = books_of({account.id: account})[account.id]
        quotes = Quotes([account.owner_id])
        worth = (
            units * quotes.price(symbol, account.owner_id, Decimal(0))
            for symbol, units in book.held.items()
            if units
        )
        return Balance(
            account.currency,
            equity=book.cash + sum(worth, Decimal(0)),
            cash=book.cash,
            buying_power=book.cash,
        )

    def _order(self, access: Access, ref: OrderRef) -> PaperOrder:
        order = (
            PaperOrder.objects.select_for_update()
            .filter(account_id=access.account_id, client_order_id=ref.client_order_id)
            .first()
        )
        if order is None:
            raise Refused("not_found", "The book has no such order.")
        _look_all([order])
        return order


class _Desk:
    """Takes orders for accounts whose rows are locked, and writes them down at the end."""

    def __init__(self, accounts: Mapping[UUID, BrokerAccount]) -> None:
        self._books = books_of(accounts)
        self._quotes = Quotes(account.owner_id for account in accounts.values())
        self._orders: list[PaperOrder] = []
        self._executions: list[PaperExecution] = []

    def take(
        self, account: BrokerAccount, request: OrderRequest
    ) -> PaperOrder | PaperExecution | Refused:
        """Execute an order or let it wait, or return why it is refused."""
        try:
            latest = self._quotes.latest(request.symbol, account.owner_id)
        except InvalidInput as error:
            return Refused("no_price", error.message)
        terms, book = terms_of(account.paper_terms), self._books[account.id]
        order = _booked(account, request, latest)
        execution = None
        try:
            if terms.fill == "quote" and marketable(_waiting(order), latest.price):
                slips = order.order_type == OrderType.MARKET
                price = _paid(order, latest.price, terms) if slips else latest.price
                order_check(account, book, order, price)
                execution = _execution(account, order, price, terms, at=None)
                book.add(execution)
            elif order.order_type == OrderType.MARKET or order.time_in_force not in AT_ONCE:
                order_check(account, book, order, latest.price)
            else:
                order.status = OrderStatus.CANCELED
        except Refused as refusal:
            return refusal
        self._orders.append(order)
        if execution is None:
            return order
        self._executions.append(execution)
        return execution

    def write(self) -> None:
        """Write down what was taken."""
        PaperOrder.objects.bulk_create(self._orders)
        PaperExecution.objects.bulk_create(self._executions)


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


def _look_all(orders: Sequence[PaperOrder]) -> None:
    """Match waiting orders with the bars that were stored since they were looked at last."""
    waiting = [order for order in orders if order.status == OrderStatus.ACCEPTED]
    if not waiting:
        return
    ids = {order.account_id for order in waiting}
    accounts = {row.id: row for row in BrokerAccount.objects.filter(id__in=ids)}
    quotes = Quotes(account.owner_id for account in accounts.values())
    for order in waiting:
        account = accounts[order.account_id]
        latest = quotes.get(order.symbol, account.owner_id)
        terms = terms_of(account.paper_terms)
        # Bars of an interval of the account's own may be younger than those of the latest price.
        if latest is not None and (latest.ts > order.looked_until or terms.interval):
            reader = quotes.reader(order.symbol, account.owner_id)
            _look(order, account, terms, interval=terms.interval or latest.interval, reader=reader)


def _look(
    order: PaperOrder, account: BrokerAccount, terms: Terms, *, interval: str, reader: UUID | None
) -> None:
    before = order.looked_until
    for opened_at, bar in bars_after(
        symbol=order.symbol, owner_id=reader, interval=interval, after=order.looked_until
    ):
        first = order.good_for is None
        order.good_for = order.good_for or opened_at.date()
        if order.time_in_force == TimeInForce.DAY and opened_at.date() > order.good_for:
            order.status = OrderStatus.EXPIRED
            break
        waiting = _waiting(order)
        matched = match(waiting, bar)
        order.looked_until = opened_at
        order.stop_price, order.triggered = matched.order.stop, matched.order.triggered
        if matched.price is not None:
            price = _paid(order, matched.price, terms) if matched.slips else matched.price
            try:
                order_check(account, books_of({account.id: account})[account.id], order, price)
            except Refused as refusal:
                order.status, order.reason = OrderStatus.REJECTED, str(refusal)[:300]
            else:
                # With fills at the open, one that the first open fills has not rested.
                taken = first and terms.fill == "next_open" and price == bar.open
                rested = rests(waiting) and not taken
                execution = _execution(account, order, price, terms, at=opened_at, rested=rested)
                execution.save(force_insert=True)
            break
    if order.looked_until != before or order.status != OrderStatus.ACCEPTED:
        order.save()


def _paid(order: PaperOrder, price: Decimal, terms: Terms) -> Decimal:
    side = Side(order.side)
    return terms.paid(price, SIGN[side], opening=side in {Side.BUY, Side.SHORT}).quantize(
        Decimal("1e-8")
    )


def _execution(
    account: BrokerAccount,
    order: PaperOrder,
    price: Decimal,
    terms: Terms,
    *,
    at: datetime | None,
    rested: bool = False,
) -> PaperExecution:
    """Return what an order comes to at a price; the order is filled then."""
    order.status = OrderStatus.FILLED
    sign = SIGN[Side(order.side)]
    commission = terms.commission(order.quantity, price, sign=sign, rested=rested)
    return PaperExecution(
        account=account,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        quantity=order.quantity * sign,
        price=price,
        commission=commission.quantize(Decimal("1e-8")),
        executed_at=at,
    )


def _entry_told(entry: VenueOrder | PaperOrder | PaperExecution | Refused) -> VenueOrder | Refused:
    if isinstance(entry, PaperOrder):
        return _told(entry)
    return _executed(entry) if isinstance(entry, PaperExecution) else entry


def _told(order: PaperOrder) -> VenueOrder:
    """Return an entry of the book that was not executed as a venue tells it."""
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
