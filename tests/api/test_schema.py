"""The API's document: valid, complete, with an example for every operation."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

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
