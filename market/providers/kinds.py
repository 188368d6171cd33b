"""Which providers there are. A new one is its module and a line here."""

from __future__ import annotations

from functools import lru_cache
from inspect import signature
from types import MappingProxyType
from typing import cast

from django.utils.module_loading import import_string

from core.errors import Detail, InvalidInput
from market.providers.base import Provider
from market.providers.listening import Stream

PROVIDERS = MappingProxyType(
    {
        "sample": "market.providers.sample.SampleProvider",
        "yfinance": "market.providers.yfinance.YFinanceProvider",
        "ccxt": "market.providers.ccxt.CcxtProvider",
        "alpaca": "market.providers.alpaca.AlpacaProvider",
        "nasdaq_data_link": "market.providers.nasdaq_data_link.NasdaqDataLinkProvider",
        "lean": "market.providers.lean.LeanProvider",
        "parquet": "market.providers.parquet.ParquetProvider",
        "csv": "market.providers.csv.CsvProvider",
    }
)

# Of those that tell prices as they happen; imported when somebody listens, for they are large.
STREAMS = MappingProxyType(
    {
        "ccxt": "market.providers.ccxt_stream.CcxtStream",
        "alpaca": "market.providers.alpaca_stream.AlpacaStream",
    }
)


@lru_cache(maxsize=256)
def provider_get(name: str) -> Provider:
    """Return the provider of a name, which a variant may follow: ``"ccxt:kraken"``.

    Raises
    ------
    InvalidInput
        When there is none, or it has no such variant; the message lists what there is.
    """
    kind, _, variant = name.partition(":")
    path = PROVIDERS.get(kind)
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
    made = import_string(path)
    if not variant:
        return cast(Provider, made())
    if not signature(made).parameters:
        raise InvalidInput(
            f"{kind} has no variants: write it without {':' + variant!r}.", code="unknown_provider"
        )
    return cast(Provider, made(variant))


def is_streamed(name: str) -> bool:
    """Return whether a provider tells prices as they happen."""
    return name.partition(":")[0] in STREAMS


def stream_get(name: str) -> Stream:
    """Return a new stream of a provider's prices; a variant may follow its name."""
    kind, _, variant = name.partition(":")
    made = import_string(STREAMS[kind])
    return cast(Stream, made(variant) if variant else made())
