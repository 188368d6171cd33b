"""A broker in a process of its own, run as a script, that takes little time from who is timed.

It prints its address. To each line on its standard input it answers with one of JSON: the client
ids of the orders that have arrived, each with its moment by the system's monotonic clock, and how
many wait. The next answer begins after them.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from decimal import Decimal
from urllib.parse import parse_qsl

import uvicorn

from tests.venue.alpaca import AlpacaVenue
from tests.venue.http import Reply

SYMBOLS = 200


class Arrivals(AlpacaVenue):
    """Notes when orders arrive."""

    def __init__(self):
        super().__init__()
        self.arrived = []
        self.exchange.cash = Decimal(10**12)
        self.exchange.prices |= {f"S{number}": Decimal(100) for number in range(SYMBOLS)}

    def _place(self, body, **more):
        self.arrived.append((body["client_order_id"], time.monotonic()))
        return super()._place(body, **more)

    def reported(self):
        arrived, self.arrived = self.arrived, []
        return {"arrived": arrived, "open": len(self.exchange.open())}

    async def __call__(self, scope, receive, send):
        """Answer one request, as an ASGI application."""
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().upper(): value.decode() for name, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        try:
            status, body = self.handle(scope["method"], scope["path"], query, raw, headers)
        except Reply as reply:
            status, body = reply.status, reply.body
        data = b"" if body is None else json.dumps(body).encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": data})


def main():
    venue = Arrivals()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    config = uvicorn.Config(venue, lifespan="off", log_level="error", timeout_keep_alive=120)
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
    say(f"http://127.0.0.1:{listener.getsockname()[1]}")
    for _ in sys.stdin:
        say(json.dumps(venue.reported()))


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
