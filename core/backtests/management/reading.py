"""What the commands read: graphs, configurations and parameters from files and options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from core.backtests.settings import RunSettings
from strategies.graph.templates import template_get


def document_read(path: str | None, template: str | None) -> dict[str, Any]:
    """Return the graph document of a file or of a template."""
    if path is None:
        return dict(template_get(template or "").document)
    document = json_read(path)
    # What GET strategies/{id} returns holds the graph under its own key.
    inner = document.get("graph")
    return inner if isinstance(inner, dict) and "nodes" not in document else document


def settings_read(path: str | None, profile: str | None) -> RunSettings:
    """Return the configuration of a file, with the profile of the command line."""
    mapping = {} if path is None else json_read(path)
    return RunSettings.from_mapping(mapping | ({"profile": profile} if profile else {}))


def parameters_read(pairs: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE pairs; a value is JSON where it can be, else text."""
    parameters = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"--set {pair}: write it as NAME=VALUE, such as --set fast=10.")
        try:
            parameters[name.strip()] = json.loads(text)
        except json.JSONDecodeError:
            parameters[name.strip()] = text
    return parameters


def json_read(path: str) -> dict[str, Any]:
    """Return the JSON object of a file."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise CommandError(f"{path} must hold a JSON object, not {type(document).__name__}.")
    return document
