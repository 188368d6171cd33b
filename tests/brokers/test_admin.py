"""The pages for who operates the installation: what they show, and that they send nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from brokers import services
from brokers.audit import TradingAction
from brokers.choices import AccountState, AssetType, OrderStatus, OrderType, Side
from brokers.dispatch import account_send
from brokers.models import BrokerAccount, Order, OrderEvent, Position
from core.accounts.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(django_user_model):
    found = Client()
    found.force_login(
        django_user_model.objects.create_superuser("ops@example.com", "correct horse battery")
    )
    return found


def place(account, limit="90.50"):
    order = services.order_create(
        account=account, symbol="ACME", asset_type=AssetType.STOCK, side=Side.BUY,
        order_type=OrderType.LIMIT, quantity=Decimal(10), limit_price=Decimal(limit),
    )  # fmt: skip
    account_send(account_id=account.id)
    order.refresh_from_db()
    return order


def act(ops, model, action, *rows):
    chosen = {"action": action, "_selected_action": [str(row.id) for row in rows]}
    return ops.post(reverse(f"admin:brokers_{model}_changelist"), chosen, follow=True)


def page(ops, model, row):
    answer = ops.get(reverse(f"admin:brokers_{model}_change", args=[row.id]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_order_shows_its_whole_history_with_amounts_as_they_are_read(ops, account, venue):
    order = place(account)
    (there,) = venue.exchange.orders.values()
    venue.exchange.fill(there, 4, "90.25")
    services.accounts.account_reconcile(account_id=account.id)
    shown = page(ops, "order", order)
    for part in ("limit price 90.5", "4 of 10 at 90.25", "submitting", "partially filled"):
        assert part in shown
    assert "admitted" in shown
    assert "90.50000000" not in shown


def test_lists_say_whose_a_position_is_and_what_an_order_waits_for(ops, account, venue):
    order = place(account)
    (there,) = venue.exchange.orders.values()
    venue.exchange.fill(there, 4, "90.25")
    services.accounts.account_reconcile(account_id=account.id)
    listed = {
        name: ops.get(reverse(f"admin:brokers_{name}_changelist"), asked).content.decode()
        for name, asked in (
            ("order", {}),
            ("position", {"held": "long", "account__id__exact": account.pk}),
            ("fill", {}),
            ("brokeraccount", {}),
        )
    }
    assert all(account.owner.email in shown for shown in listed.values())
    assert "buy 10 ACME limit 90.5" in listed["order"]
    assert f"position/?account__id__exact={account.pk}" in listed["brokeraccount"]
    flat = ops.get(reverse("admin:brokers_position_changelist"), {"held": "flat"})
    assert list(flat.context["cl"].queryset) == []
    assert order.symbol in listed["position"]


def test_what_needs_a_look_is_found(ops, account, venue):
    place(account)
    stuck = place(account)
    venue.plan.append("silent")
    unknown = place(account)
    long_ago = timezone.now() - timedelta(minutes=5)
    Order.objects.filter(id=stuck.id).update(status="pending_cancel", created_at=long_ago)
    OrderEvent.objects.filter(order=stuck).update(created_at=long_ago)
    assert unknown.status == OrderStatus.UNKNOWN
    for look, row in (("unknown", unknown), ("stuck", stuck)):
        shown = ops.get(reverse("admin:brokers_order_changelist"), {"look": look})
        assert [found.id for found in shown.context["cl"].queryset] == [row.id], look


@pytest.mark.parametrize(
    ("held", "symbols"),
    [("long", {"UP"}), ("short", {"DOWN"}), ("flat", {"GONE"}), ("other", {"UP", "DOWN", "GONE"})],
)
def test_positions_are_found_by_their_side(ops, account, held, symbols):
    for symbol, quantity in (("UP", 4), ("DOWN", -3), ("GONE", 0)):
        Position.objects.create(account=account, symbol=symbol, quantity=quantity)
    shown = ops.get(reverse("admin:brokers_position_changelist"), {"held": held})
    assert {found.symbol for found in shown.context["cl"].queryset} == symbols


def test_what_others_sent_is_found_but_not_how_a_contract_ended(ops, account):
    place(account)
    theirs, ended = place(account), place(account)
    Order.objects.filter(id__in=[theirs.id, ended.id]).update(external=True)
    Order.objects.filter(id=ended.id).update(reason_code="expired")
    shown = ops.get(reverse("admin:brokers_order_changelist"), {"look": "external"})
    assert [found.id for found in shown.context["cl"].queryset] == [theirs.id]


def test_asking_about_an_unknown_order_sends_nothing(ops, account, venue):
    venue.plan.append("silent")
    order = place(account)
    assert order.status == OrderStatus.UNKNOWN
    answer = act(ops, "order", "resolve", order)
    assert "resolved: 1; still unknown: 0" in answer.content.decode()
    order.refresh_from_db()
    assert order.status == OrderStatus.ACCEPTED
    assert len(venue.sent) == 1


def test_no_form_changes_an_order_or_an_account(ops, account):
    order = place(account)
    for model, row in (("order", order), ("brokeraccount", account)):
        answer = ops.post(
            reverse(f"admin:brokers_{model}_change", args=[row.id]), {"state": "active"}
        )
        assert answer.status_code == 403
        assert ops.get(reverse(f"admin:brokers_{model}_add")).status_code == 403
        assert ops.get(reverse(f"admin:brokers_{model}_delete", args=[row.id])).status_code == 403
    assert "credentials" not in page(ops, "brokeraccount", account)


def test_what_an_account_may_do_is_changed_by_actions_that_the_audit_log_keeps(ops, account):
    order = place(account)
    for action, state in (
        ("only_reduce", AccountState.REDUCING),
        ("kill", AccountState.HALTED),
        ("resume", AccountState.ACTIVE),
    ):
        assert act(ops, "brokeraccount", action, account).status_code == 200
        account.refresh_from_db()
        assert account.state == state
        if action == "only_reduce":
            assert account.state_reason == "set by who operates the installation"
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELED
    by_ops = AuditEvent.objects.filter(owner__email="ops@example.com")
    kept = [TradingAction.STATE_SET, TradingAction.KILL_SWITCH]
    assert by_ops.filter(action__in=kept).count() == 3


def test_an_account_that_differs_is_not_resumed(ops, account):
    BrokerAccount.objects.update(
        state=AccountState.HALTED, mismatch=[{"symbol": "ACME", "ours": "1", "theirs": "2"}]
    )
    assert "differ" in act(ops, "brokeraccount", "resume", account).content.decode()
    account.refresh_from_db()
    assert account.state == AccountState.HALTED
    assert "we have 1, the broker 2" in page(ops, "brokeraccount", account)
