"""The product's side of the comparison: a template's document in, a result out."""

from __future__ import annotations

from functools import cache
from typing import Any

from core.engine.bars import Bars
from core.engine.config import RunConfig
from core.engine.result import Result
from core.engine.simulate import simulate
from market.providers.sample import eurusd_read, share_read
from strategies.graph.compile import graph_compile
from strategies.graph.evaluate import Evaluation, plan_evaluate
from strategies.graph.schema import graph_parse
from strategies.graph.templates import template_get

TEMPLATES = ("sma_cross", "ema_cross", "rsi", "macd", "buy_and_hold")
SHARES = ("GOOG", "AAPL", "IBM", "MSFT")


@cache
def bars_of(symbol: str, prices: str) -> Bars:
    history = eurusd_read() if symbol == "EURUSD" else share_read(symbol)
    return history.adjusted() if prices == "adjusted" else history.bars


def run(template: str, bars: Bars, config: dict[str, Any]) -> tuple[Evaluation, Result]:
    plan = graph_compile(graph_parse(template_get(template).document))
    settings = RunConfig.from_mapping(config)
    evaluation = plan_evaluate(plan, bars, strict_cross=settings.profile == "reference")
    return evaluation, simulate(bars, evaluation.columns, evaluation.program, settings)
