"""The contracts that brokers list, for deployments that trade options: asked for once a day.

Asking is a call over the network, so it is done before the transaction that decides
(`contracts_refresh`), which reads only what is known then. The lists are those of a process: after
a restart they are asked for again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from brokers.access import access_of
from brokers.adapters.base import ListedContract, OptionVenue, OutcomeUnknown, Refused
from brokers.adapters.kinds import ADAPTERS
from brokers.deployments.reading import plan_of
from brokers.models import Deployment
from core.errors import ApplicationError, Permanent

# Beyond the days that a rule asks for: far enough for the monthly expiry that is nearest.
BEYOND: Final = 45
EPOCH: Final = date(1970, 1, 1)
# A broker that could not be asked is left alone for so long.
LEFT_ALONE_S: Final = 60.0
KEPT: Final = 10_000

Place = tuple[str, bool, str]
"""Kind of broker, whether with real money, and what the contracts are on."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a broker listed: on which day, and up to which expiry it was asked."""

    day: date
    last: date
    contracts: tuple[ListedContract, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How far ahead rules look: so many days from their decision, or to a date."""

    days: int
    until: date

    def last(self, day: date) -> date:
        """Return the last expiry that matters on a day."""
        return max(day + timedelta(days=self.days + BEYOND), self.until)


_asked: OrderedDict[UUID, Reach | None] = OrderedDict()
_listed: dict[Place, Listed] = {}
_silent_until: dict[Place, float] = {}


def contracts_refresh(deployment_ids: Iterable[UUID], *, now: datetime) -> None:
    """Have the lists at hand that deployments choose their contracts from today.

    Deployments that trade no options, or at a venue that lists none, cost nothing once they are
    known. A broker that does not answer is asked again after a minute.
    """
    ids = list(deployment_ids)
    unknown = [one for one in ids if one not in _asked]
    wanted = [one for one in ids if _asked.get(one) is not None]
    if not unknown and not wanted:
        return
    rows = Deployment.objects.filter(id__in=[*unknown, *wanted])
    for deployment in rows.select_related("account"):
        reach = _reach(deployment)
        _asked[deployment.id] = reach
        if reach is not None:
            _ask(deployment, now.date(), reach.last(now.date()))
    while len(_asked) > KEPT:
        _asked.popitem(last=False)


def contracts_listed(deployment: Deployment, *, day: date) -> Listed | None:
    """Return what the deployment's broker lists; None where it could not be asked on that day."""
    found = _listed.get(_place(deployment))
    return found if found is not None and found.day >= day else None


def lists_contracts(deployment: Deployment) -> bool:
    """Tell whether the deployment's venue says itself which contracts there are."""
    return isinstance(ADAPTERS.get(deployment.account.kind), OptionVenue)


def contracts_forget() -> None:
    """Forget what was asked; it is asked for again when it is needed."""
    _asked.clear()
    _listed.clear()
    _silent_until.clear()


def _reach(deployment: Deployment) -> Reach | None:
    """Return how far ahead the rules of a deployment look; None where no list is needed."""
    if not lists_contracts(deployment):
        return None
    try:
        rules = plan_of(deployment).program.option_rules
    except ApplicationError:
        return None  # It cannot run: that is told where it is decided for.
    expiries = [leg.expiry for rule in rules for leg in rule.legs]
    if not expiries:
        return None
    dates = [one.date for one in expiries if one.date >= 0]
    return Reach(
        days=max((one.days for one in expiries if one.date < 0), default=0),
        until=EPOCH + timedelta(days=max(dates, default=0)),
    )


def _ask(deployment: Deployment, first: date, last: date) -> None:
    place, adapter = _place(deployment), ADAPTERS.get(deployment.account.kind)
    known = _listed.get(place)
    fresh = known is not None and known.day >= first and known.last >= last
    if fresh or time.monotonic() < _silent_until.get(place, 0.0):
        return
    if not isinstance(adapter, OptionVenue):
        return
    try:
        found = adapter.contracts(
            access_of(deployment.account), underlying=deployment.symbol, first=first, last=last
        )
    except (OutcomeUnknown, Refused, Permanent):
        _silent_until[place] = time.monotonic() + LEFT_ALONE_S
        return
    _listed[place] = Listed(first, last, tuple(found))


def _place(deployment: Deployment) -> Place:
    return deployment.account.kind, deployment.account.live, deployment.symbol
