"""A small client of the API: requests, tokens, and the WebSocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

TIMEOUT_S = 60
FRAME_TIMEOUT_S = 60


class ApiFailureError(Exception):
    """The API refused, or did not answer."""


class Client:
    """Talks to one installation.

    Parameters
    ----------
    base_url : str
        Such as ``http://127.0.0.1:8000``.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self.session = requests.Session()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Make a request below /api/v1/ and return the JSON answer."""
        return self._request(method, path, body, headers).json()

    def download(self, path: str, accept: str) -> bytes:
        """Return the bytes of an answer of that media type."""
        return self._request("GET", path, None, {"Accept": accept}).content

    def register(self, *, email: str, password: str, name: str) -> None:
        """Make an account and act as it from now on."""
        body = {"email": email, "password": password, "name": name}
        self._authorise(self.call("POST", "auth/register", body))

    def login(self, *, email: str, password: str) -> None:
        """Act as this account from now on."""
        self._authorise(self.call("POST", "auth/login", {"email": email, "password": password}))

    def frames(self, topic: str) -> Iterator[dict[str, Any]]:
        """Yield the numbered frames of a topic, from its first one on."""
        ticket = self.call("POST", "ws-ticket")
        url = self.base_url.replace("http", "ws", 1) + ticket["url"]
        try:
            with connect(url, open_timeout=10) as socket:
                socket.send(json.dumps({"action": "subscribe", "topics": [topic], "last_seq": 0}))
                while True:
                    frame = json.loads(socket.recv(timeout=FRAME_TIMEOUT_S))
                    if frame["topic"] == topic:
                        yield frame
        except (WebSocketException, OSError) as error:
            raise ApiFailureError(f"The WebSocket at {url} failed: {error}.") from error

    def _authorise(self, tokens: dict[str, Any]) -> None:
        self.session.headers["Authorization"] = f"Bearer {tokens['access']}"

    def _request(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> requests.Response:
        url = f"{self.base_url}/api/v1/{path}"
        try:
            response = self.session.request(
                method, url, json=body, headers=headers, timeout=TIMEOUT_S
            )
        except requests.RequestException as error:
            raise ApiFailureError(f"{method} {url} got no answer: {error}.") from error
        if not response.ok:
            raise ApiFailureError(
                f"{method} {url} answered {response.status_code}: {_why(response)}"
            )
        return response


def _why(response: requests.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]
