"""The admin's first page tells what an operator must know, and its actions do no harm."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from brokers.models import Order, PaperExecution
from brokers.services import paper_account
from core.accounts.models import User
from core.admin import badge, duration, indented, plain
from core.backtests.models import BacktestRun
from core.db import uuid7
from core.outbox.models import OutboxMessage
from notifications.choices import SEND_TASK
from notifications.models import Alert, Delivery, UserChannel
from strategies.selectors import strategy_of_template
from strategies.services.version import version_pin

INDEX = "admin:index"
LONG_AGO = timedelta(days=3)


@pytest.fixture(autouse=True)
def _bars_of_its_own(settings, tmp_path):
    settings.BARS_URL = str(tmp_path / "bars")


@pytest.fixture
def owner(db):
    return User.objects.create_user("ada@example.com", "a long password")


@pytest.fixture
def operator(client, db):
    client.force_login(User.objects.create_superuser("root@example.com", "a long password"))
    return client


@pytest.fixture
def new_run(owner):
    strategy = strategy_of_template(owner_id=owner.id, name="sma_cross")

    def make(status="queued", **fields):
        return BacktestRun.objects.create(
            owner=owner,
            strategy=strategy,
            strategy_version=version_pin(strategy=strategy),
            symbol="GOOG",
            interval="1d",
            start=datetime(2010, 1, 1, tzinfo=UTC),
            end=datetime(2011, 1, 1, tzinfo=UTC),
            capital=10_000,
            status=status,
            resend_at=timezone.now(),
            **fields,
        )

    return make


@pytest.fixture
def new_order(owner):
    def make(status, **fields):
        return Order.objects.create(
            owner=owner,
            account=paper_account(owner_id=owner.id),
            client_order_id=str(uuid7()),
            symbol="AAPL",
            asset_type="stock",
            side="buy",
            quantity=Decimal(10),
            status=status,
            **fields,
        )

    return make


@pytest.fixture
def new_delivery(owner):
    def make(status, **fields):
        alert = Alert.objects.create(
            owner=owner, event="alert.manual", key=str(uuid7()), subject="Hello"
        )
        values = {"kind": "smtp_email", "recipient": "ada@example.com", "error": "refused"}
        return Delivery.objects.create(
            alert=alert, status=status, due_at=timezone.now(), **(values | fields)
        )

    return make


def tiles(page):
    """Title -> (count, address) of each group's tiles, in the order of the page."""
    found = {}
    pattern = (
        r'<a class="tile tile-(\w+)" href="([^"]*)">\s*<span class="count">(\d+)</span>\s*'
        r'<span class="title">([^<]*)</span>'
    )
    for group in page.content.decode().split("<h2>")[1:]:
        title = group.split("</h2>")[0].split(",")[0]
        for tone, href, count, name in re.findall(pattern, group):
            found[f"{title}: {name}"] = (int(count), tone, unescape(href))
    return found


def act(client, model, action, *rows):
    path = reverse(f"admin:{model}_changelist")
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(path, data, follow=True).content.decode()


def test_each_figure_counts_what_its_list_shows(operator, new_run, new_order, new_delivery):
    for status in ("queued", "queued", "running", "failed", "errored", "timed_out"):
        new_run(status)
    old = new_run("failed", id="00000000-0000-7000-8000-000000000000")
    BacktestRun.objects.filter(id=old.id).update(created_at=timezone.now() - LONG_AGO)
    for status in ("unknown", "accepted", "filled", "rejected"):
        new_order(status)
    for status in ("failed", "unknown", "queued"):
        new_delivery(status)
    shown = tiles(operator.get(reverse(INDEX)))
    assert {name: count for name, (count, _, _) in shown.items() if count} == {
        "Backtests: queued": 2,
        "Backtests: running": 1,
        "Backtests: failed": 1,
        "Backtests: errored": 1,
        "Backtests: timed out": 1,
        "Orders: unknown": 1,
        "Orders: under way": 1,
        "Orders: filled": 1,
        "Orders: rejected": 1,
        "Alert deliveries: to send": 1,
        "Alert deliveries: failed": 1,
        "Alert deliveries: unknown": 1,
    }
    for count, _, path in shown.values():
        assert operator.get(path).context["cl"].result_count == count, path


def test_only_what_needs_somebody_is_coloured(operator, new_run, new_order):
    before = tiles(operator.get(reverse(INDEX)))
    assert {tone for _, tone, _ in before.values()} == {"neutral"}
    new_order("unknown")
    waiting = new_run("queued")
    BacktestRun.objects.filter(id=waiting.id).update(created_at=timezone.now() - LONG_AGO)
    message = OutboxMessage.objects.create(task="core.backtests.run", args=["1"], queue="sweeps")
    OutboxMessage.objects.filter(id=message.id).update(created_at=timezone.now() - LONG_AGO)
    after = tiles(operator.get(reverse(INDEX)))
    coloured = {name: tone for name, (_, tone, _) in after.items() if tone != "neutral"}
    assert coloured == {
        "Backtests: queued": "warn",
        "Orders: unknown": "bad",
        "Queue and market data: in the outbox": "bad",
    }


def test_troubles_name_the_row_its_owner_and_the_reason(operator, new_run, new_order):
    run = new_run("errored", error_message="division by <zero>")
    new_order("rejected", reason="the account is empty")
    text = operator.get(reverse(INDEX)).content.decode()
    assert reverse("admin:backtests_backtestrun_change", args=[run.id]) in text
    assert "division by &lt;zero&gt;" in text, "what users wrote is escaped"
    assert "the account is empty" in text
    assert text.count("ada@example.com") == 2


def test_the_page_costs_the_same_with_a_hundred_troubles(operator, new_run, new_order):
    def cost():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            operator.get(reverse(INDEX))
        return len(queries)

    new_run("failed")
    new_order("rejected")
    few = cost()
    for _ in range(50):
        new_run("failed")
        new_order("rejected")
    assert cost() == few
    assert few <= 30


@pytest.mark.parametrize(
    "model", ["backtests_backtestrun", "brokers_order", "notifications_delivery"]
)
def test_a_list_costs_the_same_with_many_rows(operator, new_run, new_order, new_delivery, model):
    path = reverse(f"admin:{model}_changelist")
    make = {"backtests": new_run, "brokers": new_order}.get(model.split("_")[0], new_delivery)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(path).status_code == 200
        return len(queries)

    make("failed") if make is not new_order else make("rejected")
    few = cost()
    for _ in range(20):
        make("failed") if make is not new_order else make("rejected")
    assert cost() <= few
    assert few <= 9


def test_staff_see_the_areas_they_may_look_into_and_no_others(client, owner, new_run, new_order):
    new_run("failed", error_message="hidden reason")
    new_order("unknown")
    owner.is_staff = True
    owner.save()
    client.force_login(owner)
    assert tiles(client.get(reverse(INDEX))) == {}
    owner.user_permissions.add(Permission.objects.get(codename="view_order"))
    page = client.get(reverse(INDEX))
    assert {name.split(":")[0] for name in tiles(page)} == {"Orders"}
    assert "hidden reason" not in page.content.decode()


def test_an_unknown_order_is_asked_about_and_never_sent_again(operator, new_order):
    sent = new_order("unknown", submitted_at=timezone.now())
    PaperExecution.objects.create(
        account=sent.account,
        client_order_id=sent.client_order_id,
        symbol="AAPL",
        quantity=Decimal(10),
        price=Decimal(100),
    )
    young = new_order("unknown", submitted_at=timezone.now())
    rejected = new_order("rejected")
    text = act(operator, "brokers_order", "resolve", sent, young, rejected)
    assert "Orders asked about: 2; resolved: 1; still unknown: 1." in text
    assert Order.objects.get(id=sent.id).status == "filled"
    assert Order.objects.get(id=young.id).status == "unknown"
    assert Order.objects.get(id=rejected.id).status == "rejected"
    assert PaperExecution.objects.count() == 1
    assert not OutboxMessage.objects.exists()


def test_only_a_delivery_that_surely_failed_is_sent_once_more(operator, owner, new_delivery):
    off = UserChannel.objects.create(
        owner=owner, kind="smtp_email", address="a@example.com", enabled=False,
        disabled_reason="no such mailbox",
    )  # fmt: skip
    failed, unknown, sent = (new_delivery(status) for status in ("failed", "unknown", "sent"))
    dead = new_delivery("failed", channel=off)
    text = act(operator, "notifications_delivery", "resend", failed, unknown, sent, dead)
    assert "Deliveries queued again: 1." in text
    assert "no such mailbox" in text
    states = [Delivery.objects.get(id=row.id).status for row in (failed, unknown, sent, dead)]
    assert states == ["queued", "unknown", "sent", "failed"]
    messages = OutboxMessage.objects.values_list("task", "args")
    assert list(messages) == [(SEND_TASK, [str(failed.id)])]


def test_pages_have_our_icon_and_run_no_script_of_their_own(operator):
    page = operator.get(reverse(INDEX))
    text = page.content.decode()
    assert "backtester/favicon.svg" in text
    assert "backtester/admin.css" in text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.0124, "12 ms"), (3.44, "3.4 s"), (125, "2 min 5 s"), (7260, "2 h 1 min"),
     (273_600, "3 d 4 h"), (-5, "0 ms")],
)  # fmt: skip
def test_a_span_of_time_reads_as_people_say_it(seconds, text):
    assert duration(timedelta(seconds=seconds)) == text


def test_pieces_escape_what_they_show():
    assert "<b>" not in badge("<b>")
    assert "<script>" not in indented({"name": "<script>"})
    assert plain(Decimal("1000.50000000")) == "1,000.5"
    assert plain(Decimal("100.00000000")) == "100"
