"""The market over HTTP: what there is, its bars, and getting more."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, ListView, accepted
from core.errors import InvalidInput, NotAllowed
from core.realtime.waiting import waitable
from market.api import examples
from market.api.bar_files import ARROW, BarsNegotiation, form_of, table_answer
from market.api.filters import FetchFilter, InstrumentFilter, SymbolPage
from market.api.serializers import (
    BarsOutput,
    BarsQuery,
    FetchInput,
    FetchOutput,
    InstrumentOutput,
    MarketDetailOutput,
    MarketOutput,
)
from market.choices import FETCH_FINAL
from market.contracts import contract_terms
from market.models import Fetch, Instrument
from market.quotes import quotes_want
from market.selectors import fetch_get, fetch_list, instrument_list, market_get, market_list
from market.services.fetches import fetch_cancel, fetch_create, fetch_retry
from market.store import StoredBars, bars_read

NS_PER_MS = 1_000_000


class InstrumentListView(ListView):
    """`GET instruments`."""

    filterset_class = InstrumentFilter
    pagination_class = SymbolPage
    serializer_class = InstrumentOutput
    queryset = Instrument.objects.none()

    @extend_schema(
        operation_id="instrument_list",
        summary="List instruments",
        responses=InstrumentOutput(many=True),
        examples=[examples.INSTRUMENTS],
    )
    def get(self, request: Request) -> Response:
        """List what can be traded: shared instruments and your own, by symbol."""
        return self.page(instrument_list(owner_id=caller_id(request)), InstrumentOutput)


class MarketListView(ListView):
    """`GET market`."""

    filterset_class = InstrumentFilter
    pagination_class = SymbolPage
    serializer_class = MarketOutput
    queryset = Instrument.objects.none()

    @extend_schema(
        operation_id="market_list",
        summary="List what there are bars of",
        responses=MarketOutput(many=True),
        examples=[examples.MARKET],
    )
    def get(self, request: Request) -> Response:
        """List instruments that have bars, with these and their latest price, by symbol."""
        return self.page(market_list(owner_id=caller_id(request)), MarketOutput)


class MarketView(ApiView):
    """`GET market/{symbol}`."""

    @extend_schema(
        operation_id="market_get",
        summary="Show an instrument, its bars and its latest price",
        responses=MarketDetailOutput,
        examples=[examples.MARKET_DETAIL],
    )
    def get(self, request: Request, symbol: str) -> Response:
        """Show one instrument; asking keeps its quote fresh for ten minutes."""
        owner_id = caller_id(request)
        instrument = market_get(symbol, owner_id=owner_id)
        if instrument.owner_id is None and contract_terms(instrument.symbol) is None:
            quotes_want([instrument.symbol], now=timezone.now())
        return Response(MarketDetailOutput(instrument, context={"owner_id": owner_id}).data)


class BarsView(ApiView):
    """`GET bars`."""

    # Ours says how they are written; DRF's own would look for a renderer of that name.
    content_negotiation_class = BarsNegotiation

    @extend_schema(
        operation_id="bars_get",
        summary="Read bars",
        parameters=[BarsQuery],
        responses={
            (200, "application/json"): BarsOutput,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, ARROW): OpenApiTypes.BINARY,
        },
        examples=[examples.BARS],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Read the bars of a symbol, as columns."""
        query = BarsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = dict(query.validated_data)
        form = form_of(request, wanted.pop("format"))
        adjustment = wanted.pop("adjusted")
        stored = bars_read(**wanted, adjustment=adjustment, owner_id=caller_id(request))
        if form != "json":
            return table_answer(stored, form=form)
        if len(stored.bars) > settings.BARS_MAX_ROWS:
            raise InvalidInput(
                f"The range has {len(stored.bars):,} bars, an answer at most "
                f"{settings.BARS_MAX_ROWS:,}: choose a shorter range (start, end), a longer "
                "interval, or format=csv or arrow, which have no limit.",
                code="too_many_bars",
            )
        return Response(bars_body(stored))


def bars_body(stored: StoredBars) -> dict[str, Any]:
    """Return bars as `GET bars` shows them; the renderer writes the arrays."""
    bars, actions = stored.bars, stored.actions
    return {
        "symbol": stored.instrument_symbol,
        "interval": stored.interval,
        "provider": stored.provider,
        "adjusted": stored.adjusted,
        "adjustment": stored.adjustment,
        "snapshot": stored.snapshot,
        "rows": len(bars),
        "ts": bars.ts // NS_PER_MS,
        "open": bars.open,
        "high": bars.high,
        "low": bars.low,
        "close": bars.close,
        "volume": bars.volume,
        "actions": [
            {"ts": int(ts) // NS_PER_MS, "split": split, "dividend": dividend}
            for ts, split, dividend in zip(
                bars.ts[actions.rows],
                actions.splits.tolist(),
                actions.dividends.tolist(),
                strict=True,
            )
        ],
    }


class FetchListView(ListView):
    """`GET` and `POST fetches`."""

    work = {"POST": "run", "GET": "read"}
    filterset_class = FetchFilter
    serializer_class = FetchOutput
    queryset = Fetch.objects.none()

    @extend_schema(
        operation_id="fetch_list",
        summary="List your downloads",
        responses=FetchOutput(many=True),
        examples=[examples.FETCH_DONE, examples.FETCH_FAILED],
    )
    def get(self, request: Request) -> Response:
        """List downloads, newest first."""
        return self.page(fetch_list(owner_id=caller_id(request)), FetchOutput)

    @extend_schema(
        operation_id="fetch_create",
        summary="Download bars from a provider",
        request=FetchInput,
        responses={202: FetchOutput, 200: FetchOutput},
        examples=[examples.FETCH_REQUEST, examples.FETCH_QUEUED, examples.FETCH_DONE],
    )
    def post(self, request: Request) -> Response:
        """Queue a download; everybody shares its bars. `Prefer: wait=N` waits for its end."""
        body = body_of(FetchInput, request)
        if body["replace"] and not request.user.is_staff:
            raise NotAllowed("Only staff may replace bars that everybody shares.")
        owner_id = caller_id(request)
        fetch = fetch_create(owner_id=owner_id, **body)

        def shown() -> dict[str, Any]:
            return dict(FetchOutput(fetch_get(owner_id=owner_id, fetch_id=fetch.id)).data)

        def done() -> dict[str, Any] | None:
            now = shown()
            return now if now["status"] in FETCH_FINAL else None

        response = accepted(FetchOutput(fetch).data, location=f"/api/v1/fetches/{fetch.id}/")
        return waitable(
            response, user_id=owner_id, topic=f"fetch:{fetch.id}", look=done, show=shown
        )


class FetchView(ApiView):
    """`GET fetches/{id}`."""

    @extend_schema(
        operation_id="fetch_get",
        summary="Show a download",
        responses=FetchOutput,
        examples=[examples.FETCH_DONE, examples.FETCH_FAILED],
    )
    def get(self, request: Request, fetch_id: str) -> Response:
        """Show one download."""
        fetch = fetch_get(owner_id=caller_id(request), fetch_id=fetch_id)
        return Response(FetchOutput(fetch).data)


class FetchCancelView(ApiView):
    """`POST fetches/{id}/cancel`."""

    @extend_schema(
        operation_id="fetch_cancel",
        summary="Stop a download",
        request=None,
        responses=FetchOutput,
        examples=[examples.FETCH_CANCELED],
    )
    def post(self, request: Request, fetch_id: str) -> Response:
        """Stop a download that is not over; what came is kept for another try."""
        fetch = fetch_cancel(owner_id=caller_id(request), fetch_id=fetch_id)
        return Response(FetchOutput(fetch).data)


class FetchRetryView(ApiView):
    """`POST fetches/{id}/retry`."""

    work = "run"

    @extend_schema(
        operation_id="fetch_retry",
        summary="Try a download again",
        request=None,
        responses={202: FetchOutput},
        examples=[examples.FETCH_QUEUED],
    )
    def post(self, request: Request, fetch_id: str) -> Response:
        """Queue a download that ended without bars; it goes on where it stopped."""
        fetch = fetch_retry(owner_id=caller_id(request), fetch_id=fetch_id)
        return accepted(FetchOutput(fetch).data, location=f"/api/v1/fetches/{fetch.id}/")
