"""What a user can be told of, and what rules may filter on: data, one entry an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TEXT: Final = "text"
NUMBER: Final = "number"


@dataclass(frozen=True, slots=True)
class EventKind:
    """Something that a user can be told of.

    Attributes
    ----------
    title : str
        For people.
    fields : Mapping of str to str
        What of the event's data a rule may filter on, each "text" or "number". Numbers may be
        given as decimal strings, as orders and accounts are.
    market : bool
        Made by a rule's own condition on bars; nobody else reports it.
    """

    title: str
    fields: Mapping[str, str] = field(default_factory=dict)
    market: bool = False

    @property
    def filters(self) -> tuple[str, ...]:
        """The names that a rule may filter on."""
        return tuple(self.fields)


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, TEXT)


def _numbers(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, NUMBER)


RUN = _texts("ticker", "interval", "strategy_id", "status")
METRICS = _numbers(
    "total_return_pct", "cagr_pct", "sharpe", "max_drawdown_pct", "trades", "winrate_pct",
    "final_equity",
)  # fmt: skip
ORDER = {
    **_texts("ticker", "side", "strategy_id", "status"),
    **_numbers("quantity", "filled_quantity", "executed_price"),
}
ACCOUNT = _texts("account_id", "name", "kind", "state", "reason")
DEPLOYMENT = _texts("deployment_id", "strategy_id", "ticker", "account_id", "status")
SIGNAL = {**_texts("deployment_id", "strategy_id", "ticker", "interval"), **_numbers("price")}
MARKET = {**_texts("ticker", "interval"), **_numbers("price")}

# Adding one needs no migration. Only what something announces is offered here.
EVENTS: Final[dict[str, EventKind]] = {
    "run.completed": EventKind("A backtest has completed", {**RUN, **METRICS}),
    "run.failed": EventKind("A backtest has failed", {**RUN, **_texts("code")}),
    "order.accepted": EventKind("A broker has accepted an order", ORDER),
    "order.filled": EventKind("An order was filled", ORDER),
    "order.partially_filled": EventKind("An order was filled in part", ORDER),
    "order.rejected": EventKind("An order was rejected", ORDER),
    "order.canceled": EventKind("An order was canceled", ORDER),
    "order.expired": EventKind("An order has expired", ORDER),
    "order.unknown": EventKind("The outcome of an order is unknown", ORDER),
    "fill.received": EventKind(
        "An execution has come in", {**_texts("ticker", "side"), **_numbers("quantity", "price")}
    ),
    "signal.entry": EventKind("A live strategy's entry condition is met", SIGNAL),
    "signal.exit": EventKind("A live strategy's exit condition is met", SIGNAL),
    "strategy.alert": EventKind("An alert action of a live strategy has run", SIGNAL),
    "deployment.changed": EventKind("A deployment has changed its state", DEPLOYMENT),
    "deployment.failed": EventKind("A deployment has failed", {**DEPLOYMENT, **_texts("code")}),
    "position.unwound": EventKind(
        "A leg of an option position could not be had, and the others are closed again", DEPLOYMENT
    ),
    "risk.denied": EventKind(
        "The risk rules have denied an order",
        {**_texts("ticker", "side", "strategy_id", "account_id", "code"), **_numbers("quantity")},
    ),
    "account.halted": EventKind(
        "Trading of an account was halted: by its owner, or because it is not as the broker says",
        ACCOUNT,
    ),
    "account.mismatch": EventKind("An account is not as its broker says", ACCOUNT),
    "drawdown.exceeded": EventKind(
        "Equity has fallen from its peak",
        {
            **_texts("account_id", "deployment_id", "strategy_id"),
            **_numbers("drawdown_pct", "equity"),
        },
    ),
    "drift.exceeded": EventKind(
        "A live strategy does not trade as its backtest",
        {
            **_texts("deployment_id", "strategy_id", "ticker"),
            **_numbers("drift_pct", "signal", "data", "timing", "slippage", "fees"),
        },
    ),
    "data.quality": EventKind(
        "Bars have gaps or impossible prices",
        {**_texts("ticker", "interval", "provider", "severity"), **_numbers("findings")},
    ),
    "data.late": EventKind(
        "Bars that a live strategy needs are late",
        {**_texts("ticker", "interval", "deployment_id"), **_numbers("late_s")},
    ),
    "price.level": EventKind("A price has crossed a level", MARKET, market=True),
    "condition.met": EventKind("A condition of a strategy is met", MARKET, market=True),
    "alert.manual": EventKind("An alert was sent by hand"),
    "channel.disabled": EventKind(
        "A channel was switched off", _texts("channel_id", "kind", "reason")
    ),
    "rule.disabled": EventKind("A rule was switched off", _texts("rule_id", "event", "reason")),
}
