"""Which providers there are. A new one is its module and a line here."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import cast

from django.utils.module_loading import import_string

from core.errors import Detail, InvalidInput
from market.providers.base import Provider

PROVIDERS = MappingProxyType(
    {
        "sample": "market.providers.sample.SampleProvider",
        "yfinance": "market.providers.yfinance.YFinanceProvider",
        "csv": "market.providers.csv.CsvProvider",
    }
)


@cache
def provider_get(name: str) -> Provider:
    """Return the provider of a name.

    Raises
    ------
    InvalidInput
        When there is none; the message lists them.
    """
    path = PROVIDERS.get(name)
    if path is None:
        message = f"{name!r} is not a provider: use one of {', '.join(PROVIDERS)}."
        raise InvalidInput(
            message,
            code="unknown_provider",
            details=[
                Detail(
                    path="provider",
                    code="unknown_provider",
                    message=message,
                    expected=list(PROVIDERS),
                    received=name,
                )
            ],
        )
    return cast(Provider, import_string(path)())
