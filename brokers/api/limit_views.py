"""Endpoints of risk limits."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from brokers import selectors
from brokers.api.limit_serializers import RiskLimitFields
from brokers.deployments.selectors import deployment_get
from brokers.models import RiskLimit
from brokers.services import limits
from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, ListView


class RiskLimitListView(ListView):
    """The user's risk limits."""

    queryset = RiskLimit.objects.none()

    @extend_schema(responses=RiskLimitFields(many=True), operation_id="risk_limit_list")
    def get(self, request: Request) -> Response:
        """List the limits."""
        return self.page(selectors.limit_list(owner_id=caller_id(request)), RiskLimitFields)

    @extend_schema(
        request=RiskLimitFields, responses=RiskLimitFields, operation_id="risk_limit_set"
    )
    def put(self, request: Request) -> Response:
        """Set the limits of a scope (account, deployment, symbol; none: all of yours)."""
        owner_id = caller_id(request)
        body = body_of(RiskLimitFields, request)
        if body.get("account_id"):
            selectors.account_get(owner_id=owner_id, account_id=body["account_id"])
        if body.get("deployment_id"):
            deployment_get(owner_id=owner_id, deployment_id=body["deployment_id"])
        limit = limits.limit_set(owner_id=owner_id, **body)
        return Response(RiskLimitFields(limit).data)


class RiskLimitView(ApiView):
    """The limits of one scope."""

    @extend_schema(responses={204: None}, operation_id="risk_limit_delete")
    def delete(self, request: Request, limit_id: str) -> Response:
        """Lift the limits of a scope."""
        limits.limit_delete(owner_id=caller_id(request), limit_id=limit_id)
        return Response(status=204)
