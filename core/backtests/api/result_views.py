"""Results over HTTP: metrics, trades, equity, charts, files, comparisons."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from uuid import UUID

import numpy as np
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from core.api.caller import caller_id
from core.api.images import PngRenderer, SvgRenderer
from core.api.renderers import FiniteJSONRenderer
from core.api.views import ApiView, ListView
from core.backtests.api import examples
from core.backtests.api.bodies import milliseconds, result_body
from core.backtests.api.equity import EquityQuery, equity_body
from core.backtests.api.filters import TradePage
from core.backtests.api.results import (
    ChartSerializer,
    ComparisonSerializer,
    EquitySerializer,
    InstrumentSerializer,
    ResultSerializer,
)
from core.backtests.api.serializers import RunListSerializer, RunSerializer, TradeSerializer
from core.backtests.charts import CHART_TYPES, chart_render
from core.backtests.columns import columns_unpack
from core.backtests.exports import EXPORT_FORMATS, EXPORT_TABLES, run_export
from core.backtests.models import Trade
from core.backtests.selectors import completed_get, run_get, runs_get, trade_list
from core.backtests.thin import thin

COMPARED_AT_MOST = 20
COMPARED_POINTS = 500


class ResultView(ApiView):
    """`GET backtests/{id}/results`."""

    @extend_schema(
        operation_id="backtest_results",
        summary="Metrics, charts and trades of a backtest",
        responses=ResultSerializer,
        examples=[examples.QUICK_RESULT],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return everything a result page shows, in one body."""
        run = completed_get(owner_id=caller_id(request), run_id=run_id)
        return Response(result_body(run) | {"run": RunSerializer(run).data})


class TradeListView(ListView):
    """`GET backtests/{id}/trades`."""

    pagination_class = TradePage
    serializer_class = TradeSerializer
    queryset = Trade.objects.none()

    @extend_schema(
        operation_id="backtest_trades",
        summary="Trades of a backtest",
        responses=TradeSerializer(many=True),
        examples=[examples.TRADES],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """List the closed round trips in the order of their exits."""
        run = run_get(owner_id=caller_id(request), run_id=run_id)
        return self.page(trade_list(run=run), TradeSerializer)


class InstrumentListView(ApiView):
    """`GET backtests/{id}/instruments`."""

    @extend_schema(
        operation_id="backtest_instruments",
        summary="What each instrument of a portfolio did",
        responses=InstrumentSerializer(many=True),
        examples=[examples.INSTRUMENTS],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """List the instruments of a portfolio in order; empty for a run on one instrument."""
        run = completed_get(owner_id=caller_id(request), run_id=run_id)
        return Response(run.curve.instruments)


class EquityView(ApiView):
    """`GET backtests/{id}/equity`."""

    @extend_schema(
        operation_id="backtest_equity",
        summary="Equity curve of a backtest",
        parameters=[EquityQuery],
        responses=EquitySerializer,
        examples=[examples.EQUITY],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return the curve point by point, page by page; with `points`, thinned for a chart."""
        query = EquityQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        run = completed_get(owner_id=caller_id(request), run_id=run_id)
        body, following = equity_body(columns_unpack(run.curve.series), query.validated_data)
        offset, limit = query.validated_data["offset"], query.validated_data["limit"]
        url = request.build_absolute_uri()
        before = offset > 0 and "points" not in query.validated_data
        body["next"] = None if following is None else replace_query_param(url, "offset", following)
        body["previous"] = (
            replace_query_param(url, "offset", max(0, offset - limit)) if before else None
        )
        return Response(body)


class ChartView(ApiView):
    """`GET backtests/{id}/chart`."""

    renderer_classes = [FiniteJSONRenderer, PngRenderer, SvgRenderer]

    @extend_schema(
        operation_id="backtest_chart",
        summary="A chart of a backtest",
        parameters=[
            OpenApiParameter("chart_type", enum=sorted(CHART_TYPES), default="equity"),
        ],
        responses={
            (200, "application/json"): ChartSerializer,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "image/svg+xml"): OpenApiTypes.BINARY,
        },
        examples=[examples.CHART],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return a base64 PNG in JSON; an image as it is with `Accept: image/png` or SVG."""
        chart_type = choice(request, "chart_type", tuple(CHART_TYPES), "equity")
        run = completed_get(owner_id=caller_id(request), run_id=run_id)
        wanted = request.accepted_renderer.format
        image = chart_render(run=run, chart_type=chart_type, svg=wanted == "svg")
        if wanted != "json":
            return Response(image)
        return Response(
            {
                "chart_type": chart_type,
                "content_type": "image/png",
                "image": b64encode(image).decode(),
            }
        )


class ExportView(ApiView):
    """`GET backtests/{id}/export`."""

    def perform_content_negotiation(
        self,
        request: Request,  # noqa: ARG002 - DRF's signature
        force: bool = False,  # noqa: ARG002, FBT001, FBT002 - DRF's signature
    ) -> tuple[BaseRenderer, str]:
        """Answer errors as JSON: here `?format=` names a file, not a renderer."""
        return FiniteJSONRenderer(), FiniteJSONRenderer.media_type

    @extend_schema(
        operation_id="backtest_export",
        summary="A backtest as a file",
        parameters=[
            OpenApiParameter("format", enum=list(EXPORT_FORMATS), default="csv"),
            OpenApiParameter(
                "table",
                enum=list(EXPORT_TABLES),
                default="trades",
                description="Which table a CSV or Parquet file holds; JSON holds them all.",
            ),
        ],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/json"): OpenApiTypes.OBJECT,
            (200, "application/vnd.apache.parquet"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request, run_id: str) -> HttpResponse:
        """Return trades, bars or fills as CSV or Parquet, or everything as JSON."""
        kind = choice(request, "format", EXPORT_FORMATS, "csv")
        table = choice(request, "table", EXPORT_TABLES, "trades")
        run = completed_get(owner_id=caller_id(request), run_id=run_id)
        file = run_export(run=run, run_data=RunSerializer(run).data, kind=kind, table=table)
        return HttpResponse(
            file.content,
            content_type=file.content_type,
            headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
        )


class CompareView(ApiView):
    """`GET backtests/compare`."""

    @extend_schema(
        operation_id="backtest_compare",
        summary="Backtests side by side",
        parameters=[OpenApiParameter("ids", required=True, description="Ids with commas between.")],
        responses=ComparisonSerializer,
        examples=[examples.COMPARISON],
    )
    def get(self, request: Request) -> Response:
        """Return the metrics of several runs in one table, and their curves from 100 on."""
        runs = runs_get(owner_id=caller_id(request), run_ids=ids_of(request))
        keys = dict.fromkeys(key for run in runs for key in run.metrics_ordered)
        return Response(
            {
                "runs": RunListSerializer(runs, many=True).data,
                "metrics": {key: [run.metrics.get(key) for run in runs] for key in keys},
                "equity": [_indexed(run) for run in runs],
            }
        )


def _indexed(run: Any) -> dict[str, Any] | None:
    """Return a run's curve as if it had begun at 100, null where it has none."""
    curve = getattr(run, "curve", None)
    if curve is None:
        return None
    series = columns_unpack(curve.series)
    rows = thin([series["equity"]], COMPARED_POINTS)
    equity = np.ascontiguousarray(series["equity"][rows])
    return {"dates": milliseconds(series["ts"])[rows], "equity": equity / run.capital * 100}


def choice(request: Request, name: str, choices: tuple[str, ...], default: str) -> str:
    """Return a query parameter that must be one of a few words."""
    value = request.query_params.get(name, default)
    if value not in choices:
        message = f"{value[:50]!r} is not one of {', '.join(choices)}: use one of these."
        raise serializers.ValidationError({name: [message]}, code="invalid_choice")
    return value


def ids_of(request: Request) -> list[UUID]:
    """Return the ids of `?ids=a,b,c`, each once."""
    texts = [text.strip() for text in request.query_params.get("ids", "").split(",")]
    try:
        ids = list(dict.fromkeys(UUID(text) for text in texts if text))
    except ValueError:
        message = "An id is not a UUID: send the ids of backtests with commas between."
        raise serializers.ValidationError({"ids": [message]}) from None
    if not 1 <= len(ids) <= COMPARED_AT_MOST:
        message = f"Send 1 to {COMPARED_AT_MOST} ids, as ?ids=a,b; there are {len(ids)}."
        raise serializers.ValidationError({"ids": [message]})
    return ids
