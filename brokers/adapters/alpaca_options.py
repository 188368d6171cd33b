"""Options at Alpaca: what their orders say beside the others', and the list of contracts.

Contracts are called there as here. An order says whether it opens or closes a position, and is
refused where that is not so; single options trade for the day or until canceled, and do not trail.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from brokers.adapters.base import ListedContract, OrderRequest, OutcomeUnknown
from brokers.adapters.http import outcomes
from brokers.adapters.options import STANDARD, listed, multiplier_check
from brokers.choices import AssetType, OrderType, Side, TimeInForce

ORDER_TYPES: Final = frozenset(
    {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}
)
TIMES_IN_FORCE: Final = frozenset({TimeInForce.DAY, TimeInForce.GTC})
INTENTS: Final = MappingProxyType(
    {
        Side.BUY: "buy_to_open",
        Side.SELL: "sell_to_close",
        Side.SHORT: "sell_to_open",
        Side.COVER: "buy_to_close",
    }
)
SIDES: Final = MappingProxyType({intent: side for side, intent in INTENTS.items()})
ASSET_CLASS: Final = "us_option"
PATH: Final = "/options/contracts"
PAGE: Final = 10_000
MOST_PAGES: Final = 20


def option_check(request: OrderRequest, title: str) -> None:
    """Refuse an option that we count with another number of shares than it is for."""
    if request.asset_type == AssetType.OPTION:
        multiplier_check(request, STANDARD, title)


def intent_of(request: OrderRequest) -> str | None:
    """Return what an order does to the position; None for what is no option."""
    return INTENTS[request.side] if request.asset_type == AssetType.OPTION else None


def side_told(row: dict[str, Any]) -> Side:
    """Return an order's side; only of options it is told whether they are opened or closed."""
    if row.get("asset_class") == ASSET_CLASS and row.get("position_intent") in SIDES:
        return SIDES[row["position_intent"]]
    return Side.BUY if row["side"] == "buy" else Side.SELL


def contracts_list(
    ask: Callable[[dict[str, Any]], Any], title: str, *, underlying: str, first: date, last: date
) -> list[ListedContract]:
    """Return what can be traded, page by page.

    Parameters
    ----------
    ask : callable
        Takes the fields of a question for one page, and returns the answer.
    """
    fields = {
        "underlying_symbols": underlying,
        "status": "active",
        "expiration_date_gte": first.isoformat(),
        "expiration_date_lte": last.isoformat(),
        "limit": PAGE,
    }
    found: list[ListedContract] = []
    for _ in range(MOST_PAGES):
        told = ask(fields)
        with outcomes(title):
            found += [_contract(row) for row in told["option_contracts"] or () if row["tradable"]]
            following = told.get("next_page_token")
        if not following:
            return listed(found, underlying=underlying, first=first, last=last)
        fields = fields | {"page_token": following}
    raise OutcomeUnknown(f"The list of contracts of {title} has no end.")


def _contract(row: dict[str, Any]) -> ListedContract:
    return ListedContract(
        symbol=row["symbol"],
        strike=Decimal(row["strike_price"]),
        right="C" if row["type"] == "call" else "P",
        expiry=date.fromisoformat(row["expiration_date"]),
        multiplier=Decimal(row.get("multiplier") or row["size"]),
    )
