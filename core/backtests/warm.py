"""Everything slow about a first run, done when a worker starts."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
from celery.signals import worker_init, worker_process_init, worker_ready

from core.backtests.columns import columns_pack, columns_unpack
from core.backtests.simulation import graph_simulate
from core.engine.bars import Bars
from core.engine.compiled import portfolio_load
from core.engine.config import RunConfig
from core.engine.warm import warm_kernels
from core.workers import serves
from market.calendars import sessions_for
from strategies.graph.schema import graph_document, graph_hash, graph_parse
from strategies.graph.templates import template_get

BARS = 200
QUEUES: Final = ("interactive", "sweeps")
THIS_CENTURY = 1_000_000_000_000_000_000


@worker_init.connect
def simulation_warm(sender: Any = None, **_: Any) -> None:
    """Do one run in memory: compiled code is loaded (or made, once) before the worker forks.

    The children inherit it, so that none of them keeps a first user waiting.
    """
    if not serves(sender, *QUEUES):
        return
    warm_kernels()
    bar = np.arange(BARS)
    price = 100 + 10 * np.sin(bar / 5)
    bars = Bars.from_arrays(
        ts=bar * 86_400_000_000_000,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=np.ones(BARS),
    )
    graph = graph_parse(template_get("sma_cross").document)
    graph_simulate(
        graph=graph_document(graph),
        graph_hash=graph_hash(graph),
        parameters={},
        bars=bars,
        config=RunConfig(),
        periods_per_year=252,
    )
    # The calendar of most shares takes a sixth of a second to make.
    sessions_for("XNYS", first_ts=THIS_CENTURY, last_ts=THIS_CENTURY)


@worker_ready.connect
def portfolio_warm(sender: Any = None, **_: Any) -> None:
    """Have the kernel of portfolios compiled where nobody has done so, beside the first runs.

    It takes half a minute once a machine; whoever needs it then finds it in numba's cache.
    """
    if serves(sender, *QUEUES):
        threading.Thread(target=portfolio_load, name="portfolio-warm", daemon=True).start()


@worker_process_init.connect
def columns_warm(**_: Any) -> None:
    """Load what keeps threads of its own, and so must not be inherited over a fork."""
    columns_unpack(columns_pack({"warm": np.zeros(1)}))
