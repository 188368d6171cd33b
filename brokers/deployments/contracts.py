"""The contracts that brokers list, for deployments that trade options: asked for once a day.

Asking is a call over the network, so it is done before the transaction that decides
(`contracts_refresh`), which reads only what is known then. The lists are those of a process: after
a restart they are asked for again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from brokers.access import access_of
from brokers.adapters.base import (
    Access,
    ListedContract,
    OptionVenue,
    OutcomeUnknown,
    Refused,
)
from brokers.adapters.kinds import ADAPTERS
from brokers.calling import calls_make
from brokers.deployments.compiled import options_warm
from brokers.deployments.reading import plan_of
from brokers.models import Deployment
from brokers.paper.expiring import accounts_expire
from brokers.silence import silence_watched
from core.engine.option_rules import OptionRule, Right
from core.errors import ApplicationError, Permanent
from core.options.contract import Contract
from core.options.listed import ListedContracts
from market.contracts import EPOCH

# Beyond the days that a rule asks for: far enough for the monthly expiry that is nearest.
BEYOND: Final = 45
# A broker that could not be asked is left alone for so long.
LEFT_ALONE_S: Final = 60.0
KEPT: Final = 10_000

Place = tuple[str, bool, str]
"""Kind of broker, whether with real money, and what the contracts are on."""


class Series(NamedTuple):
    """The contracts of one size: how they are called, and where rules look for them."""

    symbols: Mapping[Contract, str]
    calendar: ListedContracts


@dataclass(frozen=True, slots=True)
class Listed:
    """What a broker listed: on which day, and up to which expiry it was asked."""

    day: date
    last: date
    contracts: tuple[ListedContract, ...]
    _series: dict[int, Series] = field(default_factory=dict, compare=False)

    def series(self, multiplier: int, sessions: NDArray[np.int64]) -> Series:
        """Return the contracts for so many shares; those that were adjusted are for others.

        `sessions` are the exchange's: the same ones whenever it is asked.
        """
        if multiplier not in self._series:
            symbols = {
                Contract(
                    Right.CALL if one.right == "C" else Right.PUT,
                    float(one.strike),
                    (one.expiry - EPOCH).days,
                ): one.symbol
                for one in self.contracts
                if one.multiplier == multiplier
            }
            self._series[multiplier] = Series(symbols, ListedContracts(symbols, sessions))
        return self._series[multiplier]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far ahead rules look: so many days from their decision, or to a date."""

    days: int
    until: date

    def last(self, day: date) -> date:
        """Return the last expiry that matters on a day."""
        return max(day + timedelta(days=self.days + BEYOND), self.until)


@dataclass(frozen=True, slots=True)
class Need:
    """What a deployment that trades options needs before it decides.

    Attributes
    ----------
    account_id : UUID
    reach : Reach or None
        How far ahead its broker is asked for contracts; None at a venue that lists none.
    local : bool
        Whether contracts that are over are settled at our own venue.
    """

    account_id: UUID
    reach: Reach | None
    local: bool


_needs: OrderedDict[UUID, Need | None] = OrderedDict()
_listed: dict[Place, Listed] = {}
_silent_until: dict[Place, float] = {}


def contracts_refresh(deployment_ids: Iterable[UUID], *, now: datetime) -> None:
    """Have what is over settled at our own venue, brokers' lists at hand, and the kernel loaded.

    Deployments that trade no options cost nothing once they are known. A broker that does not
    answer is asked again after a minute.
    """
    ids = list(deployment_ids)
    unknown = [one for one in ids if one not in _needs]
    if unknown:
        rows = Deployment.objects.filter(id__in=unknown).select_related("account")
        _needs.update((deployment.id, _need(deployment)) for deployment in rows)
    needs = {one: need for one in ids if (need := _needs.get(one)) is not None}
    if needs:  # here, where nothing is locked
        options_warm()
    if accounts := {need.account_id for need in needs.values() if need.local}:
        accounts_expire(accounts)
    asking = {one: need.reach for one, need in needs.items() if need.reach is not None}
    if asking:
        rows = Deployment.objects.filter(id__in=asking).select_related("account")
        _ask([(row, asking[row.id].last(now.date())) for row in rows], now.date())
    while len(_needs) > KEPT:
        _needs.popitem(last=False)


def contracts_listed(deployment: Deployment, *, day: date) -> Listed | None:
    """Return what the deployment's broker lists; None where it could not be asked on that day."""
    found = _listed.get(_place(deployment))
    return found if found is not None and found.day >= day else None


def lists_contracts(deployment: Deployment) -> bool:
    """Tell whether the deployment's venue says itself which contracts there are."""
    return isinstance(ADAPTERS.get(deployment.account.kind), OptionVenue)


def contracts_forget() -> None:
    """Forget what was asked; it is asked for again when it is needed."""
    _needs.clear()
    _listed.clear()
    _silent_until.clear()


def _need(deployment: Deployment) -> Need | None:
    """Return what a deployment needs; None where it trades no options."""
    try:
        rules = plan_of(deployment).program.option_rules
    except ApplicationError:
        return None  # It cannot run: that is told where it is decided for.
    if not rules:
        return None
    local = not ADAPTERS.get(deployment.account.kind).capabilities.remote
    reach = _reach(rules) if lists_contracts(deployment) else None
    return Need(deployment.account_id, reach, local)


def _reach(rules: Iterable[OptionRule]) -> Reach | None:
    """Return how far ahead rules look; None where they open nothing."""
    expiries = [leg.expiry for rule in rules for leg in rule.legs]
    if not expiries:
        return None
    dates = [one.date for one in expiries if one.date >= 0]
    return Reach(
        days=max((one.days for one in expiries if one.date < 0), default=0),
        until=EPOCH + timedelta(days=max(dates, default=0)),
    )


def _ask(deployments: Iterable[tuple[Deployment, date]], day: date) -> None:
    """Ask for the lists that are not known today, all at once; each place is asked by one."""
    wanted: dict[Place, tuple[Deployment, date]] = {}
    for deployment, last in deployments:
        place = _place(deployment)
        known = _listed.get(place)
        fresh = known is not None and known.day >= day and known.last >= last
        if not fresh and time.monotonic() >= _silent_until.get(place, 0.0):
            other = wanted.get(place)
            wanted[place] = (deployment, last if other is None else max(last, other[1]))
    calls = [
        ((place, last), partial(_call, ADAPTERS.get(place[0]), access, place[2], day, last))
        for place, (deployment, last) in wanted.items()
        if (access := _opened(deployment)) is not None
    ]
    with silence_watched({place[0] for place in wanted}):
        for answers in calls_make(calls):
            for (place, last), found in answers:
                if found is None:
                    _silent_until[place] = time.monotonic() + LEFT_ALONE_S
                else:
                    _listed[place] = Listed(day, last, found)


def _opened(deployment: Deployment) -> Access | None:
    try:
        return access_of(deployment.account)
    except Permanent:
        return None  # Its orders say why nothing opens the account.


def _call(
    adapter: object, access: Access, underlying: str, first: date, last: date
) -> tuple[ListedContract, ...] | None:
    """Return what a broker lists; None where it does not say."""
    if not isinstance(adapter, OptionVenue):
        return None
    try:
        return tuple(adapter.contracts(access, underlying=underlying, first=first, last=last))
    except (OutcomeUnknown, Refused):
        return None


def _place(deployment: Deployment) -> Place:
    return deployment.account.kind, deployment.account.live, deployment.symbol
