"""What all middleware begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest


class Wrapper:
    """Wraps a handler that is a coroutine function under ASGI and a plain one under WSGI.

    It is of the same kind as its handler; what it does with a request is up to a subclass.
    """

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Return the answer, or what it is awaited by."""
        raise NotImplementedError
