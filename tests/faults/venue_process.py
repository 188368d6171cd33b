"""A broker in a process of its own, run as a script: it shares no processor time with who is timed.

It prints its address. To each line on its standard input it answers with one of JSON: the client
ids of the orders that have arrived, each with its moment by the system's monotonic clock, and how
many wait. The next answer begins after them.
"""

from __future__ import annotations

import json
import sys
import time
from decimal import Decimal

from tests.venue.alpaca import AlpacaVenue
from tests.venue.http import Server

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


def main():
    Server.request_queue_size = 512
    venue = Arrivals()
    venue.start()
    say(venue.url)
    for _ in sys.stdin:
        say(json.dumps(venue.reported()))


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
