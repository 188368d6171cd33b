"""What a rule on the market may say, checked against the strategy and the bars that there are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from core.errors import Detail, InvalidInput
from market.intervals import interval_get
from market.quote_sources import quote_sources
from notifications.conditions import COMPARE, ON_CHANGE, PRICE_FIELDS, REPEATS
from notifications.models import AlertRule
from notifications.quoting import side_now
from notifications.watching import Market, condition_column, market_read, moment
from strategies.selectors import strategy_get
from strategies.services.version import version_pin

# Enough to see whether a condition can be computed; on all bars it may take longer than a request.
CHECKED_BARS: Final = 3000


def market_bind(rule: AlertRule) -> None:
    """Check a rule's condition, pin the strategy's version, and begin with the next bar.

    ``price.level`` takes ``{"operator": "gt", "level": 800, "field"?: "close"}``, ``condition.met``
    ``{"strategy_id", "version"?, "node", "port"?, "parameters"?}``; both take ``"repeat"``:
    ``"on_change"`` tells when it becomes true, ``"every_bar"`` on each bar on which it is. Without
    an interval ``price.level`` is about live prices, and has an operator and a level only.

    Raises
    ------
    InvalidInput
        Naming the fault.
    """
    live = rule.event == "price.level" and not rule.interval
    for name in ("symbol", "condition") if live else ("symbol", "interval", "condition"):
        if not getattr(rule, name):
            raise _fault(name, "required", f"{rule.event} takes a {name}.")
    rule.symbol = rule.symbol.strip().upper()
    if live:
        _live_bind(rule)
        return
    rule.interval = interval_get(rule.interval).name
    given = dict(rule.condition)
    repeat = given.pop("repeat", ON_CHANGE)
    if repeat not in REPEATS:
        said = ", ".join(REPEATS)
        raise _fault("condition.repeat", "invalid_choice", f"repeat is one of {said}.", repeat)
    if rule.event == "price.level":
        rule.strategy_version, checked = None, _price(given)
    else:
        checked = _node(rule, given)
    rule.condition = checked | {"repeat": repeat}
    market = market_read(owner_id=rule.owner_id, symbol=rule.symbol, interval=rule.interval)
    if not len(market.bars):
        message = f"No {rule.interval} bar of {rule.symbol} has closed yet."
        raise _fault("symbol", "no_bars", message, rule.symbol)
    _check(rule, market)
    rule.seen_until, rule.seen_hash = moment(market.bars.ts[-1]), market.mark


def _check(rule: AlertRule, market: Market) -> None:
    """Refuse a condition that cannot be computed, as far as a few bars tell."""
    tail = market.bars.slice(max(0, len(market.bars) - CHECKED_BARS), len(market.bars))
    try:
        condition_column(rule, dataclasses.replace(market, bars=tail))
    except InvalidInput as error:
        if error.code != "warmup_exceeds_data" or len(tail) == len(market.bars):
            raise


def _live_bind(rule: AlertRule) -> None:
    """Check a rule on live prices, and note on which side of its level the price is now."""
    given = dict(rule.condition)
    of_bars = given.pop("repeat", ON_CHANGE) != ON_CHANGE
    if of_bars or given.get("field", PRICE_FIELDS[0]) != PRICE_FIELDS[0]:
        message = "A live price is told when it crosses the level: it has no other field or repeat."
        raise _fault("condition", "invalid", message)
    if not quote_sources([rule.symbol]):
        message = (
            f"There are no live prices of {rule.symbol} here: give an interval to look at its "
            "closed bars, or download bars from a provider that has live prices."
        )
        raise _fault("symbol", "no_quotes", message, rule.symbol)
    checked = _price(given)
    rule.condition = {name: checked[name] for name in ("operator", "level")}
    rule.strategy_version = None
    rule.seen_hash, rule.seen_until = side_now(rule, now=timezone.now())


def _price(given: Mapping[str, Any]) -> dict[str, Any]:
    _known(given, ("operator", "level", "field"))
    operator, field = given.get("operator"), given.get("field", PRICE_FIELDS[0])
    if not isinstance(operator, str) or operator not in COMPARE:
        message = f"operator is one of {', '.join(COMPARE)}."
        raise _fault("condition.operator", "invalid_choice", message, operator)
    if field not in PRICE_FIELDS:
        message = f"field is one of {', '.join(PRICE_FIELDS)}."
        raise _fault("condition.field", "invalid_choice", message, field)
    level = given.get("level")
    number = isinstance(level, int | float) and not isinstance(level, bool)
    if not number or not math.isfinite(float(level or 0)) or abs(float(level or 0)) > 1e15:
        raise _fault("condition.level", "invalid", "level is a number.", level)
    return {"operator": operator, "level": level, "field": field}


def _node(rule: AlertRule, given: Mapping[str, Any]) -> dict[str, Any]:
    _known(given, ("strategy_id", "version", "node", "port", "parameters"))
    strategy_id, number = given.get("strategy_id"), given.get("version")
    node, port, parameters = given.get("node"), given.get("port", ""), given.get("parameters", {})
    if not isinstance(strategy_id, str) or not _is_uuid(strategy_id):
        raise _fault("condition.strategy_id", "required", "strategy_id is a strategy's id.")
    if not isinstance(node, str) or not isinstance(port, str) or not isinstance(parameters, dict):
        message = "node and port are names, parameters an object."
        raise _fault("condition.node", "invalid", message)
    if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
        raise _fault("condition.version", "invalid", "version is a number.", number)
    strategy = strategy_get(rule.owner_id, strategy_id)
    rule.strategy_version = version_pin(strategy=strategy, number=number)
    return {
        "strategy_id": str(strategy.id),
        "version": rule.strategy_version.number,
        "node": node,
        "port": port,
        "parameters": parameters,
    }


def _known(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in given:
        if name not in names:
            message = f"A condition of this event has {', '.join(names)} and repeat."
            raise _fault(f"condition.{name}", "unknown", message, name)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _fault(path: str, code: str, message: str, received: Any = None) -> InvalidInput:
    return InvalidInput(message, details=[Detail(path, code, message, received=received)])
