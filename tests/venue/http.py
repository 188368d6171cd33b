"""A real HTTP server on loopback around a broker's endpoints, which can misbehave on purpose."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

# What may happen to a request: whether it reaches the venue, and what the caller gets to see.
ARRIVES = ("drop_after", "error_after", "garbage", "hang", "delay")
LOST = ("drop_before", "error_before")


class Faults:
    """What goes wrong: what is queued for the next requests of a kind, or by chance."""

    def __init__(self):
        self.queued = {}
        self.chance = 0.0
        self.modes = (*ARRIVES, *LOST)
        self.random = random.Random(7)
        self.hang_s = 1.0
        self.token_expired = False
        self.lock = threading.Lock()

    def next(self, kind, *modes):
        self.queued.setdefault(kind, deque()).extend(modes)

    def take(self, kind):
        with self.lock:
            if self.queued.get(kind):
                return self.queued[kind].popleft()
            if self.chance and self.random.random() < self.chance:
                return self.random.choice(self.modes)
        return ""


class Reply(Exception):
    """An answer that ends the handling of a request."""

    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise an answer waits 40 ms for the acknowledgement of its headers.
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def _serve(self):
        venue = self.server.venue
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        kind = venue.kind_of(self.command, parts.path)
        venue.requests.append((self.command, parts.path))
        fault = venue.faults.take(kind)
        if fault == "drop_before":
            return self._drop()
        if fault == "error_before":
            return self._answer(502, {"message": "bad gateway"})
        if fault == "rate_limit":
            return self._answer(*venue.rate_limited())
        if venue.faults.token_expired:
            return self._answer(*venue.unauthorized())
        try:
            status, body = venue.handle(self.command, parts.path, query, raw, self.headers)
        except Reply as reply:
            status, body = reply.status, reply.body
        if fault == "drop_after":
            return self._drop()
        if fault == "error_after":
            return self._answer(504, {"message": "gateway timeout"})
        if fault == "garbage":
            return self._answer(200, b"<html>cut o")
        if fault == "hang":
            time.sleep(venue.faults.hang_s)
            return self._drop()
        if fault == "delay":
            time.sleep(0.05)
        return self._answer(status, body)

    def _answer(self, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is None:
            data = b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _drop(self):
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(Handler, f"do_{verb}", Handler._serve)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *args):
        super().__init__(*args)
        self.sockets = set()

    def get_request(self):
        accepted = super().get_request()
        self.sockets.add(accepted[0])
        return accepted

    def shutdown_request(self, request):
        self.sockets.discard(request)
        super().shutdown_request(request)

    def hang_up(self):
        """Close what callers keep open, as the end of a process does."""
        for request in tuple(self.sockets):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        pass  # A caller that went away after its time-out.


class HttpVenue:
    """Base of the simulated brokers that speak HTTP."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.faults = Faults()
        self.requests = []
        self._server = None
        self.port = 0

    @contextmanager
    def running(self):
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self):
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.venue = self
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self):
        """Stop answering; what was accepted stays in the book."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def kind_of(self, method, path):
        return {"POST": "submit", "DELETE": "cancel", "PUT": "replace", "PATCH": "replace"}.get(
            method, "query"
        )

    def rate_limited(self):
        return 429, {"message": "too many requests"}

    def unauthorized(self):
        return 401, {"message": "forbidden"}

    def told(self, trades):
        """Return trades as a venue that repeats and mixes them up tells them."""
        return [*reversed(trades), *trades]
