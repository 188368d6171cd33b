"""From a figure to the bytes of an image."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


def figure_render(figure: Figure, *, svg: bool = False) -> bytes:
    """Return a figure as PNG or SVG; the same figure is the same bytes."""
    buffer = io.BytesIO()
    if svg:
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    else:
        figure.savefig(buffer, format="png")
    return buffer.getvalue()
