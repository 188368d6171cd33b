"""Order updates over real WebSockets on loopback, beside the simulated brokers.

What the matching engine does is told to every connection at once. `drop` cuts them all without a
word; while `mute` is on nothing is told, as of a stream that loses; `twice` repeats everything, and
`held` keeps what would be told, to be told in another order.
"""

from __future__ import annotations

import json
import random
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


class Socket:
    """Base of the streams; `told` makes the frames of an event of the matching engine."""

    def __init__(self, venue):
        self.venue = venue
        self.url = ""
        self.opened = 0
        self.refuses = 0
        self.mute = self.twice = self.token_expired = False
        self.held = None
        self.lines = []
        venue.exchange.listeners.append(self.happened)

    def happened(self, event, order, trade):
        frames = [] if self.mute else self.told(event, order, trade)
        frames = frames * 2 if self.twice else frames
        if self.held is not None:
            self.held += frames
        else:
            self.send(frames)

    def release(self, seed=3):
        """Tell what was held, mixed up."""
        frames, self.held = self.held, None
        random.Random(seed).shuffle(frames)
        self.send(frames)

    def send(self, frames):
        for line in list(self.lines):
            for frame in frames:
                with suppress(ConnectionClosed, OSError):
                    line.send(frame)

    def drop(self):
        for line in list(self.lines):
            with suppress(OSError):
                line.socket.shutdown(2)

    def handle(self, line):
        self.opened += 1
        try:
            self.greet(line)
            while True:
                self.heard(line, line.recv())
        except ConnectionClosed:
            pass
        finally:
            if line in self.lines:
                self.lines.remove(line)

    def greet(self, line):
        """Say something before anything was asked."""

    def heard(self, line, frame):
        """Take what a client says."""

    def request(self, line, request):
        if self.refuses:
            self.refuses -= 1
            self.opened += 1
            return line.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not now")
        if not self.admits(request):
            self.opened += 1
            return line.respond(HTTPStatus.FORBIDDEN, "token")
        return None

    def admits(self, request):
        return True

    @contextmanager
    def running(self):
        server = serve(self.handle, "127.0.0.1", 0, process_request=self.request, close_timeout=0.2)
        self.url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.drop()
            server.shutdown()
            thread.join()


def milliseconds(moment):
    return int(moment.timestamp() * 1000)


class AlpacaSocket(Socket):
    """`/stream`: JSON as bytes, `trade_updates`. Its ids of executions are not the activities'."""

    def heard(self, line, frame):
        asked = json.loads(frame)
        if asked["action"] == "authenticate":
            good = asked["data"] == {"key_id": "key", "secret_key": "secret"}
            status = "authorized" if good and not self.token_expired else "refused"
            line.send(frame_of("authorization", {"status": status, "action": "authenticate"}))
            return
        assert asked == {"action": "listen", "data": {"streams": ["trade_updates"]}}
        self.lines.append(line)
        line.send(frame_of("listening", {"streams": ["trade_updates"]}))

    def told(self, event, order, trade):
        names = {"filled": "fill", "partially_filled": "partial_fill"}
        data = {"event": event, "order": self.venue.shown(order)}
        if trade:
            data |= {
                "event": names.get(order.status, "fill"), "execution_id": f"stream-{trade.id}",
                "qty": str(trade.quantity), "price": str(trade.price),
                "timestamp": trade.at.isoformat(),
            }  # fmt: skip
        return [frame_of("trade_updates", data)]


def frame_of(stream, data):
    return json.dumps({"stream": stream, "data": data}).encode()


class BinanceSocket(Socket):
    """`/ws-api/v3`: a signed subscription, then `executionReport`."""

    def heard(self, line, frame):
        asked = json.loads(frame)
        assert asked["method"] == "userDataStream.subscribe.signature"
        given = asked["params"]
        if given["apiKey"] != "key" or self.token_expired:
            error = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
            line.send(json.dumps({"id": asked["id"], "status": 401, "error": error}))
            return
        assert len(given["signature"]) == 64
        assert abs(given["timestamp"] - self.venue.now_ms()) < 5000
        self.lines.append(line)
        result = {"subscriptionId": 0}
        line.send(json.dumps({"id": asked["id"], "status": 200, "result": result}))

    def told(self, event, order, trade):
        canceled = event == "canceled"
        shown = self.venue.shown(order)
        report = {
            "e": "executionReport", "E": milliseconds(datetime.now(UTC)), "s": order.symbol,
            "c": "of-the-cancel" if canceled else order.client_id,
            "C": order.client_id if canceled else "",
            "S": shown["side"], "o": shown["type"], "f": "GTC", "q": shown["origQty"],
            "p": str(order.limit or 0), "P": str(order.stop or 0), "x": event.upper(),
            "X": shown["status"], "r": "NONE", "i": int(order.id), "l": "0", "L": "0",
            "z": shown["executedQty"], "n": "0", "N": None, "T": 0, "t": -1,
        }  # fmt: skip
        if trade:
            charged, coin = self.venue.charged(trade)
            report |= {
                "x": "TRADE", "l": str(trade.quantity), "L": str(trade.price), "n": str(charged),
                "N": coin, "T": milliseconds(trade.at), "t": int(trade.id[1:]),
            }  # fmt: skip
        return [json.dumps({"subscriptionId": 0, "event": report})]

    def terminate(self):
        """End the subscription, and leave the connection open."""
        event = {"e": "eventStreamTerminated", "E": self.venue.now_ms()}
        self.send([json.dumps({"subscriptionId": 0, "event": event})])


class ZerodhaSocket(Socket):
    """Bytes for prices, text for orders; the token is in the address."""

    def admits(self, request):
        given = parse_qs(urlsplit(request.path).query)
        right = given == {"api_key": ["key"], "access_token": ["token"]}
        return right and not self.token_expired

    def greet(self, line):
        self.lines.append(line)
        line.send(b"\x00")

    def told(self, event, order, trade):
        return [json.dumps({"type": "order", "id": "", "data": self.venue.shown(order)})]


DHAN_TYPES = {"market": "MKT", "limit": "LMT", "stop": "SLM", "stop_limit": "SL"}
DHAN_STATUSES = {"new": "Pending", "canceled": "Cancelled"}


class DhanSocket(Socket):
    """A login without an answer; connections with another token are closed."""

    def heard(self, line, frame):
        asked = json.loads(frame)["LoginReq"]
        if asked != {"MsgCode": 42, "ClientId": "1000", "Token": "token"} or (self.token_expired):
            line.close()
            return
        self.lines.append(line)

    def told(self, event, order, trade):
        data = {
            "Exchange": "NSE", "Segment": self.venue.segment(order.symbol)[4].replace("F", "D"),
            "SecurityId": self.venue.number(order.symbol), "Symbol": order.symbol,
            "OrderNo": order.id, "CorrelationId": order.client_id, "TxnType": order.side[0].upper(),
            "OrderType": DHAN_TYPES[order.type], "Quantity": int(order.quantity),
            "TradedQty": int(order.filled), "Status": DHAN_STATUSES.get(order.status, "Traded"),
            "ReasonDescription": "",
        }  # fmt: skip
        return [json.dumps({"Type": "order_alert", "Data": data})]
