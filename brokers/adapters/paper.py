"""The paper broker: a venue of our own, with its own book, that needs no account anywhere.

What can be done at once is done at the latest stored price; what waits is matched with each bar
that is stored later, by the engine's own fill rules. Contracts cost what the model of the backtests
says. The book is unique by client order id, so that
an order that is sent twice is executed once: the strictest idempotency a venue can offer, and the
one the order path is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from brokers.adapters.base import (
    Access,
    Balance,
    Capabilities,
    Change,
    Offer,
    OrderRef,
    OrderRequest,
    Refused,
    Replacing,
    VenueOrder,
    VenuePosition,
)
from brokers.choices import (
    FINAL_STATUSES,
    AssetType,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from brokers.lease import accounts_lock
from brokers.models import BrokerAccount, PaperExecution, PaperOrder
from brokers.paper.book import books_of
from brokers.paper.carrying import carrying_charge
from brokers.paper.dealing import dealing_of
from brokers.paper.desk import Desk, orders_look
from brokers.paper.margin import Ties
from brokers.paper.telling import execution_told, order_told
from brokers.paper.terms import Terms, terms_of
from brokers.quotes import Quotes
from core.errors import InvalidInput
from core.transactions import atomic


class PaperBroker:
    """Fills by the engine's rules, from stored bars."""

    title: ClassVar[str] = "Paper"
    credential_fields: ClassVar[tuple[str, ...]] = ()
    capabilities: ClassVar[Capabilities] = Capabilities(
        asset_types=frozenset(AssetType),
        usual=Offer(frozenset(OrderType), frozenset(TimeInForce), fractional=True),
        replacing=Replacing.IN_PLACE,
        remote=False,
    )

    def submit(self, access: Access, request: OrderRequest) -> VenueOrder:
        """Execute the order against the book or let it wait there, or refuse it with a reason."""
        (found,) = self.submit_all([(access, request)])
        if isinstance(found, Refused):
            raise found
        return found

    @atomic
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
        desk = Desk(accounts)
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
            if change.limit_price is not None:
                order.limit_price = change.limit_price
            if change.stop_price is not None:  # a trailing stop is told none: it has its own
                order.stop_price = change.stop_price
            order.save()
            return order_told(order)

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
            orders_look([order for key, order in orders.items() if key in asked])
            executions = {
                (one.account_id, one.client_order_id): one
                for one in PaperExecution.objects.filter(**rows)
            }
        found |= {key: order_told(order) for key, order in orders.items()}
        found |= {key: execution_told(execution) for key, execution in executions.items()}
        return [found.get(key) for key in keys]

    def open_orders(self, access: Access) -> Sequence[VenueOrder]:
        """Return the orders that wait in the book."""
        with transaction.atomic():
            rows = PaperOrder.objects.select_for_update().filter(
                account_id=access.account_id, status=OrderStatus.ACCEPTED
            )
            orders = list(rows.order_by("created_at"))
            orders_look(orders)
        return [order_told(order) for order in orders if order.status == OrderStatus.ACCEPTED]

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
        now, terms = timezone.now(), terms_of(account.paper_terms)
        quotes = Quotes([account.owner_id], now=now)
        worth = (
            _worth(symbol, units, account=account, terms=terms, quotes=quotes, now=now)
            for symbol, units in book.held.items()
            if units
        )
        return Balance(
            account.currency,
            equity=book.cash + sum(worth, Decimal(0)),
            cash=book.cash,
            buying_power=book.free(Ties(account.owner_id, terms, quotes, now=now)),
        )

    def _order(self, access: Access, ref: OrderRef) -> PaperOrder:
        order = (
            PaperOrder.objects.select_for_update()
            .filter(account_id=access.account_id, client_order_id=ref.client_order_id)
            .first()
        )
        if order is None:
            raise Refused("not_found", "The book has no such order.")
        orders_look([order])
        return order


def _worth(
    symbol: str,
    units: Decimal,
    *,
    account: BrokerAccount,
    terms: Terms,
    quotes: Quotes,
    now: datetime,
) -> Decimal:
    """Return what units are worth now; nothing where they have no price."""
    try:
        deal = dealing_of(symbol, account=account, terms=terms, quotes=quotes, now=now)
        return units * deal.now.mid * deal.multiplier
    except InvalidInput:
        return Decimal(0)


def _entry_told(entry: VenueOrder | PaperOrder | PaperExecution | Refused) -> VenueOrder | Refused:
    if isinstance(entry, PaperOrder):
        return order_told(entry)
    return execution_told(entry) if isinstance(entry, PaperExecution) else entry
