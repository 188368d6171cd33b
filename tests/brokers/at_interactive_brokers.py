"""Accounts at a simulated gateway of Interactive Brokers."""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal

from brokers.access import credentials_seal
from brokers.models import BrokerAccount
from brokers.reconciling import account_reconcile
from tests.venue.interactive_brokers import ACCOUNT, GatewayVenue


@contextmanager
def gateway_served(settings, symbol):
    """Have a gateway be there, without a rate, and with one symbol at 100."""
    with GatewayVenue().running() as gateway:
        settings.BROKER_URLS = {"interactive_brokers": gateway.url}
        settings.BROKER_RATES = {}
        gateway.exchange.prices[symbol] = Decimal(100)
        yield gateway


def gateway_account(owner):
    """Return an account there that has been reconciled."""
    account = BrokerAccount(owner=owner, kind="interactive_brokers", name="Gateway")
    credentials = {"gateway": "127.0.0.1:7497", "client_id": "1", "account": ACCOUNT}
    account.sealed = credentials_seal(account, credentials)
    account.save()
    account_reconcile(account_id=account.id)
    account.refresh_from_db()
    return account
