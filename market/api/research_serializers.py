"""Shapes of reports, universes, watches and providers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.forms import KnownFields
from market.api.fields import IntervalField, SymbolField
from market.models import QuarantinedBar, Universe, Watch

NS_PER_MS = 1_000_000
PERIOD = "Seconds between downloads; whenever a bar is over where it is null or left out."


class QualityQuery(KnownFields):
    """Which bars to report on."""

    symbol = SymbolField()
    interval = IntervalField(required=False)
    provider = serializers.CharField(required=False, max_length=60)


class FindingOutput(serializers.Serializer[Any]):
    """Something that may be wrong."""

    code = serializers.CharField(help_text="gap, hole, spike, split_missing, stale, ...")
    severity = serializers.CharField(help_text="note, warning or error.")
    start = serializers.CharField()
    end = serializers.CharField()
    bars = serializers.IntegerField(help_text="How many bars it is about, there or missing.")
    message = serializers.CharField()


class QuarantinedOutput(serializers.ModelSerializer[QuarantinedBar]):
    """A row that cannot be a bar."""

    ts = serializers.SerializerMethodField(help_text="Epoch ms, as given.")

    class Meta:
        model = QuarantinedBar
        fields = ["ts", "open", "high", "low", "close", "volume", "code", "message"]

    def get_ts(self, bar: QuarantinedBar) -> int:
        """Return the time in milliseconds."""
        return bar.ts // NS_PER_MS


class ReportOutput(serializers.Serializer[Any]):
    """What the checks found in a series."""

    series_id = serializers.UUIDField()
    interval = serializers.CharField()
    provider = serializers.CharField()
    snapshot = serializers.CharField(help_text="SHA-256 of the bars that were looked at.")
    severity = serializers.CharField(help_text="The worst: ok, note, warning or error.")
    rows = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField())
    findings = FindingOutput(many=True, help_text="The worst first, 20 of a code at most.")
    quarantined = serializers.IntegerField()
    quarantine = QuarantinedOutput(many=True, help_text="The newest 100 rows.")


class QualityOutput(serializers.Serializer[Any]):
    """Reports on all bars of a symbol."""

    symbol = serializers.CharField()
    reports = ReportOutput(many=True)


class UniverseInput(KnownFields):
    """A named list of symbols."""

    name = serializers.CharField(max_length=60)
    symbols = serializers.ListField(child=serializers.CharField(max_length=40), max_length=5000)
    description = serializers.CharField(default="", allow_blank=True, max_length=300)


class UniverseChange(KnownFields):
    """What to change of a list."""

    symbols = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=5000, required=False
    )
    description = serializers.CharField(required=False, allow_blank=True, max_length=300)


class UniverseOutput(serializers.ModelSerializer[Universe]):
    """A named list of symbols."""

    private = serializers.SerializerMethodField(help_text="Whether it is yours alone.")

    class Meta:
        model = Universe
        fields = ["name", "description", "symbols", "private", "updated_at"]

    def get_private(self, universe: Universe) -> bool:
        """Return whether it belongs to somebody."""
        return universe.owner_id is not None


class WatchInput(KnownFields):
    """A series to keep up to date."""

    symbol = SymbolField()
    provider = serializers.CharField(default="yfinance", max_length=60)
    interval = IntervalField(default="1d")
    start = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="As far as there is, if left out."
    )
    every_s = serializers.IntegerField(default=None, allow_null=True, help_text=PERIOD)


class WatchChange(KnownFields):
    """What to change of a watch."""

    every_s = serializers.IntegerField(required=False, allow_null=True, help_text=PERIOD)
    active = serializers.BooleanField(required=False)


class WatchOutput(serializers.ModelSerializer[Watch]):
    """A series that is kept up to date."""

    last_status = serializers.SerializerMethodField(help_text="Of its last download.")
    last_error = serializers.SerializerMethodField()

    class Meta:
        model = Watch
        fields = [
            "id",
            "symbol",
            "provider",
            "interval",
            "start",
            "every_s",
            "active",
            "next_at",
            "last_status",
            "last_error",
            "created_at",
        ]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_last_status(self, watch: Watch) -> str | None:
        """Return how the last download ended."""
        return None if watch.fetch is None else watch.fetch.status

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_last_error(self, watch: Watch) -> str | None:
        """Return why the last download has no bars."""
        return None if watch.fetch is None else watch.fetch.error_message or None


class ProviderOutput(serializers.Serializer[Any]):
    """A source of bars."""

    name = serializers.CharField()
    title = serializers.CharField()
    intervals = serializers.ListField(child=serializers.CharField())
    credential_fields = serializers.ListField(
        child=serializers.CharField(), help_text="What it wants to know of you."
    )
    credentials_stored_at = serializers.DateTimeField(
        allow_null=True, help_text="When you stored yours; they are shown to nobody."
    )


class ProvidersOutput(serializers.Serializer[Any]):
    """The sources of bars."""

    providers = ProviderOutput(many=True)


class ProviderCredentialsInput(KnownFields):
    """Credentials, by the names that the provider lists as `credential_fields`."""

    values = serializers.DictField(
        child=serializers.CharField(max_length=1000), write_only=True, allow_empty=False
    )
