"""Everything slow about a first tick, done when a worker starts."""

from __future__ import annotations

import gc
from typing import Any

from celery.signals import worker_init, worker_process_init

from brokers.deployments.compiled import live_kernel_load
from core.workers import serves


@worker_init.connect
def kernel_warm(sender: Any = None, **_: Any) -> None:
    """Load the compiled kernel (or make it, once) before the worker forks."""
    if serves(sender, "live"):
        live_kernel_load()


@worker_process_init.connect
def garbage_freeze(**_: Any) -> None:
    """Let the search for garbage pass over all that was imported: it takes half a second."""
    gc.freeze()
