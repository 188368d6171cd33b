"""How long one backtest takes from the outside: HTTP in, result out, through the worker.

It starts an installation of its own for that time, or measures one that runs::

    .venv/bin/python -m benchmarks.quick_backtest --base-url http://127.0.0.1:8000

It registers a user of its own and measures, with warm processes:

1. the time of ``POST /api/v1/backtest`` in the front end's form on GOOG daily, one after another;
2. ``GET /healthz`` alone, and while 100 such requests wait at once: how much they delay others.

Goals: median below 100 ms, 95th percentile below 250 ms. Exit code 1 where `--check` is given and
a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import requests

from backtester.stack.session import running_stack

FORM = {
    "ticker": "GOOG",
    "startDate": "2004-08-19",
    "endDate": "2013-03-01",
    "strategy": "sma_cross",
    "capital": 10000,
}
# A worker that has just started compiles or loads its kernels first.
PATIENT = {"Prefer": "wait=30"}
MEDIAN_GOAL_MS, P95_GOAL_MS = 100.0, 250.0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base-url", help="an installation that runs already")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--waiting", type=int, default=100)
    parser.add_argument("--check", action="store_true", help="fail where a goal is missed")
    options = parser.parse_args()
    if options.base_url:
        return measure(options.base_url.rstrip("/"), options)
    with TemporaryDirectory() as folder:
        # PostgreSQL does not run as root: its user must be able to enter the folder.
        Path(folder).chmod(0o711)
        with running_stack(Path(folder) / "var", demo=False) as stack:
            return measure(stack.base_url, options)


def measure(base: str, options: argparse.Namespace) -> int:
    """Measure one installation, print the figures, and return the exit code."""
    session = session_of_new_user(base)
    for _ in range(10):
        backtest(session, base)
    quick = [timed(lambda: backtest(session, base)) for _ in range(options.requests)]
    alone, among, crowd = crowd_measure(session, base, options.waiting)
    report = {
        "quick_backtest_ms": spread(quick),
        "healthz_alone_ms": spread(alone),
        f"healthz_while_{options.waiting}_wait_ms": spread(among),
        f"{options.waiting}_at_once_ms": spread(crowd),
    }
    print(json.dumps(report, indent=2))
    measured = report["quick_backtest_ms"]
    missed = measured["median"] > MEDIAN_GOAL_MS or measured["p95"] > P95_GOAL_MS
    return 1 if options.check and missed else 0


def session_of_new_user(base: str) -> requests.Session:
    """Return a session that is logged in as a user made for this."""
    login = {
        "email": f"bench-{secrets.token_hex(6)}@example.com",
        "password": secrets.token_urlsafe(16),
    }
    session = requests.Session()
    answer_of(session.post(f"{base}/api/v1/auth/register", json=login | {"name": "Benchmark"}))
    tokens = answer_of(session.post(f"{base}/api/v1/auth/login", json=login))
    session.headers["Authorization"] = f"Bearer {tokens['access']}"
    return session


def answer_of(response: requests.Response) -> dict[str, object]:
    """Return the body of a success; stop with what the server said otherwise."""
    if not response.ok:
        sys.exit(f"{response.request.url}: {response.status_code} {response.text[:500]}")
    body: dict[str, object] = response.json()
    return body


def backtest(session: requests.Session, base: str) -> None:
    """Do one backtest and make sure that it is one."""
    response = session.post(f"{base}/api/v1/backtest", json=FORM, headers=PATIENT, timeout=60)
    body = answer_of(response)
    if response.status_code != 200 or body["status"] != "completed":
        sys.exit(f"No result within the wait: {response.status_code} {response.text[:500]}")


def crowd_measure(
    session: requests.Session, base: str, waiting: int
) -> tuple[list[float], list[float], list[float]]:
    """Return the times of a light request alone, among a crowd, and those of the crowd."""
    alone = [timed(lambda: requests.get(f"{base}/healthz", timeout=60)) for _ in range(50)]
    start, over = Event(), Event()

    def one_of_the_crowd(_: int) -> float:
        own = requests.Session()
        own.headers.update(session.headers)
        own.get(f"{base}/healthz", timeout=60)
        start.wait()
        return timed(lambda: backtest(own, base))

    def light_requests() -> list[float]:
        own, times = requests.Session(), []
        start.wait()
        while not over.is_set():
            times.append(timed(lambda: own.get(f"{base}/healthz", timeout=60)))
            time.sleep(0.005)
        return times

    with ThreadPoolExecutor(waiting + 1) as threads:
        light = threads.submit(light_requests)
        crowd = [threads.submit(one_of_the_crowd, number) for number in range(waiting)]
        time.sleep(1)
        start.set()
        times = [future.result() for future in crowd]
        over.set()
        return alone, light.result(), times


def timed(call: Callable[[], object]) -> float:
    """Return how many milliseconds a call takes."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def spread(times: list[float]) -> dict[str, float]:
    """Return median, 95th percentile and maximum."""
    ordered = sorted(times)
    return {
        "count": len(ordered),
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
        "max": round(ordered[-1], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
