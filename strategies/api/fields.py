"""Fields that hold documents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from strategies.api import schemas


@extend_schema_field(schemas.GRAPH)
class GraphField(serializers.DictField):
    """A strategy graph; `graph_parse` checks it."""


@extend_schema_field(schemas.NODE)
class NodeField(serializers.DictField):
    """A node of a graph."""


@extend_schema_field(schemas.NODES)
class NodesField(serializers.JSONField):
    """The nodes of a graph; `graph_parse` checks them."""


@extend_schema_field(schemas.EDGES)
class EdgesField(serializers.JSONField):
    """The edges of a graph; `graph_parse` checks them."""


@extend_schema_field(schemas.OBJECT)
class SettingsField(serializers.JSONField):
    """The settings of a graph; `graph_parse` checks them."""


@extend_schema_field(schemas.PARAMETERS)
class DeclaredField(serializers.ListField):
    """The parameters that a graph declares."""


@extend_schema_field(schemas.PARAMETER_VALUES)
class ValuesField(serializers.DictField):
    """Values of parameters by name."""


@extend_schema_field(schemas.REPLACEMENTS)
class ReplacementsField(serializers.DictField):
    """Nodes by the ids of those that they replace; `nodes_replace` checks them."""


@extend_schema_field(schemas.PARAMETERS_OR_VALUES)
class ParametersField(serializers.JSONField):
    """Declared parameters beside nodes, else defaults by name."""


@extend_schema_field(schemas.FAULTS)
class FaultsField(serializers.ListField):
    """Faults or warnings, as in every error."""


@extend_schema_field({"type": "string", "example": "2012-01-31"})
class DayOrTimeField(serializers.Field[date, str, str, date]):
    """A day, or a moment with its zone (UTC where it names none)."""

    default_error_messages = {
        "invalid": "Write a day (2012-01-31) or a time (2012-01-31T14:30:00Z), not {value}."
    }

    def to_internal_value(self, data: Any) -> date:
        """Return a date for a day, an aware datetime for a time."""
        text = data if isinstance(data, str) else ""
        try:
            found = parse_date(text) or parse_datetime(text)
        except ValueError:  # the right form, but there is no such day
            found = None
        if found is None:
            self.fail("invalid", value=repr(data)[:50])
        if isinstance(found, datetime) and found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return found

    def to_representation(self, value: date) -> str:
        """Return it as ISO 8601."""
        return value.isoformat()
