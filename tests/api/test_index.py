"""The front door leads somewhere."""

from __future__ import annotations

from django.urls import resolve
from rest_framework.test import APIClient


def test_every_area_that_is_listed_exists():
    areas = APIClient().get("/api/v1/").json()
    for url in areas.values():
        path = url.removeprefix("http://testserver")
        assert resolve(path).func
        assert resolve(path.rstrip("/")).func, "the slash is optional"


def test_the_bare_address_leads_to_the_documentation():
    assert APIClient().get("/").headers["Location"] == "/api/v1/docs/"
