from __future__ import annotations

from strategies.models.strategy import Strategy
from strategies.models.version import StrategyVersion

__all__ = ["Strategy", "StrategyVersion"]
