"""Connections to the gateways of Interactive Brokers, each for one call."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from django.conf import settings
from ib_async import IB, CommissionReport, StartupFetchNONE

from brokers.adapters.base import Access, OutcomeUnknown, Refused
from brokers.adapters.begin import begin

KIND: Final = "interactive_brokers"
# Accounts of its practice environment begin with this letter.
PRACTICE: Final = "D"
TRY_AGAIN_S: Final = 0.1
Result = TypeVar("Result")
# It tells every message of every connection, and accounts with it; what fails is told by ours.
logging.getLogger("ib_async").setLevel(logging.CRITICAL)


class Line(IB):
    """A connection that keeps the commissions which it is told, by the ids of executions.

    The library drops those that come before their executions, and gives that of an execution which
    was told twice to the first telling alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.commissions: dict[str, CommissionReport] = {}
        take = self.wrapper.commissionReport

        def keep(report: CommissionReport) -> None:
            self.commissions[report.execId] = report
            take(report)

        self.wrapper.commissionReport = keep  # type: ignore[assignment,method-assign]  # it tells no event


class NotConnected(OutcomeUnknown):
    """The gateway cannot be reached, so nothing was asked."""


async def connected(access: Access, work: Callable[[Line], Awaitable[Result]]) -> Result:
    """Do something over a connection of its own."""
    timeout_s = float(settings.BROKER_TIMEOUT_S)
    ib = await _open(access, timeout_s)
    try:
        _check_account(access, ib.managedAccounts())
        begin()
        return await asyncio.wait_for(work(ib), timeout_s)
    finally:
        ib.disconnect()


async def _open(access: Access, timeout_s: float) -> Line:
    """Connect to the account's gateway.

    It takes one connection at a time for each client id. Another process of ours has it for as
    long as a call takes, so it is tried again until the time-out: nothing was asked so far.
    """
    host, port = _gateway(access)
    until = time.monotonic() + timeout_s
    while True:
        ib = Line()
        left_s = max(TRY_AGAIN_S, until - time.monotonic())
        try:
            if await _connect(ib, host, port, int(access.credentials["client_id"]), left_s):
                return ib
        except (TimeoutError, OSError) as error:
            raise NotConnected(f"The gateway at {host}:{port} does not answer.") from error
        if time.monotonic() + TRY_AGAIN_S > until:
            raise NotConnected(
                f"The gateway at {host}:{port} closes connections: another one has the client id "
                f"{access.credentials['client_id']}, or nobody is logged in there."
            )
        await asyncio.sleep(TRY_AGAIN_S)


async def _connect(ib: IB, host: str, port: int, client_id: int, timeout_s: float) -> bool:
    """Connect; False where the gateway closed the connection before it greeted us.

    It does so where a client id is in use (error 326); the library would wait for the time-out.
    """
    closed = asyncio.Event()
    ib.client.apiError += lambda *_: None if ib.client.isReady() else closed.set()
    connecting = asyncio.ensure_future(
        ib.connectAsync(
            host,
            port,
            client_id,
            timeout=timeout_s,
            raiseSyncErrors=True,
            fetchFields=StartupFetchNONE,
        )
    )
    closing = asyncio.ensure_future(closed.wait())
    await asyncio.wait({connecting, closing}, return_when=asyncio.FIRST_COMPLETED)
    closing.cancel()
    if not connecting.done():
        connecting.cancel()
        await asyncio.wait({connecting})
        ib.disconnect()
        return False
    connecting.result()
    return True


def _gateway(access: Access) -> tuple[str, int]:
    """Return host and port; only those that the installation allows are ever connected to."""
    allowed = settings.BROKER_URLS.get(KIND, "")
    gateway = allowed or access.credentials["gateway"]
    if not allowed and gateway not in settings.IB_GATEWAYS:
        raise Refused(
            "gateway_not_allowed",
            f"{gateway} is not among the gateways of this installation (IB_GATEWAYS).",
        )
    host, _, port = gateway.rpartition(":")
    return host, int(port)


def _check_account(access: Access, accounts: Sequence[str]) -> None:
    account = access.credentials["account"]
    if account not in accounts:
        raise Refused("credentials_refused", f"The gateway has no account {account}.")
    if not access.live and not account.startswith(PRACTICE):
        raise Refused("not_live", f"{account} is real money: switch the account to live first.")
