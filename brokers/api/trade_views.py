"""Endpoints of trades."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from brokers import selectors, services
from brokers.api.filters import OrderFilter
from brokers.api.trade_serializers import ReplaceInput, TradeInput, TradeOutput
from brokers.choices import OPEN_STATUSES, AssetType, OrderType, Side
from brokers.models import Order
from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, ListView, accepted
from core.realtime.waiting import waitable
from strategies.selectors import strategy_get

PRICES = ("time_in_force", "limit_price", "stop_price", "trail_amount", "trail_fraction")


class TradeExecuteView(ApiView):
    """Orders by hand."""

    work = "trade"

    @extend_schema(
        request=TradeInput,
        responses={202: TradeOutput, 200: TradeOutput},
        operation_id="trade_execute",
    )
    def post(self, request: Request) -> Response:
        """Send an order; `Prefer: wait=N` waits for the executed price."""
        body = body_of(TradeInput, request)
        order = _order_of(request, body)
        response = accepted(TradeOutput(order).data, location=f"/api/v1/trades/{order.id}/")
        return waitable(
            response,
            user_id=order.owner_id,
            topic="orders",
            look=lambda: _settled(order),
            show=lambda: _shown(order),
        )


class TradeListView(ListView):
    """The user's orders."""

    queryset = Order.objects.none()
    filterset_class = OrderFilter

    @extend_schema(responses=TradeOutput(many=True), operation_id="trade_list")
    def get(self, request: Request) -> Response:
        """List the orders, newest first."""
        return self.page(selectors.order_list(owner_id=caller_id(request)), TradeOutput)


class TradeView(ApiView):
    """One order."""

    @extend_schema(responses=TradeOutput, operation_id="trade_get")
    def get(self, request: Request, order_id: str) -> Response:
        """Show an order and what came of it."""
        order = selectors.order_get(owner_id=caller_id(request), order_id=order_id)
        return Response(TradeOutput(order).data)


class TradeCancelView(ApiView):
    """Taking an order back."""

    work = "trade"

    @extend_schema(request=None, responses=TradeOutput, operation_id="trade_cancel")
    def post(self, request: Request, order_id: str) -> Response:
        """Take an order back, or ask its broker to cancel it; 409 where it is too late."""
        order = selectors.order_get(owner_id=caller_id(request), order_id=order_id)
        return Response(TradeOutput(services.order_cancel(order=order)).data)


class TradeReplaceView(ApiView):
    """Changing an order that waits."""

    work = "trade"

    @extend_schema(
        request=ReplaceInput,
        responses={202: TradeOutput, 200: TradeOutput},
        operation_id="trade_replace",
    )
    def post(self, request: Request, order_id: str) -> Response:
        """Ask the broker to change an order; answers with the order that will stand there.

        A change that a risk limit denies is a 409 with the limit's code where the broker changes
        orders in place; where it replaces them by new ones, the new one is `denied`.
        """
        order = selectors.order_get(owner_id=caller_id(request), order_id=order_id)
        body = body_of(ReplaceInput, request)
        changed = services.order_replace(order=order, **body)
        return accepted(TradeOutput(changed).data, location=f"/api/v1/trades/{changed.id}/")


class AccountOrderListView(ListView):
    """The orders of one account."""

    queryset = Order.objects.none()
    filterset_class = OrderFilter

    @extend_schema(responses=TradeOutput(many=True), operation_id="broker_account_orders")
    def get(self, request: Request, account_id: str) -> Response:
        """List the account's orders, newest first."""
        owner_id = caller_id(request)
        account = selectors.account_get(owner_id=owner_id, account_id=account_id)
        orders = selectors.order_list(owner_id=owner_id).filter(account=account)
        return self.page(orders, TradeOutput)


def _order_of(request: Request, body: dict[str, Any]) -> Order:
    owner_id = caller_id(request)
    account_id, strategy_id = body.get("account_id"), body.get("strategy_id")
    return services.order_create(
        account=selectors.account_get(owner_id=owner_id, account_id=account_id)
        if account_id
        else services.paper_account(owner_id=owner_id),
        symbol=body["symbol"],
        asset_type=AssetType(body["asset_type"]),
        side=Side(body["trade_type"]),
        order_type=OrderType(body["order_type"]),
        quantity=body["quantity"],
        client_order_id=body.get("client_order_id", ""),
        **{name: body.get(name) for name in PRICES},
        strategy=strategy_get(owner_id=owner_id, strategy_id=strategy_id) if strategy_id else None,
    )


def _settled(order: Order) -> dict[str, Any] | None:
    """Return the order once nothing more is to be expected of it soon."""
    shown = _shown(order)
    return None if shown["status"] in OPEN_STATUSES else shown


def _shown(order: Order) -> dict[str, Any]:
    """Return the order as it stands now."""
    now = selectors.order_get(owner_id=order.owner_id, order_id=order.id)
    return dict(TradeOutput(now).data)
