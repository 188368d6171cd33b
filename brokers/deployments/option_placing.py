"""From what a deployment wants of options to orders at the broker: one for each leg.

Orders are named after the bar of their decision and their position, so whatever is repeated here is
placed once. All are at the market and for the day, as those of a backtest.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from brokers.adapters.kinds import ADAPTERS
from brokers.choices import AssetType, OrderStatus, OrderType, Side
from brokers.deployments.choices import DeploymentState, TickStatus
from brokers.deployments.gathering import Dossier
from brokers.deployments.naming import leg_name
from brokers.deployments.option_sides import Sides
from brokers.deployments.option_telling import unwound_tell
from brokers.deployments.placing import Desk
from brokers.deployments.reading import plan_of
from brokers.deployments.waiting import opens_withdrawn
from brokers.deployments.wanted import Decision, LegWanted, OptionDecision, Role
from brokers.models import DeploymentTick, Order
from brokers.services.intents import Draft, Intent
from market.bar_times import moment_of
from market.calendars import is_open

# A trade that closes what an account has and opens more is two orders.
SECOND_PART: Final = 50


class OptionDesk:
    """Places the option orders of one deployment, through the desk that has its other orders."""

    def __init__(self, desk: Desk, now: datetime) -> None:
        self.desk, self.now = desk, now

    def act(self, decision: Decision, *, withdrawn: bool = False) -> bool:
        """Place what a bar decided; False where it is to be looked at again.

        A broker takes orders in options while its market is open: until then they wait here. What
        is placed is followed until its end, for a leg that is refused has the others closed. Where
        what opens was withdrawn, positions that began are completed: a leg alone is another bet.
        """
        options = decision.options
        if options is None:
            return True
        opens = self._begun(decision.bar_ts, options.opens) if withdrawn else options.opens
        return self._go_on(decision.bar_ts, options, (*options.closes, *opens))

    def follow(self, decision: Decision) -> bool:
        """Close again what could be had only in part; what a bar decided is placed already."""
        options = decision.options
        if options is None:
            return True
        unwound = tuple(one for one in options.closes if one.role == Role.UNWIND)
        return self._go_on(decision.bar_ts, options, unwound)

    def _go_on(self, bar_ts: int, options: OptionDecision, wanted: tuple[LegWanted, ...]) -> bool:
        if not self.can_place():
            if wanted:
                self.desk.at_open()
            return not wanted
        self._withdraw(options)
        wanted = tuple(
            one
            for one in wanted
            if one.role != Role.OPEN or (one.rule, one.position_ts) not in options.broken
        )
        placed = self._placed(bar_ts) if wanted else {}
        new = [one for one in wanted if self._key(one) not in placed]
        ready = [one for one in new if self._may_go(one, wanted, placed)]
        self.place(ready, bar_ts=bar_ts)
        return not new and not any(is_leg(order) for _, order in self.desk.open_orders())

    def _begun(self, bar_ts: int, opens: Iterable[LegWanted]) -> tuple[LegWanted, ...]:
        """Return the legs of positions of which one is filled already."""
        filled = self._orders(bar_ts).filter(filled_quantity__gt=0)
        nodes = set(filled.values_list("node", flat=True))
        return tuple(one for one in opens if self._key(one)[0] in nodes)

    def _may_go(
        self, one: LegWanted, wanted: Iterable[LegWanted], placed: dict[tuple[str, int], str]
    ) -> bool:
        """Tell whether a leg can be placed: at a broker, sales wait for the purchases.

        What is bought of a position, or of shares, covers what is sold, and brokers take orders in
        no order.
        """
        if one.side > 0 or not self.desk.can.remote:
            return True
        if one.role == Role.OPEN and self._shares_coming():
            return False
        before = self._covering(one, wanted)
        statuses = [
            placed.get((node, part))
            for node, leg in map(self._key, before)
            for part in (leg, leg + SECOND_PART)
            if part == leg or (node, part) in placed
        ]
        return all(status == OrderStatus.FILLED for status in statuses)

    def _shares_coming(self) -> bool:
        """Tell whether shares are bought at the market that are not there, or never will be."""
        drafted = {
            draft.intent.client_order_id
            for draft in self.desk.drafts
            if draft.intent.side == Side.BUY and draft.intent.asset_type != AssetType.OPTION
        }
        if drafted:  # those that there are already are drafted again, and stay what they are
            rows = Order.objects.filter(
                deployment_id=self.desk.deployment.id,
                client_order_id__in=drafted,
                status=OrderStatus.FILLED,
            )
            drafted -= set(rows.values_list("client_order_id", flat=True))
        return bool(drafted) or any(
            purpose.role == Role.ENTRY and order.order_type == OrderType.MARKET
            for purpose, order in self.desk.open_orders()
        )

    def _covering(self, sold: LegWanted, wanted: Iterable[LegWanted]) -> list[LegWanted]:
        """Return the purchases of the same position that belong with a sale."""
        return [
            one
            for one in wanted
            if one.side > 0 > sold.side
            and (one.rule, one.position_ts) == (sold.rule, sold.position_ts)
            and (one.role == Role.OPEN) == (sold.role == Role.OPEN)
        ]

    def place(self, wanted: Iterable[LegWanted], *, bar_ts: int) -> None:
        """Draft orders of a bar's decision: what is sold for when its purchases are admitted."""
        rows = list(wanted)
        if not rows:
            return
        can = self.desk.can
        sides = Sides(self.desk.deployment.account, (one.symbol for one in rows), remote=can.remote)
        drafts = {self._key(one): self._drafts(one, sides, bar_ts) for one in rows}
        for one in rows:
            covering = self._covering(one, rows)
            if not covering:
                self.desk.drafts += drafts[self._key(one)]
                continue
            needs = (draft.key for other in covering for draft in drafts[self._key(other)])
            found = frozenset(needs)
            self.desk.covered += [(draft, found) for draft in drafts[self._key(one)]]

    def _drafts(self, wanted: LegWanted, sides: Sides, bar_ts: int) -> list[Draft]:
        deployment, (node, leg) = self.desk.deployment, self._key(wanted)
        intents = [
            Intent(
                deployment_id=deployment.id,
                bar_ts=moment_of(bar_ts),
                node=node,
                leg=leg + number * SECOND_PART,
                symbol=wanted.symbol,
                side=side,
                quantity=quantity,
                asset_type=AssetType.OPTION,
                order_type=OrderType.MARKET,
            )
            for number, (side, quantity) in enumerate(sides.parts(wanted))
        ]
        return [Draft(deployment.account, intent, deployment.strategy_id) for intent in intents]

    def _key(self, wanted: LegWanted) -> tuple[str, int]:
        source = self.desk.program.option_rules[wanted.rule].source
        return leg_name(source, wanted.rule, wanted.role, wanted.position_ts), wanted.leg

    def _placed(self, bar_ts: int) -> dict[tuple[str, int], str]:
        """Return where the orders are that a bar's decision has placed."""
        rows = self._orders(bar_ts).values_list("node", "leg", "status")
        return {(node, leg): status for node, leg, status in rows}

    def _orders(self, bar_ts: int) -> QuerySet[Order]:
        return Order.objects.filter(
            deployment_id=self.desk.deployment.id,
            bar_ts=moment_of(bar_ts),
            asset_type=AssetType.OPTION,
        )

    def _withdraw(self, options: OptionDecision) -> None:
        """Take back what still waits of positions of which nothing may stay, and tell of them."""
        gone = {(one.rule, one.position_ts) for one in options.closes if one.role == Role.UNWIND}
        for purpose, order in self.desk.open_orders():
            key = purpose.rule, purpose.position_s * 10**9
            if purpose.role == Role.OPEN and key in options.broken:
                self.desk.cancel(order)
                gone.add(key)
        unwound_tell(self.desk.deployment, options, gone)

    def can_place(self) -> bool:
        """Tell whether orders can be placed now; at our own venue they always can."""
        return not self.desk.can.remote or is_open(self.desk.instrument, self.now)


def options_act(tick: DeploymentTick | None, desk: OptionDesk, decision: Decision) -> None:
    """Place what a bar decided, and keep its tick pending until all of that is at its end.

    Without a tick, or with one that came too late, only what could be had in part is closed again.
    """
    deployment = desk.desk.deployment
    if tick is None:
        if not desk.follow(decision):
            rows = DeploymentTick.objects.filter(deployment_id=deployment.id)
            rows.filter(bar_ts=moment_of(decision.bar_ts)).update(pending=True)
        return
    withdrawn = deployment.state != DeploymentState.RUNNING or opens_withdrawn(tick)
    acts = tick.status == TickStatus.DECIDED
    done = desk.act(decision, withdrawn=withdrawn) if acts else desk.follow(decision)
    tick.pending = tick.pending or not done


def legs_wait(dossier: Dossier, now: datetime) -> bool:
    """Tell whether all that waits are orders in contracts, or such for their market to open."""
    if not plan_of(dossier.deployment).program.option_rules:
        return False
    if dossier.orders:
        return all(is_leg(order) for order in dossier.orders)
    remote = ADAPTERS.get(dossier.deployment.account.kind).capabilities.remote
    return remote and not is_open(dossier.stored.instrument, now)


def is_leg(order: Order) -> bool:
    """Tell whether an order is in a contract."""
    return order.asset_type == AssetType.OPTION
