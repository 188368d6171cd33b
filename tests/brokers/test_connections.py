"""Connections to brokers: one is used again while it is fresh, and nothing but it is shared."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from brokers.adapters import connections
from brokers.adapters.base import OutcomeUnknown
from brokers.adapters.http import BrokerSession, outcomes


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


@contextmanager
def answering(*answers):
    """A server that gives these answers to whoever asks next, each a list of texts with pauses."""
    left, accepted = list(answers), []

    def serve(connection):
        with connection, suppress(OSError):
            while left and connection.recv(65_536):
                for number, text in enumerate(left.pop(0)):
                    time.sleep(0.1 if number else 0)
                    connection.sendall(text.encode())

    def accept():
        with suppress(OSError):
            while True:
                accepted.append(listener.accept()[0])
                threading.Thread(target=serve, args=(accepted[-1],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        connections.connections.cache_clear()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        connections.connections.cache_clear()
        listener.shutdown(socket.SHUT_RDWR)
    for connection in accepted:
        connection.close()


def final(text, *, length=None):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length or len(text)}\r\n\r\n{text}"


def asked(url):
    """What a call is told, or why nothing is known."""
    try:
        with BrokerSession() as session, outcomes("A broker"):
            return session.request("GET", url).text
    except OutcomeUnknown:
        return None


def test_the_answer_to_one_order_is_never_taken_for_that_to_the_next():
    hints = "HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"
    with answering([hints, final("first")], [final("second")]) as url:
        assert [asked(url), asked(url)] == [None, "second"]


def test_leave_to_go_on_is_no_answer():
    with answering(["HTTP/1.1 100 Continue\r\n\r\n", final("first")], [final("second")]) as url:
        assert [asked(url), asked(url)] == ["first", "second"]


@pytest.mark.parametrize(
    "cut", [final("fir", length=5), "HTTP/1.1 200 OK\r\nContent-", final("first") + final("more")]
)
def test_what_is_left_of_an_answer_is_read_by_nobody(cut, settings):
    settings.BROKER_TIMEOUT_S = 0.3
    with answering([cut], [final("second")]) as url:
        asked(url)
        assert asked(url) == "second"


def test_an_answer_that_comes_too_late_is_read_by_nobody(settings):
    settings.BROKER_TIMEOUT_S = 0.05
    with answering(["", final("first")], [final("second")]) as url:
        assert asked(url) is None
        time.sleep(0.2)
        settings.BROKER_TIMEOUT_S = 1
        assert asked(url) == "second"


def test_nobody_is_sent_on_with_an_accounts_keys(server):
    port = server.server_address[1]
    moved = f"HTTP/1.1 307 Go\r\nLocation: http://localhost:{port}/\r\nContent-Length: 0\r\n\r\n"
    with answering([moved]) as url, pytest.raises(OutcomeUnknown), outcomes("A broker"):
        BrokerSession().request("GET", url, headers={"X-Key": "mine"})
    assert server.seen == []
