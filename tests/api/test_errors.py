"""Every error answer has the documented shape."""

from __future__ import annotations

from base64 import b64encode

import pytest
from django.db import OperationalError
from rest_framework.exceptions import ErrorDetail, Throttled, ValidationError
from rest_framework.test import APIClient

from core.api.exceptions import details_of, exception_response
from core.errors import Conflict, Detail, InvalidInput, NotFound, Transient

SHAPE = {"code", "message", "details", "request_id"}


@pytest.fixture
def client(django_user_model):
    client = APIClient()
    client.force_authenticate(django_user_model(email="nobody@example.com"))
    return client


@pytest.fixture
def known(django_user_model, db):
    client = APIClient()
    client.force_authenticate(django_user_model.objects.create_user("known@example.com", "x" * 12))
    return client


def test_an_unknown_url_is_told_in_the_shape_and_points_to_the_docs():
    response = APIClient().get("/api/v1/no-such-thing")
    assert response.status_code == 404
    assert set(response.json()) == SHAPE
    assert "/api/v1/docs/" in response.json()["message"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("{", "The body is not JSON"),
        ('{"a": NaN}', "The body is not JSON"),
        ('"text"', "must be a JSON object, not str"),
        ('{"a": "\\u0000"}', "NUL character"),
        ('{"a":' + "[" * 200 + "]" * 200 + "}", "nested more than 200 levels"),
    ],
)
def test_a_malformed_body_is_400_and_says_what_is_wrong(client, body, found):
    response = client.post("/api/v1/strategies", data=body, content_type="application/json")
    assert response.status_code == 400
    assert set(response.json()) == SHAPE
    assert response.json()["code"] == "malformed"
    assert found in response.json()["message"]


@pytest.mark.django_db
def test_a_number_that_no_column_gives_back_is_refused_with_its_place(known):
    graph = {"nodes": [], "edges": [], "settings": {"sizing": {"type": "units", "value": 1e308}}}
    response = known.post("/api/v1/strategies", {"name": "x", "graph": graph}, format="json")
    assert response.status_code == 422
    (detail,) = response.json()["details"]
    assert detail["path"] == "graph.settings.sizing.value"
    assert (detail["code"], detail["received"]) == ("number_too_large", 1e308)
    assert known.get("/api/v1/strategies").json()["results"] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body", "at", "received"),
    [
        ("trades/execute", {"quantity": "0.000000001"}, "quantity", "0.000000001"),
        ("trades/execute", {"option": {"strike": 1e9}}, "option.strike", 1e9),
        ("universes", {"symbols": ["GOOG", "x" * 60]}, "symbols[1]", "x" * 50),
        ("auth/register", {"email": "nobody", "password": "short"}, "email", "nobody"),
        ("auth/register", {"email": "a@example.com", "password": "short"}, "password", None),
        (
            "me/tokens",
            {"name": "n", "scopes": ["read"], "expires_at": "never"},
            "expires_at",
            "never",
        ),
        ("me/tokens", {"scopes": ["read"]}, "name", None),
    ],
)
def test_a_fault_says_what_was_found_and_repeats_no_secret(known, path, body, at, received):
    response = known.post(f"/api/v1/{path}", body, format="json")
    assert response.status_code == 422
    (detail,) = [one for one in response.json()["details"] if one["path"] == at]
    assert detail["received"] == received


def test_an_escaped_backslash_before_u0000_is_no_nul_character():
    from io import BytesIO

    from core.api.parsers import StrictJSONParser

    assert StrictJSONParser().parse(BytesIO(rb'{"a": "\\u0000"}')) == {"a": "\\u0000"}


def test_a_nul_character_in_the_query_is_400():
    response = APIClient().get("/api/v1/strategies?name=a%00b")
    assert response.status_code == 400
    assert response.json()["code"] == "malformed"


def test_a_request_without_a_token_is_401_and_names_the_scheme():
    response = APIClient().get("/api/v1/strategies")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert set(response.json()) == SHAPE


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidInput("no"), 422, "invalid"),
        (InvalidInput("no", code="malformed"), 400, "malformed"),
        (NotFound("no"), 404, "not_found"),
        (Conflict("no"), 409, "conflict"),
        (Transient("no", retry_after_s=7), 503, "unavailable"),
        (Throttled(wait=12.4), 429, "rate_limited"),
        (OperationalError("the password is hunter2"), 503, "unavailable"),
    ],
)
def test_each_class_of_error_has_its_status(error, status, code):
    response = exception_response(error, {})
    assert (response.status_code, response.data["code"]) == (status, code)
    assert "hunter2" not in str(response.data)


def test_waiting_times_are_told():
    assert exception_response(Transient("no", retry_after_s=7), {})["Retry-After"] == "7"
    assert exception_response(Throttled(wait=12.4), {})["Retry-After"] == "13"


def test_our_own_bugs_are_not_turned_into_answers():
    assert exception_response(ZeroDivisionError(), {}) is None


def test_nested_faults_become_dotted_paths():
    faults = {
        "graph": {"nodes": [{}, {"id": [ErrorDetail("Too long.", "max_length")]}]},
        "non_field_errors": [ErrorDetail("Ends before it starts.", "order")],
    }
    assert details_of(faults) == [
        Detail("graph.nodes[1].id", "max_length", "Too long."),
        Detail("", "order", "Ends before it starts."),
    ]
    response = exception_response(ValidationError(faults), {})
    assert response.status_code == 422
    assert response.data["message"] == "graph.nodes[1].id: Too long. (and 1 more, see details)"


def test_the_callers_request_id_is_kept_and_a_harmful_one_is_replaced():
    kept = APIClient().get("/healthz", headers={"X-Request-ID": "front-end-42"})
    assert kept.headers["X-Request-ID"] == "front-end-42"
    replaced = APIClient().get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert replaced.headers["X-Request-ID"] != "a b\tc"
    assert len(replaced.headers["X-Request-ID"]) == 36


LISTS = (
    "alert-rules",
    "backtests",
    "broker-accounts",
    "channels",
    "fetches",
    "me/tokens",
    "notifications/history",
    "strategies",
    "trades",
)


def cursor(place):
    return b64encode(f"p={place}".encode()).decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("place", ["1", "abc", "9" * 30, "0001-01-01T00:00:00+14:00", "%ED%A0%80"])
def test_a_forged_cursor_is_no_fault_of_ours(known, path, place):
    response = known.get(f"/api/v1/{path}", {"cursor": cursor(place)})
    assert response.status_code in {200, 404}
    if response.status_code == 404:
        assert set(response.json()) == SHAPE
        assert response.json()["code"] == "invalid_cursor"


@pytest.mark.django_db
@pytest.mark.parametrize("limit", ["0", "-1", "abc", "", "1e9", "1.5", "9" * 5000])
def test_a_limit_that_is_no_number_of_rows_is_refused(known, limit):
    response = known.get("/api/v1/channels", {"limit": limit})
    assert response.status_code == 422
    assert response.json()["details"][0]["path"] == "limit"


@pytest.mark.django_db
def test_a_limit_over_the_most_gives_the_most(known):
    assert known.get("/api/v1/channels", {"limit": "1000000"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", [*LISTS, "backtest", "imports", "nodes", "auth/login"])
def test_options_names_the_methods_of_every_endpoint(known, path):
    response = known.options(f"/api/v1/{path}")
    assert response.status_code == 200
    assert ", ".join(response.json()["methods"]) == response.headers["Allow"]


@pytest.mark.django_db
def test_a_deep_body_is_told_its_fault_in_an_answer_that_can_be_written(known):
    deep = {"a": 1}
    for _ in range(195):
        deep = {"a": deep}
    run = {"ticker": "GOOG", "startDate": "2010-01-01", "endDate": "2012-01-01", "capital": 1}
    body = {**run, "strategy": "sma_cross", "config": deep, "parameters": deep}
    assert known.post("/api/v1/backtest", body, format="json").status_code == 422


@pytest.mark.parametrize("path", ["/api/v1/", "/healthz", "/readyz"])
def test_a_place_for_reading_refuses_other_methods_in_the_shape(path):
    response = APIClient(enforce_csrf_checks=True).post(path)
    assert response.status_code == 405
    assert set(response.json()) == SHAPE
    assert "GET" in response.headers["Allow"]
