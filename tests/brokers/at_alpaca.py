"""Accounts at a simulated Alpaca."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal

from brokers import silence
from brokers.access import credentials_seal
from brokers.models import BrokerAccount
from brokers.reconciling import account_reconcile
from market.memory import memory
from tests.venue.alpaca import AlpacaVenue


@contextmanager
def alpaca_served(settings, symbol):
    """Have Alpaca be there, without a rate, and with one symbol at 100."""
    with AlpacaVenue().running() as broker:
        settings.BROKER_URLS = {"alpaca": broker.url}
        settings.BROKER_RATES = {}
        broker.exchange.prices[symbol] = Decimal(100)
        yield broker


def alpaca_account(owner):
    """Return an account there that has been reconciled."""
    account = BrokerAccount(owner=owner, kind="alpaca", name="Alpaca")
    account.sealed = credentials_seal(account, {"key_id": "key", "secret": "secret"})
    account.save()
    account_reconcile(account_id=account.id)
    return account


@contextmanager
def nobody_silent():
    """Have no broker be known as silent, before and afterwards."""
    silence._until.clear()
    yield
    silence._until.clear()
    for key in memory().scan_iter("*:broker-silent:*"):
        memory().delete(key)
