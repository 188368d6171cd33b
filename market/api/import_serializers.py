"""Shapes of files to import."""

from __future__ import annotations

import json
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.forms import KnownFields
from market.api.fields import IntervalField, SymbolField
from market.api.serializers import JobOutput
from market.choices import AssetClass
from market.models import Import


@extend_schema_field({"type": "string", "example": '{"ts": "Date", "close": "Last"}'})
class ColumnsField(serializers.Field[dict[str, str], str, str, Any]):
    """Our columns to those of a file, as a JSON object in a form's field."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        """Return the object."""
        try:
            found = json.loads(data) if isinstance(data, str) else data
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
            raise serializers.ValidationError(
                'This is not a JSON object of texts, such as {"ts": "Date", "close": "Last"}.'
            )
        return {str(ours): theirs for ours, theirs in found.items()}

    def to_representation(self, value: dict[str, str]) -> str:
        """Return JSON."""
        return json.dumps(value)


class PreviewInput(KnownFields):
    """A file, and what cannot be told from it."""

    file = serializers.FileField(
        help_text="CSV or Parquet, packed with gzip or zip or not. Columns and the way in which "
        "times are written are found out; a column adj_close makes prices adjustable."
    )
    columns = ColumnsField(
        required=False, default=dict, help_text="Ours (ts, open, ...) to those of the file."
    )
    date_format = serializers.CharField(
        default="", allow_blank=True, max_length=40, help_text="iso, epoch, or %d.%m.%Y %H:%M"
    )
    times_in = serializers.CharField(
        default="UTC", max_length=64, help_text="Time zone of times that name none."
    )


class ImportInput(PreviewInput):
    """Bars from a file, and what a symbol that nobody knows is like."""

    symbol = SymbolField()
    interval = IntervalField(default="1d")
    asset_class = serializers.ChoiceField(choices=AssetClass.choices, default=AssetClass.EQUITY)
    calendar = serializers.CharField(
        default="", allow_blank=True, max_length=20, help_text="XNYS, 24/7, 24/5, ..."
    )
    timezone = serializers.CharField(default="", allow_blank=True, max_length=64)
    name = serializers.CharField(default="", allow_blank=True, max_length=200)
    replace = serializers.BooleanField(
        default=False, help_text="Take the place of what you imported before."
    )


class PreviewRow(serializers.Serializer[Any]):
    """A bar as it was understood."""

    ts = serializers.DateTimeField()
    open = serializers.FloatField()
    high = serializers.FloatField()
    low = serializers.FloatField()
    close = serializers.FloatField()
    volume = serializers.FloatField()


class PreviewOutput(serializers.Serializer[Any]):
    """How a file is understood."""

    delimiter = serializers.CharField()
    decimal = serializers.CharField()
    header = serializers.BooleanField()
    columns = serializers.DictField(child=serializers.CharField())
    date_format = serializers.CharField()
    newest_first = serializers.BooleanField()
    notes = serializers.ListField(child=serializers.CharField())
    adjustable = serializers.BooleanField()
    rows = serializers.IntegerField()
    interval = serializers.CharField(allow_null=True, help_text="As most of its bars are apart.")
    first = PreviewRow(many=True)
    last = PreviewRow(many=True)


class ImportOutput(JobOutput[Import]):
    """An import that a worker does."""

    class Meta:
        model = Import
        fields = [
            "id",
            "status",
            "progress",
            "stage",
            "eta_s",
            "filename",
            "size",
            "symbol",
            "interval",
            "rows",
            "series",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]
