"""Asking venues about many orders: of all accounts at the same time.

A venue that does not answer costs one time-out an account, and holds up no other account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Final
from uuid import UUID

from brokers.access import access_of, ref_of, venue_opened
from brokers.adapters.base import (
    Access,
    Adapter,
    LocalAdapter,
    OrderRef,
    OutcomeUnknown,
    Refused,
    VenueOrder,
)
from brokers.adapters.kinds import ADAPTERS
from brokers.models import Order
from core.errors import Permanent

ACCOUNTS_AT_ONCE: Final = 64

# What a venue says: its order, that it has none, or why that is not known.
Answer = VenueOrder | None | Refused | OutcomeUnknown | Permanent


def orders_find(orders: Iterable[Order]) -> Iterator[tuple[Order, Answer]]:
    """Yield what venues say of orders, as they answer; their accounts must be loaded.

    Only the calls are made in threads: what is done with an answer is done in the caller's.
    """
    by_account: dict[UUID, list[Order]] = {}
    local: dict[str, list[Order]] = {}
    for order in orders:
        if isinstance(ADAPTERS.get(order.account.kind), LocalAdapter):
            local.setdefault(order.account.kind, []).append(order)
        else:
            by_account.setdefault(order.account_id, []).append(order)
    for kind, rows in local.items():
        yield from zip(rows, _find_local(kind, rows), strict=True)
    calls = [(rows, partial(_find_remote, *venue_opened(rows))) for rows in by_account.values()]
    if len(calls) == 1:  # in this thread: a pool would only cost time
        ((rows, call),) = calls
        yield from zip(rows, call(), strict=True)
    elif calls:
        with ThreadPoolExecutor(max_workers=min(len(calls), ACCOUNTS_AT_ONCE)) as pool:
            made = {pool.submit(call): rows for rows, call in calls}
            for done in as_completed(made):
                yield from zip(made[done], done.result(), strict=True)


def _find_local(kind: str, orders: Sequence[Order]) -> Sequence[Answer]:
    adapter = ADAPTERS.get(kind)
    if not isinstance(adapter, LocalAdapter):
        raise TypeError(f"{kind} is not a venue of ours.")
    return adapter.find_all([(access_of(order.account), ref_of(order)) for order in orders])


def _find_remote(
    adapter: Adapter, access: Access | Permanent, refs: Sequence[OrderRef]
) -> list[Answer]:
    """Ask about the orders of one account one after the other, until there is no answer."""
    if isinstance(access, Permanent):
        return [access] * len(refs)
    found: list[Answer] = []
    for ref in refs:
        try:
            found.append(adapter.find(access, ref))
        except Refused as error:
            found.append(error)
        except OutcomeUnknown as error:
            found += [error] * (len(refs) - len(found))
            break
    return found
