"""Kill the process that sends, in the middle: every alert leaves, within its rate.

`ALERTS=10000 ALERTS_RATE=600 python -m pytest tests/faults/test_alerts_survive.py` is the long
version; it takes as long as the rate says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from notifications import services
from notifications.choices import DeliveryStatus as Status
from notifications.models import Delivery

ROOT = Path(__file__).resolve().parents[2]
ALERTS = int(os.environ.get("ALERTS", "240"))
RATE = int(os.environ.get("ALERTS_RATE", "600"))
KILLS = 3
CHANNELS = int(os.environ.get("ALERTS_CHANNELS", "4"))

pytestmark = pytest.mark.django_db(transaction=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.01)
        with self.server.lock:
            self.server.got.append((self.path, self.headers["webhook-id"], time.monotonic()))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    server.got, server.lock = [], threading.Lock()
    server.url = f"http://127.0.0.1:{server.server_port}"
    settings.WEBHOOK_TEST_ORIGINS = [server.url]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def sender(receiver):
    """Start a process that sends; whatever is left of them is gone at the end."""
    options = connection.get_connection_params()
    host, port = options["host"], options["port"]
    url = f"postgres://{options['user']}:{options['password']}@{host}:{port}/{options['dbname']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "backtester.settings",
        "DATABASE_URL": url,
        "WEBHOOK_TEST_ORIGINS": receiver.url,
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
    }
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "faults" / "alert_pump.py")],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def until(condition, *, within_s):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "did not become true"
        time.sleep(0.02)


def test_alerts_leave_without_loss_although_their_sender_is_killed(
    django_user_model, receiver, sender
):
    user = django_user_model.objects.create_user("trader@example.com", "correct horse battery")
    channels = [
        services.channel_create(
            owner_id=user.id, kind="webhook", address=f"{receiver.url}/{n}", rate_per_min=RATE
        )[0]
        for n in range(CHANNELS)
    ]
    each = ALERTS // CHANNELS
    for start in range(0, each, 500):
        with transaction.atomic():
            for number in range(start, min(each, start + 500)):
                services.alert_send(
                    owner_id=user.id, subject=f"alert {number}", text="", channels=channels
                )
    queued = Delivery.objects.exclude(kind="in_app")
    assert queued.filter(status=Status.QUEUED).count() == each * CHANNELS

    process = sender()
    for kill in range(1, KILLS + 1):
        goal = each * CHANNELS * kill // (KILLS + 2)
        until(lambda goal=goal: len(receiver.got) >= goal, within_s=30 + each * 60 / RATE)
        process.kill()
        process.wait()
        # Its lock is free, so that nobody waits for the leases of what it was sending.
        left = set(queued.filter(status=Status.SENDING).values_list("id", "attempts"))
        process = sender()
        until(
            lambda left=left: left.isdisjoint(
                queued.filter(status=Status.SENDING).values_list("id", "attempts")
            ),
            within_s=20,
        )
        # What was on its way is tried again after its back-off; not so long here.
        queued.filter(status=Status.QUEUED).update(due_at=timezone.now())
    until(
        lambda: not queued.exclude(status=Status.SENT).exists(),
        within_s=60 + 1.5 * each * 60 / RATE,
    )
    got = Counter((path, identifier) for path, identifier, _ in receiver.got)
    assert len(got) == each * CHANNELS, "nothing is lost"
    twice = sum(got.values()) - len(got)
    assert twice <= KILLS * CHANNELS, "at most what was on its way is sent again"
    for path in {path for path, _ in got}:
        times = sorted(at for where, _, at in receiver.got if where == path)
        for first, later in zip(times, times[RATE + KILLS :], strict=False):
            assert later - first > 55, "no more in a minute than the rate says"
