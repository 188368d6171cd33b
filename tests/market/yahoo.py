"""A server on loopback that speaks what yfinance asks Yahoo: cookies, crumbs, charts, failures."""

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

NEW_YORK = {
    "currency": "USD",
    "instrumentType": "EQUITY",
    "exchangeName": "NMS",
    "fullExchangeName": "NasdaqGS",
    "exchangeTimezoneName": "America/New_York",
    "timezone": "EST",
    "gmtoffset": -18000,
    "longName": "Apple Inc.",
    "priceHint": 2,
    "validRanges": ["1d", "5d", "1mo", "max"],
}


@dataclass
class Quotes:
    """What the server knows of a symbol at one interval: rows of (epoch s, o, h, l, c, volume)."""

    rows: list[tuple[Any, ...]]
    adjclose: list[Any] | None = None
    dividends: dict[int, float] = field(default_factory=dict)
    splits: dict[int, tuple[float, float]] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=lambda: dict(NEW_YORK))


@dataclass
class Yahoo:
    """The server's state: what it knows, how it misbehaves, what it was asked.

    `mischief` is how replies to queries for bars go wrong: "429", "500", "html", "shape",
    "truncated", "cut", "sleep"; with "!" at its end those to queries for the time zone do too.
    """

    url: str
    mischief: str = ""
    quotes: dict[tuple[str, str], Quotes] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def charts(self) -> list[dict[str, str]]:
        """The queries for bars, without those for the time zone."""
        return [q for path, q in self.asked if path.startswith("/v8/") and "period1" in q]

    def mischief_for(self, query: dict[str, str]) -> str:
        always = self.mischief.endswith("!")
        return self.mischief.rstrip("!") if always or "period1" in query else ""

    def quotes_of(self, symbol: str, interval: str) -> Quotes | None:
        found = self.quotes.get((symbol, interval))
        if found is None and interval == "1d":
            # The time zone is asked for by a day's chart, whatever the interval wanted.
            found = next((q for (known, _), q in self.quotes.items() if known == symbol), None)
        return found


def _chart(quotes: Quotes, symbol: str, query: dict[str, str]) -> dict[str, Any]:
    first, last = int(query.get("period1", 0)), int(query.get("period2", 2**40))
    keep = [at for at, row in enumerate(quotes.rows) if first <= row[0] < last]
    rows = [quotes.rows[at] for at in keep]
    indicators: dict[str, Any] = {
        "quote": [
            {
                name: [row[column] for row in rows]
                for column, name in enumerate(("open", "high", "low", "close", "volume"), start=1)
            }
        ]
        if rows
        else [{}]
    }
    if quotes.adjclose is not None:
        indicators["adjclose"] = [{"adjclose": [quotes.adjclose[at] for at in keep]}]
    events: dict[str, Any] = {
        "dividends": {
            str(at): {"amount": amount, "date": at}
            for at, amount in quotes.dividends.items()
            if first <= at < last
        },
        "splits": {
            str(at): {"date": at, "numerator": top, "denominator": bottom}
            for at, (top, bottom) in quotes.splits.items()
            if first <= at < last
        },
    }
    meta = {**quotes.meta, "symbol": symbol, "dataGranularity": query.get("interval", "1d")}
    if query.get("interval", "1d")[-1] in "mh":
        sessions = sorted({row[0] // 86400 for row in rows})
        periods = [
            {
                "timezone": "EST",
                "start": day * 86400 + 52200,
                "end": day * 86400 + 75600,
                "gmtoffset": -18000,
            }
            for day in sessions
        ]
        meta["tradingPeriods"] = [[period] for period in periods]
    result = {"meta": meta, "indicators": indicators, "events": events}
    if rows:
        result["timestamp"] = [row[0] for row in rows]
    return {"chart": {"result": [result], "error": None}}


NOT_FOUND = {
    "chart": {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
}


BROKEN = {
    "429": (429, b"Too Many Requests", "text/plain"),
    "500": (500, b"<html>Internal Server Error</html>", "text/html"),
    "html": (200, b"<html>Something else</html>", "text/html"),
    "shape": (200, b'{"chart": {"result": [{"meta": {}}], "error": null}}', "application/json"),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.state.asked.append((parts.path, query))
        if parts.path == "/v1/test/getcrumb":
            self.answer(200, b"crumb", kind="text/plain")
        elif parts.path.startswith("/v8/finance/chart/"):
            self.chart(unquote(parts.path.rsplit("/chart/", 1)[1]), query)
        else:
            # fc.yahoo.com answers 404 with a cookie; consent pages, with nothing of use.
            self.answer(404, b"", kind="text/html", cookie=True)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def chart(self, symbol: str, query: dict[str, str]) -> None:
        mischief = self.server.state.mischief_for(query)
        if mischief in BROKEN:
            status, body, kind = BROKEN[mischief]
            return self.answer(status, body, kind=kind)
        if mischief == "sleep":
            time.sleep(1.6)
        quotes = self.server.state.quotes_of(symbol, query.get("interval", "1d"))
        if quotes is None:
            return self.answer(404, json.dumps(NOT_FOUND).encode())
        body = json.dumps(_chart(quotes, symbol, query)).encode()
        if mischief == "truncated":
            body = body[: len(body) // 2]
        return self.answer(200, body, cut=mischief == "cut")

    def answer(
        self,
        status: int,
        body: bytes,
        *,
        kind: str = "application/json",
        cookie: bool = False,
        cut: bool = False,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if cookie:
            self.send_header("Set-Cookie", "A3=cookie; Path=/")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    state: Yahoo

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that gave up waiting


@contextmanager
def yahoo_server() -> Iterator[Yahoo]:
    """Serve until the block ends."""
    server = Server(("127.0.0.1", 0), Handler)
    server.state = Yahoo(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
