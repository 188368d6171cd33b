"""The kind table: adding a broker is a module and a line here."""

from __future__ import annotations

from brokers.adapters.base import Adapter
from core.kinds import KindTable

ADAPTERS: KindTable[Adapter] = KindTable(
    "Broker",
    {
        "paper": "brokers.adapters.paper.PaperBroker",
        "alpaca": "brokers.adapters.alpaca.AlpacaBroker",
        "binance": "brokers.adapters.binance.BinanceBroker",
        "zerodha": "brokers.adapters.zerodha.ZerodhaBroker",
        "dhan": "brokers.adapters.dhan.DhanBroker",
        "interactive_brokers": "brokers.adapters.interactive_brokers.InteractiveBrokers",
    },
    check_id="brokers.E001",
)


def kind_choices() -> list[tuple[str, str]]:
    """Return the kinds; a function, so that a new one needs no migration."""
    return ADAPTERS.choices()
