from __future__ import annotations

import pytest

from core.spelling import did_you_mean


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("symbl", " Did you mean 'symbol'?"),
        # Of two names the nearer one: five of its six letters in order, against four.
        ("simbol", " Did you mean 'symbol'?"),
        ("volume", ""),
        ("SYMBOL", ""),
        ("", ""),
    ],
)
def test_the_nearest_known_word_is_asked_for(word, hint):
    assert did_you_mean(word, iter(["simple", "symbol", "interval"])) == hint


def test_nothing_is_meant_where_nothing_is_known():
    assert did_you_mean("symbol", []) == ""


def test_of_an_endless_word_the_beginning_is_compared():
    # A hundred letters of both are the same; the rest would make them strangers.
    assert did_you_mean("a" * 100_000, ["a" * 100]) == f" Did you mean {'a' * 100!r}?"
