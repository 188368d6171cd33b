"""A loopback server that speaks the protocols of the services, and a way to make it fail."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from notifications import services
from notifications.models import UserChannel


@dataclass
class Service:
    """What the server was asked, and how it is to answer."""

    url: str = ""
    requests: list = field(default_factory=list)
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes | None = None
    delay_s: float = 0
    drip_s: float = 0
    hang_up: bool = False
    garbage: bytes = b""
    slow_paths: dict = field(default_factory=dict)
    failing_paths: dict = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        service = self.server.service
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service.requests.append((self.path, dict(self.headers), body))
        time.sleep(service.slow_paths.get(self.path, service.delay_s))
        if service.hang_up:
            self.connection.close()
            return
        if service.garbage:
            self.connection.sendall(service.garbage)
            self.close_connection = True
            return
        if service.drip_s:
            self.drip(service.drip_s)
            return
        status, headers, answer = self.answer(body)
        self.send_response(service.failing_paths.get(self.path) or service.status or status)
        for name, value in {**headers, **service.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # a caller that ran out of patience
            self.wfile.write(answer if service.body is None else service.body)

    def drip(self, pause_s):
        """Send a header byte by byte, without an end."""
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        with contextlib.suppress(OSError):
            for _ in range(100):
                self.connection.sendall(b"x")
                time.sleep(pause_s)
        self.close_connection = True

    def answer(self, body):
        if self.path == "/v3/mail/send":
            assert json.loads(body)["personalizations"]
            return 202, {"X-Message-Id": "sg-1"}, b""
        if self.path.endswith("/sendMessage"):
            assert json.loads(body)["chat_id"]
            return 200, {}, b'{"ok": true, "result": {"message_id": 7}}'
        if not self.path.startswith("/2010-04-01/"):
            return 200, {}, b"ok"
        form = parse_qs(body.decode())
        reply = {"sid": "SM1", "status": "queued", "to": form["To"][0], "body": form["Body"][0]}
        return 201, {"Content-Type": "application/json"}, json.dumps(reply).encode()

    def log_message(self, *args):
        pass


@pytest.fixture
def service(settings, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.service = Service(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    settings.SENDGRID_URL = settings.TWILIO_URL = server.service.url
    settings.WEBHOOK_TEST_ORIGINS = [server.service.url]
    monkeypatch.setattr("notifications.channels.telegram.API_URL", server.service.url)
    settings.SENDGRID_API_KEY = "SG.key"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "0" * 32, "token"
    settings.TWILIO_FROM_NUMBER = "+14155550100"
    yield server.service
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def channel_of():
    """Make a channel whose address is proven."""

    def make(user, kind, address="", **fields):
        channel, _ = services.channel_create(owner_id=user.id, kind=kind, address=address, **fields)
        UserChannel.objects.filter(id=channel.id).update(verified_at=timezone.now())
        channel.refresh_from_db()
        return channel

    return make


@pytest.fixture
def user(db, django_user_model):
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")
