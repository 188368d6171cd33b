"""What contracts cost by the model, from stored bars."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from core.engine.bars import Bars
from core.errors import InvalidInput
from core.options.config import OptionsConfig
from core.options.pricing import option_price
from market import contract_prices
from market.contract_prices import ModelMarket
from market.contracts import ContractTerms
from market.models import Instrument

# Fridays: an option to go to the money's strike in four weeks.
BARS_END = date(2025, 12, 5)
PUT = ContractTerms("ACME", "put", Decimal(100), date(2026, 1, 2))


@pytest.fixture
def acme():
    return Instrument(
        symbol="ACME", calendar="XNYS", timezone="America/New_York", periods_per_year=252
    )


@pytest.fixture
def stored(monkeypatch):
    """30 weekday closes to Friday, the 5th of December; the asked intervals."""
    asked = []
    days = np.busday_offset(np.datetime64(BARS_END), np.arange(-29, 1))
    close = 100.0 * np.exp(0.01 * np.cumsum(np.tile([1.0, -1.0], 15)))
    bars = Bars.from_arrays(
        ts=days.astype("datetime64[ns]").astype(np.int64),
        open=close, high=close, low=close, close=close, volume=np.ones(30),
    )  # fmt: skip

    def read(**wanted):
        asked.append(wanted)
        return SimpleNamespace(bars=bars)

    monkeypatch.setattr(contract_prices, "bars_read", read)
    return asked


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_volatility_is_measured_on_closes_of_sessions_that_are_over(acme, stored):
    market = ModelMarket(acme, owner_id=None)
    # 20 returns of +1 % and -1 % by turns: their deviation is 0.01 x root(20/19)
    yearly = 0.01 * np.sqrt(20 / 19 * 252) * 1.1
    assert market.volatility(moment("2025-12-05T21:00")) == pytest.approx(yearly)
    assert market.volatility(moment("2026-06-05T21:00")) == pytest.approx(yearly), "the last known"
    assert np.isnan(market.volatility(moment("2025-11-20T21:00"))), "too few sessions"
    assert stored == [{"symbol": "ACME", "interval": "1d", "owner_id": None}], "read once"


@pytest.mark.parametrize(
    ("at", "day"),
    [
        # Friday is 20427; at 12:45 in New York half of its 6.5 hours is left
        ("2025-12-05T14:30", 20426.0),
        ("2025-12-05T17:45", 20426.5),
        ("2025-12-05T21:00", 20427.0),
        # over the weekend it is the open of Monday
        ("2025-12-05T21:01", 20429.0),
        ("2025-12-08T08:00", 20429.0),
    ],
)
def test_time_passes_while_the_market_is_open(acme, at, day):
    assert ModelMarket(acme, owner_id=None).day(moment(at)) == pytest.approx(day)


def test_a_quote_is_the_models_price_and_half_the_spread(acme, stored):
    at = moment("2025-12-05T21:00")
    found = ModelMarket(acme, owner_id=None).quote(PUT, spot=Decimal(98), at=at)
    vol = 0.01 * np.sqrt(20 / 19 * 252) * 1.1
    mid = option_price(
        right=-1, spot=98.0, strike=100.0, years=28 / 365, vol=vol, rate=0.02, model="baw"
    )
    assert float(found.mid) == pytest.approx(float(mid), abs=1e-8)
    assert float(found.ask - found.mid) == pytest.approx(0.01 * float(mid), abs=2e-8)
    assert (found.at(1), found.at(-1)) == (found.ask, found.bid)
    wide = ModelMarket(acme, owner_id=None, config=OptionsConfig(minimum_spread=100.0))
    assert wide.quote(PUT, spot=Decimal(98), at=at).bid == 0


def test_without_a_volatility_there_is_no_price(acme, stored):
    with pytest.raises(InvalidInput, match="last 21 daily bars") as error:
        ModelMarket(acme, owner_id=None).quote(PUT, spot=Decimal(98), at=moment("2025-11-20T21:00"))
    assert error.value.code == "no_volatility"


def test_the_last_close_is_known_when_the_last_session_is_stored(acme, stored):
    market = ModelMarket(acme, owner_id=None)
    assert market.close_on(PUT) is None
    friday = PUT._replace(expiry=BARS_END)
    assert market.close_on(friday) == 100
    thursday = PUT._replace(expiry=date(2025, 12, 4))
    assert market.close_on(thursday) == Decimal(repr(100 * np.exp(0.01).item()))
    assert stored[0]["adjusted"] is False


def test_a_contract_ends_with_its_last_session(acme):
    assert PUT.ends_at(acme) == moment("2026-01-02T21:00")
    # Good Friday and the weekend behind it; the half day after Thanksgiving
    for expiry in (date(2026, 4, 3), date(2026, 4, 4)):
        assert PUT._replace(expiry=expiry).ends_at(acme) == moment("2026-04-02T20:00")
    assert PUT._replace(expiry=date(2025, 11, 28)).ends_at(acme) == moment("2025-11-28T18:00")


def test_a_daily_bar_opens_with_its_session(acme):
    market = ModelMarket(acme, owner_id=None)
    assert market.bar_opens_at(moment("2025-12-05T00:00"), "1d") == moment("2025-12-05T14:30")
    assert market.bar_opens_at(moment("2025-12-05T15:00"), "1h") == moment("2025-12-05T15:00")
