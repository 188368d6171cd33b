"""How the project's own processes are started."""

from __future__ import annotations

import logging
import sys
import time

import pytest
import structlog

from backtester.celery import log_context_begin, log_context_end, request_id_send
from backtester.stack import programs
from backtester.stack.service import Command
from core.outbox.tasks import relay


def started(tmp_path, **environment):
    given = {"project_dir": tmp_path, "logs": tmp_path, "environment": environment}
    web = programs.web_server(port=8000, **given)
    return {s.command.name: s.command for s in (web, *programs.workers(**given))}


def test_no_proxy_header_reaches_the_application_as_the_clients_address(tmp_path):
    assert "--no-proxy-headers" in started(tmp_path)["web"].argv


def test_workers_keep_the_memory_of_large_arrays_unless_told_otherwise(tmp_path):
    commands = started(tmp_path, MALLOC_TRIM_THRESHOLD_="5")
    for name in programs.WORKERS:
        assert commands[name].environment["MALLOC_MMAP_THRESHOLD_"] == "100000000"
        assert commands[name].environment["MALLOC_TRIM_THRESHOLD_"] == "5"
    assert "MALLOC_MMAP_THRESHOLD_" not in commands["web"].environment


def test_every_queue_has_a_worker(tmp_path, settings):
    queues = [queue for queues, _ in programs.WORKERS.values() for queue in queues]
    assert sorted(queues) == sorted(settings.QUEUES)


def worker_saying(folder, code):
    return programs.Worker(
        Command(
            name="worker",
            argv=(sys.executable, "-I", "-S", "-c", code),
            log=folder / "worker.log",
            environment={},
            cwd=folder,
        )
    )


def test_a_worker_is_settled_when_it_says_that_it_is_ready(tmp_path):
    # What it said before its last start does not count.
    (tmp_path / "worker.log").write_text("worker@host ready.\n")
    worker = worker_saying(
        tmp_path,
        "import time; print('starting', flush=True); time.sleep(0.4);"
        "print('12:00 [info] worker@host ready.   [celery]', flush=True); time.sleep(60)",
    )
    try:
        began = time.monotonic()
        worker.start()
        worker.settle()
        assert time.monotonic() - began >= 0.4
        assert worker.exit_code() is None
    finally:
        worker.kill()


def test_a_worker_that_ends_or_stays_silent_is_not_waited_for(tmp_path, monkeypatch):
    worker = worker_saying(tmp_path, "print('no module')")
    worker.start()
    worker.settle()
    assert worker.exit_code() == 0
    monkeypatch.setattr(programs, "WORKER_TIMEOUT_S", 0.2)
    silent = worker_saying(tmp_path, "import time; time.sleep(60)")
    try:
        silent.start()
        silent.settle()
        assert silent.exit_code() is None
    finally:
        silent.kill()


def test_log_lines_of_a_task_name_the_request_that_caused_it():
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        headers = {}
        request_id_send(headers=headers)
    relay.push_request(id="t-1", **headers)
    try:
        log_context_begin(task=relay, task_id="t-1")
        found = structlog.contextvars.get_contextvars()
        log_context_end()
        after = structlog.contextvars.get_contextvars()
    finally:
        relay.pop_request()
    assert found == {"task": "core.outbox.relay", "task_id": "t-1", "request_id": "r-1"}
    assert after == {}


def test_a_task_of_the_schedule_has_no_request():
    structlog.contextvars.clear_contextvars()
    headers = {}
    request_id_send(headers=headers)
    assert headers == {}


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn.access", "django.request"])
def test_loggers_that_would_write_a_socket_s_ticket_or_a_request_twice_are_silent(name):
    assert not logging.getLogger(name).isEnabledFor(logging.INFO)
