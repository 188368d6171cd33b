from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.filtering import StrictFilters
from core.api.forms import body_of
from core.api.views import ApiView, ListView
from strategies import services
from strategies.api import examples
from strategies.api.filters import StrategyFilter, StrictOrdering
from strategies.api.preconditions import IF_MATCH, entity_tag, revision_expected
from strategies.api.serializers import (
    ForkInput,
    StrategyChangeInput,
    StrategyCreateInput,
    StrategyOutput,
    StrategySummaryOutput,
    ValidateInput,
    ValidationOutput,
    report_body,
)
from strategies.drafts import draft_report
from strategies.models import Strategy
from strategies.selectors import strategy_get, strategy_list


class StrategiesView(ListView):
    """All strategies of a user."""

    queryset = Strategy.objects.none()
    serializer_class = StrategySummaryOutput
    filter_backends = [StrictFilters, StrictOrdering]
    filterset_class = StrategyFilter
    ordering_fields = ("created_at", "updated_at", "name")

    @extend_schema(
        operation_id="strategy_list",
        responses=StrategySummaryOutput(many=True),
        examples=[examples.answered("A row", examples.SUMMARY)],
    )
    def get(self, request: Request) -> Response:
        """List strategies, newest first, without their graphs; archived ones are left out."""
        rows = strategy_list(caller_id(request)).defer("graph")
        return self.page(rows, StrategySummaryOutput)

    @extend_schema(
        operation_id="strategy_create",
        request=StrategyCreateInput,
        responses={201: StrategyOutput},
        examples=[*examples.CREATE, examples.answered("Created", examples.STRATEGY, 201)],
    )
    def post(self, request: Request) -> Response:
        """Create a strategy from a graph, a template or a base strategy, or an empty one.

        The graph must be well-formed; it may be incomplete. `errors` tells what keeps it from
        running. If it can run it is published as version 1.
        """
        body = StrategyCreateInput(data=request.data)
        body.is_valid(raise_exception=True)
        strategy = services.strategy_create(
            owner_id=caller_id(request),
            name=body.validated_data["name"],
            description=body.validated_data.get("description"),
            source=body.graph_source(),
        )
        return _created(strategy)


class StrategyView(ApiView):
    """One strategy."""

    @extend_schema(
        operation_id="strategy_get",
        responses=StrategyOutput,
        examples=[examples.answered("A strategy", examples.STRATEGY)],
    )
    def get(self, request: Request, strategy_id: str) -> Response:
        """Show a strategy with its draft, and whether that can run."""
        return _shown(strategy_get(caller_id(request), strategy_id))

    @extend_schema(
        operation_id="strategy_replace",
        request=StrategyChangeInput,
        responses=StrategyOutput,
        parameters=[IF_MATCH],
        examples=[*examples.PUT, examples.answered("Replaced", examples.STRATEGY)],
    )
    def put(self, request: Request, strategy_id: str) -> Response:
        """Replace name, description and graph."""
        return self._change(request, strategy_id, partial=False)

    @extend_schema(
        operation_id="strategy_change",
        request=StrategyChangeInput,
        responses=StrategyOutput,
        parameters=[IF_MATCH],
        examples=[*examples.PATCH, examples.answered("Changed", examples.STRATEGY)],
    )
    def patch(self, request: Request, strategy_id: str) -> Response:
        """Change what is sent; `parameters` alone gives the draft other defaults."""
        return self._change(request, strategy_id, partial=True)

    def _change(self, request: Request, strategy_id: str, *, partial: bool) -> Response:
        body = StrategyChangeInput(data=request.data, partial=partial)
        body.is_valid(raise_exception=True)
        strategy = services.strategy_update(
            owner_id=caller_id(request),
            strategy_id=strategy_id,
            name=body.validated_data.get("name"),
            description=body.validated_data.get("description"),
            archived=body.validated_data.get("archived"),
            source=body.graph_source(),
            revision=revision_expected(request),
        )
        return _shown(strategy)

    @extend_schema(
        operation_id="strategy_delete",
        parameters=[IF_MATCH],
        responses={
            204: OpenApiResponse(description="It is gone, with its versions."),
            200: OpenApiResponse(
                StrategyOutput, description="It was archived: runs, deployments or children use it."
            ),
        },
        examples=[examples.answered("Archived", {**examples.STRATEGY, "archived": True})],
    )
    def delete(self, request: Request, strategy_id: str) -> Response:
        """Delete a strategy; one that has runs or deployments is archived, and they stay."""
        archived = services.strategy_delete(
            owner_id=caller_id(request),
            strategy_id=strategy_id,
            revision=revision_expected(request),
        )
        return Response(status=204) if archived is None else _shown(archived)


class ForkView(ApiView):
    """Copies."""

    @extend_schema(
        operation_id="strategy_fork",
        request=ForkInput,
        responses={201: StrategyOutput},
        examples=[
            examples.asked("The draft", {"name": "EMA cross, faster"}),
            examples.asked("A version", {"version": 1}),
            examples.answered("The copy", examples.STRATEGY, 201),
        ],
    )
    def post(self, request: Request, strategy_id: str) -> Response:
        """Copy the draft, or a version, into a new strategy."""
        body = body_of(ForkInput, request)
        fork = services.strategy_fork(owner_id=caller_id(request), strategy_id=strategy_id, **body)
        return _created(fork)


class ValidateView(ApiView):
    """Validation at running level."""

    @extend_schema(
        operation_id="strategy_validate",
        request=ValidateInput,
        responses=ValidationOutput,
        examples=[
            examples.asked("The draft", {}),
            examples.asked("A graph not saved yet", {"graph": examples.GRAPH}),
            examples.answered("Incomplete", examples.REPORT),
        ],
    )
    def post(self, request: Request, strategy_id: str) -> Response:
        """Tell everything that keeps the draft, or the graph sent, from running; save nothing."""
        strategy = strategy_get(caller_id(request), strategy_id)
        sent = body_of(ValidateInput, request)
        report = draft_report(sent.get("graph", strategy.graph), parameters=sent.get("parameters"))
        return Response(report_body(report, verdict="valid"))


def _shown(strategy: Strategy) -> Response:
    data: Any = StrategyOutput(strategy).data
    return Response(data, headers=entity_tag(strategy.revision))


def _created(strategy: Strategy) -> Response:
    headers = {"Location": f"/api/v1/strategies/{strategy.pk}/", **entity_tag(strategy.revision)}
    return Response(StrategyOutput(strategy).data, status=201, headers=headers)
