"""A whole stack for the time of a `with` block."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from backtester.stack import programs
from backtester.stack.errors import StackError
from backtester.stack.layout import Layout
from backtester.stack.ports import HOST, port_free_find, port_is_free, port_keep_or_find
from backtester.stack.postgres import PostgresServer
from backtester.stack.service import Command, command_run
from backtester.stack.state import (
    Running,
    State,
    running_get,
    running_set,
    stack_lock,
    state_load,
    state_save,
)
from backtester.stack.supervisor import Supervisor, stop_signals_raise
from backtester.stack.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that answers requests.

    Attributes
    ----------
    base_url
        Address of the web server, without a slash at the end.
    environment
        What a command needs to work on the same servers: DATABASE_URL, REDIS_URL, SECRET_KEY, …
    pid
        Process that supervises it.
    supervisor
        None when the stack was running before and goes on afterwards.
    """

    base_url: str
    environment: Mapping[str, str]
    pid: int
    supervisor: Supervisor | None


@contextmanager
def running_stack(
    var_dir: Path,
    port: int = 0,
    *,
    emit: Callable[[str], None] = lambda _line: None,
    demo: bool = True,
) -> Iterator[Stack]:
    """Yield a running stack: the one that runs in this folder already, or a new one.

    A new one is stopped at the end of the block, also after Ctrl-C, SIGTERM or a failure.
    DATABASE_URL and REDIS_URL in the environment replace the embedded servers.

    Parameters
    ----------
    var_dir
        Private folder for data, secrets and logs; created if missing.
    port
        Port of the web server of a new stack; 0 takes a free one.
    emit
        Takes lines for the console.
    demo
        Whether a new stack gets the demo account.

    Raises
    ------
    StackError
        With one line that says what is wrong and what to do.
    """
    if (running := running_get(var_dir)) is not None:
        yield Stack(running.base_url, running.environment, running.pid, supervisor=None)
        return
    layout = Layout(var_dir)
    layout.create()
    with stop_signals_raise(), stack_lock(var_dir):
        supervisor = Supervisor(emit=emit)
        try:
            stack = _start(layout, supervisor, port=_web_port(port), demo=demo)
            running_set(
                var_dir,
                Running(stack.pid, stack.base_url, environment=dict(stack.environment)),
            )
            yield stack
        finally:
            supervisor.stop()


def _start(layout: Layout, supervisor: Supervisor, *, port: int, demo: bool) -> Stack:
    """Start servers, prepare the database, start the project's processes."""
    state = _state_prepare(layout)
    base_url = f"http://{HOST}:{port}"
    settings = {
        "VAR_DIR": str(layout.var_dir.resolve()),
        "SECRET_KEY": state.secret_key,
        "PUBLIC_URL": base_url,
    }
    if not _is_given("DATABASE_URL"):
        postgres = PostgresServer(
            cluster=layout.cluster(),
            port=state.postgres_port,
            log=layout.logs / "postgres.log",
        )
        supervisor.start([postgres])
        settings["DATABASE_URL"] = postgres.url
    if not _is_given("REDIS_URL"):
        valkey = ValkeyServer(
            home=layout.valkey,
            port=state.valkey_port,
            password=state.valkey_password,
            log=layout.logs / "valkey.log",
        )
        supervisor.start([valkey])
        settings["REDIS_URL"] = valkey.url
    # What the user set in the environment wins, and children get all of it.
    settings = {name: value for name, value in settings.items() if not _is_given(name)}
    environment = {**os.environ, **settings, "PYTHONUNBUFFERED": "1"}
    supervisor.emit("preparing the database, the sample data and, once, the compiled code")
    command_run(_prepare_command(layout, environment=environment, demo=demo))
    supervisor.start(
        [
            *programs.workers(project_dir=PROJECT_DIR, logs=layout.logs, environment=environment),
            programs.web_server(
                port=port, project_dir=PROJECT_DIR, logs=layout.logs, environment=environment
            ),
        ]
    )
    return Stack(base_url, settings, os.getpid(), supervisor)


def _prepare_command(layout: Layout, *, environment: Mapping[str, str], demo: bool) -> Command:
    options = [] if demo else ["--no-demo"]
    return Command(
        name="prepare",
        argv=(sys.executable, "manage.py", "up", "--prepare-only", *options),
        log=layout.logs / "prepare.log",
        environment=environment,
        cwd=PROJECT_DIR,
    )


def _state_prepare(layout: Layout) -> State:
    """Return the state of the last time, with ports that are free now, and keep it."""
    state = state_load(layout.var_dir)
    state = replace(
        state,
        postgres_port=port_keep_or_find(state.postgres_port),
        valkey_port=port_keep_or_find(state.valkey_port),
        running=None,
    )
    state_save(layout.var_dir, state)
    return state


def _web_port(port: int) -> int:
    if port == 0:
        return port_free_find()
    if not port_is_free(port):
        raise StackError(
            f"Port {port} is taken by another program: choose another with `make run "
            f"PORT={port + 1}` (`manage.py up --port {port + 1}`), or stop that program."
        )
    return port


def _is_given(name: str) -> bool:
    """Return whether the environment has this setting, as a value or as the path of a file."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))
