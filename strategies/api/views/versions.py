from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.views import ApiView, ListView
from core.errors import Detail, InvalidInput
from strategies import services
from strategies.api import examples
from strategies.api.filters import StrictOrdering
from strategies.api.preconditions import IF_MATCH, revision_expected
from strategies.api.serializers import DiffOutput, VersionOutput, VersionSummaryOutput
from strategies.diff import graph_diff
from strategies.models import Strategy, StrategyVersion
from strategies.selectors import strategy_get, version_get, version_list

DRAFT = "draft"


class PublishView(ApiView):
    """Freezing drafts."""

    @extend_schema(
        operation_id="strategy_publish",
        request=None,
        responses={201: VersionOutput, 200: VersionOutput},
        parameters=[IF_MATCH],
        examples=[
            examples.answered("A version", {**examples.VERSION, "graph": examples.GRAPH}, 200, 201)
        ],
    )
    def post(self, request: Request, strategy_id: str) -> Response:
        """Freeze the draft as a version: 201, or 200 with the version that is equal already."""
        version, new = services.version_publish(
            owner_id=caller_id(request),
            strategy_id=strategy_id,
            revision=revision_expected(request),
        )
        location = f"/api/v1/strategies/{strategy_id}/versions/{version.number}/"
        return Response(
            VersionOutput(version).data,
            status=201 if new else 200,
            headers={"Location": location},
        )


class VersionsView(ListView):
    """The versions of a strategy."""

    queryset = StrategyVersion.objects.none()
    serializer_class = VersionSummaryOutput
    filter_backends: list[type[OrderingFilter]] = [StrictOrdering]
    ordering_fields = ("number", "created_at")
    ordering = ("-number",)

    @extend_schema(
        operation_id="strategy_version_list",
        responses=VersionSummaryOutput(many=True),
        examples=[examples.answered("A row", examples.VERSION)],
    )
    def get(self, request: Request, strategy_id: str) -> Response:
        """List the versions, newest first, without their graphs."""
        strategy = strategy_get(caller_id(request), strategy_id)
        return self.page(version_list(strategy).defer("graph"), VersionSummaryOutput)


class VersionView(ApiView):
    """One version."""

    @extend_schema(
        operation_id="strategy_version_get",
        responses=VersionOutput,
        examples=[examples.answered("A version", {**examples.VERSION, "graph": examples.GRAPH})],
    )
    def get(self, request: Request, strategy_id: str, number: str) -> Response:
        """Show a version with its graph."""
        strategy = strategy_get(caller_id(request), strategy_id)
        return Response(VersionOutput(version_get(strategy, int(number))).data)


class DiffView(ApiView):
    """Differences of versions."""

    @extend_schema(
        operation_id="strategy_version_diff",
        responses=DiffOutput,
        parameters=[
            OpenApiParameter("from", str, description="A number, or `draft`. Default: newest."),
            OpenApiParameter("to", str, description="A number, or `draft`. Default: `draft`."),
        ],
        examples=[examples.answered("Another period", examples.DIFF)],
    )
    def get(self, request: Request, strategy_id: str) -> Response:
        """Tell what changed from one version to another, or to the draft."""
        strategy = strategy_get(caller_id(request), strategy_id)
        from_name, before = _side(strategy, "from", request.query_params.get("from"))
        to_name, after = _side(strategy, "to", request.query_params.get("to", DRAFT))
        return Response({"from": from_name, "to": to_name, **graph_diff(before, after)})


def _side(strategy: Strategy, name: str, given: str | None) -> tuple[int | str, dict[str, object]]:
    """Return one side of a difference: what it is called, and its graph."""
    if given == DRAFT:
        return DRAFT, strategy.graph
    if given is not None and not (given.isascii() and given.isdigit() and len(given) < 10):
        message = f"{name!r} must be the number of a version or 'draft', not {given[:50]!r}."
        raise InvalidInput(message, details=[Detail(name, "wrong_type", message, received=given)])
    version = version_get(strategy, None if given is None else int(given))
    return version.number, version.graph
