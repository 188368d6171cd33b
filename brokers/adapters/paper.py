"""The paper broker: a venue of our own, with its own book, that needs no account anywhere.

Market orders fill at once and whole at the latest stored price. The book is unique by client order
id, so that an order that is sent twice is executed once: the strictest idempotency a venue can
offer, and the one the order path is tested against.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from brokers.adapters.base import Capabilities, Execution, OrderRequest, Refused, VenueOrder
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.models import BrokerAccount, PaperExecution
from core.errors import InvalidInput
from market.selectors import price_latest

SIGN = {Side.BUY: 1, Side.COVER: 1, Side.SELL: -1, Side.SHORT: -1}


class PaperBroker:
    """Fills market orders from the latest stored bar."""

    capabilities = Capabilities(
        order_types=frozenset({OrderType.MARKET}),
        asset_types=frozenset({AssetType.STOCK, AssetType.CRYPTO, AssetType.FOREX}),
        fractional=True,
        short=True,
    )

    @transaction.atomic
    def submit(self, request: OrderRequest) -> VenueOrder:
        """Execute the order against the book, or refuse it with a reason."""
        account = BrokerAccount.objects.select_for_update().get(id=request.account_id)
        if booked := self.find(account_id=account.id, client_order_id=request.client_order_id):
            return booked
        try:
            price = price_latest(request.symbol, owner_id=account.owner_id).price
        except InvalidInput as error:
            raise Refused("no_price", error.message) from error
        signed = request.quantity * SIGN[request.side]
        self._check(account, request, signed, price)
        execution = PaperExecution.objects.create(
            account=account,
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            quantity=signed,
            price=price,
        )
        return _told(execution)

    def find(self, *, account_id: UUID, client_order_id: str) -> VenueOrder | None:
        """Return what the book says of our id."""
        execution = PaperExecution.objects.filter(
            account_id=account_id, client_order_id=client_order_id
        ).first()
        return _told(execution) if execution else None

    def _check(
        self, account: BrokerAccount, request: OrderRequest, signed: Decimal, price: Decimal
    ) -> None:
        """Refuse what a broker would refuse."""
        book = PaperExecution.objects.filter(account=account)
        held = book.filter(symbol=request.symbol).aggregate(sum=Sum("quantity"))["sum"] or Decimal()
        spent = book.aggregate(sum=Sum(F("quantity") * F("price")))["sum"] or Decimal()
        wanted = f"{request.quantity.normalize():f} {request.symbol}"
        if request.side == Side.SELL and held < request.quantity:
            raise Refused(
                "not_held",
                f"You hold {held.normalize():f}, not {wanted}: sell less, or use trade type "
                "'short'.",
            )
        if request.side == Side.COVER and -held < request.quantity:
            raise Refused("not_short", f"You are not short {wanted}: use trade type 'buy'.")
        cash = account.initial_cash - spent
        if signed > 0 and request.side == Side.BUY and signed * price > cash:
            raise Refused(
                "insufficient_funds",
                f"{wanted} at {price.normalize():f} cost "
                f"{signed * price:.2f} {account.currency}; the account has {cash:.2f}.",
            )


def _told(execution: PaperExecution) -> VenueOrder:
    """Return an entry of the book as a venue tells it."""
    return VenueOrder(
        broker_order_id=f"paper-{execution.id}",
        status=OrderStatus.FILLED,
        executions=(
            Execution(
                execution_id=f"paper-{execution.id}",
                quantity=abs(execution.quantity),
                price=execution.price,
                commission=Decimal(0),
                executed_at=execution.created_at,
            ),
        ),
    )
