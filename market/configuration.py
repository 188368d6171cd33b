"""What a deployment may set of this app, each with what holds where it does not.

`getattr`, because a setting that nobody set is not an error here.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings

DEFAULTS: Final = MappingProxyType(
    {
        # Another host that speaks a provider's protocol: a mirror, a proxy, a test.
        "CCXT_URL": "",
        "ALPACA_DATA_URL": "",
        "ALPACA_TRADING_URL": "",
        "NASDAQ_DATA_LINK_URL": "",
        # Of one request to a provider.
        "PROVIDER_TIMEOUT_S": 20,
        # Requests a minute, by provider; ours are what their free plans allow.
        "PROVIDER_RATES": {"alpaca": 180, "nasdaq_data_link": 200, "yfinance": 60, "ccxt": 600},
        # Tries of a download that gets nowhere, and the seconds before the second one.
        "FETCH_TRIES": 5,
        "FETCH_BACKOFF_S": 1.0,
    }
)
FOLDERS: Final = MappingProxyType(
    {"CSV_BARS_DIR": "csv", "PARQUET_BARS_DIR": "parquet", "LEAN_DATA_DIR": "lean"}
)


def setting(name: str) -> Any:
    """Return a setting, or its default."""
    return getattr(settings, name, DEFAULTS[name])


def folder(name: str) -> Path:
    """Return a folder that a provider reads files from; by default one in `VAR_DIR`."""
    return Path(getattr(settings, name, "") or Path(settings.VAR_DIR) / FOLDERS[name])
