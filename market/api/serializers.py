from __future__ import annotations

from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.forms import KnownFields
from market.api.fields import AdjustmentField, DayOrTimeField, IntervalField, SymbolField
from market.choices import Adjustment, FetchStatus
from market.contract_prices import contract_quote_get
from market.contracts import contract_terms
from market.models import BarSeries, Fetch, Instrument
from market.models.job import BarsJob
from market.quotes import quote_get
from market.selectors import price_of

Job = TypeVar("Job", bound=BarsJob)


class InstrumentOutput(serializers.ModelSerializer[Instrument]):
    """What can be traded."""

    private = serializers.SerializerMethodField(help_text="Whether only you can see it.")

    class Meta:
        model = Instrument
        fields = [
            "symbol",
            "name",
            "asset_class",
            "exchange",
            "calendar",
            "timezone",
            "currency",
            "tick_size",
            "lot_size",
            "multiplier",
            "contract_size",
            "periods_per_year",
            "private",
        ]

    def get_private(self, instrument: Instrument) -> bool:
        """Return whether it belongs to somebody."""
        return instrument.owner_id is not None


class SeriesOutput(serializers.ModelSerializer[BarSeries]):
    """Bars there are."""

    symbol = serializers.CharField(source="instrument.symbol")
    private = serializers.SerializerMethodField(help_text="Whether only you can see it.")
    snapshot = serializers.CharField(source="content_hash", help_text="SHA-256 of the bars.")

    class Meta:
        model = BarSeries
        fields = [
            "id",
            "symbol",
            "interval",
            "provider",
            "rows",
            "first_ts",
            "last_ts",
            "adjusted",
            "private",
            "snapshot",
            "updated_at",
        ]

    def get_private(self, series: BarSeries) -> bool:
        """Return whether it belongs to somebody."""
        return series.owner_id is not None


class PriceOutput(serializers.Serializer[Any]):
    """The last price there is."""

    price = serializers.CharField(help_text="Raw close, a decimal.")
    ts = serializers.DateTimeField(help_text="When the bar of that price opened.")
    interval = serializers.CharField()


class QuoteOutput(serializers.Serializer[Any]):
    """A price as a provider told it a moment ago."""

    symbol = serializers.CharField()
    price = serializers.CharField(help_text="A decimal.")
    traded_at = serializers.DateTimeField()
    asked_at = serializers.DateTimeField()
    age_s = serializers.FloatField(help_text="Seconds since the provider was asked.")
    stale = serializers.BooleanField(help_text="Whether that is more than a minute ago.")
    provider = serializers.CharField()


class MarketOutput(InstrumentOutput):
    """An instrument with its bars and its latest price."""

    latest = serializers.SerializerMethodField()
    series = SeriesOutput(many=True, source="visible_series")

    class Meta(InstrumentOutput.Meta):
        fields = [*InstrumentOutput.Meta.fields, "latest", "series"]

    @extend_schema_field(PriceOutput(allow_null=True))
    def get_latest(self, instrument: Instrument) -> dict[str, Any] | None:
        """Return the close of the bar that closed last."""
        series: list[BarSeries] = instrument.visible_series  # type: ignore[attr-defined]  # set by market_list and market_get
        latest = price_of(series)
        return None if latest is None else PriceOutput(latest).data


class MarketDetailOutput(MarketOutput):
    """An instrument with its bars, its latest price and its latest quote."""

    quote = serializers.SerializerMethodField(
        help_text="Null until a provider was asked: it is, for ten minutes from now. Of an option "
        "contract what the model says, whose provider is `model`."
    )

    class Meta(MarketOutput.Meta):
        fields = [*MarketOutput.Meta.fields, "quote"]

    @extend_schema_field(QuoteOutput(allow_null=True))
    def get_quote(self, instrument: Instrument) -> dict[str, Any] | None:
        """Return what a provider said last, or the model of a contract."""
        now, terms = timezone.now(), contract_terms(instrument.symbol)
        quote = (
            quote_get(instrument.symbol)
            if terms is None
            else contract_quote_get(terms, owner_id=self.context.get("owner_id"), now=now)
        )
        return None if quote is None else quote.as_data(now=now)


class BarsQuery(KnownFields):
    """Which bars."""

    symbol = SymbolField()
    interval = IntervalField(default="1d")
    start = DayOrTimeField(required=False, default=None, help_text="First day, or moment.")
    end = DayOrTimeField(
        required=False, default=None, help_text="Last day (its whole session), or moment."
    )
    adjusted = AdjustmentField(default=Adjustment.ALL.value)
    as_of = serializers.DateField(
        required=False,
        default=None,
        help_text="Take in only splits and dividends up to that day: prices as they were seen.",
    )
    format = serializers.ChoiceField(
        choices=("json", "csv", "arrow"),
        default="json",
        help_text="Or ask by `Accept: text/csv` or `application/vnd.apache.arrow.stream`.",
    )


class ActionOutput(serializers.Serializer[Any]):
    """What happened to a unit before a bar, and is not in the prices."""

    ts = serializers.IntegerField(help_text="Of the bar from whose open on it counts, epoch ms.")
    split = serializers.FloatField(help_text="Units after for one before; 1 without a split.")
    dividend = serializers.FloatField(help_text="Cash a unit, after the split.")


class BarsOutput(serializers.Serializer[Any]):
    """Bars as columns of one length."""

    symbol = serializers.CharField()
    interval = serializers.CharField()
    provider = serializers.CharField()
    adjusted = serializers.BooleanField(help_text="Whether splits at least are in the prices.")
    adjustment = serializers.ChoiceField(choices=Adjustment.choices)
    snapshot = serializers.CharField(help_text="SHA-256 of the series they are from.")
    rows = serializers.IntegerField()
    ts = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="When each bar opens, epoch ms; a day's is its date at 00:00 UTC.",
    )
    open = serializers.ListField(child=serializers.FloatField())
    high = serializers.ListField(child=serializers.FloatField())
    low = serializers.ListField(child=serializers.FloatField())
    close = serializers.ListField(child=serializers.FloatField())
    volume = serializers.ListField(child=serializers.FloatField())
    actions = ActionOutput(many=True, help_text="Splits and dividends that are not in the prices.")


class FetchInput(KnownFields):
    """What to download."""

    symbol = SymbolField()
    provider = serializers.CharField(
        default="yfinance",
        max_length=60,
        help_text="See `GET providers`; a variant may follow, as in `ccxt:kraken`.",
    )
    interval = IntervalField(default="1d")
    start = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="As far as there is, if left out."
    )
    end = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="Included; now, if left out."
    )
    replace = serializers.BooleanField(
        default=False, help_text="Take the place of what is stored (staff only)."
    )


class FetchErrorOutput(serializers.Serializer[Any]):
    """Why a download has no bars."""

    code = serializers.CharField()
    message = serializers.CharField()
    details = serializers.ListField(child=serializers.DictField())


class JobOutput(serializers.ModelSerializer[Job]):
    """Work that brings bars: those it brought, or why it did not."""

    series = SeriesOutput(allow_null=True)
    eta_s = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_eta_s(self, job: Job) -> float | None:
        """Return how long it takes yet, as far as can be told."""
        if job.status != FetchStatus.RUNNING or job.started_at is None or not job.progress:
            return None
        took = (timezone.now() - job.started_at).total_seconds()
        return round(took * (1 - job.progress) / job.progress, 1)

    @extend_schema_field(FetchErrorOutput(allow_null=True))
    def get_error(self, job: Job) -> dict[str, Any] | None:
        """Return why it failed, if it did."""
        if not job.error_code:
            return None
        return {
            "code": job.error_code,
            "message": job.error_message,
            "details": job.error_details,
        }


class FetchOutput(JobOutput[Fetch]):
    """A download."""

    class Meta:
        model = Fetch
        fields = [
            "id",
            "status",
            "progress",
            "stage",
            "eta_s",
            "provider",
            "symbol",
            "interval",
            "start",
            "end",
            "rows",
            "series",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]
