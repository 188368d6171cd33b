"""Orders that are committed as being sent by the transaction that makes them.

That saves them the message to a sender and a second transaction. The promises are the sender's: the
account's row is locked, its lease is taken, `submitting` is committed before the call, and the call
is made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from brokers.access import access_of, request_of
from brokers.adapters.base import Access
from brokers.calling import AT_ONCE, Sending
from brokers.dispatch import accounts_send, sending_make
from brokers.lease import Lease, leases_release, leases_take
from brokers.models import BrokerAccount, Order
from brokers.rounds import Round, is_remote, known_lately, orders_begin_new, orders_waiting
from brokers.silence import silence_watched, silent_here
from core.errors import Permanent


class Beginning:
    """Orders that are sent from where they are born, right after the commit.

    Where another sender is at work on an account, or has died, where something waits there already,
    it is not known what happened at the broker, or that was found to answer late, they go the
    usual way.
    """

    def __init__(self) -> None:
        self._accounts: set[UUID] = set()
        self._leases: list[Lease] = []
        self._chosen: list[Sending] = []

    def begin(self, orders: Sequence[Order]) -> list[Order]:
        """Take on admitted orders that are not written yet; their accounts' rows are locked.

        Returns those for which a sender must be called: what is not begun, and what a broker may
        have more to say of.
        """
        accounts = {order.account_id: order.account for order in orders}
        opened = self._opened(accounts.values())
        leases = leases_take([accounts[each] for each in opened])
        rounds = {each: Round.of(accounts[each].kind) for each in opened}
        chosen = [
            Sending(order, opened[order.account_id], request_of(order))
            for order in orders
            if order.account_id in opened and rounds[order.account_id].takes(order)
        ]
        # All calls are made at the same time: none goes out long after this has committed.
        del chosen[AT_ONCE - len(self._chosen) :]
        orders_begin_new(chosen)
        self._leases += leases
        self._chosen += chosen
        self._accounts |= {row.id for row in accounts.values() if not is_remote(row.kind)}
        return [
            order
            for order in orders
            if order.account_id not in opened or is_remote(order.account.kind)
        ]

    def finish(self) -> None:
        """Make the calls, right after the commit.

        What waits behind them at a broker is left to its sender: whoever decides on bars has
        others to decide for.
        """
        with silence_watched({one.order.account.kind for one in self._chosen}):
            sending_make(self._chosen)
        # Not in a `finally`: what a sender that broke off was doing must be found out first.
        leases_release(self._leases, clean=True)
        accounts_send(account_ids=self._accounts)

    def _opened(self, accounts: Iterable[BrokerAccount]) -> dict[UUID, Access]:
        """Return the accounts on which nobody is at work, with what opens them."""
        free = [
            row
            for row in accounts
            if row.sender_until is None and known_lately(row) and not silent_here(row.kind)
        ]
        waiting = orders_waiting(row.id for row in free)
        busy = set(waiting.order_by().values_list("account_id", flat=True))
        found = {}
        for row in free:
            access = _access(row)
            if access is not None and row.id not in busy:
                found[row.id] = access
        return found


def _access(account: BrokerAccount) -> Access | None:
    """Return what opens an account, None where a sender will have to say why nothing does."""
    try:
        return access_of(account)
    except Permanent:
        return None
