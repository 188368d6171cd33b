"""Connections to brokers: one is used again while it is fresh, and nothing but it is shared."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from brokers.adapters import connections
from brokers.adapters.http import BrokerSession


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.server.seen.append((self.client_address[1], dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("Set-Cookie", "whose=first; Path=/")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen = []
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    connections.connections.cache_clear()
    yield server
    connections.connections.cache_clear()
    server.shutdown()
    server.server_close()


def call(server, **headers):
    with BrokerSession() as session:
        session.request("GET", f"http://127.0.0.1:{server.server_address[1]}/", headers=headers)


def ports(server):
    return [port for port, _ in server.seen]


def test_the_connection_of_one_call_is_that_of_the_next(server):
    call(server)
    call(server)
    assert ports(server)[0] == ports(server)[1]


def test_a_connection_that_was_idle_for_long_is_opened_anew(server, monkeypatch):
    monkeypatch.setattr(connections, "IDLE_S", 0.0)
    call(server)
    call(server)
    assert ports(server)[0] != ports(server)[1]


def test_sessions_share_neither_cookies_nor_headers(server):
    call(server, **{"X-Key": "mine"})
    call(server)
    told = server.seen[1][1]
    assert "Cookie" not in told
    assert "X-Key" not in told


def test_passwords_of_the_environment_are_not_an_accounts(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    call(server, Authorization="token mine")
    assert server.seen[0][1]["Authorization"] == "token mine"


def test_a_child_process_does_not_use_its_parents_connections(server):
    call(server)
    child = os.fork()
    if child == 0:
        try:
            call(server)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    call(server)
    first, forked, again = ports(server)
    assert forked != first
    assert again == first
