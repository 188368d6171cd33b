from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.views import ApiView
from strategies import services
from strategies.api import examples, schemas
from strategies.api.preconditions import IF_MATCH, entity_tag, revision_expected
from strategies.api.serializers import StepOutput
from strategies.services import Step

Post = Callable[[Any, Request, str], Response]


def _documented(
    step: str, body: dict[str, Any], asked: list[OpenApiExample]
) -> Callable[[Post], Post]:
    """Return the documentation of a step."""
    return extend_schema(
        operation_id=f"strategy_{step}_add",
        request={"application/json": body},
        responses={201: StepOutput},
        parameters=[IF_MATCH],
        examples=[*asked, examples.answered("Appended", examples.INDICATOR_ADDED, 201)],
    )


class StepView(ApiView):
    """Appends to a draft."""

    step: ClassVar[Step]

    def append(self, request: Request, strategy_id: str) -> Response:
        """Append what the body describes and tell what became of it."""
        stepped = services.step_add(
            owner_id=caller_id(request),
            strategy_id=strategy_id,
            step=self.step,
            body=request.data,
            revision=revision_expected(request),
        )
        appended = stepped.appended
        data = {
            "node_id": appended.node_id,
            "node": appended.node,
            "nodes": list(appended.nodes),
            "warnings": [warning.as_dict() for warning in appended.warnings],
            "revision": stepped.revision,
        }
        return Response(data, status=201, headers=entity_tag(stepped.revision))


class IndicatorStepView(StepView):
    """Indicators of a draft."""

    step = Step.INDICATOR

    @_documented("indicator", schemas.INDICATOR_STEP, examples.INDICATOR_STEPS)
    def post(self, request: Request, strategy_id: str) -> Response:
        """Append an indicator over a price field or another node."""
        return self.append(request, strategy_id)


class ConditionStepView(StepView):
    """Conditions of a draft."""

    step = Step.CONDITION

    @_documented("condition", schemas.CONDITION_STEP, examples.CONDITION_STEPS)
    def post(self, request: Request, strategy_id: str) -> Response:
        """Append a condition over nodes and numbers."""
        return self.append(request, strategy_id)


class ActionStepView(StepView):
    """Actions of a draft."""

    step = Step.ACTION

    @_documented("action", schemas.ACTION_STEP, examples.ACTION_STEPS)
    def post(self, request: Request, strategy_id: str) -> Response:
        """Append an action, or several, that happens when a condition is true."""
        return self.append(request, strategy_id)


class EdgeStepView(StepView):
    """Edges of a draft."""

    step = Step.EDGE

    @_documented("edge", schemas.EDGE, examples.EDGE_STEPS)
    def post(self, request: Request, strategy_id: str) -> Response:
        """Connect two nodes."""
        return self.append(request, strategy_id)


class NodeView(ApiView):
    """A node of a draft."""

    @extend_schema(
        operation_id="strategy_node_delete",
        parameters=[IF_MATCH],
        responses={204: OpenApiResponse(description="It is gone, with its edges.")},
    )
    def delete(self, request: Request, strategy_id: str, node_id: str) -> Response:
        """Remove a node and its edges from the draft."""
        revision = services.node_delete(
            owner_id=caller_id(request),
            strategy_id=strategy_id,
            node_id=node_id,
            revision=revision_expected(request),
        )
        return Response(status=204, headers=entity_tag(revision))
