"""What goes out is JSON that every browser can read."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from core.api.renderers import FiniteJSONRenderer


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": float("nan"), "b": float("inf")}, b'{"a":null,"b":null}'),
        (np.array([1.5, np.nan]), b"[1.5,null]"),
        (np.array([1, 2])[::-1], b"[2,1]"),
        (np.float64(2.5), b"2.5"),
        (Decimal("10.10"), b'"10.10"'),
        (None, b""),
        # As a JSON column gives 1e300 back.
        ({"a": [10**300, 2**63]}, b'{"a":[1e+300,9223372036854775808]}'),
        ({"a": (-(10**400), True)}, b'{"a":[null,true]}'),
    ],
)
def test_values_are_written_as_the_contract_says(value, written):
    assert FiniteJSONRenderer().render(value) == written


def test_what_has_no_meaning_in_json_is_an_error():
    with pytest.raises(TypeError):
        FiniteJSONRenderer().render({"a": object()})
