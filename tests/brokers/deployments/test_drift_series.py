"""Drift over sessions and fills, as columns and as a picture."""

from __future__ import annotations

import base64
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from brokers.deployments.drift import TradedFill, fills_split
from brokers.deployments.drift_series import drift_chart, drift_series
from brokers.deployments.drifting import drift_compare
from brokers.models import BrokerAccount, Deployment, DriftReport
from strategies.selectors import template_graph
from tests.brokers.deployments.replaying import Venue, bars_random
from tests.brokers.deployments.test_replay import with_units

DAY = date(2026, 11, 16)


def fill(bar_ts=5, **changes):
    given = {"rule": 0, "reason": 0, "side": 1, "quantity": 10.0, "price": 100.0, "commission": 1.0}
    return TradedFill(bar_ts=bar_ts, **(given | changes))


def test_each_fill_says_what_it_adds():
    ours = [fill(price=101.0), fill(bar_ts=7, quantity=4.0)]
    theirs = [fill(commission=0.5), fill(bar_ts=6, quantity=5.0), fill(bar_ts=8, side=-1)]
    first, second, third = fills_split(ours, theirs, end=110.0)
    assert (first.parts.slippage, first.parts.timing, first.parts.fees) == (-10.0, 0.0, -0.5)
    # One unit less of what won ten.
    assert (second.parts.timing, second.parts.slippage, second.parts.signal) == (-10.0, 0.0, 0.0)
    # A sale that was not made, at 100 before it went to 110: a hundred more.
    assert (third.live, third.parts.signal, third.parts.fees) == (None, 100.0, 1.0)


@pytest.fixture
def deployment(user):
    venue = Venue(user, bars_random(33))
    venue.past(30)
    return venue.deploy(template_graph("buy_and_hold")[0], at=30)


def report(deployment, day, live, backtest, **parts):
    named = dict.fromkeys(("signal", "data", "timing", "slippage", "fees"), 0.0) | parts
    return DriftReport.objects.create(
        deployment=deployment, session=DAY + timedelta(days=day), live_pnl=live,
        backtest_pnl=backtest, difference=live - backtest, **named,
        detail={"fills": [{"side": "buy", "price": 101.0}]} if parts else {},
    )  # fmt: skip


def test_sessions_are_columns_in_their_order_with_their_sums(deployment):
    report(deployment, 1, 20.0, 25.0, slippage=-4.0, fees=-1.0)
    report(deployment, 0, 10.0, 10.0)
    found = drift_series(deployment=deployment)
    assert found["sessions"] == ["2026-11-16", "2026-11-17"]
    assert found["live_pnl_total"] == [10.0, 30.0]
    assert found["backtest_pnl_total"] == [10.0, 35.0]
    assert found["difference"] == [0.0, -5.0]
    assert found["difference_total"] == [0.0, -5.0]
    assert found["parts"]["slippage"] == [0.0, -4.0]
    assert sum(column[1] for column in found["parts"].values()) == -5.0
    assert found["fills"] == [{"session": "2026-11-17", "side": "buy", "price": 101.0}]


def test_it_is_served_as_json_png_and_svg_to_its_owner_alone(deployment, client, other):
    report(deployment, 0, 10.0, 14.0, slippage=-4.0)
    path = f"/api/v1/deployments/{deployment.id}/drift"
    DriftReport.objects.update(detail={})
    series = client.get(f"{path}/series")
    assert (series.status_code, series.data["difference"]) == (200, [-4.0])
    png = client.get(f"{path}/chart/", HTTP_ACCEPT="image/png")
    assert (png.headers["Content-Type"], png.content[:4]) == ("image/png", b"\x89PNG")
    svg = client.get(f"{path}/chart", HTTP_ACCEPT="image/svg+xml")
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert b"<svg" in svg.content
    body = client.get(f"{path}/chart").data
    assert base64.b64decode(body["image"])[:4] == b"\x89PNG"
    stranger = APIClient()
    stranger.force_authenticate(other)
    for name in ("series", "chart"):
        assert stranger.get(f"{path}/{name}").status_code == 404
    assert APIClient().get(f"{path}/series").status_code == 401


def test_without_sessions_the_chart_says_so(deployment):
    assert drift_series(deployment=deployment)["sessions"] == []
    assert b"<svg" in drift_chart(deployment=deployment, svg=True)


def test_a_live_session_tells_what_its_fills_lost_to_slippage(user, client):
    venue = Venue(user, bars_random(35))
    venue.past(30)
    BrokerAccount.objects.update(
        paper_terms={"fill": "next_open", "interval": "1h", "slippage_bps": "20"}
    )
    venue.account.refresh_from_db()
    graph = with_units(template_graph("buy_and_hold")[0])
    deployment = venue.deploy(graph, at=30)
    for at in range(30, 34):
        venue.bar(deployment, at)
    drift_compare(deployment=Deployment.objects.get(), now=venue.over(34))
    found = client.get(f"/api/v1/deployments/{deployment.id}/drift/series").data
    (bought,) = found["fills"]
    opened = Decimal(str(venue.bars.open[31]))
    assert bought["backtest_price"] == float(opened)
    assert bought["price"] == pytest.approx(float(opened) * 1.002)
    assert bought["quantity"] == bought["backtest_quantity"] == 10.0
    assert bought["bar_ts"] == bought["backtest_bar_ts"] == "2024-02-01T00:00:00Z"
    assert bought["slippage"] == pytest.approx(-10 * float(opened) * 0.002)
    assert sum(found["parts"]["slippage"]) == pytest.approx(bought["slippage"])


def test_the_admin_shows_the_chart_to_those_who_may_see_deployments(deployment, django_user_model):
    report(deployment, 0, 10.0, 14.0, slippage=-4.0)
    address = reverse("admin:brokers_deployment_drift", args=[deployment.id])
    visitor = Client()
    assert visitor.get(address).status_code == 302
    staff = django_user_model.objects.create_user("staff@example.com", "correct horse battery")
    staff.is_staff = True
    staff.save()
    visitor.force_login(staff)
    assert visitor.get(address).status_code == 403
    ops = django_user_model.objects.create_superuser("ops@example.com", "correct horse battery")
    visitor.force_login(ops)
    assert visitor.get(address).headers["Content-Type"] == "image/svg+xml"
    page = visitor.get(reverse("admin:brokers_deployment_change", args=[deployment.id]))
    assert f'src="{address}"'.encode() in page.content
