"""Reports on bars, named lists of symbols, series that are kept up to date, providers."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from core.accounts.permissions import InSessionToChange
from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.pagination import CursorPage
from core.api.views import ApiView, ListView, created
from market.api import research_examples as examples
from market.api.research_serializers import (
    ProviderCredentialsInput,
    ProvidersOutput,
    QualityOutput,
    QualityQuery,
    UniverseChange,
    UniverseInput,
    UniverseOutput,
    WatchChange,
    WatchInput,
    WatchOutput,
)
from market.intervals import INTERVALS
from market.models import BarSeries, Universe, Watch
from market.providers.base import KeyedProvider
from market.providers.kinds import PROVIDERS, provider_get
from market.reports import report_ensure
from market.selectors import (
    key_list,
    market_get,
    universe_get,
    universe_list,
    watch_get,
    watch_list,
)
from market.services.keys import key_delete, key_store
from market.services.universes import universe_change, universe_create, universe_delete
from market.services.watches import watch_change, watch_create, watch_delete

QUARANTINE_SHOWN: Final = 100


class NamePage(CursorPage):
    """By name, A to Z."""

    ordering = "name"


class QualityView(ApiView):
    """`GET quality`."""

    @extend_schema(
        operation_id="quality_get",
        summary="Report on the quality of bars",
        parameters=[QualityQuery],
        responses=QualityOutput,
        examples=[examples.QUALITY],
    )
    def get(self, request: Request) -> Response:
        """Say what the checks find in the bars of a symbol, and what is in quarantine."""
        query = QualityQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        instrument = market_get(wanted["symbol"], owner_id=caller_id(request))
        series: list[BarSeries] = instrument.visible_series  # type: ignore[attr-defined]  # set by market_get
        reports = [
            report_body(one)
            for one in series
            if one.interval == wanted.get("interval", one.interval)
            and one.provider == wanted.get("provider", one.provider)
        ]
        return Response(QualityOutput({"symbol": instrument.symbol, "reports": reports}).data)


def report_body(series: BarSeries) -> dict[str, Any]:
    """Return the report on a series as `GET quality` shows it."""
    report = report_ensure(series)
    return {
        "series_id": series.id,
        "interval": series.interval,
        "provider": series.provider,
        "snapshot": report.content_hash,
        "severity": report.severity,
        "rows": report.rows,
        "counts": report.counts,
        "findings": report.findings,
        "quarantined": report.quarantined,
        "quarantine": series.quarantine.order_by("-ts")[:QUARANTINE_SHOWN],
    }


class UniverseListView(ListView):
    """`GET` and `POST universes`."""

    pagination_class = NamePage
    serializer_class = UniverseOutput
    queryset = Universe.objects.none()

    @extend_schema(
        operation_id="universe_list",
        summary="List named lists of symbols",
        responses=UniverseOutput(many=True),
        examples=[examples.UNIVERSES],
    )
    def get(self, request: Request) -> Response:
        """List built-in lists and your own, by name."""
        return self.page(universe_list(owner_id=caller_id(request)), UniverseOutput)

    @extend_schema(
        operation_id="universe_create",
        summary="Name a list of symbols",
        request=UniverseInput,
        responses={201: UniverseOutput},
        examples=[examples.UNIVERSE_REQUEST, examples.UNIVERSE_CREATED],
    )
    def post(self, request: Request) -> Response:
        """Make a list of your own; it hides a built-in one of the same name from you."""
        body = body_of(UniverseInput, request)
        universe = universe_create(owner_id=caller_id(request), **body)
        return created(
            UniverseOutput(universe).data, location=f"/api/v1/universes/{universe.name}/"
        )


class UniverseView(ApiView):
    """`universes/{name}`."""

    @extend_schema(
        operation_id="universe_get",
        summary="Show a list of symbols",
        responses=UniverseOutput,
        examples=[examples.UNIVERSE],
    )
    def get(self, request: Request, name: str) -> Response:
        """Show your own list of this name, else the built-in one."""
        return Response(UniverseOutput(universe_get(name, owner_id=caller_id(request))).data)

    @extend_schema(
        operation_id="universe_change",
        summary="Change a list of symbols",
        request=UniverseChange,
        responses=UniverseOutput,
        examples=[examples.UNIVERSE_CHANGE, examples.UNIVERSE],
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change a list of your own."""
        body = body_of(UniverseChange, request)
        universe = universe_change(owner_id=caller_id(request), name=name, **body)
        return Response(UniverseOutput(universe).data)

    @extend_schema(
        operation_id="universe_delete", summary="Delete a list of symbols", responses={204: None}
    )
    def delete(self, request: Request, name: str) -> Response:
        """Delete a list of your own."""
        universe_delete(owner_id=caller_id(request), name=name)
        return Response(status=204)


class WatchListView(ListView):
    """`GET` and `POST watches`."""

    work = {"POST": "run", "GET": "read"}
    serializer_class = WatchOutput
    queryset = Watch.objects.none()

    @extend_schema(
        operation_id="watch_list",
        summary="List the series you keep up to date",
        responses=WatchOutput(many=True),
        examples=[examples.WATCHES],
    )
    def get(self, request: Request) -> Response:
        """List watches, newest first."""
        return self.page(watch_list(owner_id=caller_id(request)), WatchOutput)

    @extend_schema(
        operation_id="watch_create",
        summary="Keep a series up to date",
        request=WatchInput,
        responses={201: WatchOutput},
        examples=[examples.WATCH_REQUEST, examples.WATCH_CREATED],
    )
    def post(self, request: Request) -> Response:
        """Download a series now, and whenever a bar of it is over, or every so often."""
        body = body_of(WatchInput, request)
        watch = watch_create(owner_id=caller_id(request), **body)
        return created(WatchOutput(watch).data, location=f"/api/v1/watches/{watch.id}/")


class WatchView(ApiView):
    """`watches/{id}`."""

    @extend_schema(
        operation_id="watch_get",
        summary="Show a watch",
        responses=WatchOutput,
        examples=[examples.WATCH],
    )
    def get(self, request: Request, watch_id: str) -> Response:
        """Show one watch and how its last download ended."""
        watch = watch_get(owner_id=caller_id(request), watch_id=watch_id)
        return Response(WatchOutput(watch).data)

    @extend_schema(
        operation_id="watch_change",
        summary="Change or pause a watch",
        request=WatchChange,
        responses=WatchOutput,
        examples=[examples.WATCH_CHANGE, examples.WATCH],
    )
    def patch(self, request: Request, watch_id: str) -> Response:
        """Change how often it downloads, or whether."""
        body = body_of(WatchChange, request)
        watch = watch_change(owner_id=caller_id(request), watch_id=watch_id, changes=body)
        return Response(WatchOutput(watch).data)

    @extend_schema(operation_id="watch_delete", summary="Stop watching", responses={204: None})
    def delete(self, request: Request, watch_id: str) -> Response:
        """Stop watching; the bars stay."""
        watch_delete(owner_id=caller_id(request), watch_id=watch_id)
        return Response(status=204)


class ProviderListView(ApiView):
    """`GET providers`."""

    @extend_schema(
        operation_id="providers_get",
        summary="Show the sources of bars",
        responses=ProvidersOutput,
        examples=[examples.PROVIDERS],
    )
    def get(self, request: Request) -> Response:
        """Show the providers, what they want to know of you, and whether they do."""
        stored = {key.provider: key.updated_at for key in key_list(owner_id=caller_id(request))}
        providers = [_provider(name, stored) for name in PROVIDERS]
        return Response(ProvidersOutput({"providers": providers}).data)


def _provider(name: str, stored: dict[str, Any]) -> dict[str, Any]:
    source = provider_get(name)
    return {
        "name": name,
        "title": source.title,
        "intervals": [interval for interval in INTERVALS if interval in source.intervals],
        "credential_fields": list(source.credential_fields)
        if isinstance(source, KeyedProvider)
        else [],
        "credentials_stored_at": stored.get(name),
    }


class ProviderKeyView(ApiView):
    """`PUT` and `DELETE provider-keys/{provider}`."""

    permission_classes = [IsAuthenticated, InSessionToChange]

    @extend_schema(
        operation_id="provider_key_store",
        summary="Store your credentials at a provider",
        request=ProviderCredentialsInput,
        responses={204: None},
        examples=[examples.CREDENTIALS],
    )
    def put(self, request: Request, provider: str) -> Response:
        """Keep credentials, encrypted; they are used for your downloads and shown to nobody."""
        body = body_of(ProviderCredentialsInput, request)
        key_store(owner_id=caller_id(request), provider=provider, **body)
        return Response(status=204)

    @extend_schema(
        operation_id="provider_key_delete",
        summary="Forget your credentials at a provider",
        responses={204: None},
    )
    def delete(self, request: Request, provider: str) -> Response:
        """Forget credentials."""
        key_delete(owner_id=caller_id(request), provider=provider)
        return Response(status=204)
