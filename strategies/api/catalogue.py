"""Shapes of what every user sees alike: node types, indicators, templates, previews."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from core.api.forms import KnownFields
from core.indicators.spec import PRICE_FIELDS
from strategies.api.fields import DayOrTimeField, ValuesField
from strategies.graph.templates import Template
from strategies.selectors import template_graph

PREVIEW_LIMIT = 10_000


def whole(items: Iterable[Any]) -> dict[str, Any]:
    """Return a list that is short enough to be one page."""
    return {"results": list(items), "next": None, "previous": None}


def _whole_output(name: str, item: serializers.Serializer[Any]) -> serializers.Serializer[Any]:
    """Return the shape of `whole`."""
    fields: dict[str, Any] = {
        "results": item,
        "next": serializers.CharField(allow_null=True),
        "previous": serializers.CharField(allow_null=True),
    }
    return inline_serializer(name, fields)


class PortOutput(serializers.Serializer[Any]):
    """A port of a node."""

    name = serializers.CharField()
    type = serializers.CharField(help_text="number, bool or exec")
    required = serializers.BooleanField()  # type: ignore[assignment]  # a field of that name
    description = serializers.CharField()


class FormOutput(serializers.Serializer[Any]):
    """What a node has once its selector is set."""

    value = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    parameters = serializers.ListField(child=serializers.DictField())
    inputs = PortOutput(many=True)
    outputs = PortOutput(many=True)


class NodeTypeOutput(serializers.Serializer[Any]):
    """A type of node: all that a palette needs."""

    type = serializers.CharField()
    title = serializers.CharField()
    category = serializers.CharField()
    description = serializers.CharField()
    selector = serializers.CharField(
        allow_null=True, help_text="The parameter that chooses among `forms`."
    )
    parameters = serializers.ListField(child=serializers.DictField())
    inputs = PortOutput(many=True)
    outputs = PortOutput(many=True)
    forms = FormOutput(many=True)


class IndicatorOutput(serializers.Serializer[Any]):
    """An indicator of the registry."""

    name = serializers.CharField()
    title = serializers.CharField()
    group = serializers.CharField()
    description = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    inputs = serializers.ListField(child=serializers.CharField())
    parameters = serializers.ListField(child=serializers.DictField())
    outputs = serializers.ListField(child=serializers.CharField())
    lookback = serializers.IntegerField(help_text="Bars without a value, with the defaults.")
    recursive = serializers.BooleanField(help_text="A value depends on all bars before it.")
    repaints = serializers.BooleanField(help_text="A later bar may change an earlier value.")
    overlay = serializers.BooleanField(help_text="Drawn over the price.")


class TemplateSummaryOutput(serializers.Serializer[Template]):
    """A template in a list."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    parameters = serializers.SerializerMethodField()

    def get_parameters(self, template: Template) -> list[dict[str, Any]]:
        """Return the parameters that the template declares."""
        declared: list[dict[str, Any]] = template_graph(template.name)[0]["parameters"]
        return declared


class TemplateOutput(TemplateSummaryOutput):
    """A template with its graph."""

    graph = serializers.SerializerMethodField()

    def get_graph(self, template: Template) -> dict[str, Any]:
        """Return the graph, which a strategy may start from."""
        return template_graph(template.name)[0]


class IndicatorPreviewInput(KnownFields):
    """What to compute an indicator over."""

    symbol = serializers.CharField(max_length=20)
    interval = serializers.CharField(max_length=20, default="1d")
    start = DayOrTimeField(
        required=False, help_text="A day or a time; the first stored bar if not given."
    )
    end = DayOrTimeField(
        required=False, help_text="A day (its whole session) or a time; the last bar if not given."
    )
    adjusted = serializers.BooleanField(default=True)
    params = ValuesField(required=False, default=dict)
    inputs = serializers.DictField(
        child=serializers.ChoiceField(choices=PRICE_FIELDS),
        default=dict,
        help_text="Price fields by input, where an indicator asks for a series.",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=PREVIEW_LIMIT, default=1000, help_text="The last bars of the range."
    )


class IndicatorPreviewOutput(serializers.Serializer[Any]):
    """Values of an indicator over stored bars; null before warm-up."""

    name = serializers.CharField()
    params = serializers.DictField()
    symbol = serializers.CharField()
    interval = serializers.CharField()
    snapshot = serializers.CharField(help_text="Content hash of the bars.")
    lookback = serializers.IntegerField()
    ts = serializers.ListField(child=serializers.IntegerField(), help_text="Epoch milliseconds.")
    outputs = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True))
    )


NodeTypeListOutput = _whole_output("NodeTypeList", NodeTypeOutput(many=True))
IndicatorListOutput = _whole_output("IndicatorList", IndicatorOutput(many=True))
TemplateListOutput = _whole_output("TemplateList", TemplateSummaryOutput(many=True))
