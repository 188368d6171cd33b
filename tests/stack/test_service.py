"""One supervised process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backtester.stack.errors import StackError
from backtester.stack.service import command_run

READY = "open(os.environ['FOLDER'] + '/ready', 'w').write(str(os.getpid()))\n"
STUBBORN = (
    "import os, signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = os.fork()\n"
    "if child: " + READY + "time.sleep(60)\n"
)


def test_an_obedient_process_ends_by_the_stop_signal(python_service):
    service = python_service("import time; time.sleep(60)")
    service.spawn()
    started = time.monotonic()
    service.stop()
    assert time.monotonic() - started < 2


def test_a_process_that_ignores_the_signal_is_killed_with_its_children(
    python_service, folder, eventually
):
    service = python_service(STUBBORN, grace_s=0.2)
    service.spawn()
    eventually((folder / "ready").exists)
    group = service.pid
    service.stop()
    # No member of the group is left (zombies of init's aside).
    eventually(lambda: not members(group))


def test_a_missing_program_is_an_exit_with_a_line_in_the_log(python_service):
    service = python_service("")
    object.__setattr__(service.command, "argv", ("/nowhere/program",))
    with pytest.raises(StackError, match=r"child failed with code 1: /nowhere/program: No such"):
        command_run(service.command)


def test_a_command_that_hangs_is_ended(python_service):
    service = python_service("import time; time.sleep(60)")
    with pytest.raises(StackError, match="did not end within 0 s"):
        command_run(service.command, timeout_s=0.2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of such a death")
def test_a_kill_of_the_supervisor_leaves_no_child(folder, eventually, is_alive):
    """The servers, a child that ignores signals: all end when their parent is killed."""
    script = f"""
import os, sys, time
from pathlib import Path
from backtester.stack.account import account_for
from backtester.stack.cluster import Cluster
from backtester.stack.ports import port_free_find
from backtester.stack.postgres import PostgresServer
from backtester.stack.service import Command, Service
from backtester.stack.valkey import ValkeyServer
folder = Path({str(folder)!r})
home = folder / "postgres"
services = [
    PostgresServer(cluster=Cluster(home=home, account=account_for(home)),
                   port=port_free_find(), log=folder / "postgres.log", durable=False),
    ValkeyServer(home=folder / "valkey", port=port_free_find(), password="x",
                 log=folder / "valkey.log"),
    Service(Command(name="stubborn", log=folder / "stubborn.log", cwd=folder,
                    environment={{"FOLDER": str(folder)}},
                    argv=(sys.executable, "-c", {STUBBORN!r}))),
]
for service in services:
    service.start()
while not (folder / "ready").exists():
    time.sleep(0.01)
print(*[service.pid for service in services], flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as supervisor:
        children = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(children) == 3
        assert all(is_alive(pid) for pid in children)
        supervisor.kill()
    for pid in children:
        eventually(lambda pid=pid: not is_alive(pid))
    for pid in members(children[2]):  # The grandchild knows of no leash: tidy up.
        os.kill(pid, signal.SIGKILL)


def members(group):
    """Return the living processes of a process group."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found
