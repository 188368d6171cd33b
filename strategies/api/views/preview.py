from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView
from core.errors import InvalidInput, NotFound
from core.indicators.registry import indicator_get
from strategies.api import examples
from strategies.api.catalogue import IndicatorPreviewInput, IndicatorPreviewOutput
from strategies.preview import indicator_preview


class IndicatorPreviewView(ApiView):
    """Values of an indicator."""

    @extend_schema(
        operation_id="indicator_preview",
        request=IndicatorPreviewInput,
        responses=IndicatorPreviewOutput,
        examples=[
            examples.asked("The last bars", examples.PREVIEW_REQUEST),
            examples.answered("Values", examples.PREVIEW),
        ],
    )
    def post(self, request: Request, name: str) -> Response:
        """Compute an indicator over the whole range and return its last values."""
        try:
            spec = indicator_get(name)
        except InvalidInput as error:
            raise NotFound(error.message) from error
        body = body_of(IndicatorPreviewInput, request)
        shown = indicator_preview(owner_id=caller_id(request), spec=spec, **body)
        return Response(shown)
