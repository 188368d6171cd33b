"""A server on loopback that answers as a provider does, and goes wrong in the ways servers do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Reply = tuple[int, Any]
Query = dict[str, str]


@dataclass
class Source:
    """What a server knows. Subclasses say how to answer; `asked` is what it was asked.

    `mischief` goes wrong in every reply from the `after`-th query for bars on: "429", "500",
    "html", "shape", "truncated", "cut", "sleep", "401".
    """

    url: str = ""
    mischief: str = ""
    after: int = 0
    times: int = 10**9
    asked: list[tuple[str, Query]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def answer(self, path: str, query: Query) -> Reply:
        raise NotImplementedError

    def is_bars(self, path: str) -> bool:
        raise NotImplementedError

    def refusal(self, status: int) -> Any:
        return {"message": "no"}

    def bar_queries(self) -> list[Query]:
        return [query for path, query in self.asked if self.is_bars(path)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        source = self.server.source
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with source.lock:
            source.asked.append((path, query))
            source.headers.append(dict(self.headers))
            nth = len(source.bar_queries())
        bad = source.mischief if source.is_bars(path) else ""
        bad = bad if source.after < nth <= source.after + source.times else ""
        if bad in {"429", "500", "401"}:
            return self.send(int(bad), json.dumps(source.refusal(int(bad))).encode())
        if bad == "html":
            return self.send(200, b"<html>Something else</html>", kind="text/html")
        if bad == "shape":
            return self.send(200, b'{"something": "else"}')
        if bad == "sleep":
            time.sleep(1.6)
        status, body = source.answer(path, query)
        data = json.dumps(body).encode()
        if bad == "truncated":
            data = data[: len(data) // 2]
        return self.send(status, data, cut=bad == "cut")

    def send(
        self, status: int, data: bytes, *, kind: str = "application/json", cut: bool = False
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    source: Source

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that gave up waiting


@contextmanager
def served(source: Source) -> Iterator[Any]:
    """Serve until the block ends."""
    server = Server(("127.0.0.1", 0), Handler)
    server.source = source
    source.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
