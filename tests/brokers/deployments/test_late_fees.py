"""Commissions that are told after their fills were booked: from then on the book has them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from brokers.adapters.base import Execution
from brokers.deployments.books import books_forget, books_read
from brokers.deployments.compiled import live_kernel_load
from brokers.deployments.decision import decide, lowered, room_for, rows_booked
from brokers.deployments.drifting import drift_compare
from brokers.deployments.gathering import dossiers_complete, dossiers_read
from brokers.deployments.kernel import Feed, World
from brokers.deployments.looking import _decide
from brokers.deployments.wanted import BookRow
from brokers.models import BookEntry, Deployment, Fill
from brokers.recording import commissions_record
from core.engine.code_lowering import code_layout
from core.engine.lowering import terms_lower
from core.engine.state import Curves, Market
from core.engine.tables import tables_new
from strategies.graph.evaluate import plan_evaluate
from strategies.selectors import template_graph
from tests.brokers.deployments.test_decision import CONFIG, bars_random, plan_of
from tests.brokers.deployments.test_faults import deployed
from tests.brokers.deployments.test_option_faults import AT
from tests.brokers.deployments.test_option_faults import deployed as options_deployed

CHARGED = 7.0


@pytest.fixture
def uncharged(monkeypatch):
    """Have the venue tell executions without their commissions."""
    monkeypatch.setattr(
        "brokers.paper.telling.Execution",
        lambda **fields: Execution(**(fields | {"commission": None})),
    )


def charge(account):
    """Tell what all fills have cost; return how many that was new of."""
    told = dict.fromkeys(
        Fill.objects.filter(account=account).values_list("execution_id", flat=True),
        Decimal(str(CHARGED)),
    )
    return commissions_record(account_id=account.id, told=told)


def played(book):
    """The decision after thirty bars, and the trades that the account has made of a book."""
    bars = bars_random(30)
    found = plan_evaluate(plan_of(template_graph("buy_and_hold")[0]), bars, charts=False)
    decision = decide(bars, found.columns, found.program, CONFIG, book=book)
    rows = rows_booked(book, bars.ts)
    plan = lowered(bars, found.columns, found.program, CONFIG)
    layout = code_layout(found.program).size
    tables = room_for(
        tables_new(terms_lower(found.program, CONFIG), 0, layout), len(rows), found.program
    )
    market = Market(bars.ts, bars.open, bars.high, bars.low, bars.close)
    sizes, acted = np.zeros(len(found.program.rules)), np.ones(30, bool)
    world = World(market, plan, tables, Curves(*np.zeros((3, 30))))
    live_kernel_load()(world, Feed(rows, acted, sizes), found.program.warmup)
    trades = tables.trades[: int(tables.account["trades"][0])]
    return decision, [(float(one["pnl"]), float(one["commission"])) for one in trades]


def rows(*, late, at=12, closed=False):
    """Ten bought at 100 in the eleventh bar for a commission of 7, and perhaps sold at 104."""
    ts = bars_random(30).ts
    entry = BookRow(
        "entry", int(ts[10]), int(ts[9]), 0, 1, 10.0, 100.0, 0.0 if late else CHARGED,
        entry_ts=int(ts[10]),
    )  # fmt: skip
    fee = BookRow("fee", int(ts[at]), int(ts[9]), 0, commission=CHARGED, entry_ts=int(ts[10]))
    sale = BookRow("exit", int(ts[15]), int(ts[14]), 0, -1, 10.0, 104.0)
    found = [entry, *([fee] if late else []), *([sale] if closed else [])]
    return sorted(found, key=lambda row: row.bar_ts)


def test_an_account_that_pays_later_has_in_the_end_what_it_would_have_had():
    (late, _), (known, _) = played(rows(late=True)), played(rows(late=False))
    assert (late.equity, late.cash, late.position) == (known.equity, known.cash, known.position)
    free, _ = played([replace(row, commission=0.0) for row in rows(late=False)])
    assert free.equity - late.equity == pytest.approx(CHARGED)


def test_a_trade_bears_what_its_entry_was_charged_while_it_was_open():
    _, trades = played(rows(late=True, closed=True))
    assert trades == [(40.0 - CHARGED, CHARGED)] == played(rows(late=False, closed=True))[1]


def test_of_a_trade_that_is_over_the_account_pays():
    decision, trades = played(rows(late=True, at=20, closed=True))
    assert trades == [(40.0, 0.0)]
    assert decision.equity == pytest.approx(50_000 + 40 - CHARGED)


def test_a_fill_is_booked_at_once_and_what_it_has_cost_when_it_is_told(user, uncharged):
    venue, deployment = deployed(user)
    venue.bar(deployment, 30)
    free = venue.bar(deployment, 31)
    entry = BookEntry.objects.get(kind="entry")
    assert entry.commission is None
    worth = [100_000 + 10 * (venue.bars.close[at] - float(entry.price)) for at in range(34)]
    assert free.equity == pytest.approx(worth[31])
    assert (charge(venue.account), charge(venue.account)) == (1, 0)
    for at in (32, 33):
        assert venue.bar(deployment, at).equity == pytest.approx(worth[at] - CHARGED)
    fee = BookEntry.objects.get(kind="fee")
    assert (fee.fill_id, fee.commission, fee.quantity) == (entry.fill_id, 7, 0)
    onward = books_read([deployment.id])
    books_forget()
    assert onward == books_read([deployment.id])


def test_a_commission_is_booked_once(user, uncharged):
    venue, deployment = deployed(user)
    for at in (30, 31):
        venue.bar(deployment, at)
    charge(venue.account)
    venue.bar(deployment, 32)
    fee = BookEntry.objects.get(kind="fee")
    fee.pk, fee.number = None, fee.number + 1
    with pytest.raises(IntegrityError, match="book_fill_once"), transaction.atomic():
        fee.save(force_insert=True)


def test_a_deployment_in_options_pays_for_its_legs(user, uncharged):
    venue, deployment = options_deployed(user)
    for at in (AT, AT + 1):
        venue.bar(deployment, at)
    legs = BookEntry.objects.filter(kind="leg_open")
    assert {row.commission for row in legs} == {None}
    charge(venue.account)
    paid = venue.bar(deployment, AT + 2)
    assert BookEntry.objects.filter(kind="fee").count() == len(legs) == 2
    (dossier,) = dossiers_read([Deployment.objects.get()], now=venue.over(AT + 2))
    dossiers_complete([dossier])
    dossier.book.rows = [row for row in dossier.book.rows if row.kind != "fee"]
    free = _decide(dossier, dossier.view(dossier.closed))
    assert free.equity - paid.equity == pytest.approx(2 * CHARGED)


def test_a_session_is_compared_once_its_fees_are_known(user, uncharged):
    venue, deployment = deployed(user)
    for at in (30, 31, 32):
        venue.bar(deployment, at)
    Fill.objects.update(executed_at=timezone.now())  # as if it were of today
    deployment = Deployment.objects.get()
    first, third = drift_compare(deployment=deployment, now=timezone.now())
    assert drift_compare(deployment=deployment, now=timezone.now()) == []
    charge(venue.account)
    (second,) = drift_compare(deployment=deployment, now=timezone.now())
    assert first.session < second.session < third.session
    assert (second.fees, second.difference) == (pytest.approx(-CHARGED), pytest.approx(-CHARGED))
    assert second.live_pnl == pytest.approx(second.backtest_pnl - CHARGED)
    assert second.detail["fills"][0]["fees"] == -CHARGED


def test_a_session_whose_fees_nobody_tells_is_compared_without_them(user, uncharged):
    venue, deployment = deployed(user)
    for at in (30, 31, 32):
        venue.bar(deployment, at)
    reports = drift_compare(deployment=Deployment.objects.get(), now=timezone.now())
    assert [report.fees for report in reports] == [0, 0, 0]


@pytest.mark.parametrize("booked", [True, False], ids=["booked", "no more looked at"])
def test_a_commission_counts_in_the_session_of_its_fill(user, uncharged, booked):
    venue, deployment = deployed(user)
    for at in (30, 31, 32):
        venue.bar(deployment, at)
    charge(venue.account)
    if booked:
        venue.bar(deployment, 33)
    assert BookEntry.objects.filter(kind="fee").exists() == booked
    reports = drift_compare(deployment=Deployment.objects.get(), now=timezone.now())
    assert [report.fees for report in reports][:3] == [0, -CHARGED, 0]
    assert not any(report.fees for report in reports[3:])
