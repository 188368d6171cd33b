"""Files of bars: looked at first, imported at once or by a worker."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, ListView, accepted, created
from core.realtime.waiting import waitable
from market.api import examples
from market.api.import_serializers import (
    ImportInput,
    ImportOutput,
    PreviewInput,
    PreviewOutput,
)
from market.api.serializers import SeriesOutput
from market.choices import FETCH_FINAL
from market.importing import bars_import, bars_preview
from market.models import Import
from market.reports import report_try
from market.selectors import import_get, import_list
from market.services.imports import import_cancel, import_create, import_retry

# Larger files are read by a worker.
AT_ONCE_BYTES: Final = 8 * 1024 * 1024


class TooLarge(APIException):
    """The upload is larger than may be."""

    status_code = 413
    default_code = "too_large"


class ImportListView(ListView):
    """`GET` and `POST imports`."""

    work = {"POST": "run", "GET": "read"}
    parser_classes = [MultiPartParser]
    serializer_class = ImportOutput
    queryset = Import.objects.none()

    @extend_schema(
        operation_id="import_list",
        summary="List your imports",
        responses=ImportOutput(many=True),
        examples=[examples.IMPORT_DONE],
    )
    def get(self, request: Request) -> Response:
        """List the imports that a worker did or does, newest first."""
        return self.page(import_list(owner_id=caller_id(request)), ImportOutput)

    @extend_schema(
        operation_id="import_create",
        summary="Import bars from a CSV or Parquet file",
        request={"multipart/form-data": ImportInput},
        responses={201: SeriesOutput, 202: ImportOutput},
        examples=[examples.IMPORT, examples.IMPORTED, examples.IMPORT_QUEUED],
    )
    def post(self, request: Request) -> Response:
        """Import all bars of a file, visible to you alone, or none and the reasons by row.

        Files of more than 8 MiB, and any with `Prefer: respond-async`, are imported by a worker.
        """
        wanted = body_of(ImportInput, request)
        file = size_check(wanted.pop("file"))
        owner_id = caller_id(request)
        if file.size > AT_ONCE_BYTES or "respond-async" in request.headers.get("Prefer", ""):
            upload = import_create(
                owner_id=owner_id, filename=str(file.name), data=file.read(), **wanted
            )

            def shown() -> dict[str, Any]:
                return dict(ImportOutput(import_get(owner_id=owner_id, import_id=upload.id)).data)

            def done() -> dict[str, Any] | None:
                now = shown()
                return now if now["status"] in FETCH_FINAL else None

            place = f"/api/v1/imports/{upload.id}/"
            response = accepted(ImportOutput(upload).data, location=place)
            return waitable(
                response, user_id=owner_id, topic=f"fetch:{upload.id}", look=done, show=shown
            )
        series = bars_import(owner_id=owner_id, source=file, **wanted)
        report_try(series)
        return created(
            SeriesOutput(series).data, location=f"/api/v1/market/{series.instrument.symbol}/"
        )


class ImportView(ApiView):
    """`GET imports/{id}`."""

    @extend_schema(
        operation_id="import_get",
        summary="Show an import",
        responses=ImportOutput,
        examples=[examples.IMPORT_DONE],
    )
    def get(self, request: Request, import_id: str) -> Response:
        """Show one import that a worker does or did."""
        upload = import_get(owner_id=caller_id(request), import_id=import_id)
        return Response(ImportOutput(upload).data)


class ImportCancelView(ApiView):
    """`POST imports/{id}/cancel`."""

    @extend_schema(
        operation_id="import_cancel",
        summary="Stop an import",
        request=None,
        responses=ImportOutput,
        examples=[examples.IMPORT_CANCELED],
    )
    def post(self, request: Request, import_id: str) -> Response:
        """Stop an import that is not over; nothing of its file is stored."""
        upload = import_cancel(owner_id=caller_id(request), import_id=import_id)
        return Response(ImportOutput(upload).data)


class ImportRetryView(ApiView):
    """`POST imports/{id}/retry`."""

    work = "run"

    @extend_schema(
        operation_id="import_retry",
        summary="Try an import again",
        request=None,
        responses={202: ImportOutput},
        examples=[examples.IMPORT_QUEUED],
    )
    def post(self, request: Request, import_id: str) -> Response:
        """Queue an import that was stopped or ended by our fault; its file is kept for a day."""
        upload = import_retry(owner_id=caller_id(request), import_id=import_id)
        return accepted(ImportOutput(upload).data, location=f"/api/v1/imports/{upload.id}/")


class ImportPreviewView(ApiView):
    """`POST imports/preview`."""

    work = "run"
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="import_preview",
        summary="Look at a file before importing it",
        request={"multipart/form-data": PreviewInput},
        responses=PreviewOutput,
        examples=[examples.PREVIEW_REQUEST, examples.PREVIEW],
    )
    def post(self, request: Request) -> Response:
        """Say how columns and times of a file are understood, show its first bars, keep nothing."""
        wanted = body_of(PreviewInput, request)
        found = bars_preview(source=size_check(wanted.pop("file")), **wanted)
        return Response(PreviewOutput(found).data)


def size_check(file: Any) -> Any:
    """Return an uploaded file that is not too large, else raise TooLarge."""
    size: int = file.size or 0
    if size > settings.IMPORT_MAX_BYTES:
        raise TooLarge(
            f"The file has {size:,} bytes, at most {settings.IMPORT_MAX_BYTES:,} can be "
            "imported: split it, pack it with gzip, or use `manage.py import_bars`."
        )
    return file
