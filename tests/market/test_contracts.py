"""Option contracts as instruments, derived from what they are on."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.errors import InvalidInput
from market.contracts import ContractTerms, contract_terms
from market.models import Instrument
from market.selectors import instrument_get

pytestmark = pytest.mark.django_db
PUT = "AAPL240119P00150000"


@pytest.fixture
def apple():
    return Instrument.objects.create(
        symbol="AAPL", calendar="XNYS", timezone="America/New_York", exchange="NMS",
        lot_size=Decimal(5), periods_per_year=252,
    )  # fmt: skip


def test_a_symbol_says_what_the_contract_is():
    terms = contract_terms(PUT)
    assert terms == ContractTerms("AAPL", "put", Decimal(150), date(2024, 1, 19))
    assert terms.symbol == contract_terms("AAPL  240119P00150000").symbol == PUT
    assert ContractTerms("BRK-B", "call", Decimal("402.5"), date(2027, 1, 15)).symbol == (
        "BRK-B270115C00402500"
    )
    assert contract_terms("AAPL") is contract_terms("AAPL241319P00150000") is None


def test_by_how_much_it_is_in_the_money():
    put = contract_terms(PUT)
    assert (put.inside(Decimal("149.5")), put.inside(Decimal(151))) == (Decimal("0.5"), -1)
    assert put._replace(right="call").inside(Decimal(151)) == 1


def test_a_contract_is_derived_from_its_underlying_and_not_stored(apple):
    found = instrument_get(" aapl240119p00150000 ")
    assert (found.symbol, found.asset_class, found.name) == (
        PUT, "option", "AAPL 2024-01-19 150 put",
    )  # fmt: skip
    assert (found.multiplier, found.lot_size, found.tick_size) == (100, 1, Decimal("0.01"))
    assert (found.calendar, found.timezone, found.currency) == ("XNYS", "America/New_York", "USD")
    assert instrument_get("AAPL").multiplier == 1
    assert Instrument.objects.count() == 1


def test_the_underlying_says_how_many_units_a_contract_is_for(apple):
    Instrument.objects.update(contract_size=Decimal(75))
    assert instrument_get(PUT).multiplier == 75


def test_a_contract_on_what_nobody_knows_is_unknown(apple):
    with pytest.raises(InvalidInput, match="'APPL' is not a known symbol: did you mean AAPL"):
        instrument_get("APPL240119P00150000")


def test_a_contract_on_somebody_elses_instrument_is_unknown(apple, django_user_model):
    owner = django_user_model.objects.create_user("o@example.com", "correct horse battery")
    Instrument.objects.update(owner=owner)
    assert instrument_get(PUT, owner_id=owner.id).owner_id == owner.id
    with pytest.raises(InvalidInput):
        instrument_get(PUT)
