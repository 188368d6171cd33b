"""How values look on the admin's pages: badges, links, durations, amounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

EMPTY: Final = "–"  # noqa: RUF001 - the dash that Django's lists have is a hyphen; this one is seen

# What a status means to who operates the installation, whatever the row; the rest is neutral.
TONES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("completed", "filled", "sent", "active", "accepted", "ok"), "good"),
        **dict.fromkeys(("running", "sending", "submitting", "partially_filled"), "busy"),
        **dict.fromkeys(("queued", "created"), "waiting"),
        **dict.fromkeys(("failed", "rejected", "denied", "reducing", "timed_out"), "warn"),
        # Somebody must look: a fault of ours, or an outcome that nobody knows.
        **dict.fromkeys(("errored", "unknown", "halted"), "bad"),
    }
)


def badge(value: str, text: str = "") -> SafeString:
    """Return a status as a coloured label."""
    tone = TONES.get(value, "neutral")
    return format_html(
        '<span class="badge badge-{}">{}</span>', tone, text or value.replace("_", " ")
    )


def duration(span: timedelta | None) -> str:
    """Return a span of time as people say it: ``12 ms``, ``3.4 s``, ``2 min 5 s``, ``3 d 4 h``."""
    if span is None:
        return EMPTY
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def moment(at: datetime) -> str:
    """Return a time in UTC; of a daily bar, which begins at midnight, the day alone."""
    return f"{at:%Y-%m-%d}" if at.time() == time.min else f"{at:%Y-%m-%d %H:%M}"


def number(value: float | None, pattern: str = "{:,.2f}") -> str:
    """Return a number as people read it."""
    return EMPTY if value is None else pattern.format(value)


def signed(value: float | None, pattern: str = "{:+,.2f}") -> str:
    """Return a gain or a loss, green or red."""
    if value is None:
        return EMPTY
    tone = "gain" if value > 0 else "loss" if value < 0 else "flat"
    return format_html('<span class="{}">{}</span>', tone, pattern.format(value))


def plain(value: Decimal | None) -> str:
    """Return a decimal without the zeros at its end."""
    return EMPTY if value is None else f"{value.normalize():,f}"


def row_link(row: Model | None, text: str = "") -> str:
    """Return a link to the page of a row."""
    if row is None:
        return EMPTY
    path = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', path, text or str(row))


def list_path(model: type[Model], **filters: Any) -> str:
    """Return the address of a list with these filters set."""
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{path}?{urlencode(filters)}" if filters else path


def list_link(model: type[Model], text: str, **filters: Any) -> str:
    """Return a link to a list with these filters set."""
    return format_html('<a href="{}">{}</a>', list_path(model, **filters), text)


def indented(value: Any) -> str:
    """Return JSON as a person reads it."""
    if not value:
        return EMPTY
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    return format_html('<pre class="json">{}</pre>', text)


percent = partial(signed, pattern="{:+,.2f} %")
