"""Runs over HTTP: asked for, listed, canceled, retried, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.views import ApiView, ListView, accepted
from core.backtests.api import examples
from core.backtests.api.bodies import finished_body
from core.backtests.api.filters import ORDERINGS, RunFilter, RunPage, ordered, ordering_of
from core.backtests.api.forms import QuickForm, RunForm, form_of
from core.backtests.api.results import QuickResultSerializer
from core.backtests.api.serializers import RunListSerializer, RunSerializer
from core.backtests.models import BacktestRun
from core.backtests.selectors import run_get, run_list
from core.backtests.services.changes import run_cancel, run_delete, run_retry
from core.backtests.services.creation import run_create
from core.realtime.waiting import DEFAULT_WAIT_S, waitable

PREFER = OpenApiParameter(
    "Prefer",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="`wait=N` holds the answer for up to N (at most 30) seconds until the run ends.",
)


def run_accepted(run: BacktestRun, *, default_wait_s: int = 0) -> Response:
    """Answer 202 with a run that goes on, or with its result for who waits for it."""
    owner_id, run_id = run.owner_id, run.id
    response = accepted(RunSerializer(run).data, location=f"/api/v1/backtests/{run_id}/")
    return waitable(
        response,
        user_id=owner_id,
        topic=run.topic,
        look=lambda: finished_body(owner_id=owner_id, run_id=run_id),
        default_wait_s=default_wait_s,
        show=lambda: _shown(owner_id, run_id),
    )


def _shown(owner_id: UUID, run_id: UUID) -> dict[str, Any] | None:
    """Return the run as it stands now, unless it was deleted."""
    run = run_list(owner_id=owner_id).filter(id=run_id).first()
    return dict(RunSerializer(run).data) if run else None


class QuickBacktestView(ApiView):
    """`POST backtest`: one call, one result."""

    work = "run"

    @extend_schema(
        operation_id="backtest_quick",
        summary="Backtest and wait for the result",
        parameters=[PREFER],
        request=PolymorphicProxySerializer(
            component_name="Backtest",
            serializers=[QuickForm, RunForm],
            resource_type_field_name=None,
        ),
        responses={200: QuickResultSerializer, 202: RunSerializer},
        examples=[examples.QUICK, examples.FULL, examples.QUICK_RESULT, examples.QUEUED],
    )
    def post(self, request: Request) -> Response:
        """Run a strategy on an instrument; waits up to 10 s by default, then answers 202."""
        form = form_of(request.data)
        form.is_valid(raise_exception=True)
        run = run_create(owner_id=caller_id(request), request=form.request())
        return run_accepted(run, default_wait_s=DEFAULT_WAIT_S)


class RunListView(ListView):
    """`GET` and `POST backtests`."""

    work = {"POST": "run", "GET": "read"}
    filterset_class = RunFilter
    ordering_fields = ORDERINGS
    pagination_class = RunPage
    serializer_class = RunListSerializer
    queryset = BacktestRun.objects.none()

    @extend_schema(
        operation_id="backtest_list",
        summary="List your backtests",
        parameters=[
            OpenApiParameter(
                "ordering",
                enum=[sign + name for name in ORDERINGS for sign in ("", "-")],
                default="-created_at",
            )
        ],
        responses=RunListSerializer(many=True),
        examples=[examples.LISTED],
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        rows = ordered(run_list(owner_id=caller_id(request)), ordering_of(request))
        return self.page(rows, RunListSerializer)

    @extend_schema(
        operation_id="backtest_create",
        summary="Queue a backtest",
        parameters=[PREFER],
        request=RunForm,
        responses={200: QuickResultSerializer, 202: RunSerializer},
        examples=[examples.FULL, examples.PORTFOLIO, examples.QUEUED],
    )
    def post(self, request: Request) -> Response:
        """Queue a run; `Prefer: wait=N` waits for its result."""
        form = RunForm(data=request.data)
        form.is_valid(raise_exception=True)
        return run_accepted(run_create(owner_id=caller_id(request), request=form.request()))


class RunView(ApiView):
    """One run."""

    @extend_schema(
        operation_id="backtest_get",
        summary="One backtest with its metrics",
        responses=RunSerializer,
        examples=[examples.RUN],
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return a run, with its metrics once it is completed."""
        run = run_get(owner_id=caller_id(request), run_id=run_id)
        return Response(RunSerializer(run).data)

    @extend_schema(
        operation_id="backtest_delete", summary="Delete a backtest", responses={204: None}
    )
    def delete(self, request: Request, run_id: str) -> Response:
        """Delete a run with its trades and equity; one under way is stopped."""
        run_delete(owner_id=caller_id(request), run_id=run_id)
        return Response(status=204)


class RunCancelView(ApiView):
    """`POST backtests/{id}/cancel`."""

    @extend_schema(
        operation_id="backtest_cancel",
        summary="Cancel a backtest",
        request=None,
        responses={200: RunSerializer, 202: RunSerializer},
        examples=[examples.CANCELED],
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Cancel at once what is queued (200); ask the worker to stop what is running (202)."""
        run = run_cancel(owner_id=caller_id(request), run_id=run_id)
        data: Any = RunSerializer(run).data
        return Response(data, status=200 if run.finished else 202)


class RunRetryView(ApiView):
    """`POST backtests/{id}/retry`."""

    work = "run"

    @extend_schema(
        operation_id="backtest_retry",
        summary="Try a backtest again that ended without a result",
        parameters=[PREFER],
        request=None,
        responses={200: QuickResultSerializer, 202: RunSerializer},
        examples=[examples.QUEUED],
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Queue the same run again."""
        return run_accepted(run_retry(owner_id=caller_id(request), run_id=run_id))
