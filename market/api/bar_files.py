"""Bars as CSV and as Arrow: what programs read a million of."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpResponse
from pyarrow import csv
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

from market.store import StoredBars

ARROW: Final = "application/vnd.apache.arrow.stream"
ACCEPTED: Final = {"text/csv": "csv", ARROW: "arrow"}
COLUMNS: Final = ("open", "high", "low", "close", "volume")


class BarsNegotiation(DefaultContentNegotiation):
    """Leaves `format` and `Accept` to the view: errors are JSON whatever was asked for."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 - DRF's signature
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002 - likewise
    ) -> Any:
        """Return the first renderer: JSON."""
        return renderers[0], renderers[0].media_type


def form_of(request: Request, asked: str) -> str:
    """Return how bars are to be written: as the query says, else as `Accept` does."""
    if asked != "json":
        return asked
    accept = request.headers.get("Accept", "")
    return next((form for media, form in ACCEPTED.items() if media in accept), "json")


def table_answer(stored: StoredBars, *, form: str) -> HttpResponse:
    """Return bars as a file, all of them."""
    bars = stored.bars
    moments = pa.array(bars.ts).cast(pa.timestamp("ns", tz="UTC"))
    columns = {name: pa.array(getattr(bars, name)) for name in COLUMNS}
    sink = pa.BufferOutputStream()
    name = f"{stored.instrument_symbol.replace('/', '-')}_{stored.interval}"
    if form == "csv":
        # Bars open on whole seconds.
        texts = pc.strftime(moments.cast(pa.timestamp("s", tz="UTC")), "%Y-%m-%dT%H:%M:%SZ")
        table = pa.table({"ts": texts, **{key: _floats(one) for key, one in columns.items()}})
        csv.write_csv(table, sink, csv.WriteOptions(quoting_style="none", quoting_header="none"))
        return _file(sink, "text/csv; charset=utf-8", f"{name}.csv")
    facts = {
        "symbol": stored.instrument_symbol,
        "interval": stored.interval.name,
        "provider": stored.provider,
        "adjustment": stored.adjustment,
        "snapshot": stored.snapshot,
    }
    table = pa.table({"ts": moments, **columns}).replace_schema_metadata(facts)
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return _file(sink, ARROW, f"{name}.arrow")


def _floats(column: pa.Array) -> pa.Array:
    """Return numbers as the text that reads back to the same number, 1000.0 for whole ones."""
    texts = pc.cast(column, pa.string())
    whole = pc.invert(pc.match_substring_regex(texts, r"[.e]"))
    return pc.if_else(whole, pc.binary_join_element_wise(texts, "0", "."), texts)


def _file(sink: pa.BufferOutputStream, media_type: str, name: str) -> HttpResponse:
    return HttpResponse(
        sink.getvalue().to_pybytes(),
        content_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
