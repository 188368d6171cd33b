"""Somebody at the other end of the API."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from rest_framework.test import APIClient

PASSWORD = "correct horse battery"
NEW_PASSWORD = " staple of two spaces  "


def address_new() -> str:
    """Return an address nobody had before: limits and lockouts count by address."""
    return str(IPv4Address(0x0A000000 + secrets.randbits(24)))


def client_new() -> APIClient:
    return APIClient(REMOTE_ADDR=address_new())


def email_new() -> str:
    return f"user-{secrets.token_hex(6)}@example.com"


def log_in(email: str, password: str = PASSWORD) -> Any:
    return client_new().post("/api/v1/auth/login", {"email": email, "password": password})


@dataclass
class Session:
    """Somebody who is logged in over HTTP."""

    client: APIClient
    access: str
    refresh: str

    def get(self, path: str) -> Any:
        return self._call("get", path, None)

    def post(self, path: str, data: Any = None) -> Any:
        return self._call("post", path, data)

    def patch(self, path: str, data: Any) -> Any:
        return self._call("patch", path, data)

    def delete(self, path: str) -> Any:
        return self._call("delete", path, None)

    def rotate(self) -> Session:
        answer = self.client.post("/api/v1/auth/refresh", {"refresh": self.refresh})
        assert answer.status_code == 200, answer.content
        return Session(self.client, **answer.json())

    def _call(self, method: str, path: str, data: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.access}"}
        return getattr(self.client, method)(f"/api/v1/{path}", data, headers=headers)
