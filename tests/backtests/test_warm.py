"""A worker makes ready what its queues need, and nothing else."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from backtester.celery import app
from core.backtests import warm
from core.workers import serves


def worker(*queues):
    """Return what celery sends as the worker of a signal, with a real application's queues."""
    own = app.amqp.Queues(app.conf.task_queues)
    own.select(queues)
    return SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=own)))


@pytest.mark.parametrize(
    ("queues", "expected"),
    [
        (("interactive", "sweeps"), True),
        (("orders", "live", "alerts"), False),
        (("market",), False),
    ],
)
def test_only_workers_that_run_backtests_load_the_kernels(monkeypatch, queues, expected):
    loaded = []
    monkeypatch.setattr(warm, "warm_kernels", lambda: loaded.append("bars"))
    monkeypatch.setattr(warm, "portfolio_load", lambda: loaded.append("portfolio"))
    warm.simulation_warm(sender=worker(*queues))
    warm.portfolio_warm(sender=worker(*queues))
    for thread in threading.enumerate():
        if thread.name == "portfolio-warm":
            thread.join(timeout=10)
    assert sorted(loaded) == (["bars", "portfolio"] if expected else [])


def test_the_command_makes_everything_ready(capsys):
    call_command("warm")
    assert "ready" in capsys.readouterr().out


def test_who_asks_for_everything_gets_everything():
    assert serves(None, "interactive")
    assert serves(worker("live"), "live", "orders")
