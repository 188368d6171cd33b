"""The demo account. It exists on installations of this machine alone: see `load_demo`."""

from __future__ import annotations

DEMO_EMAIL = "demo@example.com"
DEMO_PASSWORD = "backtest-on-loopback"  # noqa: S105 - printed on the console; loopback only
