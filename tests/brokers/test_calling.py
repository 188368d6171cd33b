"""A call that goes wrong in a way that nobody thought of costs no other order its outcome."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from brokers import calling
from brokers.adapters.base import OutcomeUnknown, VenueOrder
from brokers.calling import Sending, outcomes_of
from brokers.choices import OrderStatus
from brokers.models import BrokerAccount, Order


@dataclass
class Faulty:
    error: Exception

    def submit(self, access, request):
        if request == "bad":
            raise self.error
        return VenueOrder(broker_order_id=request, status=OrderStatus.ACCEPTED)


@pytest.mark.parametrize("error", [KeyError("secret"), RuntimeError("fault"), OSError("full")])
@pytest.mark.parametrize("requests", [["bad"], ["one", "bad", "two"]])
def test_one_fault_makes_one_outcome_unknown(monkeypatch, error, requests):
    monkeypatch.setitem(calling.ADAPTERS._made, "alpaca", Faulty(error))
    account = BrokerAccount(kind="alpaca")
    chosen = [Sending(Order(account=account), None, request) for request in requests]
    told = {one.request: outcome for made in outcomes_of(chosen) for one, outcome in made}
    assert told.keys() == set(requests)
    assert isinstance(told.pop("bad"), OutcomeUnknown)
    assert all(outcome.broker_order_id == request for request, outcome in told.items())
