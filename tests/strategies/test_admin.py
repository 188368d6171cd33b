from __future__ import annotations

import pytest
from django.urls import reverse

from core.accounts.models import User
from strategies.selectors import version_get
from strategies.services import strategy_create


@pytest.fixture
def staff(client, db):
    client.force_login(User.objects.create_superuser(email="staff@example.com"))
    return client


def test_staff_find_a_strategy_by_its_name_owner_or_id(staff, user, strategy):
    strategy_create(owner_id=user.id, name="Another")
    url = reverse("admin:strategies_strategy_changelist")
    for words, found in [("cross", 1), ("trader@", 2), (str(strategy.id), 1), ("nothing", 0)]:
        page = staff.get(url, {"q": words})
        assert page.context["cl"].result_count == found, words


def test_the_admin_list_takes_the_same_queries_for_any_number_of_rows(
    staff, user, strategy, django_assert_max_num_queries
):
    for n in range(10):
        strategy_create(owner_id=user.id, name=f"s{n}")
    with django_assert_max_num_queries(9):
        page = staff.get(reverse("admin:strategies_strategy_changelist"))
    assert page.status_code == 200


def test_a_version_can_be_read_in_the_admin_and_not_changed(staff, strategy):
    version = version_get(strategy, 1)
    url = reverse("admin:strategies_strategyversion_change", args=[version.pk])
    assert staff.get(url).status_code == 200
    assert staff.post(url, {"number": 7}).status_code == 403
    add = reverse("admin:strategies_strategyversion_add")
    assert staff.get(add).status_code == 403
    strategy_url = reverse("admin:strategies_strategy_change", args=[strategy.pk])
    assert staff.get(strategy_url).status_code == 200
