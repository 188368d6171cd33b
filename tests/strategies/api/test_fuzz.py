from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.api import examples

# Words that mean something somewhere, so that a random body gets past the first check.
VOCABULARY = """
name graph nodes edges connections parameters settings template base_strategy id type params
source target target_port operator operation when left right period $param default min max
ema sma price indicator condition entry close gt and buy fast position data symbol GOOG end
limit inputs archived version x sma_cross 2024-01-01
"""
WORDS = st.sampled_from(VOCABULARY.split())
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
)
BODIES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=15,
)
ENDPOINTS = [
    ("post", "strategies"),
    ("put", "strategies/{id}"),
    ("patch", "strategies/{id}"),
    ("post", "strategies/{id}/indicators"),
    ("post", "strategies/{id}/conditions"),
    ("post", "strategies/{id}/actions"),
    ("post", "strategies/{id}/edges"),
    ("post", "strategies/{id}/validate"),
    ("post", "strategies/{id}/fork"),
    ("post", "indicators/ema/preview"),
]


def mixed(body, keep):
    """A sensible body with random parts, or a random body."""
    sensible = {"name": "x", "graph": examples.GRAPH}
    return {**sensible, **body} if keep and isinstance(body, dict) else body


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_no_body_whatever_is_our_fault(api, strategy, method, path):
    url = "/api/v1/" + path.format(id=strategy.id)

    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(body=BODIES, keep=st.booleans())
    def probe(body, keep):
        answer = getattr(api, method)(url, mixed(body, keep))
        assert answer.status_code < 500, answer.json()
        if answer.status_code >= 400:
            assert {"code", "message", "details", "request_id"} == answer.json().keys()

    probe()
