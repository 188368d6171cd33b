"""`manage.py load_sample_data`: the bars that come with the product, into the store."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from market.management.base import Row, RowsCommand, series_row
from market.services.samples import samples_load


class Command(RowsCommand):
    help = "Load the sample bars (AAPL, GOOG, IBM, MSFT daily; EURUSD hourly). Safe to repeat."

    def rows(self, options: dict[str, Any]) -> list[Row]:  # noqa: ARG002 - the base's signature
        rows = []
        for loaded in samples_load(now=timezone.now()):
            if loaded.series is None:
                self.stderr.write(f"{loaded.symbol} {loaded.interval}: {loaded.reason}")
            else:
                rows.append(series_row(loaded.series))
        return rows
