"""Endpoints of deployments: strategies that trade."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from brokers import selectors
from brokers.api.deployment_serializers import (
    DeploymentDetailOutput,
    DeploymentInput,
    DeploymentOutput,
    DriftChartOutput,
    DriftOutput,
    DriftSeriesOutput,
    StopInput,
    TickOutput,
)
from brokers.api.filters import DeploymentFilter, DriftFilter, SessionPage, TickFilter, TickPage
from brokers.deployments import services
from brokers.deployments.drift_series import drift_chart, drift_series
from brokers.deployments.selectors import deployment_get, deployment_list, drift_list, tick_list
from brokers.models import Deployment, DeploymentTick, DriftReport
from brokers.services import paper_account
from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.images import PngRenderer, SvgRenderer
from core.api.renderers import FiniteJSONRenderer
from core.api.views import ApiView, ListView, created
from strategies.selectors import strategy_get


class DeploymentListView(ListView):
    """The user's deployments."""

    queryset = Deployment.objects.none()
    filterset_class = DeploymentFilter
    # Looking at the list takes nothing away from what may be sent.
    work = {"POST": "trade", "GET": "read"}

    @extend_schema(responses=DeploymentOutput(many=True), operation_id="deployment_list")
    def get(self, request: Request) -> Response:
        """List the deployments, newest first."""
        return self.page(deployment_list(owner_id=caller_id(request)), DeploymentOutput)

    @extend_schema(
        request=DeploymentInput,
        responses={201: DeploymentDetailOutput},
        operation_id="deployment_create",
    )
    def post(self, request: Request) -> Response:
        """Pin a strategy's version to an account; start it with POST .../start."""
        body = body_of(DeploymentInput, request)
        deployment = _created(request, body)
        return created(
            DeploymentDetailOutput(deployment).data,
            location=f"/api/v1/deployments/{deployment.id}/",
        )


class DeploymentView(ApiView):
    """One deployment."""

    @extend_schema(responses=DeploymentDetailOutput, operation_id="deployment_get")
    def get(self, request: Request, deployment_id: str) -> Response:
        """Show a deployment, with what keeps it from trading as it was asked to."""
        return Response(DeploymentDetailOutput(_own(request, deployment_id)).data)

    @extend_schema(responses={204: None}, operation_id="deployment_delete")
    def delete(self, request: Request, deployment_id: str) -> Response:
        """Forget a deployment that has never traded."""
        services.deployment_delete(deployment=_own(request, deployment_id))
        return Response(status=204)


class StartView(ApiView):
    """Starting."""

    work = "trade"

    @extend_schema(request=None, responses=DeploymentOutput, operation_id="deployment_start")
    def post(self, request: Request, deployment_id: str) -> Response:
        """Begin with the next bar."""
        found = services.deployment_start(deployment=_own(request, deployment_id))
        return Response(DeploymentOutput(found).data)


class PauseView(ApiView):
    """Pausing."""

    work = "trade"

    @extend_schema(request=None, responses=DeploymentOutput, operation_id="deployment_pause")
    def post(self, request: Request, deployment_id: str) -> Response:
        """Decide nothing until it is resumed; stop-losses and exits stay at the broker."""
        found = services.deployment_pause(deployment=_own(request, deployment_id))
        return Response(DeploymentOutput(found).data)


class ResumeView(ApiView):
    """Going on."""

    work = "trade"

    @extend_schema(request=None, responses=DeploymentOutput, operation_id="deployment_resume")
    def post(self, request: Request, deployment_id: str) -> Response:
        """Go on with the next bar."""
        found = services.deployment_resume(deployment=_own(request, deployment_id))
        return Response(DeploymentOutput(found).data)


class StopView(ApiView):
    """Stopping."""

    work = "trade"

    @extend_schema(request=StopInput, responses=DeploymentOutput, operation_id="deployment_stop")
    def post(self, request: Request, deployment_id: str) -> Response:
        """Cancel what is open; with `liquidate` close what is held, too.

        While it is stopping, asking again without `liquidate` gives up closing: it ends with what
        it holds. What keeps it from being stopped is in `state_reason`.
        """
        body = body_of(StopInput, request)
        found = services.deployment_stop(
            deployment=_own(request, deployment_id),
            liquidate=body["liquidate"],
        )
        return Response(DeploymentOutput(found).data)


class LiquidateView(ApiView):
    """Stopping with nothing left."""

    work = "trade"

    @extend_schema(request=None, responses=DeploymentOutput, operation_id="deployment_liquidate")
    def post(self, request: Request, deployment_id: str) -> Response:
        """Stop, and close what is held."""
        found = services.deployment_stop(deployment=_own(request, deployment_id), liquidate=True)
        return Response(DeploymentOutput(found).data)


class SignalListView(ListView):
    """What a deployment decided."""

    queryset = DeploymentTick.objects.none()
    filterset_class = TickFilter
    pagination_class = TickPage

    @extend_schema(responses=TickOutput(many=True), operation_id="deployment_signals")
    def get(self, request: Request, deployment_id: str) -> Response:
        """List the bars it looked at, newest first, with what it decided on each."""
        return self.page(tick_list(deployment=_own(request, deployment_id)), TickOutput)


class DriftListView(ListView):
    """How a deployment trades against its backtest."""

    queryset = DriftReport.objects.none()
    filterset_class = DriftFilter
    pagination_class = SessionPage

    @extend_schema(responses=DriftOutput(many=True), operation_id="deployment_drift")
    def get(self, request: Request, deployment_id: str) -> Response:
        """List the sessions that were replayed through the backtester, newest first."""
        return self.page(drift_list(deployment=_own(request, deployment_id)), DriftOutput)


class DriftSeriesView(ApiView):
    """All sessions of a deployment, as columns."""

    @extend_schema(
        responses=DriftSeriesOutput,
        operation_id="deployment_drift_series",
        summary="Traded and backtested, session by session and fill by fill",
    )
    def get(self, request: Request, deployment_id: str) -> Response:
        """Return profits, their sums so far, what differences are due to, and every fill."""
        found = drift_series(deployment=_own(request, deployment_id))
        return Response(DriftSeriesOutput(found).data)


class DriftChartView(ApiView):
    """Traded and backtested, drawn."""

    renderer_classes = [FiniteJSONRenderer, PngRenderer, SvgRenderer]

    @extend_schema(
        responses={
            (200, "application/json"): DriftChartOutput,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.BINARY,
        },
        operation_id="deployment_drift_chart",
        summary="A chart of a deployment's drift",
    )
    def get(self, request: Request, deployment_id: str) -> Response:
        """Return a base64 PNG in JSON; an image as it is with `Accept: image/png` or SVG."""
        deployment = _own(request, deployment_id)
        wanted = request.accepted_renderer.format
        image = drift_chart(deployment=deployment, svg=wanted == "svg")
        if wanted != "json":
            return Response(image)
        body = {"content_type": "image/png", "image": b64encode(image).decode()}
        return Response(DriftChartOutput(body).data)


def _own(request: Request, deployment_id: str) -> Deployment:
    return deployment_get(owner_id=caller_id(request), deployment_id=deployment_id)


def _created(request: Request, data: dict[str, Any]) -> Deployment:
    owner_id = caller_id(request)
    strategy = strategy_get(owner_id, data.pop("strategy_id"))
    account_id = data.pop("account_id", None)
    account = (
        selectors.account_get(owner_id=owner_id, account_id=account_id)
        if account_id
        else paper_account(owner_id=owner_id)
    )
    return services.deployment_create(strategy=strategy, account=account, **data)
