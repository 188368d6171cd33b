"""What comes in and what goes out. Graphs are checked by `strategies.graph`, not here."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from core.api.forms import KnownFields
from strategies.api import schemas
from strategies.api.fields import (
    DeclaredField,
    EdgesField,
    FaultsField,
    GraphField,
    NodeField,
    NodesField,
    ParametersField,
    ReplacementsField,
    SettingsField,
    ValuesField,
)
from strategies.drafts import GraphSource, Report, draft_report
from strategies.inheritance import Overrides
from strategies.models import Strategy, StrategyVersion
from strategies.models.strategy import NAME_LENGTH

DESCRIPTION_LENGTH = 10_000


class GraphInput(KnownFields):
    """A graph in any of the forms that it may be sent in."""

    graph = GraphField(required=False)
    nodes = NodesField(required=False)
    edges = EdgesField(required=False)
    connections = EdgesField(required=False)
    settings = SettingsField(required=False)
    parameters = ParametersField(required=False)
    template = serializers.CharField(required=False, max_length=50, allow_blank=True)
    base_strategy = serializers.UUIDField(required=False)
    base_version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    replace_nodes = ReplacementsField(
        required=False, help_text="Nodes that take the place of the base's, by their ids."
    )

    forms: ClassVar[tuple[str, ...]] = ("graph", "nodes", "template", "base_strategy")
    drawn: ClassVar[tuple[str, ...]] = ("nodes", "edges", "connections", "settings")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Let only one form through, and give `parameters` its meaning in that form."""
        forms = [name for name in self.forms if attrs.get(name, "") != ""]
        if len(forms) > 1:
            message = f"Give the graph once: {' or '.join(forms)}, not both."
            raise serializers.ValidationError({forms[1]: [message]}, code="conflict")
        if "nodes" not in attrs and (stray := [name for name in self.drawn if name in attrs]):
            message = f"{stray[0]!r} at the top goes with 'nodes': add them, or send a 'graph'."
            raise serializers.ValidationError({stray[0]: [message]}, code="required")
        if attrs.get("replace_nodes") and forms and forms[0] != "base_strategy":
            message = f"Nodes of a base are replaced; put your own into the {forms[0]!r} itself."
            raise serializers.ValidationError({"replace_nodes": [message]}, code="conflict")
        values = attrs.get("parameters")
        if "nodes" not in attrs and not isinstance(values, dict | None):
            message = 'Give values by name, such as {"fast": 10}.'
            raise serializers.ValidationError({"parameters": [message]}, code="wrong_type")
        return attrs

    def graph_source(self) -> GraphSource:
        """Return where the graph of the valid body comes from."""
        sent = self.validated_data
        if "nodes" in sent:
            keys = (*self.drawn, "parameters")
            return GraphSource(graph={key: sent[key] for key in keys if key in sent}, path="")
        return GraphSource(
            graph=sent.get("graph"),
            template=sent.get("template", ""),
            base_strategy=sent.get("base_strategy"),
            base_version=sent.get("base_version"),
            parameters=sent.get("parameters"),
            nodes=sent.get("replace_nodes"),
        )


class StrategyCreateInput(GraphInput):
    """A new strategy; its name is that of the template or the base if none is given."""

    name = serializers.CharField(
        max_length=NAME_LENGTH, required=False, default="", allow_blank=True
    )
    description = serializers.CharField(
        max_length=DESCRIPTION_LENGTH, allow_blank=True, required=False
    )


class StrategyChangeInput(GraphInput):
    """Changes; what `GET` answered may be sent back with changes in it."""

    sent_back = frozenset(
        (
            "id",
            "revision",
            "version",
            "latest_version",
            "origin",
            "created_at",
            "updated_at",
            "runnable",
            "errors",
            "warnings",
            "symbols",
            "timeframes",
        )
    )

    name = serializers.CharField(max_length=NAME_LENGTH)
    description = serializers.CharField(max_length=DESCRIPTION_LENGTH, allow_blank=True, default="")
    archived = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask a PUT for the graph."""
        attrs = super().validate(attrs)
        if not self.partial and not attrs.keys() & {"graph", "nodes", "template", "base_strategy"}:
            message = "PUT replaces the whole strategy: send its 'graph', or PATCH single fields."
            raise serializers.ValidationError({"graph": [message]}, code="required")
        return attrs


class ForkInput(KnownFields):
    """A copy."""

    name = serializers.CharField(
        max_length=NAME_LENGTH, required=False, default="", allow_blank=True
    )
    version = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="The draft if not given."
    )


class ValidateInput(KnownFields):
    """What to validate in place of the draft, which stays as it is."""

    graph = GraphField(required=False)
    parameters = ValuesField(required=False)


def _symbols_field() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(),
        help_text="Other instruments whose bars a run needs; empty while there are errors.",
    )


def _timeframes_field() -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(),
        help_text="Time frames that nodes name: a run's interval may not be longer.",
    )


class OriginOutput(serializers.Serializer[Strategy]):
    """What a strategy was made from."""

    template = serializers.CharField()
    base_strategy = serializers.UUIDField(source="base_strategy_id", allow_null=True)
    base_version = serializers.IntegerField(source="base_number", allow_null=True)
    base_outdated = serializers.SerializerMethodField(
        help_text="The base has a newer version; this strategy stays as it is until you re-base it."
    )
    base_latest = serializers.IntegerField(
        allow_null=True, help_text="The base's newest version: PATCH `base_version` takes it."
    )
    overrides = serializers.SerializerMethodField()
    forked_from = serializers.UUIDField(source="forked_from_id", allow_null=True)

    def get_base_outdated(self, strategy: Strategy) -> bool:
        """Tell whether the base has a newer version than the one this was made from."""
        row: Any = strategy
        return row.base_number is not None and row.base_latest > row.base_number

    @extend_schema_field(schemas.OVERRIDES)
    def get_overrides(self, strategy: Strategy) -> dict[str, Any]:
        """Return what it changes of its base."""
        return Overrides.from_dict(strategy.overrides).as_dict()


class StrategySummaryOutput(serializers.Serializer[Strategy]):
    """A strategy in a list."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    revision = serializers.IntegerField(help_text="Counts the changes; send it in If-Match.")
    version = serializers.IntegerField(
        allow_null=True, help_text="The version equal to the draft; null while it has changes."
    )
    latest_version = serializers.IntegerField(allow_null=True)
    origin = OriginOutput(source="*")
    archived = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class StrategyOutput(StrategySummaryOutput):
    """A strategy with its draft and whether that can run."""

    graph = GraphField()
    runnable = serializers.BooleanField(help_text="Whether a version can be made of the draft.")
    errors = FaultsField(  # type: ignore[assignment]  # a field of that name
        help_text="What keeps the draft from running."
    )
    warnings = FaultsField()
    symbols = _symbols_field()
    timeframes = _timeframes_field()

    def to_representation(self, instance: Strategy) -> dict[str, Any]:
        """Return the row, and what validation says of its draft."""
        report = draft_report(instance.graph)
        shown = StrategySummaryOutput(instance).data
        return {**shown, "graph": instance.graph, **report_body(report, verdict="runnable")}


def report_body(report: Report, *, verdict: str) -> dict[str, Any]:
    """Return a report as it is answered, with the verdict under the name given."""
    return {
        verdict: report.runnable,
        "errors": [fault.as_dict() for fault in report.faults],
        "warnings": [warning.as_dict() for warning in report.warnings],
        "symbols": list(report.symbols),
        "timeframes": list(report.timeframes),
    }


class ValidationOutput(serializers.Serializer[Any]):
    """The result of a validation."""

    valid = serializers.BooleanField()
    errors = FaultsField()  # type: ignore[assignment]  # a field of that name
    warnings = FaultsField()
    symbols = _symbols_field()
    timeframes = _timeframes_field()


class StepOutput(serializers.Serializer[Any]):
    """What was appended to the draft; several actions at once are all in `nodes`."""

    node_id = serializers.CharField()
    node = NodeField()
    nodes = NodesField()
    warnings = FaultsField()
    revision = serializers.IntegerField()


class VersionSummaryOutput(serializers.Serializer[StrategyVersion]):
    """A version in a list."""

    number = serializers.IntegerField()
    graph_hash = serializers.CharField()
    parameters = DeclaredField()
    created_at = serializers.DateTimeField()


class VersionOutput(VersionSummaryOutput):
    """A version with its graph."""

    graph = GraphField()


class ItemsDiffOutput(serializers.Serializer[Any]):
    """What happened to named things."""

    added = serializers.ListField(child=serializers.DictField())
    removed = serializers.ListField(child=serializers.DictField())
    changed = serializers.DictField(
        help_text="By id or name, then by field: its value `from` and `to`."
    )


class EdgesDiffOutput(serializers.Serializer[Any]):
    """What happened to edges."""

    added = serializers.ListField(child=serializers.DictField())
    removed = serializers.ListField(child=serializers.DictField())


DiffOutput = inline_serializer(
    "StrategyDiffOutput",
    {
        "from": serializers.JSONField(help_text="A number, or `draft`."),
        "to": serializers.JSONField(help_text="A number, or `draft`."),
        "equal": serializers.BooleanField(),
        "nodes": ItemsDiffOutput(),
        "edges": EdgesDiffOutput(),
        "parameters": ItemsDiffOutput(),
        "settings": serializers.DictField(),
    },
)
