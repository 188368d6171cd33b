"""Everything slow about a first run, done when a worker starts."""

from __future__ import annotations

from typing import Any

import numpy as np
from celery.signals import worker_init, worker_process_init

from core.backtests.columns import columns_pack, columns_unpack
from core.engine.warm import warm_kernels


@worker_init.connect
def parent_warm(**_: Any) -> None:
    """Load (or once compile) the kernels before the worker forks: its children inherit them."""
    warm_kernels()


@worker_process_init.connect
def child_warm(**_: Any) -> None:
    """Load what keeps threads of its own, and so must not be inherited over a fork."""
    columns_unpack(columns_pack({"warm": np.zeros(1)}))
