"""Which definitions a stored number was computed with."""

from __future__ import annotations

from typing import Final

METRICS_VERSION: Final = "2"
"""Raised whenever a definition changes so that the same run gives another number."""
