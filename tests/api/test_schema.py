"""The API's document: valid, complete, with an example for every operation."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

from core.backtests.exports import CONTENT_TYPES

# Files, not JSON: their media types say what they are.
FILES = {"backtest_export", "backtest_chart"}


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def exemplified(content):
    return any("example" in media or "examples" in media for media in content.values())


def test_it_is_valid_openapi(document):
    validate(document)


def test_every_request_body_has_an_example(document):
    without = [
        name
        for name, operation in operations(document)
        if "requestBody" in operation and not exemplified(operation["requestBody"]["content"])
    ]
    assert not without


def test_every_answer_has_an_example(document):
    without = []
    for name, operation in operations(document):
        answers = [
            answer["content"]
            for status, answer in operation["responses"].items()
            if status.startswith("2") and answer.get("content")
        ]
        if answers and operation["operationId"] not in FILES:
            without += [] if any(map(exemplified, answers)) else [name]
    assert not without


def test_every_operation_says_what_it_does_and_how_it_fails(document):
    for name, operation in operations(document):
        assert operation.get("summary"), name
        assert "4XX" in operation["responses"], name


# Catalogues are short and come whole.
WHOLE = {"indicator_list", "node_type_list", "template_list"}


def test_every_list_is_documented_as_the_page_that_it_is(document):
    for name, operation in operations(document):
        word = operation["operationId"]
        if not word.endswith(("_list", "_orders")) or word in WHOLE:
            continue
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        page = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert page["properties"].keys() == {"results", "next", "previous"}, name
        asked = {parameter["name"] for parameter in operation["parameters"]}
        assert asked >= {"cursor", "limit"}, name


def test_an_export_is_documented_as_each_of_its_kinds_of_file(document):
    export = document["paths"]["/api/v1/backtests/{run_id}/export/"]["get"]
    kinds = {kind.partition(";")[0] for kind in CONTENT_TYPES.values()}
    assert export["responses"]["200"]["content"].keys() == kinds
