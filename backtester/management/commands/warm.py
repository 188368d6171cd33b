"""`manage.py warm`: compile what backtests run on, once a machine; afterwards it takes a second."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser

from brokers.deployments.compiled import live_kernel_load, live_options_load
from core.backtests.warm import simulation_warm
from core.engine.compiled import portfolio_load
from core.options.compiled import kernel_load, loops_load, margin_load

# The slowest first: with two processes the others fit beside it.
RARER: Final[tuple[Callable[[], Any], ...]] = (
    kernel_load,
    live_options_load,
    live_kernel_load,
    portfolio_load,
    loops_load,
    margin_load,
)


class Command(BaseCommand):
    help = "Compile the simulation and its indicators into numba's cache."
    # Code alone: nothing here needs the database to be there.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            help="what few first runs need as well: portfolios, options, live strategies",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if options["all"]:
            with ProcessPoolExecutor(os.cpu_count()) as processes:
                begun = [processes.submit(_make, each) for each in (simulation_warm, *RARER)]
                for one in begun:
                    one.result()
        else:
            simulation_warm()
        self.stdout.write("The compiled code is ready.")


def _make(compile_one: Callable[[], Any]) -> None:
    """Compile in a process of its own: the kernel itself cannot be handed back."""
    compile_one()
