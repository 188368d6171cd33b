"""Loopback servers that speak SendGrid's and Twilio's protocols, and a way to make them fail."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest


@dataclass
class Service:
    """What the server was asked, and how it is to answer."""

    url: str = ""
    requests: list = field(default_factory=list)
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes | None = None
    delay_s: float = 0
    hang_up: bool = False


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        service = self.server.service
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service.requests.append((self.path, dict(self.headers), body))
        time.sleep(service.delay_s)
        if service.hang_up:
            self.connection.close()
            return
        status, headers, answer = self.answer(body)
        self.send_response(service.status or status)
        for name, value in {**headers, **service.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # a caller that ran out of patience
            self.wfile.write(answer if service.body is None else service.body)

    def answer(self, body):
        if self.path == "/v3/mail/send":
            assert json.loads(body)["personalizations"]
            return 202, {"X-Message-Id": "sg-1"}, b""
        form = parse_qs(body.decode())
        reply = {"sid": "SM1", "status": "queued", "to": form["To"][0], "body": form["Body"][0]}
        return 201, {"Content-Type": "application/json"}, json.dumps(reply).encode()

    def log_message(self, *args):
        pass


@pytest.fixture
def service(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.service = Service(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.SENDGRID_URL = settings.TWILIO_URL = server.service.url
    settings.SENDGRID_API_KEY = "SG.key"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC" + "0" * 32, "token"
    settings.TWILIO_FROM_NUMBER = "+14155550100"
    yield server.service
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def user(db, django_user_model):
    return django_user_model.objects.create_user("trader@example.com", "correct horse battery")
