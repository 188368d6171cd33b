"""PostgreSQL and Valkey are killed with -9 while orders flow, and started again: no order is there
twice, none that was acknowledged is lost, the positions agree.

`REDIS_KILLED` and `POSTGRES_KILLED` make it long: 100 and 50 are what the platform promises.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from backtester.stack.account import account_for
from backtester.stack.cluster import Cluster
from backtester.stack.ports import port_free_find
from backtester.stack.postgres import PostgresServer
from backtester.stack.valkey import ValkeyServer
from tests.servers import folder_make
from tests.venue.alpaca import AlpacaVenue

REDIS_KILLED = int(os.environ.get("REDIS_KILLED", "2"))
POSTGRES_KILLED = int(os.environ.get("POSTGRES_KILLED", "1"))
ROOT = Path(__file__).resolve().parents[2]
PAUSE_S = 0.2
SETTLED_WITHIN_S = 180
OPEN = "('created', 'submitting', 'unknown', 'accepted', 'partially_filled', 'pending_cancel')"
pytestmark = pytest.mark.django_db


class Servers:
    """A PostgreSQL that keeps what it has acknowledged, and a Valkey that keeps nothing."""

    def __init__(self, folder):
        home = folder / "postgres"
        cluster = Cluster(home=home, account=account_for(home))
        self.postgres = PostgresServer(
            cluster=cluster, port=port_free_find(), log=folder / "postgres.log", durable=True
        )
        self.redis = ValkeyServer(
            home=folder / "valkey",
            port=port_free_find(),
            password=secrets.token_hex(16),
            log=folder / "valkey.log",
            durable=False,
        )
        self.postgres.start()
        self.redis.start()
        self._fill(cluster, folder / "tables.sql")

    def _fill(self, cluster, dump):
        """Copy the tables of the test database: migrating again would take seconds."""
        options = connection.get_connection_params()
        source = f"postgres://{options['user']}:{options['password']}@{options['host']}:"
        source += f"{options['port']}/{options['dbname']}"
        programs = cluster.programs()
        subprocess.run(
            [programs / "pg_dump", "--no-owner", "--file", dump, source], check=True, timeout=60
        )
        subprocess.run(
            [programs / "psql", "--quiet", "--no-psqlrc", "--file", dump, self.postgres.url],
            check=True, timeout=60, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def rows(self, query):
        with psycopg.connect(self.postgres.url) as database:
            return database.execute(query).fetchall()

    def stop(self):
        self.redis.stop()
        self.postgres.stop()


@pytest.fixture
def servers():
    folder = folder_make()
    servers = Servers(folder)
    yield servers
    servers.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def venue():
    with AlpacaVenue().running() as venue:
        venue.exchange.prices["ACME"] = Decimal(100)
        venue.exchange.cash = Decimal(10**9)
        venue.faults.hang_s = 0.4
        yield venue


class Pump:
    """The process under test, and what it has acknowledged."""

    def __init__(self, servers, venue):
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "backtester.settings",
            "DATABASE_URL": servers.postgres.url,
            "REDIS_URL": servers.redis.url,
            "BROKER_URLS": f"alpaca={venue.url}",
            "DATABASE_MAX_AGE_S": "600",
            "LOG_LEVEL": "CRITICAL",
            "PYTHONPATH": str(ROOT),
        }
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/faults/order_pump.py", str(PAUSE_S)],
            cwd=ROOT, env=environment, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.told = []
        self.workers_ended = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            word, _, rest = line.strip().partition(" ")
            self.workers_ended += word == "ended"
            if word in {"placed", "refused:", "stopped"}:  # the worker has a banner of its own
                self.told.append(rest if word == "placed" else line.strip())

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def pump(servers, venue):
    pump = Pump(servers, venue)
    yield pump
    pump.kill()


def until(condition, *, within_s, pump=None):
    deadline = time.monotonic() + within_s
    while not condition():
        assert pump is None or pump.process.poll() is None, "the process under test has ended"
        assert time.monotonic() < deadline, "did not become true"
        time.sleep(0.05)


def test_no_order_is_doubled_or_lost_when_the_servers_are_killed(servers, venue, pump):
    chance = random.Random(20_260_103)
    until(lambda: len(pump.told) > 2, within_s=60, pump=pump)
    venue.faults.chance = 0.1
    kills = [servers.redis] * REDIS_KILLED + [servers.postgres] * POSTGRES_KILLED
    chance.shuffle(kills)
    for server in kills:
        before = len(pump.told)
        time.sleep(chance.uniform(0.05, 0.5))
        server.kill()
        time.sleep(chance.uniform(0.0, 0.2))
        server.start()
        until(lambda before=before: len(pump.told) > before + 2, within_s=60, pump=pump)
        venue.exchange.tick("ACME", chance.choice(["99", "100", "101"]))
    pump.process.stdin.write("stop\n")
    pump.process.stdin.flush()
    until(lambda: pump.told[-1] == "stopped", within_s=30)
    venue.faults.chance = 0.0
    took_s = settle(servers, venue)
    orders, fills = check(servers, venue, pump.told[:-1])
    print(  # noqa: T201 - the figures of a long run
        f"{REDIS_KILLED} kills of Valkey, {POSTGRES_KILLED} of PostgreSQL: {orders} orders, "
        f"{fills} fills, settled {took_s:.1f} s after the last; {pump.workers_ended} workers ended"
    )


def settle(servers, venue):
    """Move the price through every limit until the last order has come to its end."""
    began = time.monotonic()

    def settled():
        for price in (90, 110, 100):
            venue.exchange.tick("ACME", price)
        ((count,),) = servers.rows(f"SELECT count(*) FROM brokers_order WHERE status IN {OPEN}")
        return not count

    try:
        until(settled, within_s=SETTLED_WITHIN_S)
    except AssertionError:
        left = "SELECT status, reason_code, count(*) FROM brokers_order GROUP BY 1, 2"
        raise AssertionError(servers.rows(left)) from None
    took_s = time.monotonic() - began
    # Positions and fills are compared every two seconds: once more after the last order.
    since = servers.rows("SELECT max(reconciled_at) FROM brokers_brokeraccount")
    until(
        lambda: servers.rows("SELECT max(reconciled_at) FROM brokers_brokeraccount") > since,
        within_s=30,
    )
    return took_s


def check(servers, venue, acknowledged):
    """Nothing twice, nothing lost, and both sides agree."""
    assert not [line for line in acknowledged if line.startswith("refused")]
    rows = servers.rows("SELECT client_order_id, status, filled_quantity FROM brokers_order")
    ours = {client_id: (status, filled) for client_id, status, filled in rows}
    assert sorted(ours) == sorted(acknowledged), "no intent is lost, none is made twice"
    there = Counter(order.client_id for order in venue.exchange.orders.values())
    assert not [each for each, count in there.items() if count > 1], "no order is there twice"
    assert there.keys() <= ours.keys()
    for order in venue.exchange.orders.values():
        assert ours[order.client_id] == (order.status, order.filled)
    for client_id, (status, _) in ours.items():
        assert client_id in there or status in {"rejected", "denied"}
    ((fills,),) = servers.rows("SELECT count(*) FROM brokers_fill")
    assert fills == len(venue.exchange.trades), "each fill counts once"
    ((held,),) = servers.rows("SELECT coalesce(sum(quantity), 0) FROM brokers_position")
    assert held == venue.exchange.positions().get("ACME", 0)
    assert servers.rows("SELECT state, mismatch FROM brokers_brokeraccount") == [("active", [])]
    return len(ours), fills
