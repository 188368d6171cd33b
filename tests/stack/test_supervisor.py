"""Order, restarts, and the end of everything."""

from __future__ import annotations

import os
import signal

import pytest

from backtester.stack import supervisor as module
from backtester.stack.errors import StackError
from backtester.stack.supervisor import StopAsked, Supervisor, stop_signals_raise

SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def lines():
    return []


@pytest.fixture
def supervisor(lines):
    made = Supervisor(emit=lines.append)
    yield made
    made.stop()


def test_a_child_that_dies_is_started_again(supervisor, python_service, lines, monkeypatch):
    monkeypatch.setattr(module, "WATCH_S", 0.02)
    monkeypatch.setattr(module, "BACKOFF_S", (0.05,))
    service = python_service(SLEEP)
    supervisor.start([service])
    first = service.pid
    os.kill(first, signal.SIGKILL)
    supervisor.watch(until=lambda: "started again" in lines[-1])
    assert service.pid != first
    assert lines[1].startswith("child ended by SIGKILL; next try in 0.05 s")


def test_the_pauses_between_starts_grow(supervisor, python_service, lines, monkeypatch):
    monkeypatch.setattr(module, "WATCH_S", 0.01)
    monkeypatch.setattr(module, "BACKOFF_S", (0.01, 0.02, 0.03))
    supervisor.start([python_service("import time; time.sleep(0.3); raise SystemExit(3)")])
    supervisor.watch(until=lambda: sum("with code 3" in line for line in lines) == 4)
    pauses = [line.split("next try in ")[1].split()[0] for line in lines if "next try" in line]
    assert pauses == ["0.01", "0.02", "0.03", "0.03"]


def test_tiers_stop_in_reverse_order(python_service, folder, lines, eventually):
    code = (
        "import os, signal, sys, time\n"
        "folder = os.environ['FOLDER']\n"
        "def end(*_):\n"
        "    with open(folder + '/ends', 'a') as file: file.write('NAME ')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "open(folder + '/NAME', 'w').close()\n"
        "time.sleep(60)\n"
    )
    supervisor = Supervisor(emit=lines.append)
    for name in ("database", "web"):
        supervisor.start([python_service(code.replace("NAME", name), name=name)])
    for name in ("database", "web"):
        eventually((folder / name).exists)
    supervisor.stop()
    assert (folder / "ends").read_text() == "web database "


def test_a_start_that_fails_half_way_stops_what_was_started(python_service, lines, is_alive):
    class Broken(type(python_service(""))):
        def start(self):
            raise StackError("cannot")

    supervisor = Supervisor(emit=lines.append)
    first = python_service(SLEEP, name="first")
    broken = Broken(first.command)
    supervisor.start([first])
    pid = first.pid
    with pytest.raises(StackError, match="cannot"):
        supervisor.start([broken])
    supervisor.stop()
    assert not is_alive(pid)


def test_a_second_signal_while_stopping_kills_at_once(
    python_service, lines, is_alive, folder, eventually
):
    ignore = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open(os.environ['FOLDER'] + '/ready', 'w').close()\n"
        "time.sleep(60)\n"
    )
    supervisor = Supervisor(emit=lines.append)
    service = python_service(ignore, grace_s=30)
    supervisor.start([service])
    eventually((folder / "ready").exists)
    pid = service.pid
    with stop_signals_raise():
        signal.setitimer(signal.ITIMER_REAL, 0)
        before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            supervisor.stop()
        finally:
            signal.signal(signal.SIGALRM, before)
    assert not is_alive(pid)
    assert lines[-1] == "stopping at once"


def test_a_child_that_ends_right_after_its_start_is_told_with_its_last_line(
    supervisor, python_service, eventually
):
    broken = python_service("raise SystemExit('no module named tasks')", name="worker")

    class Slow(type(broken)):
        def start(self):
            super().start()
            eventually(lambda: broken.exit_code() is not None)

    slow = Slow(python_service(SLEEP, name="web").command)
    with pytest.raises(StackError, match=r"worker ended with code 1 .*: no module named tasks"):
        supervisor.start([broken, slow])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_stop_signal_ends_the_watch(number):
    before = signal.getsignal(number)
    with pytest.raises(StopAsked), stop_signals_raise():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
