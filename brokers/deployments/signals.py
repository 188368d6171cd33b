"""Telling what a strategy has decided: its own alerts to all, the rest to who has a rule on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django.db.models import Max

from brokers.deployments.choices import TickStatus
from brokers.deployments.reading import View
from brokers.deployments.wanted import Decision
from brokers.models import DeploymentTick
from notifications.models import AlertRule
from notifications.services import event_notify, strategy_alert

ENTRY: Final = "signal.entry"
EXIT: Final = "signal.exit"
DRAWDOWN: Final = "drawdown.exceeded"

Decided = tuple[DeploymentTick, Decision, View]


def decisions_tell(decided: Sequence[Decided]) -> None:
    """Tell of decisions; call it inside the transaction that made them."""
    acted = [one for one in decided if one[0].status == TickStatus.DECIDED]
    for tick, decision, view in acted:
        for rule in decision.alerts:
            _alert(tick, view, rule)
    owners = {tick.deployment.owner_id for tick, _, _ in acted}
    rules = AlertRule.objects.filter(
        owner_id__in=owners, event__in=(ENTRY, EXIT, DRAWDOWN), enabled=True
    )
    wanted = set(rules.values_list("owner_id", "event")) if owners else set()
    for tick, decision, view in acted:
        for event, nodes in zip((ENTRY, EXIT), _nodes(decision, view), strict=True):
            if nodes and (tick.deployment.owner_id, event) in wanted:
                _signal(tick, view, event, nodes[0])
    _drawdowns([one for one in acted if (one[0].deployment.owner_id, DRAWDOWN) in wanted])


def _nodes(decision: Decision, view: View) -> tuple[list[str], list[str]]:
    """Return the nodes that open something at the market, and those that close something."""
    rules, option_rules = view.program.rules, view.program.option_rules
    found = [
        [rules[one.rule].source for one in decision.now if one.opens == opens]
        for opens in (True, False)
    ]
    if decision.options is not None:
        found[0] += [option_rules[one.rule].source for one in decision.options.opens]
        found[1] += [option_rules[one.rule].source for one in decision.options.closes]
    return found[0], found[1]


def _alert(tick: DeploymentTick, view: View, rule: int) -> None:
    """Send what an alert action of the strategy says, once a bar."""
    node = view.program.rules[rule].source
    strategy_alert(
        owner_id=tick.deployment.owner_id,
        key=f"{tick.deployment_id}:{node}:{tick.bar_ts.isoformat()}",
        message=view.messages[node],
        data=_data(tick, view) | {"node_id": node},
    )


def _signal(tick: DeploymentTick, view: View, event: str, node: str) -> None:
    deployment = tick.deployment
    word = "entry" if event == ENTRY else "exit"
    event_notify(
        owner_id=deployment.owner_id,
        event=event,
        key=f"{event}:{deployment.id}:{tick.bar_ts.isoformat()}",
        subject=f"{deployment.name}: {word} of {deployment.symbol}",
        text=f"Decided by {node} on the bar of {tick.bar_ts:%Y-%m-%d %H:%M} UTC.",
        data=_data(tick, view) | {"node_id": node},
    )


def _data(tick: DeploymentTick, view: View) -> dict[str, Any]:
    return {
        "deployment_id": str(tick.deployment_id),
        "strategy_id": str(tick.deployment.strategy_id),
        "ticker": tick.deployment.symbol,
        "interval": tick.deployment.interval,
        "price": float(view.bars.close[-1]),
    }


def _drawdowns(decided: Sequence[Decided]) -> None:
    """Tell of each further whole percent that equity falls below its peak, once a peak."""
    if not decided:
        return
    ids = [tick.deployment_id for tick, _, _ in decided]
    rows = DeploymentTick.objects.filter(deployment_id__in=ids).exclude(
        status__in=(TickStatus.MISSED, TickStatus.PAUSED)
    )
    peaks: dict[UUID, float] = dict(
        rows.values_list("deployment_id").annotate(peak=Max("equity")).order_by()
    )
    for tick, _, _ in decided:
        deployment = tick.deployment
        peak = max(peaks.get(deployment.id, 0.0), float(deployment.capital))
        fallen = 1.0 - tick.equity / peak
        if fallen < 0.01:
            continue
        event_notify(
            owner_id=deployment.owner_id,
            event=DRAWDOWN,
            key=f"{DRAWDOWN}:{deployment.id}:{peak:.2f}:{int(fallen * 100)}",
            subject=f"{deployment.name}: {fallen:.2%} below its peak",
            text=f"Its equity is {tick.equity:,.2f}, its highest was {peak:,.2f}.",
            data={
                "account_id": str(deployment.account_id),
                "deployment_id": str(deployment.id),
                "strategy_id": str(deployment.strategy_id),
                "drawdown_pct": fallen * 100,
                "equity": tick.equity,
            },
        )
