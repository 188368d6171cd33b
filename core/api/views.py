"""Bases of every view: throttled, idempotent, owner-scoped by their selectors."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Final

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.exceptions import error_body
from core.api.filtering import names_check
from core.api.idempotency import Replay, answer_store, key_claim, key_release

PAGING: Final = frozenset({"cursor", "limit"})


class IdempotentMixin(APIView):
    """Honours `Idempotency-Key` on every POST of a known user."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, authorise and throttle; then claim the key."""
        super().initial(request, *args, **kwargs)
        if key := key_claim(request):
            request._request.idempotency_key = key  # type: ignore[attr-defined]  # noqa: SLF001 - read by answer_store

    def handle_exception(self, exc: Exception) -> Response:
        """Answer a replay with what was stored."""
        if isinstance(exc, Replay):
            return exc.response()  # type: ignore[return-value]  # DRF passes any HttpResponse on
        return super().handle_exception(exc)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, and keep the answer where a key was claimed.

        A fault of ours gives the key free again: the same request may then be tried again.
        """
        with ExitStack() as faulty:
            faulty.callback(key_release, request)
            response = super().dispatch(request, *args, **kwargs)
            faulty.pop_all()
        if hasattr(request, "idempotency_key"):
            if isinstance(response, Response):
                response.render()
            answer_store(request, response)
        return response


class ApiView(IdempotentMixin, APIView):
    """A view without a list."""


class NamedQueryMixin(APIView):
    """Refuses to list by names that nobody reads."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in who may, then look at the names in the query."""
        super().initial(request, *args, **kwargs)
        if request.method == "GET":
            names_check(request, self.query_names())

    def query_names(self) -> frozenset[str]:
        """Return what the list may be asked for by: pages, filters, and its ordering."""
        filters = getattr(getattr(self, "filterset_class", None), "base_filters", {})
        ordering = {"ordering"} if getattr(self, "ordering_fields", ()) else set()
        return PAGING | {"format"} | set(filters) | ordering


class ListView(NamedQueryMixin, IdempotentMixin, GenericAPIView[Any]):
    """A view with a filtered, ordered, paged list: give it `list_queryset` and a serializer."""

    def page(self, queryset: Any, serializer_class: Any) -> Response:
        """Return one page of the filtered queryset."""
        rows = self.paginate_queryset(self.filter_queryset(queryset))
        data = serializer_class(rows, many=True, context=self.get_serializer_context()).data
        return self.get_paginated_response(data)


def accepted(data: Any, *, location: str) -> Response:
    """Return a 202 for work that goes on after the answer."""
    return Response(data, status=202, headers={"Location": location})


def created(data: Any, *, location: str) -> Response:
    """Return a 201 for a new row."""
    return Response(data, status=201, headers={"Location": location})


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """Answer an unknown URL in the shape of every error."""
    body = error_body(
        code="not_found",
        message=f"There is nothing at {request.path}: see /api/v1/docs/ for what there is.",
    )
    return JsonResponse(body, status=404)


def server_error(request: HttpRequest) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """Answer our own fault; the log has the traceback under the same request id."""
    body = error_body(
        code="internal_error",
        message="Something broke on our side; it was logged under this request_id.",
    )
    return JsonResponse(body, status=500)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponseBase:  # noqa: ARG001 - Django's signature
    """Answer a request that Django itself refused (host, size, field count)."""
    body = error_body(
        code="malformed", message=f"The request was refused: {exception or 'malformed'}."
    )
    return JsonResponse(body, status=400)
