from __future__ import annotations

import pytest
from django.conf import settings as project
from django.test import RequestFactory

from core.accounts.checks import BLACKLIST_APP, tokens_check
from core.accounts.origin import client_address


def test_the_settings_as_they_are_pass():
    assert tokens_check(None) == []


def test_a_missing_blacklist_stops_the_start_and_says_what_to_add(settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != BLACKLIST_APP]
    (fault,) = tokens_check(None)
    assert fault.id == "accounts.E001"
    assert BLACKLIST_APP in fault.hint


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ROTATE_REFRESH_TOKENS": False}, "accounts.E002"),
        ({"BLACKLIST_AFTER_ROTATION": False}, "accounts.E002"),
        ({"SIGNING_KEY": "x" * 31}, "accounts.E003"),
        ({"ISSUER": None}, "accounts.E004"),
        ({"AUDIENCE": ""}, "accounts.E004"),
    ],
)
def test_unsafe_token_settings_stop_the_start(monkeypatch, change, fault):
    monkeypatch.setattr(project, "SIMPLE_JWT", project.SIMPLE_JWT | change)
    assert [found.id for found in tokens_check(None)] == [fault]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "1.1.1.1", "9.9.9.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        (2, "1.1.1.1", "9.9.9.9"),
        (1, "unknown", "9.9.9.9"),
        (1, "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_a_clients_address_is_what_our_outermost_proxy_saw(settings, proxies, forwarded, address):
    settings.PROXY_COUNT = proxies
    request = RequestFactory(REMOTE_ADDR="9.9.9.9").get("/", headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == address
