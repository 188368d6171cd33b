"""A call that goes wrong in a way that nobody thought of costs no other order its outcome."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from brokers import calling
from brokers.adapters.base import OutcomeUnknown, VenueOrder
from brokers.calling import Sending, outcomes_of
from brokers.choices import OrderStatus
from brokers.lease import LEASE
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


@pytest.mark.parametrize("kind", ["alpaca", "paper"])
def test_who_slept_past_its_lease_makes_no_call(monkeypatch, kind):
    monkeypatch.setitem(calling.ADAPTERS._made, kind, Faulty(AssertionError("it was made")))
    account = BrokerAccount(kind=kind)
    slept = Sending(Order(account=account), None, "bad", time.time() - LEASE.total_seconds() - 1)
    awake = Sending(Order(account=account), None, "good")
    told = {one.request: outcome for made in outcomes_of([slept, awake]) for one, outcome in made}
    assert told["bad"].code == "too_late", "nothing went out: nobody has to ask"
    assert told["good"].status == OrderStatus.ACCEPTED
