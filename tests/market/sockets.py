"""WebSockets on loopback that speak as Alpaca's data stream and as Binance do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgpack
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.market.loopback import Source


@dataclass
class Socket:
    """What a server knows: who is connected, what each subscribed to, and what to tell at once.

    `greets` are prices by symbol, told to every subscription of theirs.
    """

    url: str = ""
    refuses: int = 0
    greets: dict[str, float] = field(default_factory=dict)
    traded_at: datetime | None = None
    opened: int = 0
    paths: list[str] = field(default_factory=list)
    lines: dict[ServerConnection, set[str]] = field(default_factory=dict)
    source: Source | None = None

    def talk(self, line: ServerConnection) -> None:
        raise NotImplementedError

    def frame(self, symbol: str, price: float, at: datetime) -> Any:
        raise NotImplementedError

    def tell(self, symbol: str, price: float, at: datetime) -> None:
        for line, symbols in list(self.lines.items()):
            if symbol in symbols:
                with suppress(ConnectionClosed):
                    line.send(self.frame(symbol, price, at))

    def drop(self) -> None:
        """Cut every connection without a word."""
        for line in list(self.lines):
            # The other side may be faster.
            with suppress(OSError):
                line.socket.shutdown(2)

    def follow(self, line: ServerConnection, symbols: list[str]) -> None:
        self.lines[line] |= set(symbols)
        for symbol in symbols:
            if symbol in self.greets:
                assert self.traded_at is not None
                line.send(self.frame(symbol, self.greets[symbol], self.traded_at))

    def subscribed(self) -> list[list[str]]:
        return [sorted(symbols) for symbols in list(self.lines.values())]

    def handle(self, line: ServerConnection) -> None:
        self.opened += 1
        self.paths.append(line.request.path if line.request else "")
        self.lines[line] = set()
        try:
            self.talk(line)
        except ConnectionClosed:
            pass
        finally:
            del self.lines[line]

    def request(self, _line: ServerConnection, request: Request) -> Response | None:
        """Answer what is no WebSocket, as the REST side of the same host; refuse what is to be."""
        if "Upgrade" not in request.headers:
            assert self.source is not None
            parts = urlsplit(request.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.source.asked.append((parts.path, query))
            status, body = self.source.answer(parts.path, query)
            data = json.dumps(body).encode()
            headers = Headers(
                {"Content-Type": "application/json", "Content-Length": str(len(data))}
                | {"Connection": "close"}
            )
            return Response(status, "OK", headers, data)
        if self.refuses > 0:
            self.refuses -= 1
            self.opened += 1
            return _line.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not now")
        return None


@dataclass
class AlpacaSocket(Socket):
    """`/v2/FEED`: messages as msgpack, each a list."""

    key: str = "AK1"
    error: tuple[int, str] | None = None

    def talk(self, line: ServerConnection) -> None:
        line.send(msgpack.packb([{"T": "success", "msg": "connected"}]))
        given = msgpack.unpackb(line.recv())
        if given != {"action": "auth", "key": self.key, "secret": "s"}:
            line.send(msgpack.packb([{"T": "error", "code": 402, "msg": "auth failed"}]))
            return
        line.send(msgpack.packb([{"T": "success", "msg": "authenticated"}]))
        while True:
            asked = msgpack.unpackb(line.recv())
            if self.error:
                code, words = self.error
                line.send(msgpack.packb([{"T": "error", "code": code, "msg": words}]))
                continue
            if asked["action"] == "unsubscribe":
                self.lines[line] -= set(asked["trades"])
                continue
            line.send(msgpack.packb([{"T": "subscription", "trades": asked["trades"]}]))
            self.follow(line, asked["trades"])

    def frame(self, symbol: str, price: float, at: datetime) -> bytes:
        trade = {
            "T": "t",
            "S": symbol,
            "i": 1,
            "x": "V",
            "p": price,
            "s": 100,
            "c": ["@"],
            "z": "C",
            "t": msgpack.Timestamp.from_datetime(at),
        }
        return msgpack.packb([trade])


@dataclass
class BinanceSocket(Socket):
    """`/ws/N`: JSON, subscriptions as `btcusdt@miniTicker`."""

    def talk(self, line: ServerConnection) -> None:
        while True:
            asked = json.loads(line.recv())
            line.send(json.dumps({"result": None, "id": asked["id"]}))
            names = [name.partition("@")[0].upper() for name in asked["params"]]
            if asked["method"] == "SUBSCRIBE":
                self.follow(line, names)

    def frame(self, symbol: str, price: float, at: datetime) -> str:
        return json.dumps(
            {
                "e": "24hrMiniTicker",
                "E": int(at.timestamp() * 1000),
                "s": symbol,
                "c": str(price),
                "o": "1",
                "h": "1",
                "l": "1",
                "v": "1",
                "q": "1",
            }
        )


@contextmanager
def listening(socket: Socket) -> Iterator[Any]:
    """Serve until the block ends."""
    server = serve(socket.handle, "127.0.0.1", 0, process_request=socket.request, close_timeout=0.5)
    socket.url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield socket
    finally:
        socket.drop()
        server.shutdown()
        thread.join()


def eventually(check: Any, *, within_s: float = 5.0) -> Any:
    """Return what a question answers once that is true; fails after a while."""
    ends_at = time.monotonic() + within_s
    while not (found := check()):
        assert time.monotonic() < ends_at, "it did not come to pass"
        time.sleep(0.01)
    return found
