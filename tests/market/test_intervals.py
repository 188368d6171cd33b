from __future__ import annotations

import copy
import json
import pickle

import orjson
import pytest

from core.errors import InvalidInput
from market.intervals import INTERVALS, interval_get


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("1h", "1h"),
        ("1 hour", "1h"),
        ("60m", "1h"),
        ("60 minutes", "1h"),
        ("1H", "1h"),
        ("24h", "1d"),
        ("daily", "1d"),
        ("1wk", "1w"),
        ("1M", "1mo"),
        ("1m", "1m"),
        ("1 month", "1mo"),
        (" 15 min ", "15m"),
    ],
)
def test_an_interval_has_many_spellings(written, name):
    assert interval_get(written) == name


@pytest.mark.parametrize("written", ["", "7d", "h1", "1.5h", "0m", "1y", "\u0661h", "-1d", "30d"])
def test_what_is_not_an_interval_is_refused_with_the_ones_there_are(written):
    with pytest.raises(InvalidInput) as caught:
        interval_get(written)
    assert caught.value.details[0].path == "interval"
    assert caught.value.details[0].expected == list(INTERVALS)


def test_an_interval_is_its_name_wherever_a_text_is_wanted():
    hour = interval_get("1h")
    assert (hour.name, hour.seconds, hour.label, hour.intraday) == ("1h", 3600, "1 hour", True)
    assert json.dumps(hour) == '"1h"'
    assert orjson.dumps({"interval": hour}) == b'{"interval":"1h"}'
    assert pickle.loads(pickle.dumps(hour)).seconds == copy.deepcopy(hour).seconds == 3600
