"""Prices against published tables, then what must hold for any terms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.options.pricing import implied_volatility, option_greeks, option_price

CALL, PUT = 1, -1


def test_hulls_example_of_black_scholes():
    """Hull, Options, Futures and Other Derivatives, example 15.6: 4.76 and 0.81."""
    found = option_price(right=[CALL, PUT], spot=42, strike=40, years=0.5, vol=0.2, rate=0.1)
    assert found == pytest.approx([4.7594, 0.8086], abs=5e-5)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # Haug, 2nd ed., sections 1.1.1, 1.1.2 (dividend yield), 1.1.3 (futures)
        (
            {"right": CALL, "spot": 60, "strike": 65, "years": 0.25, "vol": 0.3, "rate": 0.08},
            2.1334,
        ),
        (
            {"right": PUT, "spot": 100, "strike": 95, "years": 0.5, "vol": 0.2, "rate": 0.1}
            | {"dividend_yield": 0.05},
            2.4648,
        ),
        (
            {"right": CALL, "spot": 19, "strike": 19, "years": 0.75, "vol": 0.28, "rate": 0.1}
            | {"dividend_yield": 0.1},
            1.7011,
        ),
    ],
)
def test_haugs_examples_of_black_scholes_merton(terms, expected):
    assert float(option_price(**terms)) == pytest.approx(expected, abs=5e-5)


# Barone-Adesi and Whaley as printed by Haug, table 3-1: strike 100, rate 0.1 = yield; rows are
# volatilities 0.15, 0.25, 0.35, columns prices 90, 100, 110.
TABLE = {
    (CALL, 0.1): [
        [0.0206, 1.8771, 10.0089],
        [0.3159, 3.1280, 10.3919],
        [0.9495, 4.3777, 11.1679],
    ],
    (CALL, 0.5): [
        [0.8208, 4.0842, 10.8087],
        [2.7437, 6.8015, 13.0170],
        [5.0063, 9.5106, 15.5689],
    ],
    (PUT, 0.1): [
        [10.0000, 1.8770, 0.0410],
        [10.2533, 3.1277, 0.4562],
        [10.8787, 4.3777, 1.2402],
    ],
    (PUT, 0.5): [
        [10.5595, 4.0842, 1.0822],
        [12.4419, 6.8014, 3.3226],
        [14.6945, 9.5104, 5.8823],
    ],
}


@pytest.mark.parametrize(("right", "years"), TABLE)
def test_the_table_of_barone_adesi_and_whaley(right, years):
    found = option_price(
        right=right,
        spot=[90, 100, 110],
        strike=100,
        years=years,
        vol=[[0.15], [0.25], [0.35]],
        rate=0.1,
        dividend_yield=0.1,
        model="baw",
    )
    # The book's own iteration stops early: its printed digits are good for 0.003.
    assert found == pytest.approx(np.array(TABLE[right, years]), abs=3e-3)


@pytest.mark.parametrize(
    ("steps", "expected"), [(5, 4.488), (30, 4.263), (50, 4.272), (100, 4.278), (500, 4.283)]
)
def test_hulls_american_put_on_a_tree_by_steps(steps, expected):
    """Hull, example 21.1 and figure 21.4."""
    found = option_price(
        right=PUT,
        spot=50,
        strike=50,
        years=5 / 12,
        vol=0.4,
        rate=0.1,
        model="crr",
        steps=steps,
    )
    assert float(found) == pytest.approx(expected, abs=1e-3)


def test_leisen_reimer_is_there_with_101_steps_where_the_other_tree_needs_thousands():
    terms = {"right": PUT, "spot": 50, "strike": 50, "years": 5 / 12, "vol": 0.4, "rate": 0.1}
    far = float(option_price(**terms, model="crr", steps=5000))
    assert float(option_price(**terms, model="leisen_reimer")) == pytest.approx(far, abs=2e-3)


def test_haugs_greeks():
    """Haug, 2nd ed., chapter 2: delta of a futures option, gamma and vega of a share's."""
    delta = option_greeks(
        right=[CALL, PUT],
        spot=105,
        strike=100,
        years=0.5,
        vol=0.36,
        rate=0.1,
        dividend_yield=0.1,
    ).delta
    assert delta == pytest.approx([0.5946, -0.3566], abs=5e-5)
    found = option_greeks(right=CALL, spot=55, strike=60, years=0.75, vol=0.3, rate=0.1)
    assert float(found.gamma) == pytest.approx(0.0278, abs=5e-5)
    with_yield = option_greeks(
        right=CALL, spot=55, strike=60, years=0.75, vol=0.3, rate=0.105, dividend_yield=0.0355
    )
    assert float(with_yield.vega_per_vol_point) == pytest.approx(0.185027, abs=2e-6)
    theta = option_greeks(
        right=PUT, spot=430, strike=405, years=1 / 12, vol=0.2, rate=0.07, dividend_yield=0.05
    ).theta_per_day
    assert float(theta) * 365 == pytest.approx(-31.1924, abs=5e-4)
    rho = option_greeks(
        right=CALL, spot=72, strike=75, years=1, vol=0.19, rate=0.09
    ).rho_per_rate_point
    assert float(rho) * 100 == pytest.approx(38.7325, abs=5e-4)


TERMS = {
    "spot": st.floats(20.0, 300.0),
    "strike": st.floats(50.0, 150.0),
    "years": st.floats(0.003, 3.0),
    "vol": st.floats(0.05, 1.5),
    "rate": st.floats(0.0, 0.12),
    "dividend_yield": st.floats(0.0, 0.12),
}
CONTRACT = st.fixed_dictionaries(TERMS)


@given(CONTRACT)
def test_put_call_parity(terms):
    call, put = option_price(right=[CALL, PUT], **terms)
    ahead = terms["spot"] * math.exp(-terms["dividend_yield"] * terms["years"]) - terms[
        "strike"
    ] * math.exp(-terms["rate"] * terms["years"])
    assert call - put == pytest.approx(ahead, abs=1e-9)


@given(CONTRACT, st.sampled_from([CALL, PUT]), st.sampled_from(["baw", "leisen_reimer"]))
def test_an_american_option_is_worth_its_exercise_and_its_european_twin(terms, right, model):
    american = float(option_price(right=right, **terms, model=model))
    european = float(option_price(right=right, **terms))
    now = max(right * (terms["spot"] - terms["strike"]), 0.0)
    slack = 1e-9 if model == "baw" else 5e-3  # a tree of 101 steps is no exact twin
    assert american >= european - slack * (1 + terms["vol"])
    assert american >= now - 1e-9
    assert american <= (terms["spot"] if right == CALL else terms["strike"]) + 1e-9


MONTHS = st.fixed_dictionaries(
    TERMS | {"years": st.floats(0.003, 1.0), "vol": st.floats(0.05, 0.8)}
)


@given(MONTHS, st.sampled_from([CALL, PUT]))
def test_the_approximation_stays_near_the_tree(terms, right):
    baw, tree = (
        float(option_price(right=right, **terms, model=model, steps=201))
        for model in ("baw", "leisen_reimer")
    )
    assert baw == pytest.approx(tree, abs=0.01 * terms["strike"])


@given(CONTRACT, st.sampled_from([CALL, PUT]), st.sampled_from(["bsm", "baw"]))
def test_implied_volatility_gives_the_price_back(terms, right, model):
    price = float(option_price(right=right, **terms, model=model))
    found = implied_volatility(
        price, right=right, **{k: v for k, v in terms.items() if k != "vol"}, model=model
    )
    if math.isnan(found):  # nothing but the value without risk is left of it
        calm = float(option_price(right=right, **terms | {"vol": 1e-4}, model=model))
        assert price == pytest.approx(calm, abs=1e-6)
    else:
        again = option_price(right=right, **terms | {"vol": float(found)}, model=model)
        assert float(again) == pytest.approx(price, rel=1e-8, abs=1e-12)


@given(CONTRACT, st.sampled_from([CALL, PUT]))
def test_greeks_are_the_slopes_of_the_price(terms, right):
    found = option_greeks(right=right, **terms)

    def price(**changed):
        return float(option_price(right=right, **terms | changed))

    spot, vol, rate = terms["spot"], terms["vol"], terms["rate"]
    dx = 1e-5 * spot
    slope = (price(spot=spot + dx) - price(spot=spot - dx)) / (2 * dx)
    assert float(found.delta) == pytest.approx(slope, abs=1e-4)
    livelier = (price(vol=vol + 1e-5) - price(vol=vol - 1e-5)) / 2e-5
    assert float(found.vega_per_vol_point) == pytest.approx(livelier / 100, abs=1e-5)
    dearer = (price(rate=rate + 1e-5) - price(rate=rate - 1e-5)) / 2e-5
    assert float(found.rho_per_rate_point) == pytest.approx(dearer / 100, abs=1e-5)


def test_at_expiry_and_without_risk_the_intrinsic_value_is_left():
    for model in ("bsm", "baw", "leisen_reimer", "crr"):
        at_expiry = option_price(
            right=[CALL, PUT], spot=110, strike=100, years=0, vol=0.2, model=model
        )
        assert at_expiry.tolist() == [10, 0], model
        calm = option_price(right=CALL, spot=110, strike=100, years=1, vol=0, rate=0.1, model=model)
        assert float(calm) == pytest.approx(110 - 100 * math.exp(-0.1)), model


def test_a_price_outside_the_bounds_has_no_volatility():
    found = implied_volatility([4.9, 101.0, 0.0], right=CALL, spot=105, strike=100, years=0.5)
    assert np.isnan(found).tolist() == [True, False, True]
    assert math.isnan(implied_volatility(105.1, right=CALL, spot=105, strike=100, years=0.5))


def test_a_call_without_dividends_is_never_exercised_early():
    terms = {"right": CALL, "spot": 120, "strike": 100, "years": 1, "vol": 0.2, "rate": 0.05}
    assert float(option_price(**terms, model="baw")) == float(option_price(**terms))


def test_what_cannot_be_priced_is_not_a_number_and_what_cannot_be_meant_is_refused():
    assert np.isnan(option_price(right=1, spot=[np.nan, 0.0], strike=1, years=1, vol=0.2)).all()
    baw = option_price(right=1, spot=1, strike=1, years=1, vol=0.2, rate=-0.01, model="baw")
    assert np.isnan(baw)
    with pytest.raises(InvalidInput, match="no pricing model 'black'"):
        option_price(right=1, spot=1, strike=1, years=1, vol=0.2, model="black")
    with pytest.raises(InvalidInput, match="steps"):
        option_price(right=1, spot=1, strike=1, years=1, vol=0.2, model="crr", steps=0)
