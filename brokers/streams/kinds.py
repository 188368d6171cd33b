"""Which brokers tell of orders by themselves; a stream is a module and a line here.

Interactive Brokers is not among them: it tells executions only to the connection that placed the
order, and ours are one for each call.
"""

from __future__ import annotations

from brokers.streams.base import OrderStream
from core.kinds import KindTable

STREAMS: KindTable[OrderStream] = KindTable(
    "Order stream",
    {
        "alpaca": "brokers.streams.alpaca.AlpacaStream",
        "binance": "brokers.streams.binance.BinanceStream",
        "zerodha": "brokers.streams.zerodha.ZerodhaStream",
        "dhan": "brokers.streams.dhan.DhanStream",
    },
    check_id="brokers.E002",
)
