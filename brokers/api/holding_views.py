"""Endpoints of what accounts hold: positions, and the executions they came of."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from brokers import selectors
from brokers.api.filters import FillFilter, PositionFilter
from brokers.api.holding_serializers import FillOutput, PositionOutput
from brokers.models import Fill, Position
from brokers.valuing import positions_value
from core.api.caller import caller_id
from core.api.views import ListView


class PositionListView(ListView):
    """What an account holds."""

    queryset = Position.objects.none()
    filterset_class = PositionFilter

    @extend_schema(responses=PositionOutput(many=True), operation_id="position_list")
    def get(self, request: Request, account_id: str) -> Response:
        """List the positions that are not flat."""
        account = selectors.account_get(owner_id=caller_id(request), account_id=account_id)
        return self.page(selectors.position_list(account=account), PositionOutput)

    def paginate_queryset(self, queryset: Any) -> Any:
        """Return the positions of a page with what they are worth."""
        rows = super().paginate_queryset(queryset) or []
        positions_value(rows, owner_id=caller_id(self.request))
        return rows


class FillListView(ListView):
    """What the broker executed."""

    queryset = Fill.objects.none()
    filterset_class = FillFilter

    @extend_schema(responses=FillOutput(many=True), operation_id="fill_list")
    def get(self, request: Request, account_id: str) -> Response:
        """List the executions of the account, newest first."""
        account = selectors.account_get(owner_id=caller_id(request), account_id=account_id)
        return self.page(selectors.fill_list(account=account), FillOutput)
