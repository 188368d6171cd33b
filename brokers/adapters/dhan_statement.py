"""Dhan's statement of trades, which tells what was charged for them; a day or more later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from brokers.adapters.base import Refused
from brokers.adapters.indian import INDIA

MOST_PAGES: Final = 50
NO_DATA: Final = "DH-907"
# Of a trade.
CHARGES: Final = (
    "brokerageCharges",
    "exchangeTransactionCharges",
    "sebiTax",
    "serviceTax",
    "stampDuty",
    "stt",
)


def statement_read(ask: Callable[[str, str, int], Any], since: datetime) -> list[dict[str, Any]]:
    """Return an account's trades from a day on.

    Parameters
    ----------
    ask : callable
        Returns those from one day to another, of one page.
    """
    first, last = (f"{at.astimezone(INDIA):%Y-%m-%d}" for at in (since, timezone.now()))
    rows: list[dict[str, Any]] = []
    for page in range(MOST_PAGES):
        try:
            told = ask(first, last, page)
        except Refused as refusal:
            if refusal.code == NO_DATA:
                break
            raise
        if not told:
            break
        rows += told
    return rows


def statement_total(rows: Iterable[Mapping[str, Any]]) -> tuple[Decimal, Decimal]:
    """Return what was charged for trades, and their units."""
    told = list(rows)
    charges = sum((Decimal(str(row[name])) for row in told for name in CHARGES), Decimal(0))
    return charges, sum((Decimal(str(row["tradedQuantity"])) for row in told), Decimal(0))
