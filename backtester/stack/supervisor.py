"""Starts services in order, keeps them alive, stops them in reverse order."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtester.stack.errors import StackError
from backtester.stack.service import log_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from backtester.stack.service import Service

WATCH_S = 0.25
BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
HEALTHY_S = 60.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopAsked(KeyboardInterrupt):
    """A signal asks the stack to end: Ctrl-C, a service manager, or a closed terminal."""


@dataclass(slots=True)
class _Watched:
    """A service and the record of its deaths."""

    service: Service
    started_at: float = 0.0
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    """Holds the services of one stack.

    Parameters
    ----------
    emit
        Takes one line for the console.
    """

    def __init__(self, *, emit: Callable[[str], None]) -> None:
        self.emit = emit
        self._tiers: list[list[_Watched]] = []

    def start(self, services: Sequence[Service]) -> None:
        """Start services that may run side by side; they stop together, before earlier ones."""
        tier: list[_Watched] = []
        self._tiers.append(tier)
        for service in services:
            # Recorded first: an interruption in the middle of a start stops it, too.
            watched = _Watched(service, started_at=time.monotonic())
            tier.append(watched)
            service.start()
            self.emit(f"{service.name} started (process {service.pid})")
        for service in services:
            service.settle()
            # By now it is ready: one that cannot even be imported has ended.
            if (code := service.exit_code()) is not None:
                log = service.command.log
                raise StackError(
                    f"{service.name} ended {_describe(code)} right after its start: "
                    f"{log_tail(log, lines=1)} (see {log})"
                )

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Restart what dies, with growing pauses, until asked to stop or `until` is true."""
        while not until():
            for tier in self._tiers:
                for watched in tier:
                    self._look_after(watched)
            time.sleep(WATCH_S)

    def stop(self) -> None:
        """Stop everything in reverse order; a signal meanwhile means: at once.

        Whatever happens here, no process is left.
        """
        tiers, self._tiers = self._tiers[::-1], []
        try:
            for tier in tiers:
                for watched in tier:
                    watched.service.ask_to_stop()
                for watched in tier:
                    watched.service.finish()
        except KeyboardInterrupt:
            self.emit("stopping at once")
        finally:
            for tier in tiers:
                for watched in tier:
                    watched.service.kill()

    def _look_after(self, watched: _Watched) -> None:
        now = time.monotonic()
        service = watched.service
        if watched.restart_at is not None:
            if now >= watched.restart_at:
                self._restart(watched)
            return
        code = service.exit_code()
        if code is None:
            return
        service.kill()  # What is left of its group.
        if now - watched.started_at > HEALTHY_S:
            watched.failures = 0
        self._restart_plan(watched, reason=f"{service.name} ended {_describe(code)}")

    def _restart(self, watched: _Watched) -> None:
        watched.restart_at = None
        watched.started_at = time.monotonic()
        try:
            watched.service.start()
        except StackError as error:
            self._restart_plan(watched, reason=str(error))
        else:
            self.emit(f"{watched.service.name} started again (process {watched.service.pid})")

    def _restart_plan(self, watched: _Watched, *, reason: str) -> None:
        pause_s = BACKOFF_S[min(watched.failures, len(BACKOFF_S) - 1)]
        watched.failures += 1
        watched.restart_at = time.monotonic() + pause_s
        self.emit(f"{reason}; next try in {pause_s:g} s (see {watched.service.command.log})")


def _describe(code: int) -> str:
    if code >= 0:
        return f"with code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Turn the stop signals into `StopAsked` for the time of a block (main thread only)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def raise_stop(number: int, _frame: FrameType | None) -> None:
        raise StopAsked(signal.Signals(number).name)

    before = {number: signal.signal(number, raise_stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
