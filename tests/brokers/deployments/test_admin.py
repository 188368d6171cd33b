"""The pages for who operates the installation."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from brokers.models import Deployment
from strategies.selectors import template_graph
from tests.brokers.deployments.replaying import Venue, bars_random


@pytest.fixture
def admin(db, django_user_model):
    client = Client()
    client.force_login(
        django_user_model.objects.create_superuser("ops@example.com", "correct horse battery")
    )
    return client


def test_pages_show_a_deployment_and_its_actions_make_it_do_less(admin, user):
    venue = Venue(user, bars_random(33))
    venue.past(30)
    deployment = venue.deploy(template_graph("buy_and_hold")[0], at=30)
    venue.bar(deployment, 30)
    venue.bar(deployment, 31)
    for model in ("deployment", "deploymenttick", "bookentry"):
        assert admin.get(reverse(f"admin:brokers_{model}_changelist")).status_code == 200
    shown = admin.get(reverse("admin:brokers_deployment_change", args=[deployment.id]))
    assert shown.status_code == 200
    for action, state in (("pause", "paused"), ("liquidate", "stopping"), ("pause", "stopping")):
        admin.post(
            reverse("admin:brokers_deployment_changelist"),
            {"action": action, "_selected_action": [str(deployment.id)]},
        )
        deployment = Deployment.objects.get()
        assert deployment.state == state
    assert deployment.liquidate


@pytest.mark.parametrize("action", ["pause", "stop", "liquidate"])
def test_who_may_only_look_stops_nothing(admin, user, django_user_model, action):
    venue = Venue(user, bars_random(33))
    venue.past(30)
    deployment = venue.deploy(template_graph("buy_and_hold")[0], at=30)
    looker = django_user_model.objects.create_user(
        "looker@example.com", "correct horse battery", is_staff=True
    )
    looker.user_permissions.add(Permission.objects.get(codename="view_deployment"))
    admin.force_login(looker)
    listed = admin.get(reverse("admin:brokers_deployment_changelist"))
    assert (listed.status_code, deployment.name in listed.content.decode()) == (200, True)
    admin.post(
        reverse("admin:brokers_deployment_changelist"),
        {"action": action, "_selected_action": [str(deployment.id)]},
    )
    deployment.refresh_from_db()
    assert (deployment.state, deployment.liquidate) == ("running", False)
