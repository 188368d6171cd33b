"""What Yahoo's metadata says of an instrument, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from market.choices import AssetClass
from market.providers.base import USUAL, Listing

ASSET_CLASSES = MappingProxyType(
    {
        "CURRENCY": AssetClass.FOREX,
        "CRYPTOCURRENCY": AssetClass.CRYPTO,
        "OPTION": AssetClass.OPTION,
    }
)
# Yahoo's exchange codes and the calendars of exchange_calendars; others get theirs by hand.
CALENDARS = MappingProxyType(
    {
        **dict.fromkeys(
            ("NMS", "NGM", "NCM", "NYQ", "PCX", "ASE", "BTS", "SNP", "NIM", "DJI"), "XNYS"
        ),
        **dict.fromkeys(("NSI", "BSE"), "XBOM"),
        "LSE": "XLON",
        "GER": "XETR",
        "FRA": "XFRA",
        "PAR": "XPAR",
        "AMS": "XAMS",
        "BRU": "XBRU",
        "MIL": "XMIL",
        "MCE": "XMAD",
        "EBS": "XSWX",
        "STO": "XSTO",
        "CPH": "XCSE",
        "HEL": "XHEL",
        "OSL": "XOSL",
        "VIE": "XWBO",
        "TOR": "XTSE",
        "SAO": "BVMF",
        "MEX": "XMEX",
        "JPX": "XTKS",
        "HKG": "XHKG",
        "SHH": "XSHG",
        "SHZ": "XSHG",
        "KSC": "XKRX",
        "TAI": "XTAI",
        "SES": "XSES",
        "ASX": "XASX",
        "NZE": "XNZE",
    }
)


def listing_of(symbol: str, meta: Mapping[str, Any]) -> Listing:
    """Return the listing in the metadata of a chart reply.

    An exchange without a calendar here counts as open on all weekdays, round the clock.
    """
    asset_class = ASSET_CLASSES.get(str(meta.get("instrumentType")), AssetClass.EQUITY)
    usual = USUAL[asset_class]
    calendar = usual.calendar
    if asset_class in {AssetClass.EQUITY, AssetClass.OPTION}:
        calendar = CALENDARS.get(str(meta.get("exchangeName")), "24/5")
    tick = usual.tick_size
    hint = meta.get("priceHint")
    if isinstance(hint, int) and 0 <= hint <= 10:
        tick = Decimal(1).scaleb(-hint)
    return replace(
        usual,
        symbol=symbol,
        name=str(meta.get("longName") or meta.get("shortName") or "")[:200],
        exchange=str(meta.get("fullExchangeName") or meta.get("exchangeName") or "")[:30],
        calendar=calendar,
        timezone=str(meta.get("exchangeTimezoneName") or usual.timezone),
        currency=str(meta.get("currency") or usual.currency)[:10],
        tick_size=tick,
    )
