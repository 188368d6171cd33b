"""Bytes that are an answer by themselves: images and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from core.api.renderers import FiniteJSONRenderer


class ImageRenderer(BaseRenderer):
    """Passes an image on; an error keeps the shape of every error."""

    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the image; JSON where the view answered something else."""
        if isinstance(data, bytes):
            return data
        if renderer_context and "response" in renderer_context:
            renderer_context["response"].headers["Content-Type"] = "application/json"
        return FiniteJSONRenderer().render(data, accepted_media_type, renderer_context)


class PngRenderer(ImageRenderer):
    """`Accept: image/png`."""

    media_type = "image/png"
    format = "png"


class SvgRenderer(ImageRenderer):
    """`Accept: image/svg+xml`."""

    media_type = "image/svg+xml"
    format = "svg"
