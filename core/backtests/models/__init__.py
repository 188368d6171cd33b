from __future__ import annotations

from core.backtests.models.equity import EquityCurve
from core.backtests.models.run import BacktestRun
from core.backtests.models.trade import Trade

__all__ = ["BacktestRun", "EquityCurve", "Trade"]
