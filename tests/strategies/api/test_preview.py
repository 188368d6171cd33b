from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from core.engine.bars import Bars
from market.archive import history_store
from market.history import History
from market.intervals import interval_get
from market.models import Instrument
from strategies.api import examples

URL = "/api/v1/indicators"
CLOSES = np.array([10.0, 11.0, 12.0, 14.0, 13.0])
DAY_NS = 86_400 * 10**9


@pytest.fixture
def goog(db, settings, tmp_path):
    """Five daily bars of GOOG from Monday 2012-12-03 on."""
    settings.BARS_URL = str(tmp_path)
    start = int(datetime(2012, 12, 3, tzinfo=UTC).timestamp()) * 10**9
    bars = Bars.from_arrays(
        ts=start + DAY_NS * np.arange(5),
        open=CLOSES,
        high=CLOSES + 1,
        low=CLOSES - 1,
        close=CLOSES,
        volume=np.full(5, 1e6),
    )
    history_store(
        instrument=Instrument.objects.create(symbol="GOOG", calendar="XNYS"),
        interval=interval_get("1d"),
        provider="sample",
        history=History.from_bars(bars),
    )


def test_values_stand_beside_the_times_of_their_bars(api, goog):
    body = {"symbol": "goog", "params": {"period": 3}}
    shown = api.post(f"{URL}/SMA/preview", body).json()
    assert shown["outputs"] == {"value": [None, None, 11.0, 37 / 3, 13.0]}
    assert shown["ts"][0] == int(datetime(2012, 12, 3, tzinfo=UTC).timestamp()) * 1000
    assert len(shown["ts"]) == 5
    assert (shown["symbol"], shown["interval"], shown["lookback"]) == ("GOOG", "1d", 2)
    assert shown["params"] == {"period": 3}
    assert shown.keys() == examples.PREVIEW.keys()


def test_the_limit_cuts_what_is_shown_and_not_what_is_computed(api, goog):
    body = {"symbol": "GOOG", "params": {"period": 3}, "limit": 1}
    assert api.post(f"{URL}/sma/preview", body).json()["outputs"] == {"value": [13.0]}
    body["end"] = "2012-12-06"  # the whole session of the day
    assert api.post(f"{URL}/sma/preview", body).json()["outputs"] == {"value": [37 / 3]}


def test_another_price_can_be_the_source(api, goog):
    body = {"symbol": "GOOG", "params": {"period": 1}, "inputs": {"source": "high"}, "limit": 1}
    assert api.post(f"{URL}/sma/preview", body).json()["outputs"] == {"value": [14.0]}


def test_sessions_are_those_of_the_instrument(api, goog):
    hours = int(datetime(2012, 12, 3, 14, 30, tzinfo=UTC).timestamp()) * 10**9
    bars = Bars.from_arrays(
        ts=hours + 3_600 * 10**9 * np.array([0, 1, 23, 24, 25]),
        open=CLOSES,
        high=CLOSES + 1,
        low=CLOSES - 1,
        close=CLOSES,
        volume=np.full(5, 1e6),
    )
    history_store(
        instrument=Instrument.objects.get(symbol="GOOG"),
        interval=interval_get("1h"),
        provider="sample",
        history=History.from_bars(bars),
    )
    body = {"symbol": "GOOG", "interval": "1h"}
    shown = api.post(f"{URL}/session_range/preview", body).json()["outputs"]
    # 13:30 on the 4th is before the open, and of the session of the 4th
    assert shown["high"] == [11, 12, 13, 15, 15]
    assert shown["low"] == [9, 9, 11, 11, 11]
    body["params"] = {"minutes": 60}
    shown = api.post(f"{URL}/opening_range/preview", body).json()["outputs"]
    assert shown["high"] == [None, 11, None, None, 15]
    daily = api.post(f"{URL}/previous_session/preview", {"symbol": "GOOG"}).json()["outputs"]
    assert daily["close"] == [None, *CLOSES[:-1]]


def test_the_documented_request_works(api, goog):
    assert api.post(f"{URL}/ema/preview", examples.PREVIEW_REQUEST).status_code == 200


@pytest.mark.parametrize(
    ("name", "change", "status", "path"),
    [
        ("emma", {}, 404, None),
        ("ema", {"symbol": "NOPE"}, 422, None),
        ("ema", {"start": "2020-01-01"}, 422, "start"),
        ("ema", {"start": "2020-02-31"}, 422, "start"),
        ("ema", {"interval": "7x"}, 422, "interval"),
        ("ema", {"params": {"period": 0}}, 422, "params.period"),
        ("ema", {"inputs": {"source": "price"}}, 422, "inputs.source"),
        ("correl", {}, 422, "inputs.left"),
        ("ema", {"limit": 0}, 422, "limit"),
        ("ema", {"smybol": "GOOG"}, 422, "smybol"),
    ],
)
def test_what_cannot_be_previewed_is_told(api, goog, name, change, status, path):
    answer = api.post(f"{URL}/{name}/preview", {"symbol": "GOOG", **change})
    assert answer.status_code == status, answer.json()
    if path:
        assert path in [detail["path"] for detail in answer.json()["details"]]
