"""How brokers are reached."""

from __future__ import annotations

from backtester import env

# Of one call to a broker.
BROKER_TIMEOUT_S = env.integer("BROKER_TIMEOUT_S", 10, minimum=1)
# Calls a second to a broker for one account; ours stay below what each of them allows.
BROKER_RATES = env.numbers(
    "BROKER_RATES",
    {"alpaca": 3, "binance": 10, "zerodha": 8, "dhan": 8, "interactive_brokers": 40},
)
# Other hosts that speak a broker's protocol: a proxy, a test.
BROKER_URLS = {kind: url.rstrip("/") for kind, url in env.pairs("BROKER_URLS").items()}
# Gateways of Interactive Brokers that accounts may be connected through: no others, for these
# addresses are inside the installation's own network.
IB_GATEWAYS = env.items(
    "IB_GATEWAYS", ("127.0.0.1:4001", "127.0.0.1:4002", "127.0.0.1:7496", "127.0.0.1:7497")
)
