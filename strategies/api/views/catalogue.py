from __future__ import annotations

from functools import cache, lru_cache

from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from core.errors import InvalidInput, NotFound
from core.indicators.registry import indicator_get, indicator_list
from strategies.api import examples
from strategies.api.catalogue import (
    IndicatorListOutput,
    IndicatorOutput,
    NodeTypeListOutput,
    TemplateListOutput,
    TemplateOutput,
    TemplateSummaryOutput,
    whole,
)
from strategies.api.prerendered import (
    IF_NONE_MATCH,
    NOT_MODIFIED,
    Prerendered,
    prerender,
    prerendered_answer,
)
from strategies.graph.catalogue import node_catalogue
from strategies.graph.templates import Template, template_get, template_list


class NodesView(ApiView):
    """The palette."""

    @extend_schema(
        operation_id="node_type_list",
        parameters=[IF_NONE_MATCH],
        responses={200: NodeTypeListOutput, 304: NOT_MODIFIED},
        examples=[examples.answered("The types", whole([examples.NODE_TYPE]))],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List every type of node with its parameters, ports and documentation."""
        return prerendered_answer(request, node_types())


class IndicatorsView(ApiView):
    """The indicators."""

    @extend_schema(
        operation_id="indicator_list",
        responses={200: IndicatorListOutput, 304: NOT_MODIFIED},
        parameters=[
            IF_NONE_MATCH,
            OpenApiParameter("group", str, description="Such as `overlap` or `momentum`."),
            OpenApiParameter("search", str, description="Part of a name, an alias or a title."),
        ],
        examples=[examples.answered("The indicators", whole([examples.INDICATOR]))],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the indicators with inputs, parameters, bounds, outputs and documentation."""
        group, word = (request.query_params.get(name, "").lower() for name in ("group", "search"))
        return prerendered_answer(request, indicators(group, word))


class IndicatorView(ApiView):
    """One indicator."""

    @extend_schema(
        operation_id="indicator_get",
        responses=IndicatorOutput,
        examples=[examples.answered("An indicator", examples.INDICATOR)],
    )
    def get(self, _: Request, name: str) -> Response:
        """Show an indicator, by name or alias in any case."""
        try:
            return Response(indicator_get(name).as_dict())
        except InvalidInput as error:
            raise NotFound(error.message) from error


class TemplatesView(ApiView):
    """Graphs to start from."""

    @extend_schema(
        operation_id="template_list",
        responses=TemplateListOutput,
        examples=[examples.answered("The templates", whole([examples.TEMPLATE]))],
    )
    def get(self, _: Request) -> Response:
        """List the templates with their parameters."""
        return Response(whole(TemplateSummaryOutput(template).data for template in template_list()))


class TemplateView(ApiView):
    """One template."""

    @extend_schema(
        operation_id="template_get",
        responses=TemplateOutput,
        examples=[examples.answered("A template", {**examples.TEMPLATE, "graph": examples.GRAPH})],
    )
    def get(self, _: Request, name: str) -> Response:
        """Show a template with its graph, by name or alias in any case."""
        try:
            template: Template = template_get(name)
        except InvalidInput as error:
            raise NotFound(error.message) from error
        return Response(TemplateOutput(template).data)


@cache
def node_types() -> Prerendered:
    """Return the palette as an answer."""
    return prerender(whole(node_catalogue()))


@lru_cache(maxsize=64)
def indicators(group: str, word: str) -> Prerendered:
    """Return the indicators of a group, all of them where it is empty, that have a word in them."""
    found = (
        spec.as_dict()
        for spec in indicator_list()
        if group in {"", spec.group}
        and any(word in text.lower() for text in (spec.name, spec.title, *spec.aliases))
    )
    return prerender(whole(found))
