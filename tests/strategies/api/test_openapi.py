from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator

AREAS = ("strategies", "templates", "nodes", "indicators")


@pytest.fixture(scope="module")
def operations():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {
        operation["operationId"]: operation
        for path, methods in paths.items()
        if path.removeprefix("/api/v1/").split("/")[0] in AREAS
        for operation in methods.values()
    }


def examples_in(content):
    return [shown for media in content.values() for shown in media.get("examples", {})]


def test_every_operation_has_an_example_of_what_is_sent_and_answered(operations):
    assert len(operations) >= 23
    lacking = []
    for name, operation in operations.items():
        if "requestBody" in operation and not examples_in(operation["requestBody"]["content"]):
            lacking.append(f"{name}: request")
        answers = [
            response.get("content", {})
            for status, response in operation["responses"].items()
            if status.startswith("2")
        ]
        if any(answers) and not any(examples_in(content) for content in answers):
            lacking.append(f"{name}: answer")
    assert lacking == []
