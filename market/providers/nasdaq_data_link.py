"""Nasdaq Data Link (the former Quandl): tables of daily prices, over its REST protocol.

`nasdaq_data_link` reads WIKI/PRICES, `nasdaq_data_link:SHARADAR/SEP` any other table with a ticker
and a date in it. Nasdaq's own library is unkept since 2022 and holds the key in a variable of the
whole process; the protocol is one GET that is repeated with the cursor of the reply before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final

import numpy as np
import requests
from django.conf import settings

from core.errors import ApplicationError, InvalidInput, Permanent
from market.choices import AssetClass
from market.providers import http
from market.providers.assembling import Delivery, delivery_assemble, pages_join
from market.providers.base import USUAL, BarRequest, Download, credentials_check, interval_check
from market.providers.range import nothing_in_range
from market.providers.rate import place_wait

SOURCE: Final = "Nasdaq Data Link"
HOST: Final = "https://data.nasdaq.com"
TABLE: Final = re.compile(r"[A-Z0-9_]+/[A-Z0-9_]+")
PAGE_ROWS: Final = 10_000
FIRST_DAY: Final = date(1960, 1, 1)
# The order of a table's rows is not promised, so they are sorted in spans of time, one after the
# other: what came is kept if the next span fails.
SPAN: Final = timedelta(days=3653)
NUMBERS: Final = ("open", "high", "low", "close", "volume")
# What tables call the close with splits and dividends in it.
ADJUSTED: Final = ("adj_close", "closeadj", "adjusted_close")
# First letters of the codes in error replies (QEAx01).
REFUSED: Final = MappingProxyType({"A": 401, "P": 403, "L": 429})
NS_PER_DAY: Final = 86_400 * 10**9


class NasdaqDataLinkProvider:
    """Daily bars from a table, 10,000 rows a request."""

    name: ClassVar[str] = "nasdaq_data_link"
    title: ClassVar[str] = "Nasdaq Data Link"
    intervals: ClassVar[frozenset[str]] = frozenset({"1d"})
    credential_fields: ClassVar[tuple[str, ...]] = ("api_key",)

    def __init__(self, table: str = "WIKI/PRICES") -> None:
        if not TABLE.fullmatch(table):
            raise InvalidInput(
                f"{table!r} cannot be a table: write it as SHARADAR/SEP.", code="unknown_provider"
            )
        self._table = table

    def download(self, request: BarRequest) -> Download:
        """Return the bars of a request."""
        return pages_join(self.pages(request), request)

    def pages(self, request: BarRequest) -> Iterator[Download]:
        """Return the bars of a request, ten years at a time."""
        interval_check(self, request.interval)
        credentials_check(self, request)
        listing = replace(USUAL[AssetClass.EQUITY], symbol=request.symbol)
        found = False
        with http.TimedSession(settings.NASDAQ_DATA_LINK_URL) as session:
            first = max(request.start or FIRST_DAY, FIRST_DAY)
            end = min(request.end or request.now.date(), request.now.date())
            while first <= end:
                last = min(first + SPAN, end)
                query = {"date.gte": first.isoformat(), "date.lte": last.isoformat()}
                rows = self._rows(session, request, query)
                page = delivery_assemble(
                    _delivery(rows), source=SOURCE, request=request, listing=listing
                )
                if page is not None:
                    found = True
                    yield page
                first = last + timedelta(days=1)
            if not found:
                self._check_known(session, request)
                raise nothing_in_range(request)

    def _rows(
        self, session: http.TimedSession, request: BarRequest, query: dict[str, str]
    ) -> list[dict[str, Any]]:
        """Ask page after page, following the cursor in each reply."""
        url = f"{HOST}/api/v3/datatables/{self._table}.json"
        query = query | {"ticker": request.symbol, "qopts.per_page": str(PAGE_ROWS)}
        rows: list[dict[str, Any]] = []
        while True:
            place_wait(self.name, request.credentials)
            with http.failures_told(SOURCE):
                reply = session.get(
                    url,
                    params=query,
                    # Not in the query: addresses get into logs.
                    headers={"X-Api-Token": request.credentials["api_key"]},
                )
                if reply.status_code != 200:
                    raise _refusal(reply, self._table)
                body = reply.json()
                names = [column["name"].lower() for column in body["datatable"]["columns"]]
                rows += [dict(zip(names, row, strict=True)) for row in body["datatable"]["data"]]
                cursor = body["meta"]["next_cursor_id"]
            if not cursor:
                return rows
            query = query | {"qopts.cursor_id": cursor}

    def _check_known(self, session: http.TimedSession, request: BarRequest) -> None:
        if not self._rows(session, request, {"qopts.columns": "ticker,date"}):
            raise Permanent(
                f"The table {self._table} of Nasdaq Data Link has no ticker {request.symbol}.",
                code="unknown_symbol",
            )


def _refusal(reply: requests.Response, table: str) -> ApplicationError:
    retry_after = reply.headers.get("Retry-After")
    try:
        told = reply.json()["quandl_error"]
        letter, message = str(told["code"])[2:3], str(told["message"])
    except (ValueError, LookupError, TypeError):
        return http.status_error(SOURCE, reply.status_code, retry_after=retry_after)
    if letter == "C":
        return Permanent(
            f"Nasdaq Data Link has no table {table}: {message[:200]}", code="unknown_table"
        )
    status = REFUSED.get(letter, reply.status_code)
    return http.status_error(SOURCE, status, retry_after=retry_after)


def _delivery(rows: Sequence[dict[str, Any]]) -> Delivery:
    with http.failures_told(SOURCE):
        days = np.array([row["date"] for row in rows], dtype="datetime64[D]").astype(np.int64)
        columns = {
            # null stands for a number that is not known: such a row is no bar.
            name: np.array([row[name] for row in rows], dtype=np.float64)
            for name in NUMBERS
        }
        # Stable: of two rows of one day the order stays, and one of them is a duplicate.
        order = np.argsort(days, kind="stable")
        factor = None
        adjusted = next((name for name in ADJUSTED if rows and name in rows[0]), None)
        if adjusted is not None:
            factor = np.array([row[adjusted] for row in rows], dtype=np.float64) / columns["close"]
            factor = factor[order]
        return Delivery(
            days[order] * NS_PER_DAY,
            {name: column[order] for name, column in columns.items()},
            factor=factor,
        )
