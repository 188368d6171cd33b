"""A run from the request to its stored result."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from core.backtests.columns import columns_unpack
from core.backtests.models import BacktestRun, EquityCurve, Trade
from core.errors import InvalidInput
from core.outbox.models import OutboxMessage
from core.realtime.models import Event
from notifications.models import Alert


def test_buy_and_hold_earns_what_the_bars_earned(tiny, new_run, work):
    # Decided at the first close, bought at the second open (100): ten units for 1,000. Sold at the
    # last close (108.9): 1,089. On the way the equity was 1,000, 1,100, 1,210, 990, 1,089.
    run = work(new_run())
    assert run.status == "completed"
    assert run.total_return_pct == pytest.approx(8.9)
    assert run.final_equity == pytest.approx(1089)
    assert run.max_drawdown_pct == pytest.approx((990 / 1210 - 1) * 100)
    assert (run.trade_count, run.winrate_pct, run.bar_count) == (1, 100.0, 5)
    assert run.metrics["buy_hold_return_pct"] == pytest.approx(8.9)
    series = columns_unpack(run.curve.series)
    np.testing.assert_allclose(series["equity"], [1000, 1100, 1210, 990, 1089])


def test_a_trade_says_when_for_how_much_and_how_long(tiny, new_run, work):
    run = work(new_run())
    trade = run.trades.get()
    assert (trade.side, trade.exit_reason, trade.number) == ("long", "end", 1)
    assert (trade.entry_time, trade.exit_time) == (
        datetime(2020, 1, 7, tzinfo=UTC),
        datetime(2020, 1, 10, tzinfo=UTC),
    )
    assert (trade.entry_price, trade.exit_price, trade.size) == (100.0, 108.9, 10.0)
    assert trade.pnl == pytest.approx(89)
    assert trade.return_pct == pytest.approx(8.9)
    assert trade.duration_seconds == 3 * 86_400
    assert trade.mae == pytest.approx(-0.01)
    assert trade.mfe == pytest.approx(0.21)


def test_commission_and_slippage_cost_what_they_say(tiny, new_run, work):
    config = {"commission": {"per_order": 5}, "fractional": True, "slippage": {"bps": 100}}
    run = work(new_run(config=config))
    trade = run.trades.get()
    assert trade.entry_price == pytest.approx(101)  # 1 % above the open of 100
    assert trade.commission == pytest.approx(10)
    assert run.metrics["commission_paid"] == pytest.approx(10)


def test_the_same_run_twice_gives_the_same_bits(waves, new_run, work):
    first, second = (work(new_run("WAVE", "sma_cross")) for _ in range(2))
    assert first.trade_count == 5
    assert first.metrics == second.metrics
    assert first.snapshot == second.snapshot
    assert bytes(first.curve.series) == bytes(second.curve.series)
    assert bytes(first.curve.fills) == bytes(second.curve.fills)
    rows = [
        list(run.trades.order_by("number").values_list("entry_time", "exit_time", "size", "pnl"))
        for run in (first, second)
    ]
    assert rows[0] == rows[1]


def test_a_run_pins_the_version_and_everything_else_that_decides_it(waves, new_run, work):
    run = work(new_run("WAVE", "sma_cross", parameters={"fast": 5, "slow": 30}))
    assert run.strategy_version.number == 1
    assert run.graph_hash == run.strategy_version.graph_hash
    assert len(run.snapshot) == 64
    assert run.engine_version
    assert run.metrics_version
    assert run.config["cash"] == 1000.0
    labels = list(columns_unpack(run.curve.series))
    assert {"overlay:sma(5)", "overlay:sma(30)"} <= set(labels)


def test_a_new_run_has_its_message_and_its_frame_in_the_same_transaction(tiny, new_run):
    run = new_run()
    message = OutboxMessage.objects.get(task="core.backtests.run")
    assert (message.args, message.queue) == ([str(run.id)], "interactive")
    assert Event.objects.get(topic=f"backtest:{run.id}").type == "run.queued"


def test_the_owner_hears_of_the_beginning_and_of_the_end(tiny, new_run, work):
    run = work(new_run())
    types = Event.objects.filter(topic=run.topic).order_by("seq").values_list("type", flat=True)
    assert list(types) == ["run.queued", "run.running", "run.completed"]
    told = Event.objects.get(topic=run.topic, type="run.completed").data["metrics"]
    assert told["total_return_pct"] == pytest.approx(8.9)
    assert Alert.objects.get(event="run.completed").data["run_id"] == str(run.id)


def test_a_user_s_mistake_fails_the_run_in_words_the_user_understands(tiny, new_run, work):
    run = new_run()
    tiny.series.all().delete()  # the data went away between the request and the work
    run = work(run)
    assert (run.status, run.error_code) == ("failed", "unknown_snapshot")
    assert "TINY" in run.error_message
    assert Alert.objects.get(event="run.failed").data["code"] == "unknown_snapshot"


def test_our_mistake_is_errored_and_does_not_show_its_insides(tiny, new_run, work):
    run = new_run()
    BacktestRun.objects.filter(id=run.id).update(config="not a mapping at all")
    run = work(run)
    assert run.status in {"failed", "errored"}
    assert "Traceback" not in run.error_message


def test_a_crash_in_the_engine_is_errored(tiny, new_run, work, monkeypatch):
    def crash(**_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("core.backtests.attempt.run_compute", crash)
    run = work(new_run())
    assert (run.status, run.error_code) == ("errored", "internal_error")
    assert "secret" not in run.error_message
    assert not EquityCurve.objects.exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"symbol": "TINI"}, "TINY"),
        ({"strategy": "no_such_template"}, "sma_cross"),
        ({"strategy": "019a8f3e-1b2c-7d3e-8f40-5a6b7c8d9e0f"}, "GET strategies"),
        ({"start": datetime(1990, 1, 1, tzinfo=UTC).date(),
          "end": datetime(1991, 1, 1, tzinfo=UTC).date()}, "2020-01-06"),
        ({"start": datetime(2021, 1, 1, tzinfo=UTC).date(),
          "end": datetime(2020, 1, 1, tzinfo=UTC).date()}, "later end"),
        ({"strategy": "sma_cross"}, "start earlier"),
        ({"interval": "7h"}, "1h"),
        ({"capital": -1.0}, "cash"),
        ({"config": {"comission": {}}}, "commission"),
        ({"strategy": "sma_cross", "parameters": {"fats": 3}}, "fast"),
        ({"config": {"cash": 5}}, "send one of them"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_before_any_work_with_how_to_fix_it(
    tiny, new_run, fields, words
):
    with pytest.raises(InvalidInput) as refused:
        new_run(**fields)
    told = refused.value.message + " ".join(detail.message for detail in refused.value.details)
    assert words in told
    assert not BacktestRun.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_a_short_trade_is_stored_as_one(waves, new_run, work, user):
    run = work(new_run("WAVE", "sma_cross"))
    assert Trade.objects.filter(run=run).count() == run.trade_count == run.metrics["trades"]
    total = sum(run.trades.values_list("pnl", flat=True))
    assert run.final_equity == pytest.approx(1000 + total)


def test_whole_lots_are_those_of_the_instrument(db, user, new_run, work, tiny):
    tiny.lot_size = "0.001"
    tiny.save()
    run = work(new_run(capital=55.0))
    assert run.config["lot_size"] == 0.001
    assert run.trades.get().size == pytest.approx(0.55)
